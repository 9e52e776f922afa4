"""Workflow commands of GitHub: one annotation a finding, the worst first, on the file and line where a reviewer looks.

A command is one line. What stands in it is escaped as the runner reads it back: `%`, carriage return and newline in the message, colon and comma
as well in a property. Steps that were not run are a notice, so that nobody takes the absence of errors for a pass.
"""

from collections.abc import Iterator
from typing import Final

from caskmcp.model.finding import EXITS, Finding, Report, Severity
from caskmcp.report.commands import disarmed
from caskmcp.report.error import mended
from caskmcp.report.sarif import located
from caskmcp.report.visible import visible

COMMANDS: Final = {
    Severity.INFO: "notice",
    Severity.REVIEW: "warning",
    Severity.BREAKING: "error",
    Severity.INPUT: "error",
    Severity.REFUSED: "error",
}
_DATA: Final = {"%": "%25", "\r": "%0D", "\n": "%0A"}
_PROPERTY: Final = {**_DATA, ":": "%3A", ",": "%2C"}


def render(report: Report) -> str:
    """The report as commands, one a line; a clean one is a notice that says so."""
    findings = sorted(report.findings, key=lambda row: -EXITS[row.severity])
    return "\n".join((*map(_of_finding, findings), *_of_report(report)))


def data(text: str) -> str:
    """A text as the message of a command."""
    return "".join(_DATA.get(char, char) for char in disarmed(visible(text)))


def prop(text: str) -> str:
    """A text as the value of a property."""
    return "".join(_PROPERTY.get(char, char) for char in disarmed(visible(text)))


def _of_finding(row: Finding) -> str:
    path, line = located(row.place)
    where = (f"file={prop(path)}" if path else "", f"line={line}" if path and line else "", f"title={prop(_title(row))}")
    parts = (row.message, row.subject if row.subject not in row.message else "", mended(row.mend))
    return f"::{COMMANDS[row.severity]} {','.join(filter(None, where))}::{data(' · '.join(filter(None, parts)))}"


def _title(row: Finding) -> str:
    return f"{row.code} (suppressed: {row.suppressed})" if row.suppressed else row.code


def _of_report(report: Report) -> Iterator[str]:
    left = [f"{row['step']} {row['result']}" for row in report.tables.get("steps", ()) if row.get("result") in ("skipped", "not-run")]
    if left:
        yield f"::notice title={prop(f'cask {report.report}')}::{data('these steps judged nothing: ' + ', '.join(left))}"
    counts = ", ".join(f"{key}: {value}" for key, value in report.summary.items())
    yield f"::notice title={prop(f'cask {report.report}')}::{data(f'exit status {int(report.exit)}; {counts}')}"
