"""What only a person at a terminal does: start a signature, open or make a key, type a name. The prompts are part of the contract.

Every story that adds to what may run calls `require` before anything else, whatever flags it was given.
"""

from caskmcp.errors import AGAIN, CaskError
from caskmcp.govern import agent, agentsocket, keys, sign
from caskmcp.govern.public import hardware
from caskmcp.govern.sign import Signer
from caskmcp.model.trust import Key
from caskmcp.ports import World
from caskmcp.workflows import here


def require(world: World, command: str) -> None:
    """Raise CASK-A001 unless stdin and stdout are terminals."""
    if not world.console.interactive:
        raise CaskError("CASK-A001", f"`{command}` needs a person at a terminal: stdin and stdout have to be one", mend=AGAIN)


def open_key(world: World, name: str) -> Signer:
    """Ask for the passphrase and open a key, or find it in the ssh-agent, which asks nothing of ours.

    Raises CASK-K004, K001 before it asks, CASK-K002 for a wrong passphrase, CASK-K005 to K007 where the agent does not have it.
    """
    where = keys.refuse_readable(world.files, world.config, name)
    if held := keys.referred(world.files, where):
        return from_agent(world, held)
    return keys.load(world.files, world.config, name, world.console.ask_secret(f"Passphrase for {name}:"))


def from_agent(world: World, key: Key) -> Signer:
    """The signer of a key that the ssh-agent holds. Raises CASK-K005 to CASK-K007."""
    found = agent.signer(agentsocket.reach(world.environ), key)
    how = "touch the authenticator for each signature" if hardware(key) else "confirm if it asks"
    world.console.note(f"{key.name} signs through the ssh-agent: {how}.")
    return found


def make_key(world: World, name: str) -> Signer:
    """Ask for a passphrase twice and make a key. Raises CASK-K003 if the name is taken, CASK-K002 if the two differ or are empty."""
    keys.refuse_taken(world.files, world.config, name)
    first, second = (world.console.ask_secret(f"Passphrase for {name}:") for _ in range(2))
    if first != second:
        raise CaskError("CASK-K002", "the two passphrases differ; no key was made", mend=f"cask keys new {name}")
    made = sign.generate(world.entropy, name)
    keys.save(world.files, world.config, made, first)
    publish(world, made)
    return made


def publish(world: World, by: Signer) -> None:
    """Keep the public key beside the project's state, if there is a project."""
    root = here.root(world)
    if world.files.is_folder(root.path):
        world.files.write(root.keys / f"{by.key.name}.pub", keys.public_line(by.key), private=True)


def type_name(world: World, name: str) -> None:
    """Ask for a name as it is shown. Raises CASK-A002 for anything else."""
    typed = world.console.ask(f"Type `{name}` to sign:")
    if typed.strip() != name:
        raise CaskError("CASK-A002", f"`{typed}` was typed in place of `{name}`; nothing was signed", mend=f"type {name}")
