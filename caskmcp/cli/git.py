"""`cask git …`: what git calls, by its own configuration."""

import click

from caskmcp.cli.command import command
from caskmcp.errors import Exit
from caskmcp.ports import World
from caskmcp.workflows import gitdrivers as story


@command(
    "merge-lock",
    *(click.Argument([name], metavar=name.upper()) for name in ("base", "ours", "theirs")),
    formats=("text",),
)
def merge_lock(world: World, base: str, ours: str, theirs: str) -> Exit:
    """Merge the approvals of two branches. In git's configuration: merge.cask-lock.driver = cask git merge-lock %O %A %B."""
    return story.merge_lock(world, base=base, ours=ours, theirs=theirs)


@command("diff-surface", click.Argument(["files"], nargs=-1, required=True, metavar="PATH [OLD HEX MODE NEW HEX MODE]"), formats=("text",))
def diff_surface(world: World, files: tuple[str, ...]) -> Exit:
    """Show changes of tools.json tool by tool. In git's configuration: diff.cask-surface.command = cask git diff-surface."""
    path, *rest = files
    return story.diff_surface(world, path=path, old=rest[0] if len(rest) > 3 else "", new=rest[3] if len(rest) > 3 else "")
