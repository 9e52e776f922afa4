"""`cask build`."""

import click

from caskmcp.api import Project
from caskmcp.cli.command import command
from caskmcp.errors import Exit
from caskmcp.load import load
from caskmcp.ports import World
from caskmcp.workflows import fresh


@command(
    "build",
    click.Option(["--locked"], is_flag=True, help="Change nothing; exit 1 if anything would change."),
    click.Option(["--explain"], is_flag=True, help="Say why each step ran or did not."),
    click.Option(["--jobs"], type=click.IntRange(1, 64), metavar="N", help="Processes; without it as many as pay, at most two."),
    click.Option(
        ["--engine"],
        metavar="ENGINE",
        default="processes",
        show_default=True,
        help="Or `dask://HOST:PORT`: the workers of a Dask scheduler.",
    ),
    click.Option(["--out"], metavar="DIR", help="Export a copy of the toolpack."),
)
def build(world: World, locked: bool, explain: bool, jobs: int | None, engine: str, out: str | None) -> Exit:
    """Compile what is stale and nothing else."""
    how = click.get_current_context().find_root().obj["format"]
    if not explain and out is None and (seen := fresh.look(world)) is not None:
        world.console.out(seen.shown[how])  # nothing to do: the compiler is not even loaded
        return Exit.CLEAN
    report = Project(world).build(locked=locked, explain=explain, jobs=jobs or 0, engine=engine, out=out)
    load("report.formats:show")(report, how, world.console)
    return Exit(report.exit)
