"""`cask check`."""

import click

from caskmcp.cli.command import command
from caskmcp.model.finding import Report
from caskmcp.ports import World
from caskmcp.workflows import check as story


@command(
    "check",
    click.Option(["--only"], multiple=True, metavar="STEP", help="Run these steps alone; the others are shown as not run."),
    click.Option(["--skip"], multiple=True, metavar="STEP", help="Leave steps out; the result says so."),
    click.Option(["--trust-pin"], metavar="sha256:ROOT[@N]", help="The trust root that CI accepts."),
)
def check(world: World, only: tuple[str, ...], skip: tuple[str, ...], trust_pin: str | None) -> Report:
    """The one CI gate: reproducible, locked, signed, nothing broader than approved, lint-clean.

    Exit 0 clean, 1 needs review, 2 breaking, 3 bad input, 4 refused.
    """
    return story.run(world, only=only, skip=skip, trust_pin=trust_pin)
