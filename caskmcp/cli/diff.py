"""`cask diff`."""

from caskmcp.cli.command import command
from caskmcp.model.finding import Report
from caskmcp.ports import World
from caskmcp.workflows import diff as story


@command("diff", formats=("text", "json", "github-md", "md"))
def diff(world: World) -> Report:
    """Risk-classified capability diff: what is approved against what was built.

    Works from the lock and the approved content alone, also before the first approval: then everything is new.
    """
    return story.run(world)
