"""`cask compliance`."""

import click

from caskmcp.analyze.compliance import FRAMEWORKS
from caskmcp.cli.command import command
from caskmcp.model.finding import Report
from caskmcp.ports import World
from caskmcp.workflows import compliance as story


@command(
    "compliance",
    click.Option(["--framework"], type=click.Choice(sorted(FRAMEWORKS)), help="One framework alone."),
    click.Option(["--trust-pin"], metavar="sha256:ROOT[@N]", help="The trust root that is accepted."),
    formats=("text", "json", "md", "html"),
)
def compliance(world: World, framework: str | None, trust_pin: str | None) -> Report:
    """Controls and evidence for the EU AI Act, the NIST AI RMF and ISO/IEC 42001, each sentence with a digest of lock, record or evidence.

    What was changed is left out and told (exit 1). No framework is said to be met.
    """
    return story.run(world, framework=framework, trust_pin=trust_pin)
