"""What a list of tools costs, and which of them fit into the manifest's budget."""

from collections.abc import Iterable, Mapping

from caskmcp import canon
from caskmcp.errors import CaskError
from caskmcp.model.project import Budget
from caskmcp.model.tool import Tool

BYTES_PER_TOKEN = 4
"""A usual estimate for English and JSON."""


def tokens(tool: Tool) -> int:
    """Estimated tokens of the tool in a client's list, rounded up."""
    hints = tool.annotations
    shown = {
        "name": tool.name,
        "title": tool.title,
        "description": tool.description,
        "inputSchema": tool.input_schema,
        "outputSchema": tool.output_schema,
        "annotations": {
            "readOnlyHint": hints.read_only,
            "destructiveHint": hints.destructive,
            "idempotentHint": hints.idempotent,
            "openWorldHint": hints.open_world,
        },
    }
    size = len(canon.compact({key: value for key, value in shown.items() if value is not None}))
    return -(-size // BYTES_PER_TOKEN)


def kept(tools: Iterable[Tool], used: Mapping[str, int], budget: Budget | None) -> tuple[str, ...]:
    """Names of the tools that fit, most used first, sorted; all without a budget. used: name -> exchanges. Raises CASK-N004 if none fits."""
    rows = sorted(tools, key=lambda tool: (-used.get(tool.name, 0), tool.name))
    if budget is None or not rows:
        return tuple(sorted(tool.name for tool in rows))
    chosen: list[str] = []
    spent = 0
    for tool in rows:
        cost = tokens(tool)
        if len(chosen) < budget.tools and spent + cost <= budget.tokens:
            chosen.append(tool.name)
            spent += cost
    if not chosen:
        least = min(map(tokens, rows))
        what = f"no tool fits into `tools.budget` of {budget.tokens} tokens; the smallest takes {least}"
        raise CaskError("CASK-N004", what, place="cask.yaml", mend="raise `tools.budget.tokens`")
    return tuple(sorted(chosen))
