"""Mermaid: a table of steps (`step`, `after`) as a flow chart. Names are quoted and made harmless; ids are numbers."""

from caskmcp.model.finding import Report
from caskmcp.report.visible import visible


def render(report: Report) -> str:
    """The chart of `tables["steps"]`."""
    rows = report.tables.get("steps", ())
    ids = {row["step"]: f"s{number}" for number, row in enumerate(rows)}
    nodes = [f'    {ids[row["step"]]}["{_quoted(row["step"])}"]' for row in rows]
    edges = [f"    {ids[name]} --> {ids[row['step']]}" for row in rows for name in row["after"] if name in ids]
    return "\n".join(["flowchart LR", *nodes, *edges])


def _quoted(text: str) -> str:
    """As Mermaid wants it: entities for what would end the label or start markup."""
    return "".join(f"#{ord(letter)};" if letter in '"#<>&;`' else letter for letter in visible(text))
