"""`cask explain`."""

import click

from caskmcp.cli.command import command
from caskmcp.model.finding import Report
from caskmcp.ports import World
from caskmcp.workflows import explain as story


@command("explain", click.Argument(["subject"], metavar="TOOL[.FIELD]"))
def explain(world: World, subject: str) -> Report:
    """The evidence behind a tool, or behind one of its fields: `list_orders`, `list_orders.status`.

    Reads the committed artifacts alone: how often a field was seen, from which kinds of source, and which rule made it what it is.
    """
    return story.run(world, subject)
