"""The report as one comment on a pull request: what `github-md` shows, led by a mark, and never longer than a comment may be.

The first line is a mark that renders as nothing: who posts the file replaces the comment that begins with it. Text of strangers cannot write the
mark, since `<` is escaped. The same report gives the same bytes. What does not fit is counted, never dropped in silence. Posting is left to others.
"""

from bisect import bisect_left
from collections.abc import Mapping
from typing import Any, Final

from caskmcp.errors import Exit
from caskmcp.model.finding import EXITS, Finding, Report
from caskmcp.report import markdown
from caskmcp.report.visible import visible

MARK: Final = "<!-- cask-check -->"
MOST: Final = 65_536
"""Characters of a comment that GitHub takes. Bytes are counted here, of which there are never fewer."""
LONGEST: Final = 300
"""Characters of one text; a finding of strangers cannot push the others out."""
VERDICTS: Final = {
    Exit.CLEAN: "Clean",
    Exit.REVIEW: "Needs review",
    Exit.BREAKING: "Breaking",
    Exit.INPUT: "Bad input",
    Exit.REFUSED: "Refused",
}


def render(report: Report) -> str:
    """The comment, with as many findings as fit, the worst first."""
    worst = sorted(report.worth_telling, key=lambda row: -EXITS[row.severity])
    return _with(report, worst, _fitting(report, worst))


def _fitting(report: Report, worst: list[Finding]) -> int:
    """How many findings fit. Looked for from below: of ten thousand, those that cannot fit are not rendered."""

    def is_too_long(count: int) -> bool:
        return len(visible(_with(report, worst, count)).encode("utf-8")) >= MOST  # a newline follows in the file

    top = 1
    while top < len(worst) and not is_too_long(top):
        top *= 2
    return bisect_left(range(1, min(top, len(worst)) + 1), True, key=is_too_long)


def _with(report: Report, worst: list[Finding], count: int) -> str:
    cut = (
        ()
        if count == len(worst)
        else (f"Shown are {count} of {len(worst)} findings, the worst first; the whole report is on the page of the run.",)
    )
    shown = Report(
        report=report.report,
        summary=report.summary,
        findings=tuple(map(_clipped, worst[:count])),
        tables={"steps": tuple(map(_clipped_row, report.tables.get("steps", ())))},
        lines=(f"{VERDICTS[report.exit]} (exit status {int(report.exit)}).", *cut),
    )
    return f"{MARK}\n{markdown.render(shown)}"


def _clipped(row: Finding) -> Finding:
    return row.model_copy(update={name: _clip(getattr(row, name)) for name in ("subject", "message", "place", "suppressed")})


def _clipped_row(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _clip(value) if isinstance(value, str) else value for name, value in row.items()}


def _clip(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
