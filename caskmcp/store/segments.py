"""Journals of one folder as segments: what a file holds at this moment, without what else knows its form."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from caskmcp.ports import Files
from caskmcp.store import journal

END: Final = ".jsonl"


class Segment(NamedTuple):
    """One file of lines."""

    name: str
    lines: tuple[bytes, ...]
    """The whole ones, without their ends."""
    torn: bytes
    """An incomplete last line; empty if there is none."""

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return sum(len(line) + 1 for line in self.lines) + len(self.torn)


def read(files: Files, path: Path) -> Segment:
    """One journal, whole."""
    rows = list(journal.entries(files, path))
    return Segment(path.name, tuple(row.line for row in rows if not row.torn), b"".join(row.line for row in rows if row.torn))


def names(files: Files, folder: Path) -> tuple[str, ...]:
    """The journals of a folder, sorted."""
    return tuple(name for name in files.listing(folder) if name.endswith(END))


def segments(files: Files, folder: Path) -> Iterator[Segment]:
    """Each journal of a folder, one at a time: a folder of years need not fit in memory."""
    return (read(files, folder / name) for name in names(files, folder))


def first_line(files: Files, path: Path, limit: int = 1 << 20) -> bytes:
    """The first line; empty where there is none within `limit` bytes."""
    head, end, _ = next(files.chunks(path, limit, high=limit), b"").partition(b"\n")
    return head if end else b""


def size(files: Files, path: Path) -> int:
    """Bytes of a file."""
    return files.stat_key(path)[2]
