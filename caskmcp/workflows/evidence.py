"""What an approval rests on: for named subjects, each statement with whether it counts and why not, its basis, receipts, sequence and end.

Reads what the door judged; decides nothing. Which captures stand behind a tool is `coverage.json`'s to say; what they are called here is
known only where their sources are.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from caskmcp.errors import CaskError
from caskmcp.govern import lockfile, trust
from caskmcp.govern.admit import Survey
from caskmcp.govern.statements import Standing
from caskmcp.govern.trust import Chain
from caskmcp.model.artifact import Coverage
from caskmcp.model.finding import Finding, Severity, typed
from caskmcp.model.statement import Signed, Statement
from caskmcp.model.trust import Role
from caskmcp.ports import World
from caskmcp.store.layout import Pack
from caskmcp.workflows import here, selection
from caskmcp.workflows.given import Ledger
from caskmcp.workflows.selection import Candidate
from caskmcp.workflows.subjects import name_of

Row = dict[str, Any]
MAY_NOT: Final = "the trust root does not let this key approve it"
"""Why a statement of somebody counts no more whose key was taken out of a role."""


@dataclass(frozen=True)
class Grounds:
    """What the statements on one subject are judged by."""

    survey: Survey
    chain: Chain | None
    role: Role | None
    """Who may approve it; None where nobody may."""
    digest: str
    """Of the present content."""
    covering: str = ""
    """Of the approved content that covers the present one, where the trust root lets that count (`narrowing`)."""


def approvals(survey: Survey, chain: Chain | None, subjects: Sequence[str]) -> Iterator[Row]:
    """One row a subject: how many signatures it has of how many it needs, and by when they end."""
    known = _known(survey, chain)
    for subject in subjects:
        grounds = _grounds(survey, chain, subject, known)
        counting = {row.key for row in survey.examined.rows.get(_signed_as(survey, subject), ()) if not _why_not(row, grounds)}
        yield {
            "subject": subject,
            "status": _standing(survey, subject).status,
            "signatures": f"{len(counting)} of {grounds.role.threshold}" if grounds.role else "nobody may approve it",
            "digest": grounds.digest,
            "why": _standing(survey, subject).reason,
        }


def statements(survey: Survey, chain: Chain | None, subjects: Sequence[str]) -> Iterator[Row]:
    """One row a statement on these subjects, in the lock's order: what was signed, and whether it counts."""
    known = _known(survey, chain)
    for subject in subjects:
        grounds = _grounds(survey, chain, subject, known)
        for signed in survey.lock.lock.subjects.get(_signed_as(survey, subject), ()):
            yield _told(signed, grounds)


def captures(world: World, pack: Pack, survey: Survey, subjects: Sequence[str]) -> Iterator[Row]:
    """One row a part of the observations that a named tool came from. source: what gave it, where that is known here."""
    named = [row.tool for row in survey.offer.tools if row.subject in subjects and row.tool is not None]
    parts = _parts(world, pack) if named else {}
    sources = _sources(world) if parts else {}
    for tool in named:
        for part, seen in sorted(parts.get(tool.operation, {}).items()):
            yield {"subject": f"tool:{tool.name}", "part": part, "exchanges": seen, "source": sources.get(part, "")}


def ending(row: Standing, severity: Severity) -> Finding:
    """An approval that is listed a week before it ends."""
    name = name_of(row.subject)
    what = f"the approval of {name} ends at {row.expires}"
    return Finding(
        code="CASK-L011",
        severity=severity,
        subject=row.subject,
        message=what,
        place=lockfile.NAME,
        mend=f"cask gate allow {typed(row.subject)}",
    )


def expiring(chain: Chain | None, at: str) -> tuple[Finding, ...]:
    """That the trust root ends within a month; it takes people to make the next version in time. Advice alone until the end has come."""
    if chain is None or not (end := trust.ends_soon(chain.current, at)):
        return ()
    return (
        Finding(
            code="CASK-T008",
            severity=Severity.INFO,
            subject="trust",
            message=f"version {chain.current.version} of the trust root ends at {end}; after that nothing is served",
            place=f"trust/{chain.current.version}.root.json",
            mend="cask trust edit --expires 365d",
        ),
    )


# ---------------------------------------------------------------- what counts
def _known(survey: Survey, chain: Chain | None) -> Mapping[str, Candidate]:
    """Everything that can be read and approved, by subject; nothing without a trust root."""
    return selection.candidates(survey, chain.current) if chain else {}


def _grounds(survey: Survey, chain: Chain | None, subject: str, known: Mapping[str, Candidate]) -> Grounds:
    row, covering = known.get(subject), _standing(survey, subject).narrowed_from
    return Grounds(survey, chain, row.role if row else None, row.digest if row else "", covering)


def _signed_as(survey: Survey, subject: str) -> str:
    """The subject whose statements count: of a tool that took another name, the name that it was approved by."""
    return survey.carried.get(subject, subject)


def _standing(survey: Survey, subject: str) -> Standing:
    return next(row for row in survey.standings if row.subject == subject)


def _told(signed: Signed, grounds: Grounds) -> Row:
    said = signed.statement
    holder = grounds.chain.known.get(said.key) if grounds.chain else None
    why = _why_not(said, grounds)
    return {
        "subject": said.subject,
        "verdict": said.verdict,
        "by": holder.name if holder else said.key or "unsigned",
        "counts": not why,
        "why_not": why,
        "basis": said.basis,
        "receipts": said.receipts,
        "sequence": said.sequence,
        "issued_at": said.issued_at,
        "expires": said.not_after,
        "root_version": said.root_version,
        "digest": said.digest,
        "reason": said.reason,
    }


def _why_not(said: Statement, grounds: Grounds) -> str:
    """Why a statement is no approval of the present content; empty if it is one. The order is that of `statements.judge`."""
    if said not in grounds.survey.examined.rows.get(said.subject, ()):
        return "it does not verify"
    if said.verdict == "block":
        return "it is a block"
    rows = grounds.survey.examined.rows[said.subject]
    after_block = max((row.sequence for row in rows if row.verdict == "block"), default=0)
    newest = max(row.sequence for row in rows if row.key == said.key and row.verdict == "allow")
    facts = (
        (said.sequence > after_block, "a block voided it"),
        (said.sequence == newest, "the same key signed a newer one"),
        (said.digest in (grounds.digest, grounds.covering), "it is on other content"),
        (_may(said, grounds), MAY_NOT),
        (said.not_after is None or grounds.survey.at <= said.not_after, "it has expired"),
    )
    return next((why for fine, why in facts if not fine), "")


def _may(said: Statement, grounds: Grounds) -> bool:
    return (
        grounds.role is not None and grounds.chain is not None and said.key in grounds.role.keys and said.key in grounds.chain.current.keys
    )


# ---------------------------------------------------------------- where it came from
def _parts(world: World, pack: Pack) -> Mapping[str, Mapping[str, int]]:
    """Operation -> part -> exchanges; nothing where the artifact is not here or cannot be read: `check` says so."""
    path = pack.artifact("coverage.json")
    if not world.files.exists(path):
        return {}
    try:
        rows = Coverage.from_json(world.files.read(path), path.name, code="CASK-L002").operations
    except CaskError:
        return {}  # another artifact's fault is no reason to hide who signed
    return {operation: row.parts for operation, row in rows.items()}


def _sources(world: World) -> dict[str, str]:
    """Part -> the source here that gives it."""
    ledger = Ledger(world.files, here.root(world))
    return {ledger.present(source, "parts"): source for source in sorted(ledger.rows)}
