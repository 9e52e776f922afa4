"""The heart of `gate allow`: show what will be signed, ask, sign, write the content and then the lock.

The caller has seen to the terminal and has derived the artifacts again. Nothing is written before the last question is answered; the
content lies on the disk before the lock names it, and the lock is written as a whole.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from caskmcp.canon import SAFE_INTEGER
from caskmcp.errors import AGAIN, CaskError
from caskmcp.govern import admit, content, keys, lockfile, offer, sign, statements, trust
from caskmcp.govern.admit import Survey
from caskmcp.govern.lockfile import ReadLock
from caskmcp.govern.public import key_id
from caskmcp.govern.sign import Signer
from caskmcp.govern.trust import Chain
from caskmcp.model.finding import Finding, Report, Severity, typed
from caskmcp.model.pack import PackFiles
from caskmcp.model.statement import Basis, Signed, Statement
from caskmcp.model.tool import Tier
from caskmcp.model.trust import Pin
from caskmcp.ports import World
from caskmcp.store.layout import Pack
from caskmcp.workflows import here, person, selection, subjects
from caskmcp.workflows import shown as told
from caskmcp.workflows import trust as roots
from caskmcp.workflows.period import ends
from caskmcp.workflows.selection import Candidate, LeftOut, Selection

FIRST_KEY: Final = "approver"
"""Name of the key that is made where there is none and none was named."""


@dataclass(frozen=True)
class Request:
    """What the person asked for."""

    names: tuple[str, ...] = ()
    everything: bool = False
    toolset: str | None = None
    """Only members of this toolset, and the shared subjects."""
    risk: Tier | None = None
    """Only tools of this tier and below, and the shared subjects."""
    reason: str | None = None
    reasons: Mapping[str, str] = field(default_factory=dict)
    """Subject -> its own reason, where they differ."""
    expires: str | None = None
    key: str | None = None


@dataclass(frozen=True)
class Proven:
    """What the inputs gave when they were derived again, a moment ago. Nothing else is signed."""

    basis: Basis
    toolpack: str
    """The project's id."""
    files: Mapping[str, bytes]
    """Artifacts by file name."""
    receipts: str = ""
    """As `Statement.receipts`."""


@dataclass(frozen=True)
class Desk:
    """What lies before the person: one toolpack, judged under its trust root."""

    pack: Pack
    files: PackFiles
    chain: Chain
    pin: Pin
    survey: Survey
    basis: Basis
    at: str
    receipts: str = ""


# ---------------------------------------------------------------- the story
def approve(world: World, pack: Pack, request: Request, proven: Proven) -> Report:
    """Sign what was asked for. Raises CASK-T001, T002 (another root), I010, K001 to K004, A002, A003, L006; then nothing was signed."""
    at = world.clock.now()
    not_after = ends(at, request.expires)
    _refuse_another(pack, offer.identity(world.files, pack), proven)
    fresh = _set_up(world, pack, request.key)
    desk = replace(_desk(world, pack, proven.basis, at), receipts=proven.receipts if proven.basis == "traffic" else "")
    _refuse_others(desk, proven)
    wanted = _selected(desk, request)
    name = fresh.key.name if fresh else _key_name(world, wanted, request)
    wanted = selection.for_key(wanted, desk.survey, _key_id(world, name))
    _refuse_named(wanted, request)
    if not wanted.chosen:
        return _report(desk, (), wanted.left_out, name)
    for line in shown(world, desk, wanted):
        world.console.note(line)
    reasons = _reasons(world, wanted, request)
    by = fresh or person.open_key(world, name)
    for word in names_to_type(desk.files.id, wanted):
        person.type_name(world, word)
    signed = _sign(world, desk, wanted, by, reasons=reasons, not_after=not_after)
    return _report(desk, signed, wanted.left_out, name)


def sign_present(world: World, pack: Pack, by: Signer, *, basis: Basis, leaving_out: tuple[str, ...], reason: str) -> int:
    """Sign every subject's present content but `leaving_out`, asking nobody; returns how many. For the demo's key in memory alone.

    Whoever calls this answers for the person: a house test holds that only the demo does, and there only for the bundled fixture.
    """
    desk = _desk(world, pack, basis, world.clock.now())
    every = tuple(sorted(subject for subject in desk.survey.offer.contents if subject not in leaving_out))
    wanted = selection.named(desk.survey, desk.chain.current, every)
    return len(_sign(world, desk, wanted, by, reasons=dict.fromkeys(every, reason), not_after=None))


def _desk(world: World, pack: Pack, basis: Basis, at: str) -> Desk:
    files = offer.read(world.files, pack)
    chain = trust.chain(files.roots, files.id)
    pin = trust.anchor(chain, here.pin(world, files.id), here.condition(world))
    survey = admit.survey(files, chain=chain, pin=pin, at=at)
    trust.refuse_expired(chain, survey.at)
    return Desk(pack, files, chain, pin, survey, basis, at)


def _refuse_others(desk: Desk, proven: Proven) -> None:
    """Raise CASK-L006 unless the very bytes that are signed were derived: files can change while a passphrase is asked for."""
    _refuse_another(desk.pack, desk.files.id, proven)
    for role, name in offer.NAMES.items():
        if getattr(desk.files, role) != proven.files[name]:
            what = f"{name} changed while it was looked at; nothing was signed"
            raise CaskError("CASK-L006", what, place=str(desk.pack.artifact(name)), mend="cask build")


def _refuse_another(pack: Pack, toolpack: str, proven: Proven) -> None:
    if toolpack != proven.toolpack:
        what = f"toolpack.yaml says `{toolpack}`, the project is `{proven.toolpack}`; nothing was signed"
        raise CaskError("CASK-L006", what, place=str(pack.toolpack), mend="cask build")


def _selected(desk: Desk, request: Request) -> Selection:
    found = _asked(desk, request)
    if request.toolset is not None:
        found = selection.within(found, desk.survey, request.toolset)
    return selection.at_most(found, desk.survey, request.risk) if request.risk is not None else found


def _asked(desk: Desk, request: Request) -> Selection:
    """What was named, what a pattern means of all that waits, or all that waits. A pattern names nothing: it reaches no further than `--all`."""
    exact = tuple(subjects.subject_of(name) for name in request.names if not subjects.is_pattern(name))
    patterns = [name for name in request.names if subjects.is_pattern(name)]
    explicit = selection.named(desk.survey, desk.chain.current, exact)
    if not request.everything and not patterns:
        return explicit
    rest = selection.waiting(desk.survey, desk.chain.current, desk.basis, desk.pin)
    meant = subjects.matching(patterns, {row.subject for row, _ in desk.survey.tools} | set(desk.survey.shared))
    return selection.joined(explicit, rest if request.everything else selection.only(rest, meant))


def _refuse_named(wanted: Selection, request: Request) -> None:
    """Something that was named and cannot be signed is an error, not a remark."""
    asked = {subjects.subject_of(name) for name in request.names if not subjects.is_pattern(name)}
    told = {row.subject for row in wanted.chosen} | {row.subject for row in wanted.left_out}
    for subject in sorted(asked - told):
        what = f"{subjects.name_of(subject)} was named, but is not of that toolset or risk; nothing was signed"
        raise CaskError("CASK-I001", what, mend=f"cask gate allow {typed(subject)}")
    for row in wanted.left_out:
        if row.subject in asked:
            raise CaskError(
                "CASK-K002", f"{subjects.name_of(row.subject)} was not signed: {row.reason}", mend=row.mend or "cask gate status"
            )


# ---------------------------------------------------------------- keys
def _set_up(world: World, pack: Pack, key: str | None) -> Signer | None:
    """Make the key and the trust root where there are none yet; None if nothing had to be made."""
    toolpack = offer.identity(world.files, pack)
    if offer.root_files(world.files, pack):
        return None
    roots.refuse_second(world, pack, toolpack)
    name = key or next((row.name for row in keys.listing(world.files, world.config)), FIRST_KEY)
    exists = keys.holding(world.files, keys.place(world.config, name)) is not None
    world.console.note(f"{toolpack} has no trust root yet: making version 1, held by the key {name}. Ctrl-C ends this.")
    by = person.open_key(world, name) if exists else person.make_key(world, name)
    roots.establish(world, pack, toolpack, by)
    return by


def _key_name(world: World, wanted: Selection, request: Request) -> str:
    """`--key`, or the only key here that may approve any of it."""
    if request.key is not None:
        keys.refuse_readable(world.files, world.config, request.key)
        return request.key
    here_ = [(key_id(key), key) for key in keys.listing(world.files, world.config)]
    names = list(selection.fitting(wanted, here_))
    if len(names) == 1 or (names and not wanted.chosen):
        return names[0]
    if not names and not wanted.chosen:
        return here_[0][1].name if here_ else FIRST_KEY
    if not names:
        raise CaskError(
            "CASK-K004", "no key on this machine may approve any of this", place=str(world.config / "keys"), mend="cask trust show"
        )
    raise CaskError("CASK-I001", f"several keys fit: {', '.join(names)}; say which", mend=f"{AGAIN} --key {names[0]}")


def _key_id(world: World, name: str) -> str:
    """The id of a key by its public part; empty if that cannot be read."""
    where = keys.place(world.config, name)
    key = keys.public(world.files, where) if keys.holding(world.files, where) else None
    return key_id(key) if key else ""


# ---------------------------------------------------------------- questions
def names_to_type(toolpack: str, wanted: Selection) -> list[str]:
    """The toolpack's name once for the group, then each critical tool's own."""
    critical = [row.name for row in wanted.chosen if row.critical]
    return ([toolpack] if len(critical) < len(wanted.chosen) else []) + critical


def _reasons(world: World, wanted: Selection, request: Request) -> dict[str, str]:
    """Subject -> reason. One is asked for where a tool of tier high or critical has none, and then it is that of all that have none."""
    common = (request.reason or "").strip()
    given = {row.subject: request.reasons.get(row.subject, "").strip() or common for row in wanted.chosen}
    needed = [row.name for row in wanted.chosen if row.tool and row.tool.risk in selection.NEEDS_REASON and not given[row.subject]]
    if not needed:
        return given
    reason = world.console.ask("Reason:").strip()
    if not reason:
        raise CaskError("CASK-A003", f"a reason is needed for {', '.join(needed)}; nothing was signed", mend=f"{AGAIN} --reason TEXT")
    return {subject: own or reason for subject, own in given.items()}


# ---------------------------------------------------------------- what the person sees
def shown(world: World, desk: Desk, wanted: Selection) -> Iterator[str]:
    """What the signatures will cover, in brief (a changed tool: every change; a shared subject: all of it), then what is left out."""
    yield f"To be signed for {desk.files.id} (basis: {desk.basis}), tools in brief; each digest covers a whole record of artifact/tools.json:"
    for row in wanted.chosen:
        yield from told.entry(world, desk.pack, desk.survey, row)
    for left in wanted.left_out:
        yield f"Left out: {subjects.name_of(left.subject)} ({left.reason})"


# ---------------------------------------------------------------- signing
def _sign(
    world: World, desk: Desk, wanted: Selection, by: Signer, *, reasons: Mapping[str, str], not_after: str | None
) -> tuple[Signed, ...]:
    made: list[Signed] = []

    def change(lock: ReadLock) -> ReadLock:
        for row in wanted.chosen:
            _refuse_unseen_block(desk, row, lock)
        for row in wanted.chosen:
            content.keep(world.files, desk.pack, row.content)
        sequence = next_sequence(lock, desk.chain, desk.pin)
        made[:] = [sign.sign_statement(by, _statement(desk, row, by, sequence, reasons[row.subject], not_after)) for row in wanted.chosen]
        for each in made:
            lock = with_approval(lock, each, desk.chain)
        return lock

    subjects.rewrite(world, desk.pack, desk.files.id, change)
    seen = {row.statement.subject: {by.id: row.statement.sequence} for row in made}
    here.remember(world, desk.pin.model_copy(update={"sequences": seen}))
    return tuple(made)


def _refuse_unseen_block(desk: Desk, row: Candidate, lock: ReadLock) -> None:
    """Raise CASK-L006 for a block that came while the person was asked: a newer approval would lift it, and nobody was shown it."""
    seen = desk.survey.lock.lock.subjects.get(row.subject, ())
    if any(said.statement.verdict == "block" and said not in seen for said in lock.lock.subjects.get(row.subject, ())):
        what = f"{row.name} was blocked while it was looked at; nothing was signed"
        raise CaskError("CASK-L006", what, place=lockfile.NAME, mend="cask gate status")


def next_sequence(lock: ReadLock, chain: Chain, pin: Pin) -> int:
    """One more than the highest of the lock and of what was seen here. A forged sequence counts for nothing, an unsigned block for what it says."""
    rows = statements.examine(lock, chain).rows.values()
    highest = max(pin.highest, max((row.sequence for group in rows for row in group), default=0))
    if highest >= SAFE_INTEGER:
        raise CaskError(
            "CASK-L004",
            "the lock holds a block with the highest sequence there is; take it out by hand",
            place=lockfile.NAME,
            mend=f"edit {lockfile.NAME}",
        )
    return highest + 1


def with_approval(lock: ReadLock, made: Signed, chain: Chain) -> ReadLock:
    """The lock with a new approval: it takes the place of the same key's, of what does not verify, and of nothing else.

    Blocks and other keys' statements stay: dropping a block, whoever signed it, would bring back what it voided.
    """
    subject, key = made.statement.subject, made.statement.key
    kept = [row for row in statements.sound(lock, subject, chain) if row.statement.key != key or row.statement.verdict == "block"]
    return lockfile.replaced(lock, subject, [*kept, made])


def _statement(desk: Desk, row: Candidate, by: Signer, sequence: int, reason: str, not_after: str | None) -> Statement:
    return Statement(
        toolpack=desk.files.id,
        subject=row.subject,
        digest=row.digest,
        basis=desk.basis,
        verdict="allow",
        key=by.id,
        reason=reason,
        sequence=sequence,
        issued_at=desk.at,
        not_after=not_after,
        root_version=desk.chain.current.version,
        receipts=desk.receipts,
    )


# ---------------------------------------------------------------- the report
def _report(desk: Desk, signed: tuple[Signed, ...], left_out: tuple[LeftOut, ...], key: str) -> Report:
    rows: tuple[dict[str, Any], ...] = tuple(
        {"subject": row.statement.subject, "digest": row.statement.digest, "expires": row.statement.not_after} for row in signed
    )
    findings = tuple(
        Finding(code="CASK-L003", severity=Severity.INFO, subject=row.subject, message=f"left out: {row.reason}", mend=row.mend)
        for row in left_out
    )
    sequence = max((row.statement.sequence for row in signed), default=0)
    return Report(
        report="gate-allow",
        summary={"toolpack": desk.files.id, "signed": len(signed), "left_out": len(left_out), "sequence": sequence, "key": key},
        tables={"signed": rows},
        findings=findings,
        lines=() if signed else ("Nothing was signed: nothing that may be signed here waits.",),
    )
