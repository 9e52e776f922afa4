"""Plain text: prose, tables as aligned columns, findings one a line with place and mend, a closing line of counts."""

from collections.abc import Iterable, Mapping
from typing import Any

from caskmcp.model.finding import Detail, Finding, Report
from caskmcp.report.commands import disarmed
from caskmcp.report.error import mended
from caskmcp.report.visible import visible

WIDEST = 100
AROUND = 40
"""Characters that are shown on each side of words that changed."""


def render(report: Report) -> str:
    """The report for a person."""
    blocks = [*report.lines]
    for name, rows in report.tables.items():
        if rows:
            blocks.append("\n".join(([] if len(report.tables) == 1 else [f"{name}:"]) + list(table(rows))))
    blocks.extend(words(row) for row in report.details if row.words)
    blocks.extend(finding(row) for row in report.worth_telling)
    if report.summary:
        blocks.append(" · ".join(f"{key.replace('_', ' ')}: {_cell(value)}" for key, value in report.summary.items()))
    return disarmed("\n".join(blocks))


def finding(row: Finding) -> str:
    """One finding on one line."""
    severity = f"{row.severity.value} (suppressed: {row.suppressed})" if row.suppressed else row.severity.value
    parts = (f"{severity}: {row.code} {row.message}", row.subject, row.place, mended(row.mend))
    return _flat(" · ".join(part for part in parts if part))


def words(row: Detail) -> str:
    """What changed in a text, as `git diff --word-diff` shows it: `[-old-]{+new+}`."""
    marks = {"same": "{}", "old": "[-{}-]", "new": "{{+{}+}}"}
    pieces = [marks[kind].format(_near(text, at, len(row.words)) if kind == "same" else text) for at, (kind, text) in enumerate(row.words)]
    return _flat(f"{row.subject} {row.place}: {''.join(pieces)}")


def _near(text: str, at: int, count: int) -> str:
    """A text that did not change, cut in the middle, or on the side where nothing follows."""
    if len(text) <= 2 * AROUND:
        return text
    return ("" if at == 0 else text[:AROUND]) + "…" + ("" if at == count - 1 else text[-AROUND:])


def table(rows: Iterable[Mapping[str, Any]]) -> Iterable[str]:
    """Rows of one table as aligned lines under their column names."""
    listed = [{key: _cell(value) for key, value in row.items()} for row in rows]
    names = [name for name in dict.fromkeys(key for row in listed for key in row) if any(row.get(name) for row in listed)]
    widths = {name: max(len(name), *(len(row.get(name, "")) for row in listed)) for name in names}
    for row in ({name: name for name in names}, *listed):
        yield "  ".join(row.get(name, "").ljust(widths[name]) for name in names).rstrip()


def _cell(value: Any) -> str:
    if isinstance(value, list | tuple):
        value = ", ".join(str(item) for item in value)
    text = "" if value is None else _flat(str(value))
    return text if len(text) <= WIDEST else text[: WIDEST - 1] + "…"


def _flat(text: str) -> str:
    """The text on one line, nothing hidden in it: cut after that, so that a cut leaves no half of anything."""
    return visible(text.replace("\n", " "))
