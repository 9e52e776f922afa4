"""`cask evidence …`."""

import click

from caskmcp.cli.command import command
from caskmcp.model.finding import Report
from caskmcp.ports import World
from caskmcp.workflows.verify import bundles as story


@command("verify", click.Argument(["names"], nargs=-1, metavar="[RUN]..."))
def verify(world: World, names: tuple[str, ...]) -> Report:
    """Check every file of each run, or of the named ones: names what was changed, removed, added or moved. Works offline, changes nothing."""
    return story.verify(world, names=names)


@command("list")
def listing(world: World) -> Report:
    """What runs of `verify` and `drift --live` kept, the newest first."""
    return story.listing(world)


@command(
    "prune",
    click.Option(["--retain"], metavar="AGE", required=True, help="What ended longer ago goes: 12h, 30d, 4w."),
    click.Option(["--dry-run"], is_flag=True, help="Only list it."),
)
def prune(world: World, retain: str, dry_run: bool) -> Report:
    """Remove the evidence of old runs."""
    return story.prune(world, retain=retain, dry_run=dry_run)
