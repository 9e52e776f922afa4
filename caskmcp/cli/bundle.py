"""`cask bundle`."""

import click

from caskmcp.cli.command import command
from caskmcp.model.finding import Report
from caskmcp.ports import World
from caskmcp.workflows import bundle as story


@command(
    "bundle",
    click.Option(["--out"], metavar="FILE", help="Where to write it (default: <toolpack>.bundle.zip here)."),
    click.Option(
        ["--sign", "key"],
        metavar="[KEY]",
        is_flag=False,
        flag_value="",
        help="Sign its manifest too, by this key or the only one. Needs a person at a terminal.",
    ),
)
def bundle(world: World, out: str | None, key: str | None) -> Report:
    """Write the toolpack as one file: artifacts, lock with its signatures, trust chain. No keys, no captures; the same bytes each time."""
    return story.run(world, out=out, key=key)
