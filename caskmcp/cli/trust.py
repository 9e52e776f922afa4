"""`cask trust …`: whose signatures count."""

import click

from caskmcp.cli.command import command
from caskmcp.model.finding import Report
from caskmcp.ports import World
from caskmcp.workflows import trust as story


@command(
    "init",
    click.Option(["--key"], metavar="NAME", help="The key that holds every role of version 1."),
    click.Option(["--replace"], is_flag=True, help="Give up the pinned root of this toolpack id; its name has to be typed."),
)
def init(world: World, key: str | None, replace: bool) -> Report:
    """Make version 1 of the trust root and pin it on this machine."""
    return story.init(world, key=key, replace=replace)


@command("show")
def show(world: World) -> Report:
    """The trust root and the pin of this machine."""
    return story.show(world)


@command(
    "pin",
    click.Option(["--replace"], is_flag=True, help="Accept another root under a pinned id; the name has to be typed."),
    click.Option(["--accept-older"], is_flag=True, help="Accept a lock that is older than one seen, after an honest checkout."),
)
def pin(world: World, replace: bool, accept_older: bool) -> Report:
    """Accept the toolpack's trust root on this machine."""
    return story.pin(world, replace=replace, accept_older=accept_older)
