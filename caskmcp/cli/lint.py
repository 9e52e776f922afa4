"""`cask lint`."""

import click

from caskmcp.api import Project
from caskmcp.cli.command import command
from caskmcp.model.finding import Report
from caskmcp.ports import World


@command(
    "lint",
    click.Option(["--client"], multiple=True, metavar="NAME[,…]", help="Also ask what these take: claude, openai, gemini, cursor."),
    formats=("text", "json", "github-md", "md", "sarif"),
)
def lint(world: World, client: tuple[str, ...]) -> Report:
    """Hygiene of what was compiled: wording, hidden text, secrets, schemas, unreachable rules, budget.

    Accepted findings stand in lint.yaml beside cask.yaml, each with a reason. Exit 0 clean, 1 needs review, 2 must not be handed over.
    """
    return Project(world).lint(client)
