"""`cask keys …`."""

import click

from caskmcp.cli.command import command
from caskmcp.model.finding import Report
from caskmcp.ports import World
from caskmcp.workflows import keyexport
from caskmcp.workflows import keys as story

NAME = click.Argument(["name"], metavar="NAME")
KEY = click.Option(["--key"], metavar="NAME", help="Which key of the root role signs the next version of the trust root.")


@command(
    "new",
    NAME,
    click.Option(
        ["--agent", "held"], is_flag=False, flag_value="", metavar="[KEY]",
        help="Refer to a key of the ssh-agent, by its fingerprint or comment, or to the only one; a FIDO key of kind `ed25519-sk` too.",
    ),
)  # fmt: skip
def new(world: World, name: str, held: str | None) -> Report:
    """Make an Ed25519 key in the user's configuration folder. Asks for a passphrase twice."""
    return story.new(world, name=name, held=held)


@command("list")
def listing(world: World) -> Report:
    """The keys in the user's configuration folder, where each is held, and its roles in this toolpack's trust root."""
    return story.listing(world)


@command(
    "export",
    NAME,
    click.Option(["--allowed-signers"], is_flag=True, help="As a line of the file that `ssh-keygen -Y verify -f` takes."),
    click.Option(["--statements"], metavar="DIR", help="Write what the key signed in the lock, for `ssh-keygen -Y verify`."),
)
def export(world: World, name: str, allowed_signers: bool, statements: str | None) -> Report:
    """Print a public key: OpenSSH's line, or as JSON the record for `cask trust edit --add-key`."""
    return keyexport.export(world, name=name, allowed_signers=allowed_signers, statements=statements)


@command(
    "rotate",
    click.Argument(["old"], metavar="OLD"),
    click.Option(["--to"], metavar="NEW", required=True, help="The key that stands for it from now on; made if there is none."),
    KEY,
)
def rotate(world: World, old: str, to: str, key: str | None) -> Report:
    """Put a new key in the place of an old one in every role. What the old one approved waits for a new approval."""
    return story.rotate(world, old=old, to=to, key=key)


@command("revoke", NAME, KEY)
def revoke(world: World, name: str, key: str | None) -> Report:
    """Take a key out of the trust root. What it approved waits for a new approval."""
    return story.revoke(world, name=name, key=key)
