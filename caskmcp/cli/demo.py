"""`cask demo`."""

import click

from caskmcp.cli.command import command
from caskmcp.model.finding import Report
from caskmcp.ports import World
from caskmcp.workflows.demo import run as story


@command("demo", click.Option(["--out"], metavar="DIR", help="Keep the evidence here."))
def demo(world: World, out: str | None) -> Report:
    """Offline proof, in seconds: compile a bundled recording, approve it in a throwaway root, serve it, attack it.

    Exit 0 only if every proof held.
    """
    return story.run(world, out=out)
