"""What people accept for a while (`suppress:` of `cask.yaml`), applied to findings.

Promises that nothing disappears: what is accepted stays in the report as `info` with the reason, what is not accepted any more fails as it did
before and says so, and what accepts nothing is a finding itself. What was refused, what cannot be read and what waits for an approval can be
accepted by nobody: the first two are no opinions, and the third is what `gate allow` is for.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from caskmcp.model.finding import Finding, Severity
from caskmcp.model.suppression import SuppressedFinding

UNUSED: Final = "suppression-unused"
"""The code of a suppression that accepts nothing."""
EXPIRED: Final = "suppression-expired"
"""The code of one whose last day is over, while its finding is still there."""
REFUSED: Final = "suppression-refused"
"""The code of one for a finding that nobody can accept."""
OPINIONS: Final = frozenset({Severity.INFO, Severity.REVIEW, Severity.BREAKING})
"""Severities of what can be a matter of opinion."""
APPROVALS: Final = frozenset({"CASK-L003", "CASK-L008", "CASK-L009", "tool-added", "shared-added"})
"""Codes of what waits for a person's signature."""


@dataclass(frozen=True)
class Stated:
    """One suppression, and the line of the manifest that states it."""

    said: SuppressedFinding
    place: str


def applied(findings: Iterable[Finding], stated: Iterable[Stated], today: str) -> tuple[Finding, ...]:
    """The findings, those that are accepted as `info`. today: `YYYY-MM-DD`, UTC."""
    known = {row.said.finding: row.said for row in stated}
    return tuple(_applied(row, known.get(row.fingerprint), today) for row in findings)


def _applied(row: Finding, said: SuppressedFinding | None, today: str) -> Finding:
    if said is None or not may_be_accepted(row):
        return row
    if today > said.until:
        return row.model_copy(update={"message": f"{row.message} (its suppression ended on {said.until})"})
    return row.model_copy(update={"severity": Severity.INFO, "suppressed": f"{said.reason} (until {said.until})", "mend": ""})


def may_be_accepted(row: Finding) -> bool:
    """Whether a person may accept a finding."""
    return row.severity in OPINIONS and row.code not in APPROVALS


def of_suppressions(findings: Iterable[Finding], stated: Iterable[Stated], today: str, *, whole: bool) -> Iterator[Finding]:
    """What is to say of the suppressions themselves. findings: as found, before `applied`. whole: whether every finding that one could accept
    is among them; if not, none is called unused."""
    found: dict[str, Finding] = {}
    for row in findings:
        found.setdefault(row.fingerprint, row)
    for one in stated:
        yield from _of(one, found, today, whole=whole)


def _of(one: Stated, found: Mapping[str, Finding], today: str, *, whole: bool) -> Iterator[Finding]:
    said, row = one.said, found.get(one.said.finding)
    if row is None:
        if whole:
            yield _finding(one, UNUSED, f"the suppression of {said.finding} matches no finding")
    elif not may_be_accepted(row):
        yield _finding(one, REFUSED, f"{row.code} on {row.subject or row.place} cannot be suppressed", row.mend)
    elif today > said.until:
        yield _finding(one, EXPIRED, f"the suppression of {row.code} on {row.subject or row.place} ended on {said.until}")


def _finding(one: Stated, code: str, message: str, mend: str = "") -> Finding:
    row = Finding(
        code=code, severity=Severity.REVIEW, subject=one.said.finding, message=message, place=one.place, mend=mend or "edit cask.yaml"
    )
    return row.identified()
