"""`cask init`."""

import click

from caskmcp.cli.command import command
from caskmcp.model.finding import Report
from caskmcp.ports import World
from caskmcp.workflows import init as story


@command(
    "init",
    click.Option(["-a", "--host", "hosts"], multiple=True, metavar="HOST", help="A first-party host; may be repeated."),
    click.Option(["--name"], metavar="ID", help="The toolpack's id."),
)
def init(world: World, hosts: tuple[str, ...], name: str | None) -> Report:
    """Write cask.yaml and the lines for .gitignore and .gitattributes.

    Specs and recordings nearby become sources. Running it again changes nothing.
    """
    return story.run(world, hosts=hosts, name=name)
