"""`cask gate block` and `cask gate sync`: what takes away. Works anywhere and unsigned; with a key it needs a person, and then it is pinned.

An unsigned block holds in this tree, and wherever the lock goes, until a newer approval; nobody notices if its line is cut out of the lock.
A signed one counts as seen wherever it was seen: a lock that lacks it is older than that, and the tool stays away.
"""

from collections.abc import Callable
from dataclasses import dataclass

from caskmcp import canon
from caskmcp.errors import AGAIN, CaskError
from caskmcp.govern import admit, lockfile, offer, sign, statements, trust
from caskmcp.govern.lockfile import ReadLock
from caskmcp.govern.offer import Offer
from caskmcp.govern.sign import Signer
from caskmcp.govern.trust import Chain
from caskmcp.model.finding import Finding, Report, Severity
from caskmcp.model.pack import PackFiles
from caskmcp.model.statement import Signed, Statement
from caskmcp.model.tool import Tier
from caskmcp.model.trust import Pin
from caskmcp.ports import World
from caskmcp.store.layout import Pack
from caskmcp.workflows import here, person, selection
from caskmcp.workflows.subjects import is_pattern, matching, read_lock, require_known, rewrite, subject_of


@dataclass(frozen=True)
class Blocker:
    """Whose signature a block bears."""

    by: Signer
    chain: Chain
    pin: Pin


@dataclass(frozen=True)
class Reach:
    """What is to be taken away."""

    names: tuple[str, ...] = ()
    """Subjects and patterns, as typed."""
    toolset: str | None = None
    """With nothing named: its members; else only those of the named that are members."""
    risk: Tier | None = None
    """The same for the tools of this tier and above: what takes away looks upward."""


# ---------------------------------------------------------------- block
def block(
    world: World,
    *,
    subjects: tuple[str, ...],
    toolset: str | None = None,
    risk: Tier | None = None,
    reason: str | None = None,
    key: str | None = None,
) -> Report:
    """Take subjects away with a statement that holds until a newer approval. key: sign it.

    Raises CASK-I010 for what is not here; with a key CASK-A001 without a terminal, CASK-K001, K002, K004, and T001 to T006 of the trust root.
    """
    if key is not None:
        person.require(world, "cask gate block --key")
    if not subjects and toolset is None and risk is None:
        raise CaskError("CASK-I001", "nothing was named", mend="cask gate block NAME")
    pack = here.pack(world)
    files = offer.read(world.files, pack)
    offered = offer.parse(files)
    asked = _asked(Reach(subjects, toolset, risk), offered, read_lock(world, pack, files.id).subjects)
    at = world.clock.now()
    canon.dump(reason or "")  # bytes of a command line that are no text are bad input, before anything is written
    signer = _signer(world, files, key, at) if key is not None else None
    make = _maker(files, offered, reason or "", at, signer)
    left = _written(world, pack, files.id, asked, make, signer)
    blocked = tuple(subject for subject in asked if subject not in left)
    return Report(
        report="gate-block",
        summary={"toolpack": files.id, "blocked": len(blocked), **({"key": key} if signer else {})},
        tables={"blocked": tuple({"subject": subject} for subject in blocked)},
        findings=tuple(map(_unblocked, left)),
        lines=("Blocked here until a newer approval. Commit the lock to block it elsewhere.",) if blocked else (),
    )


def _unblocked(subject: str) -> Finding:
    """That a block could not be written: whoever mends the statements would bring back what was approved, so nobody may think that it stands."""
    what = f"{subject} was not blocked: its statements cannot be read, and it is withheld for that alone"
    return Finding(
        code="CASK-L004", severity=Severity.REFUSED, subject=subject, message=what, place=lockfile.NAME, mend="git checkout -- .caskmcp"
    )


def _asked(reach: Reach, offered: Offer, locked: tuple[str, ...]) -> tuple[str, ...]:
    """The subjects that are meant, sorted. Those whose record cannot be read, or that the lock alone names, can be taken away by name."""
    known = {*offered.contents, *offered.broken, *(row.subject for row in offered.tools), *locked}
    exact = tuple(subject_of(name) for name in reach.names if not is_pattern(name))
    require_known(exact, known)
    named = {*exact, *matching((name for name in reach.names if is_pattern(name)), known)}
    limits = [
        *([selection.members(offered, reach.toolset)] if reach.toolset is not None else []),
        *([selection.at_least(offered, reach.risk)] if reach.risk is not None else []),
    ]
    found = named if reach.names else set(known)
    for limit in limits:
        found &= limit
    return tuple(sorted(found))


Make = Callable[[str, int], Signed]
"""A block on a subject with a sequence."""


def _maker(files: PackFiles, offered: Offer, reason: str, at: str, signer: Blocker | None) -> Make:
    contents = offered.contents

    def make(subject: str, sequence: int) -> Signed:
        said = Statement(
            toolpack=files.id,
            subject=subject,
            digest=canon.digest(contents.get(subject)),
            basis="observations",
            verdict="block",
            key=signer.by.id if signer else "",
            reason=reason,
            sequence=sequence,
            issued_at=at,
            root_version=len(files.roots),
        )
        return sign.sign_statement(signer.by, said) if signer else Signed(statement=said)

    return make


def _written(world: World, pack: Pack, toolpack: str, asked: tuple[str, ...], make: Make, signer: Blocker | None) -> tuple[str, ...]:
    """Write the blocks; returns the subjects without one, whose statements cannot be read."""
    made: list[Signed] = []
    left: list[str] = []

    def change(lock: ReadLock) -> ReadLock:
        sequence = _next(lock, signer)
        left[:] = [subject for subject in asked if subject in lock.broken]
        made[:] = [make(subject, sequence) for subject in asked if subject not in left]
        for row in made:
            lock = _with_block(lock, row)
        return lock

    rewrite(world, pack, toolpack, change)
    if signer is not None:
        seen = {row.statement.subject: {signer.by.id: row.statement.sequence} for row in made}
        here.remember(world, signer.pin.model_copy(update={"sequences": seen}))
    return tuple(left)


def _with_block(lock: ReadLock, row: Signed) -> ReadLock:
    """The lock with a block beside the statements of the subject; it takes the place of earlier unsigned ones."""
    subject = row.statement.subject
    return lockfile.replaced(lock, subject, [*(kept for kept in lock.lock.subjects.get(subject, ()) if kept.signature), row])


def _next(lock: ReadLock, signer: Blocker | None) -> int:
    """One more than any sequence that the file names, or that was seen: a block has to stand above every approval here, sound or not."""
    named = (row.statement.sequence for rows in lock.lock.subjects.values() for row in rows)
    highest = max((value for value in named if 0 < value <= canon.SAFE_INTEGER), default=0)
    return min(canon.SAFE_INTEGER, 1 + max(highest, signer.pin.highest if signer else 0))


# ---------------------------------------------------------------- a signed one
def _signer(world: World, files: PackFiles, key: str, at: str) -> Blocker:
    """A key that the accepted trust root knows, opened. Whoever may sign anything may take away."""
    chain = trust.chain(files.roots, files.id)
    pin = trust.anchor(chain, here.pin(world, files.id), here.condition(world))
    trust.refuse_expired(chain, statements.examine(lockfile.read(files.lock, files.id), chain).instant(at))
    by = person.open_key(world, key)
    if by.id not in chain.current.keys:
        raise CaskError("CASK-K002", f"the trust root does not know the key {key}; nothing was blocked", mend=f"{AGAIN} --key NAME")
    return Blocker(by, chain, pin)


# ---------------------------------------------------------------- sync
def _carried(world: World, files: PackFiles) -> tuple[str, ...]:
    """Subjects whose approval a renamed tool carries on, where the trust root lets it; without that nothing of the trust root is asked."""
    if not files.contents:
        return ()
    pin, condition = here.pin(world, files.id), here.condition(world)
    survey, _, _ = admit.anchored_survey(files, pin=pin, condition=condition, at=world.clock.now())
    return tuple(survey.carried.values())


def sync(world: World) -> Report:
    """Drop the statements of subjects that no longer exist, but for those that a tool carries on under another name."""
    pack = here.pack(world)
    files = offer.read(world.files, pack)
    offered = offer.parse(files)
    present = {row.subject for row in offered.tools} | {*offered.shared, *offered.broken, *_carried(world, files)}
    gone: list[str] = []

    def change(lock: ReadLock) -> ReadLock:
        gone[:] = [subject for subject in lock.subjects if subject not in present]
        for subject in gone:
            lock = lockfile.replaced(lock, subject, ())
        return lock

    rewrite(world, pack, files.id, change)
    return Report(
        report="gate-sync",
        summary={"toolpack": files.id, "dropped": len(gone)},
        tables={"dropped": tuple({"subject": subject} for subject in gone)},
    )
