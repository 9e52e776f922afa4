"""`cask trust …`: whose signatures count."""

from typing import Any

import click

from caskmcp.cli.command import command
from caskmcp.model.finding import Report
from caskmcp.model.tool import TIERS
from caskmcp.ports import World
from caskmcp.workflows import amend
from caskmcp.workflows import trust as story


@command(
    "init",
    click.Option(["--key"], metavar="NAME", help="The key that holds every role of version 1."),
    click.Option(["--replace"], is_flag=True, help="Give up the pinned root of this toolpack id; its name has to be typed."),
)
def init(world: World, key: str | None, replace: bool) -> Report:
    """Make version 1 of the trust root and pin it on this machine."""
    return story.init(world, key=key, replace=replace)


@command("show", click.Option(["--out"], metavar="FILE", help="Write the roles there, to be edited and given to `trust edit --file`."))
def show(world: World, out: str | None) -> Report:
    """The trust root, what waits for signatures, and the pin of this machine."""
    return story.show(world, out=out)


@command(
    "edit",
    click.Option(["--add-key", "add"], multiple=True, metavar="KEY[=NAME]", help="A key here by name, or a file with a public key."),
    click.Option(["--remove-key", "remove"], multiple=True, metavar="NAME", help="Out of the roles that are named, or of all."),
    click.Option(["--role", "roles"], multiple=True, type=click.Choice(["root", "approver", "confirmer"]), help="Which role is meant."),
    click.Option(["--tiers"], metavar="TIER,…", help=f"Which row of approvers: for these tiers ({', '.join(TIERS)})."),
    click.Option(["--toolset", "toolsets"], multiple=True, metavar="NAME", help="Which row of approvers: for tools of this toolset."),
    click.Option(["--threshold"], type=click.IntRange(min=1), help="How many have to sign."),
    click.Option(["--requires"], type=click.Choice(["none", "hardware"]), help="Whether only keys of authenticators count."),
    click.Option(["--expires"], metavar="365d", help="When the trust root ends; `never` for no end."),
    click.Option(["--auto-narrowing"], type=click.Choice(["on", "off"]), help="Whether what provably does less needs no new approval."),
    click.Option(["--file"], metavar="FILE", help="All of it, as `trust show --out` writes it."),
    click.Option(["--sign"], is_flag=True, help="Sign the version that waits."),
    click.Option(["--discard"], is_flag=True, help="Take the version that waits away."),
    click.Option(["--key"], metavar="NAME", help="Which key signs."),
)
def edit(world: World, key: str | None, sign: bool, discard: bool, auto_narrowing: str | None, **given: Any) -> Report:
    """Change roles, keys, thresholds and expiry. Needs people at a terminal: as many as the present root role asks for."""
    asked = amend.Asked(**given, auto_narrowing=None if auto_narrowing is None else auto_narrowing == "on")
    return amend.run(world, asked, key=key, sign=sign, discard=discard)


@command(
    "pin",
    click.Option(["--replace"], is_flag=True, help="Accept another root under a pinned id; the name has to be typed."),
    click.Option(["--accept-older"], is_flag=True, help="Accept a lock that is older than one seen, after an honest checkout."),
    click.Option(["--system"], is_flag=True, help="For every user of this machine; says what its administrator has to type."),
)
def pin(world: World, replace: bool, accept_older: bool, system: bool) -> Report:
    """Accept the toolpack's trust root on this machine."""
    return story.pin(world, replace=replace, accept_older=accept_older, system=system)
