"""`cask drift`."""

from typing import Any

import click

from caskmcp.cli.command import command
from caskmcp.errors import CaskError
from caskmcp.load import load
from caskmcp.model.finding import Report
from caskmcp.ports import World
from caskmcp.workflows import drift as story
from caskmcp.workflows.drift import CALLS, Probe


def _refuse_others(served: bool, *others: str | bool | None) -> None:
    """Raise CASK-I001 where the record and something else is to be measured."""
    if not served or any(others):
        what = "`--since` is for `--served`" if not served else "`--served` measures the record alone"
        raise CaskError("CASK-I001", what, mend="cask drift --served")


@command(
    "drift",
    click.Option(["--baseline"], metavar="FILE", help="Measure from this file instead of the approved baseline."),
    click.Option(
        ["--capture"], metavar="C", help="What is measured: the id of a capture, a recording or a document. Default: the newest build."
    ),
    click.Option(["--against"], metavar="C", help="Measure from another capture instead of a baseline."),
    click.Option(["--served"], is_flag=True, help="Measure the answers that agents got, from the record of calls."),
    click.Option(["--since"], metavar="WHEN", help="With --served: from a day, a time, or how long ago (7d)."),
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
    served: bool,
    since: str | None,
    live: bool,
    **given: Any,
) -> Report:
    """Measure what a service does now from the approved baseline.

    Exit 0 nothing or information alone, 1 needs review, 2 breaking. What was not called is not gone, and what chance explains is not told.
    """
    if served or since is not None:
        _refuse_others(served, baseline, capture, against, live)
        report: Report = load("workflows.served_drift:run")(world, since=since)
        return report
    probe = Probe(given["env"], given["arguments"], given["calls"], given["trust_pin"]) if live else None
    return story.run(world, baseline=baseline, capture=capture, against=against, live=probe)
