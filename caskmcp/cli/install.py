"""`cask install`."""

import click

from caskmcp.cli.command import command
from caskmcp.model.finding import Report
from caskmcp.ports import World
from caskmcp.workflows import install as story


@command(
    "install",
    click.Argument(["file"], metavar="FILE"),
    click.Option(["--trust-pin"], metavar="PIN", help="Trust root and sequence that its maker told you: sha256:…[@N]."),
    click.Option(["--accept-older"], is_flag=True, help="Take a bundle that is older than what was seen. Needs a person at a terminal."),
)
def install(world: World, file: str, trust_pin: str | None, accept_older: bool) -> Report:
    """Verify a bundle as a whole, ask the door, then put the toolpack under the root. Anything wrong with it: nothing is written."""
    return story.run(world, file=file, trust_pin=trust_pin, accept_older=accept_older)
