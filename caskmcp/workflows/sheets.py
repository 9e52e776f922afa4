"""What a person reads of each subject under review, by parts: the tool in brief, what changed, the evidence, why it has its tier.

Gathers what other rooms say and says nothing of its own: changes and verdicts are the diff's, statements and captures are `evidence`'s.
Whether a text is fit for a terminal is the business of whoever shows it.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from caskmcp.analyze.diff import diff
from caskmcp.compiler.classify.rules import RULES
from caskmcp.govern.admit import Survey
from caskmcp.govern.trust import Chain
from caskmcp.model.finding import Finding, Report
from caskmcp.model.tool import Tool
from caskmcp.ports import World
from caskmcp.report.text import words
from caskmcp.store.layout import Pack
from caskmcp.workflows import evidence, shown
from caskmcp.workflows.approve import Proven
from caskmcp.workflows.diff import sides
from caskmcp.workflows.review import Section
from caskmcp.workflows.selection import Candidate

ADDED: Final = ("tool-added", "shared-added")
"""Changes that the line `new` tells already."""
LOW: Final = "LOW EVIDENCE: look closer before you allow it"
_WHY: Final = {row.id: row.message for row in RULES}


@dataclass(frozen=True)
class Desk:
    """What lies before the person."""

    world: World
    pack: Pack
    survey: Survey
    chain: Chain | None
    proven: Proven | None = None
    """What an approval would rest on; None where nothing was derived."""


@dataclass(frozen=True)
class Known:
    """What is known of all subjects, looked up once."""

    verdicts: Mapping[str, tuple[str, ...]]
    """Subject -> what the calculus says of each of its changes, as `cask diff` words it."""
    captures: Mapping[str, tuple[evidence.Row, ...]]
    """Subject -> the parts of the observations that it came from."""
    statements: Mapping[str, tuple[evidence.Row, ...]]
    """Subject -> what is signed on it already."""


def known(desk: Desk) -> Known:
    """Compare and look up everything once."""
    said: defaultdict[str, tuple[str, ...]] = defaultdict(tuple)
    report = diff(sides(desk.world.files, desk.pack, desk.survey), pinned=True)
    for at, finding in enumerate(report.findings):
        said[finding.subject] += tuple(_verdict(report, at, finding))
    every = [row.subject for row in desk.survey.standings]
    captures = evidence.captures(desk.world, desk.pack, desk.survey, every)
    return Known(said, _by_subject(captures), _by_subject(evidence.statements(desk.survey, desk.chain, every)))


def _by_subject(rows: Iterable[evidence.Row]) -> Mapping[str, tuple[evidence.Row, ...]]:
    found: defaultdict[str, tuple[evidence.Row, ...]] = defaultdict(tuple)
    for row in rows:
        found[row["subject"]] += (row,)
    return found


def sections(desk: Desk, row: Candidate, found: Known) -> tuple[Section, ...]:
    """The parts of one sheet, without those that are empty; the first one always is there."""
    changed = shown.changed(desk.world, desk.pack, desk.survey, row)
    parts = (
        Section("tool" if row.tool else "shared by tools", tuple(line.removeprefix("  ") for line in shown.brief(row))),
        Section("what changed", (*changed, *found.verdicts.get(row.subject, ()))),
        Section("evidence", tuple(_grounds(desk, row, found))),
        Section("why this tier", tuple(_reasons(row.tool)) if row.tool else ()),
    )
    return tuple(part for part in parts if part.lines)


def flat(parts: tuple[Section, ...]) -> tuple[str, ...]:
    """The same for prompts, which show a subject as `cask gate allow` does before it signs."""
    brief, *rest = parts
    return (*(f"  {line}" for line in brief.lines), *(f"    {line}" for part in rest for line in part.lines))


# ---------------------------------------------------------------- the parts
def _verdict(report: Report, at: int, finding: Finding) -> Iterator[str]:
    row, detail = report.tables["changes"][at], report.details[at]
    if row["change"] in ADDED:
        return
    yield f"{finding.severity.value}: {finding.message}"
    yield words(detail) if detail.words else f"  {row['before'] or 'nothing'} -> {row['after'] or 'nothing'}"


def _grounds(desk: Desk, row: Candidate, found: Known) -> Iterator[str]:
    if row.tool is not None:
        parts = found.captures.get(row.subject, ())
        seen = sum(int(part["exchanges"]) for part in parts)
        yield f"evidence: {row.tool.confidence}; {seen} exchanges in {len(parts)} parts of the observations"
        if row.tool.confidence == "low" or (desk.proven is not None and desk.proven.basis == "observations"):
            yield LOW
        yield from (f"part {part['part']}: {part['exchanges']} exchanges, {part['source'] or 'source not here'}" for part in parts)
    if desk.proven is not None:
        receipts = f", redaction receipts {desk.proven.receipts}" if desk.proven.basis == "traffic" and desk.proven.receipts else ""
        yield f"an approval would rest on: {desk.proven.basis}{receipts}"
    yield from map(_stated, found.statements.get(desk.survey.carried.get(row.subject, row.subject), ()))


def _stated(said: evidence.Row) -> str:
    """One statement that there is already."""
    reason = f" ({said['reason']})" if said["reason"] else ""
    on = f" on {said['basis']}" if said["basis"] else ""
    return f"{said['verdict']} by {said['by']} at {said['sequence']}{on}{reason}: {'counts' if said['counts'] else said['why_not']}"


def _reasons(tool: Tool) -> Iterator[str]:
    for reason in tool.reasons:
        why = f"{_WHY[reason.rule]}; " if reason.rule in _WHY else ""
        yield f"{tool.risk} by {reason.rule}: {why}{reason.evidence}"
