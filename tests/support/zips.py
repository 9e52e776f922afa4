"""Zips built by hand, field by field: what no library would write. Knows nothing of ours but the layout of a zip (APPNOTE 6.3)."""

import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

FILE: Final = 0o100644 << 16
DATE: Final = 0x21


@dataclass(frozen=True)
class Entry:
    """One member. What its own header says differs from the directory only where `own` says so."""

    name: bytes
    data: bytes = b""
    version: int = 20
    system: int = 3
    needed: int = 20
    flags: int = 0
    method: int = 0
    time: int = 0
    date: int = DATE
    crc: int | None = None
    size: int | None = None
    """Stated bytes when unpacked."""
    packed: int | None = None
    """Stated bytes as they lie there."""
    extra: bytes = b""
    own_extra: bytes = b""
    comment: bytes = b""
    disk: int = 0
    internal: int = 0
    external: int = FILE
    offset: int | None = None
    """Where the directory says that its header is."""
    own: Mapping[str, object] = field(default_factory=dict)
    before: bytes = b""
    """What lies before its header."""

    @property
    def fields(self) -> tuple[int, ...]:
        """What both places state."""
        crc = zlib.crc32(self.data) if self.crc is None else self.crc
        size = len(self.data) if self.size is None else self.size
        packed = len(self.data) if self.packed is None else self.packed
        return self.flags, self.method, self.time, self.date, crc, packed, size

    def header(self) -> bytes:
        """Its own header."""
        other = replace(self, **self.own)  # type: ignore[arg-type]
        sizes = len(other.name), len(other.own_extra)
        return struct.pack("<4s2B4H3L2H", b"PK\3\4", other.needed, 0, *other.fields, *sizes) + other.name + other.own_extra

    def row(self, offset: int) -> bytes:
        """Its line in the directory."""
        sizes = len(self.name), len(self.extra), len(self.comment), self.disk, self.internal, self.external
        at = offset if self.offset is None else self.offset
        head = struct.pack("<4s4B4H3L5H2L", b"PK\1\2", self.version, self.system, self.needed, 0, *self.fields, *sizes, at)
        return head + self.name + self.extra + self.comment


@dataclass(frozen=True)
class Frame:
    """What stands around the members."""

    before_directory: bytes = b""
    before_end: bytes = b""
    after: bytes = b""
    comment: bytes = b""
    disks: tuple[int, int] = (0, 0)
    counts: tuple[int, int] | None = None
    directory: int | None = None
    size: int | None = None


def zipped(*entries: Entry, frame: Frame | None = None) -> bytes:
    """The zip of these members, in this order."""
    frame = frame or Frame()
    body, rows = b"", b""
    for entry in entries:
        body += entry.before
        rows += entry.row(len(body))
        body += entry.header() + entry.data
    body += frame.before_directory
    at = len(body) if frame.directory is None else frame.directory
    size = len(rows) if frame.size is None else frame.size
    counts = frame.counts or (len(entries), len(entries))
    end = struct.pack("<4s4H2LH", b"PK\5\6", *frame.disks, *counts, size, at, len(frame.comment))
    return body + rows + frame.before_end + end + frame.comment + frame.after
