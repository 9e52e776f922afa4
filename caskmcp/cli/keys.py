"""`cask keys …`."""

import click

from caskmcp.cli.command import command
from caskmcp.model.finding import Report
from caskmcp.ports import World
from caskmcp.workflows import keys as story


@command("new", click.Argument(["name"], metavar="NAME"))
def new(world: World, name: str) -> Report:
    """Make an Ed25519 key in the user's configuration folder. Asks for a passphrase twice."""
    return story.new(world, name=name)


@command("list")
def listing(world: World) -> Report:
    """The keys in the user's configuration folder."""
    return story.listing(world)
