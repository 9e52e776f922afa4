"""`cask scopes`."""

import click

from caskmcp.cli.command import command
from caskmcp.model.finding import Report
from caskmcp.ports import World
from caskmcp.workflows import scopes as story


@command("scopes", click.Argument(["action"], type=click.Choice(["show", "merge"]), default="show", metavar="[show|merge]"))
def scopes(world: World, action: str) -> Report:
    """The scopes of the tools: yours and the suggested ones; `merge` adds what scopes.yaml lacks, and overwrites nothing.

    Exit 1 where tools are in no scope of yours.
    """
    return story.merge(world) if action == "merge" else story.show(world)
