"""`cask serve`."""

import click

from caskmcp.cli.command import command
from caskmcp.errors import CaskError, Exit
from caskmcp.ports import World
from caskmcp.workflows import serve as story


def _gone(_: click.Context, __: click.Parameter, wanted: bool) -> None:
    if wanted:
        what = "`--unsafe-no-lockfile` is gone: no approved and verified statement, no tool; nothing turns that off"
        raise CaskError("CASK-I012", what, mend="cask gate allow --all")


@command(
    "serve",
    click.Option(["--toolset"], metavar="NAME", help="Serve the approved tools of one toolset."),
    click.Option(["--env", "environment"], metavar="NAME", help="Send calls to this environment of the manifest."),
    click.Option(["--dry-run"], is_flag=True, help="Show the exact request of each call and send nothing."),
    click.Option(["--trust-pin"], metavar="sha256:ROOT[@N]", help="The trust root that CI or a container accepts."),
    click.Option(["--unsafe-no-lockfile"], is_flag=True, hidden=True, expose_value=False, callback=_gone),
    formats=("text",),
)
def serve(world: World, toolset: str | None, environment: str | None, dry_run: bool, trust_pin: str | None) -> Exit:
    """Serve the approved tools through MCP on stdio. The client starts it; Ctrl-C ends it."""
    return story.run(world, toolset=toolset, environment=environment, dry_run=dry_run, trust_pin=trust_pin)
