"""`cask verify`."""

from typing import Any

import click

from caskmcp.cli.command import command
from caskmcp.load import load
from caskmcp.model.finding import Report
from caskmcp.ports import World
from caskmcp.workflows.verify.modes import MODES


@command(
    "verify",
    click.Option(["--mode"], type=click.Choice([*MODES, "all"]), default="all", show_default=True, help="What is judged."),
    click.Option(["--env", "environment"], metavar="NAME", help="The approved environment to call."),
    click.Option(["--base-url"], metavar="URL", help="The same by its place: an approved environment that has just this one."),
    click.Option(["--twin"], is_flag=True, help="Call the toolpack's twin on 127.0.0.1; `check` does not take that for an answer."),
    click.Option(["--capture"], metavar="C", help="With replay: the id of a capture or a recording (default: all that are here)."),
    click.Option(["--calls"], type=int, default=200, show_default=True, help="So many calls at most."),
    click.Option(["--strict"], is_flag=True, help="A mode without input fails."),
    click.Option(["--suggest"], is_flag=True, help="Write verify.suggested.yaml from what was observed; nothing is called."),
    click.Option(
        ["--sign"],
        metavar="[KEY]",
        is_flag=False,
        flag_value="",
        help="Sign the evidence, by this key or the only one. Needs a person at a terminal.",
    ),
    click.Option(["--trust-pin"], metavar="sha256:ROOT[@N]", help="The trust root that is accepted."),
    formats=("text", "json", "md", "github-md", "sarif"),
)
def verify(world: World, suggest: bool, **given: Any) -> Report:
    """Judge what approved tools answer, against what was approved and what verify.yaml states; keep the evidence.

    A mode without input says `not-run`, never `pass`. Exit 0 nothing or information alone, 1 needs review, 2 an assertion does not hold.
    """
    if suggest:
        suggested: Report = load("workflows.verify.suggest:run")(world)
        return suggested
    report: Report = load("workflows.verify.story:run")(world, load("workflows.verify.story:Asked")(**given))
    return report
