"""`cask capture webmcp`."""

from typing import Any, Final

import click

from caskmcp.cli.command import command
from caskmcp.cli.record import HOSTS, RECORDING
from caskmcp.model.finding import Report
from caskmcp.ports import World
from caskmcp.workflows import webmcp as story
from caskmcp.workflows.record import Options

TAKEN: Final = ("headless", "script", "duration", "load_state", "browser")
"""Options of a recording that mean something here: nothing of the session is kept, and no exchange."""


@command(
    "webmcp",
    click.Argument(["url"], metavar="URL"),
    HOSTS,
    *(option for option in RECORDING if option.name in TAKEN),
)
def webmcp(world: World, url: str, hosts: tuple[str, ...], **values: Any) -> Report:
    """Record what a site offers to agents into specs/: tools that its pages register (WebMCP), and what its .well-known documents name.

    They are listed, and none becomes a tool: what runs in a page has no request that could be approved. Nothing that is offered is called.
    """
    return story.run(world, url=url, hosts=hosts, options=Options(**values))
