"""`cask propose …`."""

import click

from caskmcp.cli.command import command
from caskmcp.model.finding import Report
from caskmcp.ports import World
from caskmcp.workflows import propose as story

DRAFT = click.Argument(["draft"], metavar="DRAFT")


@command(
    "file",
    click.Argument(["path"], metavar="FILE"),
    click.Option(["--by"], metavar="NAME", help="Who files it; nobody verifies that."),
)
def file(world: World, path: str, by: str | None) -> Report:
    """File a draft of a tool (JSON) for a person to look at. Nothing is served, and nothing is built, for it."""
    return story.file(world, path, by=by)


@command("list", click.Option(["--all", "everything"], is_flag=True, help="With those that were decided."))
def listing(world: World, everything: bool) -> Report:
    """The drafts that wait for a person."""
    return story.listing(world, everything=everything)


@command("show", DRAFT)
def show(world: World, draft: str) -> Report:
    """One draft, whole: the request that it asks for, the reason, who filed it."""
    return story.show(world, draft)


@command("promote", DRAFT)
def promote(world: World, draft: str) -> Report:
    """Write a draft as a specification under specs/ and build it; the tool then waits for `gate allow`. Needs a person at a terminal."""
    return story.promote(world, draft)


@command("reject", DRAFT, click.Option(["--reason"], metavar="TEXT", default="", help="Why."))
def reject(world: World, draft: str, reason: str) -> Report:
    """Take a draft off the list. Its file stays in the box."""
    return story.reject(world, draft, reason=reason)
