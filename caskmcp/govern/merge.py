"""Two locks that grew from one: the statements of both sides, subject by subject. Pure; verifies nothing, since the door verifies everything.

Promises that no block is lost and none is overruled by an approval whose branch had not seen it; that the order of the sides does not matter;
and that what cannot be read is never merged.
"""

from collections.abc import Iterable, Iterator

from caskmcp import canon
from caskmcp.errors import CaskError
from caskmcp.govern import lockfile
from caskmcp.govern.lockfile import ReadLock
from caskmcp.model.statement import Lock, Signed

Rows = frozenset[Signed]


def merged(base: ReadLock, ours: ReadLock, theirs: ReadLock) -> ReadLock:
    """The lock of both sides. base: what they grew from, empty if nothing. Raises CASK-L004 where a side has a subject that cannot be read."""
    for lock in (base, ours, theirs):
        for subject, broken in sorted(lock.broken.items()):
            raise CaskError(
                "CASK-L004", f"the statements on {subject} cannot be read: {broken.problem}", place=broken.place, mend="git mergetool"
            )
    subjects = sorted({*ours.subjects, *theirs.subjects})
    found = {subject: _merged(*(frozenset(lock.lock.subjects.get(subject, ())) for lock in (base, ours, theirs))) for subject in subjects}
    return ReadLock(Lock(toolpack=ours.lock.toolpack, subjects={subject: _in_order(rows) for subject, rows in found.items() if rows}))


def _in_order(rows: Rows) -> tuple[Signed, ...]:
    """As in any lock; where one key said two things with one sequence, on two branches, by what they are."""
    return lockfile.in_order(sorted(rows, key=lambda row: (canon.dump(row.statement.payload()), row.signature)))


def _merged(base: Rows, ours: Rows, theirs: Rows) -> Rows:
    """What either side added, and what neither took away; blocks in any case."""
    both = ours & theirs
    added = (ours | theirs) - base
    return both | added | _blocks(ours | theirs) | frozenset(_raised(base, ours, theirs)) | frozenset(_raised(base, theirs, ours))


def _blocks(rows: Iterable[Signed]) -> Rows:
    return frozenset(row for row in rows if row.statement.verdict == "block")


def _raised(base: Rows, blocking: Rows, approving: Rows) -> Iterator[Signed]:
    """Unsigned blocks in place of those that the other side had not seen when it approved with a higher sequence.

    A sequence says what was newer on one branch. Between branches it says nothing, and then taking away wins: a person lifts the block by name.
    """
    new = [row.statement.sequence for row in approving - base - blocking if row.statement.verdict == "allow"]
    for row in _blocks(blocking) - base - approving:
        if row.statement.sequence < max(new, default=0):
            said = row.statement.model_copy(update={"key": "", "sequence": max(new)})
            yield Signed(statement=said)
