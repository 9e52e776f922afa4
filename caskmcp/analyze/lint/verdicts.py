"""From the table to a report: every row is asked, findings get fingerprints, suppressions take out what people accepted.

A fingerprint says what was found where; a changed wording of ours or another order changes none. Where a foreign text is the finding, its
digest is in the fingerprint: who accepts one text has accepted no other.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from caskmcp import canon
from caskmcp.analyze.lint import wording
from caskmcp.analyze.lint.rules import BY_ID, RULES, UNUSED, Rule
from caskmcp.analyze.lint.surface import TOOLS, Found, Surface
from caskmcp.errors import CaskError
from caskmcp.load import load
from caskmcp.model.finding import EXITS, Finding, Report, Severity
from caskmcp.model.lint import Suppression

FILE = "lint.yaml"


@dataclass(frozen=True)
class Verdict:
    """A finding, and what people said of it."""

    finding: Finding
    reason: str = ""
    """Why it is accepted; empty if it is not."""


def lint(surface: Surface, suppressions: tuple[Suppression, ...] = (), *, at: str = "artifact") -> Report:
    """Ask every rule. at: the folder of the artifacts, for places. Raises CASK-L002 for artifacts that cannot be read."""
    verdicts = tuple(_verdict(row, suppressions) for row in _findings(surface, at))
    kept = tuple(row.finding for row in verdicts if not row.reason)
    findings = (*kept, *_unused(suppressions, verdicts, surface))
    accepted = tuple(_accepted(row) for row in verdicts if row.reason)
    scores = [wording.score(tool) for tool in surface.tools]
    counts = {str(level): sum(row.severity is level for row in findings) for level in (Severity.BREAKING, Severity.REVIEW, Severity.INFO)}
    return Report(
        report="lint",
        summary={"tools": len(surface.tools), "score": _mean(scores), **counts, "suppressed": len(accepted)},
        findings=tuple(sorted(findings, key=lambda row: (-EXITS[row.severity], row.code, row.subject, row.message))),
        tables={"suppressed": accepted},
    )


def scores(surface: Surface) -> tuple[dict[str, Any], ...]:
    """What each tool's wording scores and lacks, the lowest first."""
    rows = ({"tool": tool.name, "score": wording.score(tool), "lacks": wording.lacks(tool)} for tool in surface.tools)
    return tuple(sorted(rows, key=lambda row: (row["score"], row["tool"])))


def fingerprint(rule: str, found: Found) -> str:
    """16 hexadecimal digits of what was found: rule, subject, place and, where that is the finding, the text; free of our own wording."""
    held = {"held": found.held} if found.held else {}
    return canon.hexadecimal(canon.digest({"rule": rule, "subject": found.subject, "where": found.where, "file": found.file, **held}))[:16]


def _mean(points: Iterable[int]) -> int:
    rows = list(points)
    return sum(rows) // len(rows) if rows else 100


# ---------------------------------------------------------------- rules
def _findings(surface: Surface, at: str) -> Iterator[Finding]:
    for rule in RULES:
        found: Iterable[Found] = load(rule.finds)(surface) if surface.clients or not rule.clients else ()
        yield from (_finding(rule, row, surface.lines if row.file == TOOLS else {}, at) for row in found)


def _finding(rule: Rule, found: Found, lines: Mapping[str, int], at: str) -> Finding:
    name = found.subject.removeprefix("tool:")
    line = lines.get(name)
    return Finding(
        code=rule.id,
        severity=rule.severity,
        subject=found.subject,
        message=f"{name}: {found.message}",
        place=f"{at}/{found.file}" + (f":{line}" if line else ""),
        mend=rule.mend.replace("TOOL", name),
        fingerprint=fingerprint(rule.id, found),
    )


# ---------------------------------------------------------------- suppressions
def known(suppressions: Iterable[Suppression]) -> None:
    """Raise CASK-I010 for a suppression of a rule that does not exist, CASK-I004 for one by pattern of a rule that is accepted one by one."""
    for row in suppressions:
        if row.rule not in BY_ID:
            what = f"there is no lint rule `{row.rule}`; the rules are {', '.join(sorted(BY_ID))}"
            raise CaskError("CASK-I010", what, place=FILE, mend="cask lint --help")
        if BY_ID[row.rule].single and not row.fingerprint:
            what = f"what `{row.rule}` finds is accepted one by one: the suppression needs the `fingerprint` of the finding"
            raise CaskError("CASK-I004", what, place=FILE, mend="cask lint --format json")


def _verdict(finding: Finding, suppressions: Iterable[Suppression]) -> Verdict:
    return Verdict(finding, next((row.reason for row in suppressions if _fits(row, finding)), ""))


def _fits(row: Suppression, finding: Finding) -> bool:
    here = row.rule == finding.code and fnmatchcase(finding.subject, row.subject)
    return here and row.fingerprint in ("", finding.fingerprint)


def _accepted(row: Verdict) -> dict[str, Any]:
    finding = row.finding
    rows = {
        "code": finding.code,
        "severity": str(finding.severity),
        "subject": finding.subject,
        "message": finding.message,
        "reason": row.reason,
    }
    return rows | {"fingerprint": finding.fingerprint, "place": finding.place}


def _unused(suppressions: Iterable[Suppression], verdicts: tuple[Verdict, ...], surface: Surface) -> Iterator[Finding]:
    """Suppressions that match nothing, of the rules that were asked: what they accepted is gone, or they are misspelt."""
    for row in suppressions:
        asked = surface.clients or not BY_ID[row.rule].clients
        if asked and not any(_fits(row, verdict.finding) for verdict in verdicts):
            which = f"`{row.rule}` on `{row.subject}`" + (f" ({row.fingerprint})" if row.fingerprint else "")
            yield Finding(
                code=UNUSED,
                severity=Severity.REVIEW,
                subject=FILE,
                message=f"the suppression of {which} matches no finding",
                place=FILE,
                mend=f"edit {FILE}",
                fingerprint=fingerprint(UNUSED, Found(FILE, "", f"{row.rule} {row.subject} {row.fingerprint}", FILE)),
            )
