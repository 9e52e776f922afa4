"""`cask inspect`."""

import click

from caskmcp.cli.command import command
from caskmcp.errors import Exit
from caskmcp.ports import World
from caskmcp.workflows import inspect as story


@command(
    "inspect",
    click.Option(["--drafts"], is_flag=True, help="Take drafts of tools into the box that `cask propose list` shows."),
    click.Option(["--env", "environment"], metavar="NAME", help="As `serve` would be started."),
    click.Option(["--trust-pin"], metavar="sha256:ROOT[@N]", help="The trust root that CI or a container accepts."),
    formats=("text",),
)
def inspect(world: World, drafts: bool, environment: str | None, trust_pin: str | None) -> Exit:
    """Answer an agent's questions about the governance state through MCP on stdio: what may I call, why was I denied, what waits. Read-only."""
    return story.run(world, drafts=drafts, environment=environment, trust_pin=trust_pin)
