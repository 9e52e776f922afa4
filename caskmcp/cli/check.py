"""`cask check`."""

import click

from caskmcp.api import Project
from caskmcp.cli.command import command
from caskmcp.model.finding import Report
from caskmcp.ports import World
from caskmcp.workflows.summary import added, known, written


@command(
    "check",
    click.Option(["--only"], multiple=True, metavar="STEP", help="Run these steps alone; the others are shown as not run."),
    click.Option(["--skip"], multiple=True, metavar="STEP", help="Leave steps out; the result says so."),
    click.Option(["--trust-pin"], metavar="sha256:ROOT[@N]", help="The trust root that CI accepts."),
    click.Option(["--summary"], metavar="FILE", help="Add the report as Markdown to a file, e.g. $GITHUB_STEP_SUMMARY."),
    click.Option(
        ["--write"],
        multiple=True,
        metavar="FORMAT=FILE",
        help="Write the report to a file as well: comment, github-md, json, junit, sarif.",
    ),
    formats=("text", "json", "sarif", "junit", "github", "github-md"),
)
def check(
    world: World, only: tuple[str, ...], skip: tuple[str, ...], trust_pin: str | None, summary: str | None, write: tuple[str, ...]
) -> Report:
    """The one CI gate: reproducible, locked, signed, nothing broader than approved, lint-clean.

    The worst finding decides: exit 0 clean, 1 needs review, 2 breaking, 3 bad input, 4 refused.
    """
    known(write)
    report = Project(world).check(only=only, skip=skip, trust_pin=trust_pin)
    return written(world, added(world, report, summary), write)
