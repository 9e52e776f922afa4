"""Rules on the size of what is served by default."""

from collections.abc import Iterator
from typing import Final

from caskmcp.analyze.lint.surface import Found, Surface
from caskmcp.compiler.emit.budget import tokens
from caskmcp.model.project import Budget

FILE: Final = "toolsets.yaml"
DEFAULT: Final = "default"
USUAL: Final = Budget()
"""What agents choose well from (MCP portability: 40 tools, 20,000 tokens)."""


def exceeded(surface: Surface) -> Iterator[Found]:
    """The toolset `default` keeps to the manifest's budget."""
    if surface.budget is not None:
        yield from _over(surface, surface.budget, "`tools.budget` allows")


def large(surface: Surface) -> Iterator[Found]:
    """Without a budget, what is served is not larger than usual ones."""
    if surface.budget is None:
        yield from _over(surface, USUAL, "agents do well with")


def _over(surface: Surface, budget: Budget, who: str) -> Iterator[Found]:
    row = surface.toolsets.toolsets.get(DEFAULT)
    kept = [tool for tool in surface.tools if row is not None and tool.name in row.tools]
    spent = sum(map(tokens, kept))
    if len(kept) > budget.tools:
        yield Found(f"toolset:{DEFAULT}", f"{len(kept)} tools are more than the {budget.tools} that {who}", "tools", FILE)
    if spent > budget.tokens:
        yield Found(f"toolset:{DEFAULT}", f"about {spent} tokens are more than the {budget.tokens} that {who}", "tokens", FILE)
