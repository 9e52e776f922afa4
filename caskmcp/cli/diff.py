"""`cask diff`."""

import click

from caskmcp.api import Project
from caskmcp.cli.command import command
from caskmcp.model.finding import Report
from caskmcp.ports import World
from caskmcp.workflows.summary import added


@command(
    "diff",
    click.Option(["--summary"], metavar="FILE", help="Add the report as Markdown to a file, e.g. $GITHUB_STEP_SUMMARY."),
    formats=("text", "json", "github-md", "md", "sarif", "html"),
)
def diff(world: World, summary: str | None) -> Report:
    """Risk-classified capability diff: what is approved against what was built.

    Works from the lock and the approved content alone, also before the first approval: then everything is new.
    """
    return added(world, Project(world).diff(), summary)
