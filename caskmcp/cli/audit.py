"""`cask audit …`."""

import click

from caskmcp.cli.command import command
from caskmcp.model.finding import Report
from caskmcp.ports import World
from caskmcp.workflows import audit as story
from caskmcp.workflows.audit import Asked


@command(
    "verify", click.Option(["--holds"], metavar="sha256:LINE", help="A line's digest that was noted elsewhere: it has to be there still.")
)
def verify(world: World, holds: str | None) -> Report:
    """Check the record of decisions: every line, seal and segment; names the first bad line of each segment. Changes nothing."""
    return story.verify(world, holds=holds)


@command(
    "query",
    click.Option(["--tool"], metavar="NAME", help="Calls of this tool."),
    click.Option(["--verdict"], type=click.Choice(["allow", "deny", "confirm"]), help="What was decided."),
    click.Option(["--caller"], metavar="NAME", help="Who called."),
    click.Option(["--since"], metavar="TIME", help="2026-11-21, 2026-11-21T10:00:00Z, or how long ago: 90m, 12h, 7d."),
    click.Option(["--id"], metavar="ID", help="One decision, with the calls that a composite made for it."),
)
def query(world: World, **given: str | None) -> Report:
    """The decisions on record that fit, oldest first."""
    return story.query(world, Asked(**given))
