"""`cask capture mcp`."""

import click

from caskmcp.cli.command import command
from caskmcp.model.finding import Report
from caskmcp.ports import World
from caskmcp.workflows import mcp as story


@command(
    "mcp",
    click.Argument(["target"], nargs=-1, required=True, metavar="URL | -- COMMAND..."),
    click.Option(["-a", "--host", "hosts"], multiple=True, metavar="HOST", help="A further first-party host; may be repeated."),
    click.Option(["--at"], metavar="URL", help="Where the tools of a server that a command starts are called over HTTP."),
    click.Option(["--token"], metavar="REF", help="A bearer token that the server wants, by reference: env:NAME or keyring:NAME."),
)
def mcp(world: World, target: tuple[str, ...], hosts: tuple[str, ...], at: str | None, token: str | None) -> Report:
    """Record what an existing MCP server offers into specs/.

    The server is listed once and no tool of it is called. Its tools become tools of this project, which nobody can call before a person
    approved them; its descriptions are a stranger's text, and its hints are not taken over.
    """
    return story.run(world, target=target, hosts=hosts, at=at, token=token)
