"""The one form of a zip that is handed over, and a reader that takes no other (ADR 0028).

`pack` gives equal bytes for equal members on every Python: stored, sorted, one time, one mode. `unpack` works in memory, so that nothing
is on disk before all of it was judged; each of `GUARDS` names one way in which a zip can lie, and the last takes nothing but what `pack`
itself would have written. What the members are, and whether they belong together, is for others to say.
"""

import io
import re
import struct
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from caskmcp.errors import CaskError

LIMIT: Final = 128 << 20
"""Bytes of an archive."""
MEMBER: Final = 64 << 20
"""Bytes of a member."""
MOST: Final = 20_000
"""Members."""
LONGEST: Final = 200
"""Characters of a name."""
DEEPEST: Final = 4
"""Parts of a name."""

_WHEN: Final = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a zip can hold."""
_DATE: Final = 0x21
_UNIX: Final = 3
_MODE: Final = 0o100644
"""A regular file that its owner may write."""
_END: Final = struct.Struct("<4s4H2LH")
_CENTRAL: Final = struct.Struct("<4s4B4H3L5H2L")
_LOCAL: Final = struct.Struct("<4s2B4H3L2H")
_PART: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*", re.ASCII)
_DEVICES: Final = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\..*)?", re.ASCII | re.IGNORECASE)
"""Names that Windows takes for devices, whatever comes after a dot."""


class Stated(NamedTuple):
    """What both the directory and a member's own header say of it (APPNOTE 4.3.7, 4.3.12)."""

    needed: int
    system_needed: int
    flags: int
    method: int
    time: int
    date: int
    crc: int
    packed: int
    size: int
    name: bytes


@dataclass(frozen=True)
class Entry:
    """One member as the directory states it, with what its own header states."""

    name: str
    """Latin-1 of the bytes that stand there: nothing is decoded before it was judged."""
    stated: Stated
    repeated: Stated
    version: int
    system: int
    extra: bytes
    """Extra fields of both places, and the comment."""
    disk: int
    internal: int
    external: int
    offset: int
    """Of its own header."""
    start: int
    """Of its data."""

    @property
    def stop(self) -> int:
        """Where its data ends."""
        return self.start + self.stated.packed


@dataclass(frozen=True)
class Archive:
    """A zip as its end record and directory state it. Nothing of it is believed."""

    data: bytes
    end: int
    """Where the end record begins."""
    disks: tuple[int, int]
    counts: tuple[int, int]
    size: int
    directory: int
    comment: bytes
    entries: tuple[Entry, ...]

    def members(self) -> dict[str, bytes]:
        """Name -> bytes, as they lie there."""
        return {entry.name: self.data[entry.start : entry.stop] for entry in self.entries}


# ---------------------------------------------------------------- writing
def pack(members: Mapping[str, bytes]) -> bytes:
    """The archive of these members. Raises CASK-P002 for members that `unpack` would refuse: their names, number or size."""
    data = _packed(members)
    _refuse(_archive(data))
    return data


def _packed(members: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED, allowZip64=False) as archive:
        for name in sorted(members):
            archive.writestr(_info(name), members[name])
    return buffer.getvalue()


def _info(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, _WHEN)
    info.create_system = _UNIX  # else it would name the system that it was made on
    info.external_attr = _MODE << 16
    return info


# ---------------------------------------------------------------- reading
def unpack(data: bytes) -> dict[str, bytes]:
    """The members by name. Raises CASK-P001 for what is no zip or was damaged, CASK-P002 for any zip but those that `pack` makes."""
    archive = _archive(data)
    _refuse(archive)
    return archive.members()


def _refuse(archive: Archive) -> None:
    for guard in GUARDS:
        if problem := next(guard.finds(archive), ""):
            if guard.damage:
                raise _broken(problem)
            raise CaskError("CASK-P002", f"the bundle is not as `cask bundle` writes it ({guard.name}): {problem}", mend="cask bundle")


def _broken(problem: str) -> CaskError:
    return CaskError("CASK-P001", f"the bundle cannot be read: {problem}", mend="ask who gave it to you for another copy")


def _archive(data: bytes) -> Archive:
    end = data.rfind(b"PK\5\6")
    if end < 0:
        raise _broken("it is no zip, or its end is missing")
    try:
        _, disk, first, here, all_, size, directory, comment = _END.unpack_from(data, end)
        entries = tuple(_entries(data, directory, min(all_, MOST + 1)))
    except struct.error as cause:
        raise _broken("it is cut off") from cause
    return Archive(data, end, (disk, first), (here, all_), size, directory, data[end + _END.size :][:comment], entries)


def _entries(data: bytes, at: int, count: int) -> Iterator[Entry]:
    for _ in range(count):
        mark, version, system, *rest = _CENTRAL.unpack_from(data, at)
        if mark != b"PK\1\2":
            raise _broken("its directory is not where its end says, or is cut off")
        *fields, named, extra, comment, disk, internal, external, offset = rest
        name, at = _bytes(data, at + _CENTRAL.size, named), at + _CENTRAL.size + named
        more, at = _bytes(data, at, extra + comment), at + extra + comment
        repeated, own, start = _local(data, offset)
        stated = Stated._make((*fields, name))
        if start + stated.packed > len(data):
            raise _broken("it is cut off")
        yield Entry(name.decode("latin-1"), stated, repeated, version, system, more + own, disk, internal, external, offset, start)


def _local(data: bytes, offset: int) -> tuple[Stated, bytes, int]:
    """What a member's own header states, its extra fields, and where its data begins."""
    mark, *fields, named, extra = _LOCAL.unpack_from(data, offset)
    if mark != b"PK\3\4":
        raise _broken("a member is not where its directory says")
    at = offset + _LOCAL.size
    return Stated._make((*fields, _bytes(data, at, named))), _bytes(data, at + named, extra), at + named + extra


def _bytes(data: bytes, at: int, size: int) -> bytes:
    found = data[at : at + size]
    if len(found) != size:
        raise _broken("it is cut off")
    return found


# ---------------------------------------------------------------- guards
def _count(archive: Archive) -> Iterator[str]:
    if len(archive.entries) > MOST:
        yield f"more than {MOST} members"


def _large(archive: Archive) -> Iterator[str]:
    if len(archive.data) > LIMIT:
        yield f"larger than {LIMIT} bytes"
    yield from (
        f"{_shown(row)} is larger than {MEMBER} bytes" for row in archive.entries if max(row.stated.size, row.stated.packed) > MEMBER
    )


def _end(archive: Archive) -> Iterator[str]:
    if archive.end + _END.size != len(archive.data):
        yield "something follows its end"
    if archive.disks != (0, 0) or archive.counts != (len(archive.entries),) * 2:
        yield "it is a part of several, or states another number of members than it has"


def _layout(archive: Archive) -> Iterator[str]:
    """Members one after another from the first byte, then the directory, then the end: no room for anything else."""
    at = 0
    for row in sorted(archive.entries, key=lambda row: row.offset):
        if row.offset != at:
            yield f"something lies before {_shown(row)}, or two members share bytes"
        at = row.stop
    if at != archive.directory or archive.directory + archive.size != archive.end:
        yield "something lies between its members and its end"


def _twice(archive: Archive) -> Iterator[str]:
    yield from (f"directory and header of {_shown(row)} differ" for row in archive.entries if row.stated != row.repeated)


def _stored(archive: Archive) -> Iterator[str]:
    # Packed members could unpack to any size, and to other bytes with another library; what is stored is what it is.
    yield from (f"{_shown(row)} is packed" for row in archive.entries if row.stated.method or row.stated.packed != row.stated.size)


def _plain(archive: Archive) -> Iterator[str]:
    yield from (f"{_shown(row)} is encrypted, or has flags of another program" for row in archive.entries if row.stated.flags)


def _extra(archive: Archive) -> Iterator[str]:
    if archive.comment:
        yield "it has a comment"
    yield from (f"{_shown(row)} has extra fields or a comment" for row in archive.entries if row.extra or row.disk or row.internal)


def _kind(archive: Archive) -> Iterator[str]:
    right = (_UNIX, _MODE << 16)
    yield from (f"{_shown(row)} is no regular file, or has another mode" for row in archive.entries if (row.system, row.external) != right)


def _time(archive: Archive) -> Iterator[str]:
    yield from (f"{_shown(row)} has a time" for row in archive.entries if (row.stated.time, row.stated.date) != (0, _DATE))


def _names(archive: Archive) -> Iterator[str]:
    yield from (f"{_shown(row)} is no name for a member" for row in archive.entries if not is_name(row.name))


def _once(archive: Archive) -> Iterator[str]:
    # Some disks do not tell letters by their case: one of two members would lie under the other's name.
    counts = Counter(row.name.casefold() for row in archive.entries)
    yield from (f"{_shown(row)} is there twice" for row in archive.entries if counts[row.name.casefold()] > 1)


def _folders(archive: Archive) -> Iterator[str]:
    names = {row.name.casefold() for row in archive.entries}
    above = (row for row in archive.entries for up in _above(row.name.casefold()) if up in names)
    yield from (f"{_shown(row)} lies below a member that is a file" for row in above)


def _checksum(archive: Archive) -> Iterator[str]:
    found = ((row, zlib.crc32(archive.data[row.start : row.stop])) for row in archive.entries)
    yield from (f"{_shown(row)} has another checksum" for row, crc in found if crc != row.stated.crc)


def _one_form(archive: Archive) -> Iterator[str]:
    """The whole, byte for byte: whatever no other guard has thought of."""
    if _packed(archive.members()) != archive.data:
        yield "its bytes differ from what these members give"


class Guard(NamedTuple):
    """One way in which a zip can lie."""

    name: str
    finds: Callable[[Archive], Iterator[str]]
    damage: bool = False
    """A byte changed on the way: bad input, no attack."""


GUARDS: Final = (
    Guard("number of members", _count),
    Guard("size", _large),
    Guard("end", _end),
    Guard("layout", _layout),
    Guard("stated twice", _twice),
    Guard("stored", _stored),
    Guard("flags", _plain),
    Guard("extra fields", _extra),
    Guard("kind", _kind),
    Guard("time", _time),
    Guard("names", _names),
    Guard("once", _once),
    Guard("folders", _folders),
    Guard("checksum", _checksum, damage=True),
    Guard("one form", _one_form),
)


def is_name(name: str) -> bool:
    """Whether a name can be a member's: relative, plain letters, no way up, nothing that a system takes for something else."""
    parts = name.split("/")
    return len(name) <= LONGEST and len(parts) <= DEEPEST and all(map(_is_part, parts))


def _is_part(part: str) -> bool:
    return bool(_PART.fullmatch(part)) and not part.endswith(".") and not _DEVICES.fullmatch(part)


def _above(name: str) -> Iterator[str]:
    parts = name.split("/")
    return ("/".join(parts[:size]) for size in range(1, len(parts)))


def _shown(row: Entry) -> str:
    return repr(row.name[:LONGEST])
