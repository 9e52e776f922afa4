"""`cask gate …`: review and sign."""

import click

from caskmcp.cli.command import command
from caskmcp.model.finding import Report
from caskmcp.ports import World
from caskmcp.workflows import gate as story

SUBJECTS = click.Argument(["subjects"], nargs=-1, metavar="[SUBJECT]...")
TRUST_PIN = click.Option(["--trust-pin"], metavar="sha256:ROOT[@N]", help="The trust root that CI accepts.")


@command(
    "allow",
    SUBJECTS,
    click.Option(["--all", "everything"], is_flag=True, help="All that waits, shared subjects too; critical tools are left out."),
    click.Option(["--reason"], metavar="TEXT", help="Why; needed from tier high."),
    click.Option(["--expires"], metavar="90d", help="How long the approval holds."),
    click.Option(["--key"], metavar="NAME", help="Which key signs."),
)
def allow(world: World, subjects: tuple[str, ...], everything: bool, reason: str | None, expires: str | None, key: str | None) -> Report:
    """Approve tools (by name), `env:NAME`, `auth:HOST` or `policy` with a signature. Needs a person at a terminal."""
    return story.allow(world, subjects=subjects, everything=everything, reason=reason, expires=expires, key=key)


@command("block", SUBJECTS, click.Option(["--reason"], metavar="TEXT", help="Why."))
def block(world: World, subjects: tuple[str, ...], reason: str | None) -> Report:
    """Take tools away, at once and without a key, until a newer approval."""
    return story.block(world, subjects=subjects, reason=reason)


@command("status")
def status(world: World) -> Report:
    """What is approved, what waits, what is not valid."""
    return story.status(world)


@command("list")
def listing(world: World) -> Report:
    """The statements of the lock."""
    return story.listing(world)


@command("sync")
def sync(world: World) -> Report:
    """Drop statements of subjects that no longer exist."""
    return story.sync(world)


@command("check", TRUST_PIN)
def check(world: World, trust_pin: str | None) -> Report:
    """The lock and signature steps of `cask check`."""
    return story.check(world, trust_pin=trust_pin)


@command("snapshot")
def snapshot(world: World) -> Report:
    """Write the baseline from what is approved. Needs a person at a terminal."""
    return story.snapshot(world)
