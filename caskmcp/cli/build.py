"""`cask build`."""

import click

from caskmcp.cli.command import command
from caskmcp.model.finding import Report
from caskmcp.ports import World
from caskmcp.workflows import build as story


@command(
    "build",
    click.Option(["--locked"], is_flag=True, help="Change nothing; exit 1 if anything would change."),
    click.Option(["--explain"], is_flag=True, help="Say why each step ran or did not."),
    click.Option(["--jobs"], type=click.IntRange(1, 64), default=1, show_default=True, metavar="N", help="Steps at once."),
    click.Option(["--out"], metavar="DIR", help="Export a copy of the toolpack."),
)
def build(world: World, locked: bool, explain: bool, jobs: int, out: str | None) -> Report:
    """Compile what is stale and nothing else."""
    return story.run(world, locked=locked, explain=explain, jobs=jobs, out=out)
