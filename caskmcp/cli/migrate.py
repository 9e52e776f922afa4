"""`cask migrate`."""

import click

from caskmcp.cli.command import command
from caskmcp.model.finding import Report
from caskmcp.ports import World
from caskmcp.workflows import migrate as story


@command("migrate", click.Option(["--dry-run"], is_flag=True, help="Only say what would be changed."))
def migrate(world: World, dry_run: bool) -> Report:
    """Bring files of earlier formats to the present one, and name what earlier versions left. Approves nothing."""
    return story.run(world, dry_run=dry_run)
