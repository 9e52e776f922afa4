"""`cask confirm …`: answers to challenges, given by a person out of the agent's reach."""

import click

from caskmcp.cli.command import command
from caskmcp.model.finding import Report
from caskmcp.ports import World
from caskmcp.workflows import confirm as story
from caskmcp.workflows.console import server

CHALLENGE = click.Argument(["challenge"], metavar="CHALLENGE")
STATE = click.Option(["--state", "reference"], metavar="env:NAME", help="The state that replicas share, as their `serve --state` has it.")


@command("list", STATE)
def listing(world: World, reference: str | None) -> Report:
    """The challenges that wait for a person."""
    return story.listing(world, reference=reference)


@command("grant", CHALLENGE, click.Option(["--key"], metavar="NAME", help="Which key signs."), STATE)
def grant(world: World, challenge: str, key: str | None, reference: str | None) -> Report:
    """Grant one call: shows what will be sent, asks the passphrase, signs. Single use."""
    return story.grant(world, challenge=challenge, key=key, reference=reference)


@command("deny", CHALLENGE, STATE)
def deny(world: World, challenge: str, reference: str | None) -> Report:
    """Refuse one call."""
    return story.deny(world, challenge=challenge, reference=reference)


@command(
    "console",
    click.Option(["--key"], metavar="NAME", help="Which key signs."),
    click.Option(["--port"], type=click.IntRange(0, 65535), default=0, help="Port on 127.0.0.1; a free one if not given."),
    STATE,
)
def console(world: World, key: str | None, port: int, reference: str | None) -> Report:
    """Answer challenges in a browser on this machine: prints a link that works once, shows what will be sent, asks the passphrase in the page."""
    return server.run(world, key=key, port=port, reference=reference)
