"""`cask gate …`: review and sign."""

import click

from caskmcp.cli.command import command
from caskmcp.model.finding import Report
from caskmcp.model.tool import TIERS, Tier
from caskmcp.ports import World
from caskmcp.workflows import block as away
from caskmcp.workflows import gate as story
from caskmcp.workflows import reviewing
from caskmcp.workflows.here import at_lock

SUBJECTS = click.Argument(["subjects"], nargs=-1, metavar="[SUBJECT|PATTERN]...")
LOCKFILE = click.Option(["--lockfile"], metavar="PATH", help="The lock of the toolpack that is meant (earlier name of --toolpack).")
TRUST_PIN = click.Option(["--trust-pin"], metavar="sha256:ROOT[@N]", help="The trust root that CI accepts.")


@command(
    "allow",
    SUBJECTS,
    click.Option(["--all", "everything"], is_flag=True, help="All that waits, shared subjects too; critical tools are left out."),
    click.Option(["--reason"], metavar="TEXT", help="Why; needed from tier high."),
    click.Option(["--expires"], metavar="90d", help="How long the approval holds."),
    click.Option(["--key"], metavar="NAME", help="Which key signs."),
    click.Option(["--toolset"], metavar="NAME", help="The tools of one toolset that wait."),
    click.Option(["--risk"], type=click.Choice(TIERS), help="The tools of this tier and below that wait."),
    LOCKFILE,
)
def allow(
    world: World,
    lockfile: str | None,
    subjects: tuple[str, ...],
    everything: bool,
    reason: str | None,
    expires: str | None,
    key: str | None,
    toolset: str | None,
    risk: Tier | None,
) -> Report:
    """Approve tools (by name, or by a pattern like 'list_*'), `env:NAME`, `auth:HOST` or `policy` with a signature. Needs a person at a terminal.

    Patterns, --toolset, --risk and --all mean what waits, and leave out what has to be named: critical tools, high ones on low evidence, what was blocked.
    """
    at = at_lock(world, lockfile)
    return story.allow(at, subjects=subjects, everything=everything, toolset=toolset, risk=risk, reason=reason, expires=expires, key=key)


@command(
    "block",
    SUBJECTS,
    LOCKFILE,
    click.Option(["--reason"], metavar="TEXT", help="Why."),
    click.Option(["--toolset"], metavar="NAME", help="The tools of one toolset."),
    click.Option(["--risk"], type=click.Choice(TIERS), help="The tools of this tier and above."),
    click.Option(["--key"], metavar="NAME", help="Sign it: then a lock without it counts as older. Needs a person at a terminal."),
)
def block(
    world: World,
    lockfile: str | None,
    subjects: tuple[str, ...],
    reason: str | None,
    toolset: str | None,
    risk: Tier | None,
    key: str | None,
) -> Report:
    """Take tools away, at once and without a key, until a newer approval."""
    return away.block(at_lock(world, lockfile), subjects=subjects, toolset=toolset, risk=risk, reason=reason, key=key)


@command("status", SUBJECTS, LOCKFILE)
def status(world: World, lockfile: str | None, subjects: tuple[str, ...]) -> Report:
    """What is approved, what waits, what is not valid; of what is named, who signed it and what each approval rests on."""
    return story.status(at_lock(world, lockfile), subjects)


@command("list", LOCKFILE)
def listing(world: World, lockfile: str | None) -> Report:
    """The statements of the lock."""
    return story.listing(at_lock(world, lockfile))


@command("sync", LOCKFILE)
def sync(world: World, lockfile: str | None) -> Report:
    """Drop statements of subjects that no longer exist."""
    return away.sync(at_lock(world, lockfile))


@command("check", TRUST_PIN, LOCKFILE)
def check(world: World, lockfile: str | None, trust_pin: str | None) -> Report:
    """The lock and signature steps of `cask check`."""
    return story.check(at_lock(world, lockfile), trust_pin=trust_pin)


@command("snapshot", LOCKFILE)
def snapshot(world: World, lockfile: str | None) -> Report:
    """Write the baseline from what is approved. Needs a person at a terminal."""
    return story.snapshot(at_lock(world, lockfile))


@command(
    "review",
    click.Option(["--expires"], metavar="90d", help="How long the approvals hold."),
    click.Option(["--key"], metavar="NAME", help="Which key signs."),
    LOCKFILE,
)
def review(world: World, lockfile: str | None, expires: str | None, key: str | None) -> Report:
    """Look at what waits, one at a time with what changed, and allow, block or skip it; one signature at the end. Needs a person at a terminal."""
    return reviewing.run(at_lock(world, lockfile), key=key, expires=expires)
