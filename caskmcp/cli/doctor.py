"""`cask doctor`."""

from caskmcp.cli.command import command
from caskmcp.model.finding import Report
from caskmcp.ports import World
from caskmcp.workflows import doctor as story


@command("doctor")
def doctor(world: World) -> Report:
    """What this machine and this project lack: versions, packages, disk, permissions, keys, pin, clock, locks, clients' files."""
    return story.run(world)
