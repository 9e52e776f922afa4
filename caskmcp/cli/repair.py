"""`cask repair`."""

import click

from caskmcp.cli.command import command
from caskmcp.model.finding import Report
from caskmcp.ports import World
from caskmcp.workflows import repair as story


@command(
    "repair",
    click.Option(["--apply-safe"], is_flag=True, help="Run the commands of class SAFE: they read, and change nothing."),
    click.Option(["--heal"], is_flag=True, help="And build once where that mends something: what changes waits for an approval."),
)
def repair(world: World, apply_safe: bool, heal: bool) -> Report:
    """What is wrong, with evidence, and the commands that mend it: SAFE, APPROVAL_REQUIRED or MANUAL.

    Reads doctor, check, state, the record of calls and the last runs of verify and drift. Approves nothing and never writes the lock.
    """
    return story.run(world, apply_safe=apply_safe, heal=heal)
