"""Message bodies: from what a recorder kept to JSON, pairs of a form, or only a media type and a size.

Bodies that a recorder left compressed are unpacked with a cap. JSON is exact: integers of any size; two keys of one name in one object, NaN
or a nesting that nobody can walk make it text, whose content is not kept. Nothing is cut here.
"""

import json
import re
import zlib
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Final, Literal

import brotli
import msgspec

from caskmcp.compiler.capture import streams
from caskmcp.compiler.capture.address import pairs
from caskmcp.compiler.capture.inflate import decompressed
from caskmcp.compiler.capture.sources.interface import RecordedBody
from caskmcp.errors import CaskError
from caskmcp.model.exchange import Body
from caskmcp.redact.walk import DEPTH
from caskmcp.text import is_deeper

LARGEST: Final = 64 << 20
"""Bytes that a body may have once it is unpacked; of a larger one only the media type is kept."""
MOST_VALUES: Final = 2_000_000
"""Values that a JSON body may hold, about. One empty list takes three bytes in a body, less in a packed one, and seventy in memory."""
Kind = Literal["json", "stream", "form", "multipart", "text", "binary", "absent"]

_NO_BRACKETS: Final = bytes(sign for sign in range(256) if sign not in b"[]{}")
_ROUNDS: Final = 16
_JSON_MEDIA: Final = re.compile(r"(?:application|text)/(?:json|x-json|json5|[^;]+\+json)|application/graphql-response\+json")
_TEXT_MEDIA: Final = re.compile(r"text/.*|.*[+/]xml|application/(?:javascript|x-javascript|graphql|yaml|x-yaml|sql|x-sh)|message/.*")
_FORM: Final = "application/x-www-form-urlencoded"
_BOUNDARY: Final = re.compile(r'boundary\s*=\s*(?:"([^"]+)"|([^;,\s]+))', re.IGNORECASE)
# Begun at a line's start alone: a line of nothing but these words would otherwise take time that grows with its square.
_DISPOSITION: Final = re.compile(r'(?im)^content-disposition:[^\r\n]*?\bname="((?:[^"\\]|\\.)*)"')
_FILE: Final = re.compile(r"(?im)^content-disposition:[^\r\n]*\bfilename\*?=")


def body(recorded: RecordedBody | None, encoding: str = "") -> Body | None:
    """The body that was recorded, or None if there was none. `encoding` is the message's `Content-Encoding`."""
    if recorded is None:
        return None
    media = media_type(recorded.media)
    data = recorded.data if recorded.data is None else _unpacked(recorded.data, encoding)
    text = recorded.text if data is None else _text(data, recorded.media)
    size = len(data) if data is not None else max(recorded.size, 0) or len(text or "")
    if data is None and text is None:
        return _without_text(recorded, media)
    if text is None:
        return Body(media, "binary", size=size)
    kind, value = _decoded(text, media, recorded)
    return Body(media, kind, value, size)


@lru_cache(maxsize=1024)
def media_type(recorded: str) -> str:
    """A media type in lower case without parameters; Chrome's `x-unknown` is none."""
    return recorded.split(";", maxsplit=1)[0].strip().lower().removeprefix("x-unknown")


def _without_text(recorded: RecordedBody, media: str) -> Body | None:
    if recorded.pairs:
        return Body(media, "multipart" if media.startswith("multipart/") else "form", _listed(recorded.pairs), max(recorded.size, 0))
    return Body(media, "absent", size=max(recorded.size, 0)) if recorded.size else None


def _decoded(text: str, media: str, recorded: RecordedBody) -> tuple[Kind, Any]:
    if media == _FORM:
        return "form", _listed(pairs(text) or recorded.pairs or ())
    if media.startswith("multipart/"):
        parts = _parts(text, recorded.media)
        return ("multipart", parts) if parts is not None else ("binary", None)
    if streams.is_stream(media):
        items = streams.items(text, media, parse) if _is_small(text) else None
        return ("text", None) if items is None else ("stream", items)
    if _is_json(media) or text.lstrip("\ufeff \t\r\n")[:1] in ("{", "["):
        found, value = parse(text.removeprefix("\ufeff")) if _is_small(text) else (False, None)
        if found:
            return "json", value
    return ("text", None) if not media or _TEXT_MEDIA.fullmatch(media) or _is_json(media) else ("binary", None)


@lru_cache(maxsize=1024)
def _is_json(media: str) -> bool:
    return _JSON_MEDIA.fullmatch(media) is not None


def _is_small(text: str) -> bool:
    """Whether a JSON text holds at most `MOST_VALUES` values, about; never more than twice as many. Each costs a sign at least."""
    return len(text) <= MOST_VALUES or text.count(",") + text.count("[") + text.count("{") <= MOST_VALUES


def _listed(items: tuple[tuple[str, str | None], ...]) -> list[list[str | None]]:
    return [[name, value] for name, value in items]


def parse(text: str) -> tuple[bool, Any]:
    """(whether it is JSON that can be kept, the value)."""
    found, value = _parse(text)
    # How deep a parser goes differs between Pythons; what is kept must not.
    if text.count("[") + text.count("{") > DEPTH and not _is_flat(text) and is_deeper(value, DEPTH):
        return False, None
    return found, value


def _is_flat(text: str) -> bool:
    """Whether a text plainly nests less than `DEPTH` levels: innermost pairs of brackets go, round by round. Brackets in strings may hide it."""
    brackets = text.encode("utf-8", "replace").translate(None, _NO_BRACKETS)
    for _ in range(_ROUNDS):
        if not brackets:
            return True
        brackets = brackets.replace(b"{}", b"").replace(b"[]", b"")
    return not brackets


def _parse(text: str) -> tuple[bool, Any]:
    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeEncodeError):
        return _parse_slowly(text)
    except RecursionError:
        return False, None
    # A name that stood twice is gone from the value: then the text has more colons than the value written again. Escaped colons, which
    # would count in the value alone, send a body the slow way.
    if ("\\" not in text or "\\u003" not in text) and text.count(":") == msgspec.json.encode(value).count(b":"):
        return True, value
    return (False, None) if _has_duplicates(text) else (True, value)


class _Duplicate(ValueError):
    """Two keys of one name."""


def _strict(items: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(items)
    if len(value) != len(items):
        raise _Duplicate
    return value


def _refuse(_: str) -> Any:
    raise ValueError


def _has_duplicates(text: str) -> bool:
    try:
        json.loads(text, object_pairs_hook=_strict)
    except _Duplicate:
        return True
    return False


def _parse_slowly(text: str) -> tuple[bool, Any]:
    """What msgspec refuses and JavaScript writes: escaped lone surrogates, which become U+FFFD."""
    try:
        return True, _clean(json.loads(text, object_pairs_hook=_strict, parse_constant=_refuse))
    except (ValueError, RecursionError):
        return False, None


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, float) and value in (float("inf"), float("-inf")):
        raise ValueError
    if isinstance(value, dict):
        return {_clean(name): _clean(item) for name, item in value.items()}
    return [_clean(item) for item in value] if isinstance(value, list) else value


def _parts(text: str, media: str) -> list[list[str | None]] | None:
    """[name, value] of each part of a multipart body (RFC 7578), a file's value null; None if it is none."""
    match = _BOUNDARY.search(media)
    if match is None:
        return None
    found: list[list[str | None]] = []
    for part in text.split(f"--{match[1] or match[2]}")[1:]:
        head, gap, content = part.replace("\r\n", "\n").partition("\n\n")
        name = _DISPOSITION.search(head)
        if gap and name:
            found.append([name[1], None if _FILE.search(head) else content.removesuffix("\n")])
    return found


def _unpacked(data: bytes, encoding: str) -> bytes:
    """The body without a compression that the recorder left on it. What does not unpack was no longer packed."""
    for name in reversed([part.strip().lower() for part in encoding.split(",")] if encoding else [""]):
        data = _step(data, name)
    return data


def _step(data: bytes, name: str) -> bytes:
    try:
        if name == "br":
            return _brotli(data)
        if name == "deflate":
            return zlib.decompressobj(zlib.MAX_WBITS if data[:1] == b"\x78" else -zlib.MAX_WBITS).decompress(data, LARGEST)
        return b"".join(_capped(decompressed([data])))  # gzip and zstd are told by their magic bytes, whatever the header says
    except (CaskError, zlib.error, brotli.error):
        return data


def _brotli(data: bytes) -> bytes:
    state = brotli.Decompressor()
    pieces, size = [state.process(data, output_buffer_limit=1 << 20)], 0
    while not state.is_finished() and size < LARGEST:
        piece = state.process(b"", output_buffer_limit=1 << 20)
        if not piece:
            raise brotli.error("cut off")
        pieces.append(piece)
        size += len(piece)
    return b"".join(pieces)


def _capped(pieces: Iterator[bytes]) -> Iterator[bytes]:
    size = 0
    for piece in pieces:
        size += len(piece)
        if size > LARGEST:
            return
        yield piece


def _text(data: bytes, media: str) -> str | None:
    """The text of a body: UTF-8, or what its media type's `charset` says; None for anything else."""
    match = re.search(r'charset\s*=\s*"?([\w.:-]+)', media, re.IGNORECASE)
    for name in ("utf-8-sig", match[1] if match else ""):
        try:
            text = data.decode(name) if name else None
        except (UnicodeError, LookupError):
            continue  # not this one; what no charset explains is binary
        if text is not None and "\0" not in text:
            return text
    return None
