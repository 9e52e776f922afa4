"""`cask mint`."""

import click

from caskmcp.cli.command import command
from caskmcp.model.finding import Report
from caskmcp.ports import World
from caskmcp.workflows import mint as story


@command(
    "mint",
    click.Argument(["sources"], nargs=-1, required=True, metavar="FILE..."),
    click.Option(["-a", "--host", "hosts"], multiple=True, metavar="HOST", help="A first-party host; may be repeated."),
    click.Option(["--name"], metavar="ID", help="The toolpack's id."),
)
def mint(world: World, sources: tuple[str, ...], hosts: tuple[str, ...], name: str | None) -> Report:
    """From a recording or spec to a compiled toolpack: init if needed, capture, build, and the next commands, exact."""
    return story.run(world, sources=sources, hosts=hosts, name=name)
