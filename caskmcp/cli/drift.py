"""`cask drift`."""

import click

from caskmcp.cli.command import command
from caskmcp.model.finding import Report
from caskmcp.ports import World
from caskmcp.workflows import drift as story
from caskmcp.workflows.drift import CALLS, Probe


@command(
    "drift",
    click.Option(["--baseline"], metavar="FILE", help="Measure from this file instead of the approved baseline."),
    click.Option(
        ["--capture"], metavar="C", help="What is measured: the id of a capture, a recording or a document. Default: the newest build."
    ),
    click.Option(["--against"], metavar="C", help="Measure from another capture instead of a baseline."),
    click.Option(["--live"], is_flag=True, help="Call approved reads of tier safe or low, and measure their answers."),
    click.Option(["--env"], metavar="NAME", help="With --live: the environment to call."),
    click.Option(["--arguments"], metavar="FILE", help="With --live: `TOOL: {ARGUMENT: VALUE}`, or a list of such for each tool."),
    click.Option(["--calls"], type=int, default=CALLS, show_default=True, help="With --live: so many calls at most."),
    click.Option(["--trust-pin"], metavar="sha256:ROOT[@N]", help="With --live: the trust root that is accepted."),
    formats=("text", "json", "md", "github-md", "sarif"),
)
def drift(
    world: World,
    baseline: str | None,
    capture: str | None,
    against: str | None,
    live: bool,
    env: str | None,
    arguments: str | None,
    calls: int,
    trust_pin: str | None,
) -> Report:
    """Measure what a service does now from the approved baseline.

    Exit 0 nothing or information alone, 1 needs review, 2 breaking. What was not called is not gone, and what chance explains is not told.
    """
    probe = Probe(env, arguments, calls, trust_pin) if live else None
    return story.run(world, baseline=baseline, capture=capture, against=against, live=probe)
