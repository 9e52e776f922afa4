"""What a build saw, by path and stat key, as git's index does: content digests without reading, and "nothing changed" without a plan.

A remembered digest counts only while the file's stat key (device, inode, size, mtime, ctime) is the same and the file is older than
the index: a change in the same tick of the clock as the index cannot be seen by times, so such a file is read again ("racily clean").
ctime decides, since any write moves it and nobody can set it. Imports nothing heavy: a build with nothing to do ends here.
"""

import json
import os
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from caskmcp.canon import Digest, compact, digest_stream
from caskmcp.errors import CaskError
from caskmcp.ports import Files

MAGIC: Final = b"cask-index 1\n"
_TICK: Final = 0.002
"""Seconds; the clock of most file systems moves on every 1 to 10 ms."""
_TICKS: Final = 25

Stat = tuple[int, int, int, int, int]


class Line(NamedTuple):
    """One path as it was."""

    path: str
    stat: Stat | None
    """None: nothing was there."""
    digest: str
    """Of the content; empty for a folder or where only the stat key counts."""


_UNNAMEABLE: Final = Line("a name with a line end", (0, 0, 0, 0, 0), "")
"""Stands for a path that one line cannot hold; never as it was, so the next build looks closer."""


class Index:
    """The lines of the last build, and those that this build adds."""

    def __init__(self, files: Files, path: Path) -> None:
        self.files = files
        self.path = path
        self.header: Mapping[str, Any] = {}
        self.before: dict[str, Line] = {}
        self.now: dict[str, Line] = {}
        self.written = 0
        self._load()

    def _load(self) -> None:
        try:
            data = self.files.read(self.path)
            self.written = self.files.stat_key(self.path)[3]
            self.header, self.before = _parse(data)
        except (CaskError, ValueError):
            self.header, self.before = {}, {}  # absent or torn: everything is looked at again

    def digest(self, path: Path) -> Digest | None:
        """Digest of a file's content, read only if its stat key is new or racy; None if nothing is there."""
        name = str(path)
        stat = self._stat(path)
        if stat is None:
            self.now[name] = Line(name, None, "")
            return None
        known = self.now.get(name) or self.before.get(name)
        if known is not None and known.stat == stat and known.digest and (name in self.now or not self._racy(stat)):
            digest = Digest(known.digest)
        else:
            digest, stat = self._read(path, stat)
        self.now[name] = Line(name, stat, digest)
        return digest

    def _read(self, path: Path, stat: Stat) -> tuple[Digest, Stat]:
        for _ in range(3):
            digest, before, stat = digest_stream(self.files.chunks(path)), stat, self.files.stat_key(path)
            if before == stat:
                return digest, stat
        raise CaskError("CASK-W001", "it keeps changing while it is read", place=str(path), mend=f"ls -l {path}")

    def watch(self, path: Path) -> None:
        """Note a folder, or a place where nothing is: the next build looks closer if that changes."""
        self.now.setdefault(str(path), Line(str(path), self._stat(path), ""))

    def unchanged(self) -> bool:
        """Whether every path of the last build is as it was, and none of them could have changed unseen."""
        return bool(self.before) and all(self._same(line) for line in self.before.values())

    def _same(self, line: Line) -> bool:
        stat = self._stat(Path(line.path))
        return stat == line.stat and (stat is None or not self._racy(stat))

    def _racy(self, stat: Stat) -> bool:
        return stat[4] >= self.written

    def _stat(self, path: Path) -> Stat | None:
        try:
            return self.files.stat_key(path)
        except CaskError as error:
            if error.code != "CASK-I002":
                raise
            return None

    def save(self, header: Mapping[str, Any]) -> None:
        """Write what this build saw; waits for the next tick of the file system's clock if a file was changed in the present one."""
        data = _render(header, self.now.values())
        newest = max((line.stat[4] for line in self.now.values() if line.stat), default=0)
        for _ in range(_TICKS):
            self.files.write(self.path, data, private=True, durable=False)
            if self.files.stat_key(self.path)[3] > newest:
                break
            time.sleep(_TICK)


def _parse(data: bytes) -> tuple[Mapping[str, Any], dict[str, Line]]:
    if not data.startswith(MAGIC) or not data.endswith(b"\nend\n"):
        raise ValueError("not an index")
    header, *rows = data.removeprefix(MAGIC).removesuffix(b"\nend\n").split(b"\n")
    lines = [_line(row) for row in rows]
    return json.loads(header), {line.path: line for line in lines}


def _line(row: bytes) -> Line:
    stat, digest, path = row.split(b"\t", 2)
    numbers = tuple(map(int, stat.split()))
    return Line(os.fsdecode(path), numbers if len(numbers) == 5 else None, digest.decode("ascii"))


def _render(header: Mapping[str, Any], lines: Iterable[Line]) -> bytes:
    rows = [_row(line if "\n" not in line.path else _UNNAMEABLE) for line in sorted(lines)]
    return MAGIC + b"\n".join([compact(header), *rows, b"end", b""])


def _row(line: Line) -> bytes:
    stat = " ".join(map(str, line.stat)) if line.stat else ""
    return f"{stat}\t{line.digest}\t".encode("ascii") + os.fsencode(line.path)
