"""YAML as `text.dump_yaml` writes it, read line by line: twenty times faster than composing a document, and never taken on trust.

`parse` gives a guess. Who asks writes it again and compares the bytes (`text.parse_yaml` does): only a value that gives the very same bytes is
what the document says. Everything else (comments, other styles, aliases, tags, duplicate keys) is left to the strict reader, with its errors.
"""

import json
import re
from typing import Any, Final

DEEPEST: Final = 40
"""Levels of indentation that are followed; deeper documents are left to the strict reader."""

_ENTRY: Final = re.compile(r'("(?:[^"\\]|\\.)*"|[A-Za-z_/$][A-Za-z0-9_./$-]*):(?: (.*))?', re.ASCII)
_NUMBER: Final = re.compile(r"-?[0-9]{1,15}", re.ASCII)
_WORDS: Final[dict[str, Any]] = {"true": True, "false": False, "null": None}


class NotOurs(ValueError):
    """The document was not written as we write."""


def parse(document: str) -> Any:
    """The value of a block mapping or sequence. Raises `NotOurs` for anything that is not clearly in our own form."""
    lines = document.split("\n")
    if lines.pop() != "" or not lines:
        raise NotOurs("no last line")
    rows = [(len(line) - len(body), body) for line in lines if (body := line.lstrip(" "))]
    if len(rows) != len(lines):
        raise NotOurs("an empty line")
    value, end = _block(rows, 0, 0, 0)
    if end != len(rows):
        raise NotOurs("something is left")
    return value


Rows = list[tuple[int, str]]
"""Indentation and the rest of each line."""


def _block(rows: Rows, at: int, indent: int, depth: int) -> tuple[Any, int]:
    if depth > DEEPEST or at >= len(rows) or rows[at][0] != indent:
        raise NotOurs("another indentation")
    body = rows[at][1]
    return _sequence(rows, at, indent, depth) if body.startswith("- ") else _mapping(rows, at, indent, depth)


def _mapping(rows: Rows, at: int, indent: int, depth: int) -> tuple[dict[str, Any], int]:
    out: dict[str, Any] = {}
    entry = _ENTRY.fullmatch
    end = len(rows)
    while at < end and rows[at][0] == indent:
        found = entry(rows[at][1])
        if found is None:
            break
        key, written = found.groups()
        name = json.loads(key) if key[0] == '"' else key
        at += 1
        if written is not None:
            out[name] = _scalar(written)
        else:
            # A sequence stands below its key without further indentation.
            inner = indent if at < end and rows[at][0] == indent and rows[at][1].startswith("- ") else indent + 2
            out[name], at = _block(rows, at, inner, depth + 1)
    if not out:
        raise NotOurs("no entry")
    return out, at


def _sequence(rows: Rows, at: int, indent: int, depth: int) -> tuple[list[Any], int]:
    out: list[Any] = []
    end = len(rows)
    while at < end and rows[at][0] == indent and rows[at][1].startswith("- "):
        body = rows[at][1][2:]
        if body.startswith("- ") or _ENTRY.fullmatch(body):
            rows[at] = (indent + 2, body)  # the rest of the line is the first line of a block of its own
            value, at = _block(rows, at, indent + 2, depth + 1)
            out.append(value)
        else:
            out.append(_scalar(body))
            at += 1
    return out, at


def _scalar(written: str) -> Any:
    first = written[:1]
    if first == '"':
        return json.loads(written)
    if written in _WORDS:
        return _WORDS[written]
    if first in "-0123456789" and first:
        return int(written) if _NUMBER.fullmatch(written) else float(written)
    if written == "{}":
        return {}
    return [] if written == "[]" else written
