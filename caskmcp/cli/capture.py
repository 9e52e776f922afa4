"""`cask capture …`."""

import click

from caskmcp.cli.command import command
from caskmcp.load import load
from caskmcp.model.finding import Report
from caskmcp.ports import World
from caskmcp.workflows import capture as story


@command(
    "import",
    click.Argument(["sources"], nargs=-1, required=True, metavar="FILE..."),
    click.Option(["-a", "--host", "hosts"], multiple=True, metavar="HOST", help="A first-party host; may be repeated."),
    click.Option(
        ["--keep"],
        multiple=True,
        metavar="REASON|PATTERN",
        help="Keep what would be left out: `noise`, `health`, `/collect/*`; may be repeated.",
    ),
    click.Option(
        ["--as", "kind"],
        metavar="KIND",
        help="What the files are, if that cannot be seen: har, openapi, or what a plugin of the manifest reads.",
    ),
    click.Option(
        ["--prove"],
        is_flag=True,
        help="First plant canaries of every detector in a copy of each recording and search every byte that is written; exit 4 if one is left.",
    ),
)
def take(world: World, sources: tuple[str, ...], hosts: tuple[str, ...], keep: tuple[str, ...], kind: str | None, prove: bool) -> Report:
    """Take recordings and specs from anywhere into the project.

    A recording is redacted and kept under the root as `- capture: ID`; a spec is copied to specs/. The same bytes again add nothing.
    A recording may come through a pipe: `-` is standard input.
    """
    take_ = load("workflows.prove:take") if prove else story.take  # which builds, too: most do not ask for it
    return take_(world, sources=sources, hosts=hosts, kind=kind, keep_=keep)


@command("list")
def listing(world: World) -> Report:
    """The captures under the root."""
    return story.listing(world)


@command("forget", click.Argument(["capture"], metavar="ID"))
def forget(world: World, capture: str) -> Report:
    """Remove a capture and the part of the observations that it gave."""
    return story.forget(world, capture=capture)
