"""YAML as `text.dump_yaml` writes it, read line by line: forty times faster than composing a document, and of nothing else.

A value comes out only of a document that is sign for sign what is written for that value: each key and scalar is written again as it is met,
keys rise, and blocks stand as far in as they are written. Everything else (comments, other styles, aliases, tags, duplicate keys) is left to
the strict reader, with its errors.
"""

import re
from collections.abc import Callable
from json import JSONDecoder
from typing import Any, Final, NamedTuple

DEEPEST: Final = 40
"""Levels of indentation that are followed; deeper documents are left to the strict reader."""

_ENTRY: Final = re.compile(r'("(?:[^"\\]|\\.)*"|[A-Za-z_/$][A-Za-z0-9_./$-]*):(?: (.*))?', re.ASCII)
_NUMBER: Final = re.compile(r"-?[0-9]{1,15}", re.ASCII)
_WORDS: Final[dict[str, Any]] = {"true": True, "false": False, "null": None}
_DECODER: Final = JSONDecoder()
_EMPTY: Final[dict[str, type]] = {"{}": dict, "[]": list}


class NotOurs(ValueError):
    """The document was not written as we write."""


class Style(NamedTuple):
    """How we write what stands on one line."""

    scalar: Callable[[Any], str]
    """The text of a scalar, as value and as key."""
    longest: int
    """Characters of a key that stands on one line with its value."""


def parse(document: str, style: Style) -> Any:
    """The value of a block mapping or sequence. Raises ValueError for anything that is not in our own form."""
    lines = document.split("\n")
    if lines.pop() != "" or not lines:
        raise NotOurs("no last line")
    rows = [(len(line) - len(body), body) for line in lines if (body := line.lstrip(" "))]
    if len(rows) != len(lines):
        raise NotOurs("an empty line")
    rows.append(_END)
    value, end = _Reader(rows, style).block(0, 0, 0)
    if rows[end] is not _END:
        raise NotOurs("something is left")
    return value


Rows = list[tuple[int, str]]
"""Indentation and the rest of each line."""
_END: Final = (-1, "")


class _Entry(NamedTuple):
    """What a line says that is an entry of a mapping, or an item of a sequence, which has no name."""

    name: str
    value: Any
    """A scalar; None where something else follows."""
    empty: type | None
    """Of a collection that holds nothing: each place gets one of its own."""
    opens: bool
    """Whether a block follows."""


class _Reader:
    """The lines of one document. What a line says is found out once: most come again and again."""

    def __init__(self, rows: Rows, style: Style) -> None:
        self._rows = rows
        self._style = style
        self._entries: dict[str, _Entry | None] = {}
        self._items: dict[str, _Entry] = {}

    def block(self, at: int, indent: int, depth: int) -> tuple[Any, int]:
        """The value whose first line is this, and the line after it."""
        if depth > DEEPEST or self._rows[at][0] != indent:
            raise NotOurs("another indentation")
        body = self._rows[at][1]
        return self._sequence(at, indent, depth) if body.startswith("- ") else self._mapping(at, indent, depth)

    def _mapping(self, at: int, indent: int, depth: int) -> tuple[dict[str, Any], int]:
        out: dict[str, Any] = {}
        rows, entries, last = self._rows, self._entries, ""
        while rows[at][0] == indent:
            body = rows[at][1]
            try:
                entry = entries[body]
            except KeyError:
                entry = entries[body] = self._entry(body)
            if entry is None:
                break
            name, value, empty, opens = entry
            if out and name <= last:
                raise NotOurs("keys do not rise")
            last = name
            at += 1
            if opens:
                value, at = self._inner(at, indent, depth)
            out[name] = value if empty is None else empty()
        if not out:
            raise NotOurs("no entry")
        return out, at

    def _inner(self, at: int, indent: int, depth: int) -> tuple[Any, int]:
        """The block below a key: a sequence stands there without further indentation, and nowhere else."""
        level, body = self._rows[at]
        is_sequence = body.startswith("- ")
        if is_sequence and level != indent:
            raise NotOurs("another indentation")
        return self.block(at, indent if is_sequence else indent + 2, depth + 1)

    def _sequence(self, at: int, indent: int, depth: int) -> tuple[list[Any], int]:
        out: list[Any] = []
        rows, items = self._rows, self._items
        while rows[at][0] == indent:
            body = rows[at][1]
            if not body.startswith("- "):
                break
            try:
                _, value, empty, opens = items[body]
            except KeyError:
                _, value, empty, opens = items[body] = self._item(body[2:])
            if opens:
                rows[at] = (indent + 2, body[2:])  # the rest of the line is the first line of a block of its own
                value, at = self.block(at, indent + 2, depth + 1)
            else:
                at += 1
            out.append(value if empty is None else empty())
        return out, at

    # ------------------------------------------------------------ one line
    def _entry(self, body: str) -> _Entry | None:
        """What a line says; None if it is no entry of a mapping."""
        found = _ENTRY.fullmatch(body)
        if found is None:
            return None
        key, written = found.groups()
        if len(key) > self._style.longest:
            raise NotOurs("a key that is too long for a line")
        name = self._scalar(key)
        if not isinstance(name, str):
            raise NotOurs("a key that is no text")
        return _Entry(name, None, None, True) if written is None else self._ended(name, written)

    def _item(self, body: str) -> _Entry:
        """What an item of a sequence says."""
        opens = body.startswith("- ") or _ENTRY.fullmatch(body) is not None
        return _Entry("", None, None, True) if opens else self._ended("", body)

    def _ended(self, name: str, written: str) -> _Entry:
        empty = _EMPTY.get(written)
        return _Entry(name, None if empty else self._scalar(written), empty, False)

    def _scalar(self, written: str) -> Any:
        value = _value(written)
        if self._style.scalar(value) != written:
            raise NotOurs("it is not written as we write")
        return value


def _value(written: str) -> Any:
    first = written[:1]
    if first == '"':
        return _DECODER.raw_decode(written)[0]
    if written in _WORDS:
        return _WORDS[written]
    if first in "-0123456789" and first:
        return int(written) if _NUMBER.fullmatch(written) else float(written)
    return written
