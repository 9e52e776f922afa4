"""The table of formats, and how a report is shown in one of them."""

from typing import Final

from caskmcp.load import load
from caskmcp.model.finding import Report
from caskmcp.ports import Console

FORMATS: Final = {
    "comment": "report.comment:render",
    "text": "report.text:render",
    "json": "report.json_:render",
    "github": "report.annotations:render",
    "github-md": "report.markdown:render",
    "html": "report.html:render",
    "junit": "report.junit:render",
    "md": "report.markdown:render",
    "mermaid": "report.mermaid:render",
    "sarif": "report.sarif:render",
}
"""Format -> a function from a report to text."""


def show(report: Report, how: str, console: Console) -> None:
    """Print a report as `how` says: the result on stdout."""
    text = load(FORMATS[how])(report)
    if text:
        console.out(text)
