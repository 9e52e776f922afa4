"""The report's prose alone, for formats that are a text of their own."""

from caskmcp.model.finding import Report


def render(report: Report) -> str:
    """The lines as they are."""
    return "\n".join(report.lines)
