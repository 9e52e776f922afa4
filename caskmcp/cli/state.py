"""`cask state …`."""

import click

from caskmcp.cli.command import command
from caskmcp.model.finding import Report
from caskmcp.ports import World
from caskmcp.workflows import state as story


@command("verify")
def verify(world: World) -> Report:
    """Look at everything under the root that says what it is, and name what is damaged. Changes nothing."""
    return story.verify(world)


@command("gc", click.Option(["--dry-run"], is_flag=True, help="Only list what would go."))
def gc(world: World, dry_run: bool) -> Report:
    """Remove blobs and receipts that no build rests on, content that no statement names, and what killed commands left."""
    return story.gc(world, dry_run=dry_run)


@command("unlock")
def unlock(world: World) -> Report:
    """Remove lock files that no process holds; one that is held is named with its process and stays."""
    return story.unlock(world)
