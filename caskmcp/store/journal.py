"""Append-only journals: one JSON object a line, each line whole or absent. What a line says, and how lines are chained, is its owner's.

A crash can tear the last line: it is cut before the next append, and a reader is told of it instead of being given half a record.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from caskmcp.canon import compact
from caskmcp.ports import Files
from caskmcp.text import parse_json


class Entry(NamedTuple):
    """One line of a journal."""

    number: int
    """From 1."""
    line: bytes
    """Without its line end."""
    torn: bool
    """The last line without its end: an append that a crash cut."""

    def value(self, name: str) -> Any:
        """The line's JSON value. Raises CASK-I003 with `name:number` for a line that is none."""
        return parse_json(self.line, f"{name}:{self.number}")


def append(files: Files, path: Path, record: Mapping[str, Any], *, durable: bool = True) -> bytes:
    """Append one record; returns the line as it was written, without its end."""
    line = compact(record)
    files.append(path, line, private=True, durable=durable)
    return line


def entries(files: Files, path: Path) -> Iterator[Entry]:
    """The lines of a journal in order; none if there is no file."""
    if not files.exists(path):
        return
    held, number = b"", 0
    for piece in files.chunks(path):
        *whole, held = (held + piece).split(b"\n")
        for line in whole:
            number += 1
            yield Entry(number, line, torn=False)
    if held:
        yield Entry(number + 1, held, torn=True)
