"""`cask policy …`."""

import click

from caskmcp.cli.command import command
from caskmcp.model.finding import Report
from caskmcp.ports import World
from caskmcp.workflows import policycases as story


@command("test", click.Argument(["file"], metavar="CASES.yaml"))
def test(world: World, file: str) -> Report:
    """Judge each case of a file by the policy that was built: which verdict, by which rule. Exit 1 where one differs, with its line.

    A case: `{tool: refund_order, expect: confirm, rule: confirm-high}`, with `arguments:` and `toolset:` where they matter.
    """
    return story.run(world, file)
