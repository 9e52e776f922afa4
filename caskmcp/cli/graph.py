"""`cask graph`."""

from caskmcp.cli.command import command
from caskmcp.model.finding import Report
from caskmcp.ports import World
from caskmcp.workflows import graph as story


@command("graph", formats=("text", "mermaid"))
def graph(world: World) -> Report:
    """Draw the build: stages, sources and what flows between them."""
    return story.run(world)
