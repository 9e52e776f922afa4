"""The elements of one big array in a JSON document, in bounded memory: guess where an element ends, let the parser prove it.

Writers begin each element with the same key. The last comma in a block that stands before `{"key"` is overwritten with `]`, the byte
before the block's first element with `[`, and the slice is decoded in place. Every strict prefix of an element has an open brace, so a
slice that decodes ended between two elements: a wrong guess can only raise. After a few wrong guesses braces are counted (exact, slower),
then more input is read. What stands around the array is kept and parsed at the end as one small document, so that a cut-off file, a
second `log` or anything else that is not JSON is found.

It leaves to the caller what an element means, and to `inflate` that the bytes are UTF-8.
"""

import json
import re
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, Final, NamedTuple

import msgspec

from caskmcp.errors import CaskError

ELEMENT: Final = 64 << 20
"""Bytes that one element, or what stands around the array, may have."""
DEPTH: Final = 500
"""Levels of nesting around the array. What nobody reads may not exhaust the parser either."""

_TRIES: Final = 4
# Possessive: an open string costs one pass.
_TOKEN: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)|[{}\[\]]', re.S)
_BEFORE_ARRAY: Final = re.compile(rb'"([^"\\]*+(?:\\.[^"\\]*+)*+)("|\\?\Z)|[{}\[\],:]', re.S)
_COMMA: Final = re.compile(rb"\s*,")
_FIRST_KEY: Final = re.compile(rb'\s*+(?:(\{\s*+"[^"\\]*+(?:\\.[^"\\]*+)*+")|[^\s{]|\{\s*+[^\s"])', re.S)


class Broken(NamedTuple):
    """An element that is JSON but not what the type says, or that only a lenient reader takes."""

    raw: bytes


Element = tuple[int, Any]
Decode = Callable[[Any], list[Any]]


def elements(
    blocks: Iterator[bytes], path: tuple[str, ...], decode: Decode, block: int = 1 << 20, *, closes: bool = False
) -> Iterator[Element]:
    """`(index, element)` for each element of the array at `path`, or `(index, Broken(raw))` for one that `decode` refuses.

    `decode` takes a JSON array and is strict about types; `block` is the number of bytes that are looked at together; closes: whether the document has to end with the array, so that
    whatever its last list is, it is this one. Raises CaskError CASK-C001 with `byte N` if the document is not JSON or has no
    such array, CASK-C005 for what is beyond `ELEMENT` or `DEPTH`.
    """
    reader = _Reader(blocks, block)
    if (start := _array(reader, path)) is not None:
        reader.head = bytes(reader.buffer[:start])
        yield from _stream(reader, start, decode)
    reader.drain()
    _whole(reader, path)
    if closes and reader.buffer.strip() != b"}" * len(path):
        raise CaskError("CASK-C001", f"something stands behind `{'.'.join(path)}`", place=f"byte {reader.offset}")


def first_key(opening: bytes, path: tuple[str, ...]) -> bytes | None:
    """`"key"` with which the first element of the array at `path` begins, if the first bytes of a document show it."""
    buffer = bytearray(opening)
    start = _Prelude(path).find(buffer)
    match = None if start is None else _FIRST_KEY.match(buffer, start + 1)
    return bytes(match[1][match[1].index(b'"') :]) if match and match[1] else None


class _Reader:
    """A buffer that grows by blocks. `end` bytes of `buffer` are filled; the buffer's first byte is byte `offset` of the file."""

    def __init__(self, blocks: Iterator[bytes], block: int) -> None:
        self.blocks = blocks
        self.block = block
        self.buffer = bytearray()
        self.offset = 0
        self.head: bytes | None = None
        """What stands before the array, once it is found."""

    @property
    def end(self) -> int:
        return len(self.buffer)

    def more(self, want: int) -> bool:
        """Append about `want` bytes; False at the end of the file."""
        goal = self.end + want
        if goal > 2 * ELEMENT:
            raise CaskError(
                "CASK-C005", f"an entry, or what stands around them, is larger than {ELEMENT >> 20} MiB", place=f"byte {self.offset}"
            )
        before = self.end
        for block in self.blocks:
            self.buffer += block
            if self.end >= goal:
                break
        return self.end > before

    def cut(self, size: int) -> None:
        """Drop the first `size` bytes."""
        del self.buffer[:size]
        self.offset += size

    def drain(self) -> None:
        """Read to the end: what stands after the array."""
        while self.more(self.block):
            """Each round appends one block; `more` holds the limit."""


def _array(reader: _Reader, path: tuple[str, ...]) -> int | None:
    """Index of the `[` of the array at `path`, or None if the document ends (or goes wrong) before."""
    want = reader.block
    while reader.more(want):
        if (start := _Prelude(path).find(reader.buffer)) is not None:
            return start
        want *= 2  # doubling keeps a huge prelude linear
    return None


class _Prelude:
    """Follows names and brackets down to the array, exactly: an `entries` elsewhere in the document is none of ours."""

    def __init__(self, path: tuple[str, ...]) -> None:
        self.path = path
        self.depth = 0
        self.on_path = 0
        """How many names of the path the open objects follow."""
        self.name = ""
        self.value = False

    def find(self, buffer: bytearray) -> int | None:
        for match in _BEFORE_ARRAY.finditer(buffer):
            token = buffer[match.start()]
            if token == 0x22:
                if not match[2].endswith(b'"'):
                    return None
                if not self.value:
                    self.name = _name(match[1])
            elif self._bracket(token):
                return match.start()
        return None

    def _bracket(self, token: int) -> bool:
        here = self.value and self.depth == self.on_path + 1 and self.name == self.path[self.on_path]
        last = self.on_path == len(self.path) - 1
        if here and last and token == 0x5B:
            return True
        if token in b"{[":
            self.on_path += here and not last and token == 0x7B
            self.depth += 1
            self._limit()
        elif token in b"}]":
            self.depth -= 1
            self.on_path = min(self.on_path, max(self.depth - 1, 0))
        self.value = token == 0x3A
        return False

    def _limit(self) -> None:
        if self.depth > DEPTH:
            raise CaskError("CASK-C005", f"the recording is nested deeper than {DEPTH} levels")


def _name(raw: bytes) -> str:
    """The text of a key; one that is not even JSON is nobody's name."""
    try:
        return str(json.loads(b'"' + raw + b'"')) if b"\\" in raw else raw.decode("utf-8")
    except ValueError:
        return ""


def _stream(reader: _Reader, start: int, decode: Decode) -> Iterator[Element]:
    """Yield the elements after the `[` at `start`; leaves the reader behind the closing bracket."""
    reader.cut(start)
    key = _first_key(reader)
    index, seen, want, more, closed = 0, 0, reader.block, True, False
    while not closed:
        found = _guessed(reader, max(1, seen - 64), key, index, decode) if key and more else None
        if found is None and (cut := _exact(reader)):
            closed = reader.buffer[cut] == 0x5D
            found = _attempt(reader, cut, index, decode) or _careful(reader, cut, index, decode)
        if found:
            yield from found.batch
            _after_a_comma(found, index, reader)
            index += len(found.batch)
            reader.cut(found.cut + closed)
        elif not more:
            raise CaskError("CASK-C001", "the recording is cut off or is not JSON", place=f"byte {reader.offset + reader.end}")
        if not closed:
            want = reader.block if found else want * 2  # doubling keeps a huge element linear
            seen = reader.end
            more = reader.more(want)


class _Found(NamedTuple):
    """Elements that were decoded, and the index of the comma or bracket behind them."""

    cut: int
    batch: list[Element]


def _after_a_comma(found: _Found, index: int, reader: _Reader) -> None:
    if index and not found.batch:
        raise CaskError("CASK-C001", "the recording is not JSON: nothing stands after a comma", place=f"byte {reader.offset + 1}")


def _guessed(reader: _Reader, low: int, key: bytes, index: int, decode: Decode) -> _Found | None:
    for cut in islice(_guesses(reader.buffer, low, key), _TRIES):
        if found := _attempt(reader, cut, index, decode):
            return found
    return None


def _first_key(reader: _Reader) -> bytes | None:
    """`"key"` of the first element; None if it is no object, so that there is nothing to guess by."""
    while not (match := _FIRST_KEY.match(reader.buffer, 1)):
        if not reader.more(reader.block):
            return None
    return bytes(match[1][match[1].index(b'"') :]) if match[1] else None


def _guesses(buffer: bytearray, low: int, key: bytes) -> Iterator[int]:
    """Commas in front of something that begins like the first element, the last one first."""
    position = len(buffer)
    while (position := buffer.rfind(key, low, position)) >= 0:
        base = max(0, position - 64)
        lead = bytes(buffer[base:position]).rstrip()
        if lead.endswith(b"{") and (lead := lead[:-1].rstrip()).endswith(b",") and base + len(lead) > 1:
            yield base + len(lead) - 1


def _exact(reader: _Reader) -> int | None:
    """The `]` that closes the array, or else the last comma between two elements, by counting brackets outside strings."""
    depth, last, buffer = 0, None, reader.buffer
    for match in _TOKEN.finditer(buffer, 1):
        token = buffer[match.start()]
        if token in b"{[":
            depth += 1
        elif token in b"}]":
            depth -= 1
            if depth < 0 and token == 0x7D:
                raise CaskError("CASK-C001", "the recording is not JSON: a stray `}`", place=f"byte {reader.offset + match.start()}")
            if depth < 0:
                return match.start()
            if depth == 0 and (comma := _COMMA.match(buffer, match.end())):
                last = comma.end() - 1
    return last


def _attempt(reader: _Reader, cut: int, index: int, decode: Decode) -> _Found | None:
    """Decode `[element, …]` in place; None if `cut` is not between two elements."""
    buffer = reader.buffer
    was = buffer[cut]
    buffer[0], buffer[cut] = 0x5B, 0x5D
    view = memoryview(buffer)[: cut + 1]
    try:
        return _Found(cut, list(enumerate(decode(view), index)))
    except msgspec.ValidationError:  # right JSON, wrong type somewhere; or a type went wrong before a wrong guess could show
        return _apart(view, cut, index, decode)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None  # a wrong guess can only raise; what is really broken is found by `_careful`
    finally:
        view.release()
        buffer[cut] = was


def _apart(view: memoryview, cut: int, index: int, decode: Decode) -> _Found | None:
    try:
        # A copy: each `Raw` is a view, and whoever samples the frames of a thread (a cluster's profiler) may hold them longer than this function.
        raws = msgspec.json.decode(bytes(view), type=list[msgspec.Raw])
    except (msgspec.DecodeError, RecursionError):
        return None  # a wrong guess after all
    return _Found(cut, [_one(bytes(raw), number, decode) for number, raw in enumerate(raws, index)])


def _one(raw: bytes, index: int, decode: Decode) -> Element:
    try:
        return index, decode(b"[" + raw + b"]")[0]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return index, Broken(raw)


def _careful(reader: _Reader, cut: int, index: int, decode: Decode) -> _Found:
    """One element at a time, with the standard library's reader as the judge: it takes NaN, lone surrogates and raw control characters."""
    found: list[Element] = []
    text = bytes(reader.buffer[1:cut])
    for low, high in _spans(text):
        raw = text[low:high]
        if raw.strip() or found or high < len(text):
            _parse(raw, reader.offset + 1 + low)
            found.append(_one(raw, index + len(found), decode))
    return _Found(cut, found)


def _spans(text: bytes) -> Iterator[tuple[int, int]]:
    """(from, to) of what stands between commas at depth 0."""
    depth, low = 0, 0
    for match in re.finditer(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[{}\[\],]', text, re.S):
        token = text[match.start()]
        if token == 0x2C and depth == 0:
            yield low, match.start()
            low = match.end()
        depth += (token in b"{[") - (token in b"}]")
    yield low, len(text)


def _parse(raw: bytes, offset: int, hook: Callable[[list[tuple[str, Any]]], Any] | None = None, head: int = 0) -> Any:
    """The value of lenient JSON. Byte N of it is byte N of the file before `head`, and byte `offset + N` from there on."""
    text = raw.decode("utf-8", "replace")
    try:
        return json.loads(text, object_pairs_hook=hook, strict=False)
    except RecursionError as cause:
        raise CaskError("CASK-C005", "the recording is nested too deeply", place=f"byte {offset}") from cause
    except json.JSONDecodeError as cause:
        at = len(text[: cause.pos].encode("utf-8"))
        raise CaskError("CASK-C001", f"the recording is not JSON: {cause.msg}", place=f"byte {at if at < head else offset + at}") from cause
    except ValueError as cause:  # an integer with more digits than Python converts
        raise CaskError("CASK-C005", "a number in the recording is too long", place=f"byte {offset}") from cause


def _whole(reader: _Reader, path: tuple[str, ...]) -> None:
    """Parse what stands around the array, with the array empty."""
    head = b"" if reader.head is None else reader.head + b"[]"
    around = head + reader.buffer
    if not around.strip():
        raise CaskError("CASK-C001", "the recording is empty", place="byte 0")
    value = _parse(around, reader.offset - len(head), _Object, len(head))
    for depth, name in enumerate(path):
        value = _member(value, name, ".".join(path[: depth + 1]))
    if not isinstance(value, list) or isinstance(value, _Object):
        raise CaskError("CASK-C001", f"`{'.'.join(path)}` is not a list")


class _Object(list[tuple[str, Any]]):
    """An object with its duplicate keys."""


def _member(value: Any, name: str, dotted: str) -> Any:
    found = [item for key, item in value if key == name] if isinstance(value, _Object) else []
    if len(found) != 1:
        raise CaskError("CASK-C001", f"`{dotted}` stands {len(found)} times" if found else f"there is no `{dotted}`")
    return found[0]
