"""`cask serve`."""

import click

from caskmcp.cli.command import command
from caskmcp.errors import Exit
from caskmcp.ports import World
from caskmcp.workflows import serve as story


@command(
    "serve",
    click.Option(["--toolset"], metavar="NAME", help="Serve the approved tools of one toolset."),
    click.Option(["--env", "environment"], metavar="NAME", help="Send calls to this environment of the manifest."),
    click.Option(["--dry-run"], is_flag=True, help="Show the exact request of each call and send nothing."),
    click.Option(["--trust-pin"], metavar="sha256:ROOT[@N]", help="The trust root that CI or a container accepts."),
    formats=("text",),
)
def serve(world: World, toolset: str | None, environment: str | None, dry_run: bool, trust_pin: str | None) -> Exit:
    """Serve the approved tools through MCP on stdio. The client starts it; Ctrl-C ends it."""
    return story.run(world, toolset=toolset, environment=environment, dry_run=dry_run, trust_pin=trust_pin)
