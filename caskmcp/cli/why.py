"""`cask why`."""

import click

from caskmcp.cli.command import command
from caskmcp.model.finding import Report
from caskmcp.ports import World
from caskmcp.workflows import why as story


@command("why", click.Argument(["decision"], metavar="DECISION_ID"))
def why(world: World, decision: str) -> Report:
    """Why a call was allowed, denied or held: the step and rule, what the code means, what mends it, who can approve, and the evidence."""
    return story.run(world, decision)
