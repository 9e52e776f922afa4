"""GitHub Markdown: every captured text stays plain text inside its cell."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from caskmcp.model.finding import Report
from caskmcp.report.visible import visible

SPECIAL: Final = re.compile(r"([\\`*_{}\[\]()<>#+!|~&@:-])")


def render(report: Report) -> str:
    """The report as Markdown: a heading, tables, findings, counts."""
    blocks = [f"## cask {report.report}", *(escape(line) for line in report.lines)]
    for name, rows in report.tables.items():
        if rows:
            blocks.append("\n".join(_table(name, rows)))
    if report.worth_telling:
        found = [
            {"severity": row.severity.value, "code": row.code, "subject": row.subject, "finding": row.message, "place": row.place}
            for row in report.worth_telling
        ]
        blocks.append("\n".join(_table("findings", found)))
    if report.summary:
        blocks.append(", ".join(f"{escape(key.replace('_', ' '))}: **{escape(str(value))}**" for key, value in report.summary.items()))
    return "\n\n".join(blocks)


def escape(text: str) -> str:
    """Text as Markdown that shows exactly that text; one line."""
    return SPECIAL.sub(r"\\\1", visible(text).replace("\n", " ").replace("\t", " "))


def _table(name: str, rows: Iterable[Mapping[str, Any]]) -> Iterable[str]:
    listed = list(rows)
    names = list(dict.fromkeys(key for row in listed for key in row))
    yield f"### {escape(name)}\n"
    yield "| " + " | ".join(escape(name) for name in names) + " |"
    yield "|" + " --- |" * len(names)
    for row in listed:
        yield "| " + " | ".join(escape(_cell(row.get(name))) for name in names) + " |"


def _cell(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(str(item) for item in value)
    return "" if value is None else str(value)
