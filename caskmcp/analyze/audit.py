"""The record of decisions, checked: every line by the one after it, every segment by its seal and by what later ones say of it.

Promises: an edited, removed, added or moved line is named by segment and number, and so is a segment that is gone, if any later line, seal or
opening rests on it. What nothing rests on yet cannot be told: the last line of a segment that was not closed, lines cut from its end, and the
latest segment as a whole. Reading files, and whose key a seal is by, is for others.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from caskmcp import canon, text
from caskmcp.errors import CaskError
from caskmcp.model.audit import SUFFIX, Before, Opening, Sealed
from caskmcp.store.segments import Segment

Unsound = Callable[[Sealed], str]
"""Why the signature of a seal does not hold; empty if it does."""


class Flaw(NamedTuple):
    """Something in the record that was not left so."""

    segment: str
    line: int
    """From 1; 0 for the segment as a whole."""
    what: str


class Line(NamedTuple):
    """One line, as far as the chain goes."""

    sequence: int
    prev: str
    digest: str
    fields: Mapping[str, Any]


@dataclass(frozen=True)
class Read:
    """One segment, read and checked by itself."""

    name: str
    chained: bool
    """Whether it is of the chain at all: earlier versions wrote without one."""
    size: int
    digests: tuple[str, ...] = ()
    """Of every whole line, in order."""
    records: int = 0
    """Decisions."""
    opening: Opening | None = None
    sealed: Sealed | None = None
    torn: bool = False
    last: int = 0
    """Sequence of the last line."""
    flaws: tuple[Flaw, ...] = ()

    @property
    def end(self) -> str:
        """Digest of the last whole line."""
        return self.digests[-1] if self.digests else ""


@dataclass
class _Reading:
    name: str
    raw: tuple[bytes, ...]
    digests: tuple[str, ...]
    lines: list[Line] = field(default_factory=list)

    def follows(self, number: int) -> str:
        """What a line that is not taken yet says it follows; empty where it says nothing."""
        try:
            fields = text.parse_json(self.raw[number - 1], self.name) if number <= len(self.raw) else None
        except CaskError:
            return ""
        return str(fields.get("prev", "")) if isinstance(fields, dict) else ""


# ---------------------------------------------------------------- one segment
def read(segment: Segment, unsound: Unsound) -> Read:
    """Check a segment by itself; its first flaw is told, since nothing after it rests on anything."""
    digests = tuple(str(canon.digest_bytes(line)) for line in segment.lines)
    if not segment.name.endswith(SUFFIX):
        return Read(segment.name, False, segment.size, digests, records=len(digests), torn=bool(segment.torn))
    reading = _Reading(segment.name, segment.lines, digests)
    opening, sealed = None, None
    try:
        for number, raw in enumerate(segment.lines, 1):
            _follow(reading, number, raw)
            opening = opening or _opening(reading)
        _refuse_empty(reading)
        sealed = _sealed(reading, segment, unsound)
        flaws: tuple[Flaw, ...] = ()
    except _Broken as broken:
        flaws = (broken.flaw,)
    records = sum("kind" not in line.fields for line in reading.lines)
    last = reading.lines[-1].sequence if reading.lines else 0
    return Read(segment.name, True, segment.size, digests, records, opening, sealed, bool(segment.torn), last, flaws)


class _Broken(Exception):
    def __init__(self, flaw: Flaw) -> None:
        super().__init__(flaw)
        self.flaw = flaw


def _broken(reading: _Reading, line: int, what: str) -> _Broken:
    return _Broken(Flaw(reading.name, line, what))


def _follow(reading: _Reading, number: int, raw: bytes) -> None:
    """Take one more line that follows the last one."""
    line = _line(reading, number, raw)
    if reading.lines:
        before = reading.lines[-1]
        if before.fields.get("kind") == "seal":
            raise _broken(reading, number, "the line stands after the seal")
        if line.prev != before.digest:
            raise _unlinked(reading, number, line, before)
        if line.sequence != before.sequence + 1:
            raise _broken(reading, number, f"its sequence is {line.sequence}, after {before.sequence}")
    reading.lines.append(line)


def _line(reading: _Reading, number: int, raw: bytes) -> Line:
    try:
        fields = text.parse_json(raw, reading.name)
    except CaskError:
        fields = None
    if not isinstance(fields, dict) or type(fields.get("sequence")) is not int or not isinstance(fields.get("prev"), str):
        raise _broken(reading, number, "the line is no record")
    return Line(fields["sequence"], fields["prev"], reading.digests[number - 1], fields)


def _unlinked(reading: _Reading, number: int, line: Line, before: Line) -> _Broken:
    """Which line is to be named, where one does not follow the one above it: the next one tells which of the two it knows."""
    earlier, after = reading.digests[: number - 1], reading.follows(number + 1)
    if after == before.digest or line.digest in earlier:
        return _broken(reading, number, "the line was added or moved here")
    if line.prev in earlier:
        above = earlier.index(line.prev) + 1
        return _broken(reading, above + 1, f"the line was added or moved here: line {number} follows line {above}")
    if after not in ("", line.digest):
        return _broken(reading, number, "the line was changed: the next one follows another")
    if line.prev in reading.digests:
        return _broken(reading, number, "the line was added or moved here")
    if line.sequence > before.sequence + 1:
        missing = line.sequence - before.sequence - 1
        return _broken(reading, number, f"{missing} {'line is' if missing == 1 else 'lines are'} missing before this one")
    return _broken(reading, number - 1, f"the line was changed: line {number} follows another one")


def _opening(reading: _Reading) -> Opening:
    try:
        opening = Opening.of(text.Document(reading.name, reading.lines[0].fields, {}))
    except CaskError as cause:
        raise _broken(reading, 1, "the segment does not begin with its opening: lines before this one are missing") from cause
    if opening.segment != reading.name:
        raise _broken(reading, 1, f"the segment has another name: it was written as {text.visible(opening.segment)}")
    return opening


def _refuse_empty(reading: _Reading) -> None:
    if not reading.lines:
        raise _broken(reading, 1, "the segment is empty: its opening is missing")


def _sealed(reading: _Reading, segment: Segment, unsound: Unsound) -> Sealed | None:
    last, number = reading.lines[-1], len(reading.lines)
    if last.fields.get("kind") != "seal":
        return None
    if segment.torn:
        raise _broken(reading, number + 1, "a piece of a line stands after the seal")
    try:
        row = Sealed.of(text.Document(reading.name, last.fields, {}))
    except CaskError as cause:
        raise _broken(reading, number, "the seal is none") from cause
    # No line follows whose digest would tell white space or another order of keys.
    if segment.lines[-1] != canon.compact(row.model_dump(mode="json", by_alias=True)):
        raise _broken(reading, number, "the line was changed: the seal is not as a server writes it")
    first = reading.lines[0]
    said = (row.seal.segment, row.seal.first, row.seal.last, row.seal.digest)
    if said != (reading.name, first.sequence, last.sequence - 1, last.prev):
        raise _broken(reading, number, "the seal is of other lines")
    if why := unsound(row):
        raise _broken(reading, number, f"the seal does not hold: {why}")
    return row


# ---------------------------------------------------------------- all of them
def flaws(reads: Iterable[Read]) -> Iterator[Flaw]:
    """Every flaw: of each segment by itself, then what the openings say of other segments."""
    known = {row.name: row for row in reads}
    for row in known.values():
        yield from row.flaws
    told: set[tuple[str, int]] = set()
    for row in known.values():
        for flaw in _promised(row, known):
            if (flaw.segment, flaw.line) not in told and not (flaw.segment in known and known[flaw.segment].flaws):
                told.add((flaw.segment, flaw.line))
                yield flaw


def _promised(row: Read, known: Mapping[str, Read]) -> Iterator[Flaw]:
    """What the opening of a segment rests on and is not there."""
    if row.opening is None:
        return
    for before in row.opening.before:
        yield from _as_named(before, known.get(before.segment), row.name)
    if earlier := _earlier(row):
        yield from _continued(row, row.opening, earlier, known.get(earlier))


def _as_named(before: Before, there: Read | None, by: str) -> Iterator[Flaw]:
    name = before.segment
    if there is None:
        yield Flaw(name, 0, f"the segment of {before.lines} lines is gone: {by} names it")
    elif len(there.digests) < before.lines:
        yield Flaw(name, len(there.digests) + 1, f"lines are missing from here on: {by} names line {before.lines}")
    elif before.lines and there.digests[before.lines - 1] != before.digest:
        yield Flaw(name, before.lines, f"the line, or one above it, is another one than {by} names")
    elif there.size < before.size:
        yield Flaw(name, before.lines + 1, f"an incomplete line is gone: {by} names it")


def _earlier(row: Read) -> str:
    """The name of the same series' segment before; empty for a first one."""
    series, _, number = row.name.removesuffix(SUFFIX).rpartition("-")
    return f"{series}-{int(number) - 1:04d}{SUFFIX}" if number.isascii() and number.isdigit() and int(number) > 1 else ""


def _continued(row: Read, opening: Opening, name: str, there: Read | None) -> Iterator[Flaw]:
    if there is None:
        yield Flaw(name, 0, f"the segment is gone: {row.name} follows it")
    elif there.sealed is None and not there.flaws:
        yield Flaw(name, len(there.digests) + 1, f"the seal is missing: {row.name} follows it")
    elif (opening.prev, opening.sequence) != (there.end, there.last + 1):
        yield Flaw(row.name, 1, f"the segment does not follow {name}")
