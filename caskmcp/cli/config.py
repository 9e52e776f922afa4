"""`cask config`."""

import click

from caskmcp.cli.command import command
from caskmcp.model.finding import Report
from caskmcp.ports import World
from caskmcp.workflows import config as story


@command(
    "config",
    click.Option(
        ["--client"],
        type=click.Choice(["claude-desktop", "claude-code", "cursor", "codex", "vscode", "gemini", "goose"]),
        required=True,
        help="Which client.",
    ),
    click.Option(["--install"], is_flag=True, help="Edit the client's file, with a backup."),
    click.Option(["--dry-run"], is_flag=True, help="With --install: say what it would write, and write nothing."),
    click.Option(["--toolset"], metavar="NAME", help="Serve one toolset."),
    click.Option(["--env", "environment"], metavar="NAME", help="Serve with this environment."),
)
def config(world: World, client: str, install: bool, dry_run: bool, toolset: str | None, environment: str | None) -> Report:
    """The snippet for an MCP client's configuration."""
    return story.run(world, client=client, install=install, dry_run=dry_run, toolset=toolset, environment=environment)
