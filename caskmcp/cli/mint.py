"""`cask mint`."""

from typing import Any

import click

from caskmcp.cli.command import command
from caskmcp.cli.record import HOSTS, RECORDING, options
from caskmcp.model.finding import Report
from caskmcp.ports import World
from caskmcp.workflows import mint as story


@command(
    "mint",
    click.Argument(["sources"], nargs=-1, required=True, metavar="URL|FILE..."),
    HOSTS,
    click.Option(["--name"], metavar="ID", help="The toolpack's id."),
    *RECORDING,
)
def mint(world: World, sources: tuple[str, ...], hosts: tuple[str, ...], name: str | None, **values: Any) -> Report:
    """From a recording, a spec or an address to a compiled toolpack: init if needed, capture, build, and the next commands, exact.

    An address is recorded with a browser first, as `cask capture record` does.
    """
    return story.run(world, sources=sources, hosts=hosts, name=name, options=options(values))
