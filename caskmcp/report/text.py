"""Plain text: prose, tables as aligned columns, findings one a line with place and mend, a closing line of counts."""

from collections.abc import Iterable, Mapping
from typing import Any

from caskmcp.model.finding import Finding, Report
from caskmcp.report.error import mended

WIDEST = 100


def render(report: Report) -> str:
    """The report for a person."""
    blocks = [*report.lines]
    for name, rows in report.tables.items():
        if rows:
            blocks.append("\n".join(([] if len(report.tables) == 1 else [f"{name}:"]) + list(table(rows))))
    blocks.extend(finding(row) for row in report.worth_telling)
    if report.summary:
        blocks.append(" · ".join(f"{key.replace('_', ' ')}: {_cell(value)}" for key, value in report.summary.items()))
    return "\n".join(blocks)


def finding(row: Finding) -> str:
    """One finding on one line."""
    parts = (f"{row.severity.value}: {row.code} {row.message}", row.subject, row.place, mended(row.mend))
    return " · ".join(part for part in parts if part)


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
    text = "" if value is None else str(value).replace("\n", " ")
    return text if len(text) <= WIDEST else text[: WIDEST - 1] + "…"
