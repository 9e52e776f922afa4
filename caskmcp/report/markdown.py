"""GitHub Markdown: every captured text stays plain text inside its cell.

A backslash is not enough for everything: mentions (`@name`), references (`#1`) and pictures (`:bug:`) are looked for in the rendered text, where
it is gone; a comment without content keeps the mark apart from what follows (`@<!-- -->name`). `www.` is a link without any mark.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from caskmcp.model.finding import Detail, Finding, Report
from caskmcp.report.visible import visible

SPECIAL: Final = re.compile(r"([\\`*_{}\[\]()<>#+!|~&@:$-]|(?<=www)\.)", re.IGNORECASE)
_LATE: Final = re.compile(r"[@#]|:(?=[a-z0-9_+-]+:)", re.ASCII)
"""What is looked for in the rendered text."""
APART: Final = "<!-- -->"
"""Renders as nothing, and parts what stands before it from what stands after it."""


def render(report: Report) -> str:
    """The report as Markdown: a heading, tables, findings, counts."""
    blocks = [f"## cask {report.report}", *map(_paragraph, report.lines)]
    for name, rows in report.tables.items():
        if rows:
            blocks.append("\n".join(_table(name, rows)))
    if changed := [row for row in report.details if row.words]:
        blocks.append("\n".join(("### words\n", *(_words(row) for row in changed))))
    if report.worth_telling:
        blocks.append("\n".join(_table("findings", map(_finding, report.worth_telling))))
    if report.summary:
        blocks.append(", ".join(f"{escape(key.replace('_', ' '))}: **{escape(str(value))}**" for key, value in report.summary.items()))
    return "\n\n".join(blocks)


def escape(text: str) -> str:
    """Text as Markdown that shows exactly that text; one line."""
    return SPECIAL.sub(_escaped, visible(text).replace("\n", " ").replace("\t", " "))


def _paragraph(text: str) -> str:
    """A line of prose: blanks before it would make it code, a number with a point an entry of a list."""
    return re.sub(r"^(\d+)\.", r"\1\.", escape(text.strip()))


def _escaped(match: re.Match[str]) -> str:
    return f"\\{match[0]}{APART}" if _LATE.match(match.string, match.start()) else f"\\{match[0]}"


def _finding(row: Finding) -> dict[str, Any]:
    severity = f"{row.severity.value} (suppressed: {row.suppressed})" if row.suppressed else row.severity.value
    return {"severity": severity, "code": row.code, "subject": row.subject, "finding": row.message, "place": row.place}


def _words(row: Detail) -> str:
    """What changed in a text: old words struck out, new ones bold. Blanks at the ends stand outside of the marks, which would not count."""
    return f"- {escape(row.subject)} {escape(row.place)}: " + "".join(_piece(kind, text) for kind, text in row.words)


def _piece(kind: str, text: str) -> str:
    mark, core = {"same": "", "old": "~~", "new": "**"}[kind], text.strip()
    if not mark or not core:
        return escape(text)
    before, after = text[: len(text) - len(text.lstrip())], text[len(text.rstrip()) :]
    return f"{escape(before)}{mark}{escape(core)}{mark}{APART}{escape(after)}"


def _table(name: str, rows: Iterable[Mapping[str, Any]]) -> Iterable[str]:
    listed = list(rows)
    names = [key for key in dict.fromkeys(key for row in listed for key in row) if any(row.get(key) not in ("", None) for row in listed)]
    yield f"### {escape(name)}\n"
    yield "| " + " | ".join(escape(name) for name in names) + " |"
    yield "|" + " --- |" * len(names)
    for row in listed:
        yield "| " + " | ".join(escape(_cell(row.get(name))) for name in names) + " |"


def _cell(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(str(item) for item in value)
    return "" if value is None else str(value)
