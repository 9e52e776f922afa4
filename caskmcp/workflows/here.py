"""Which root, toolpack and pin a command works on, said once for every story."""

from caskmcp.govern import pins
from caskmcp.model.trust import Pin, TrustPin
from caskmcp.ports import World
from caskmcp.store import project
from caskmcp.store.layout import Pack, Root


def root(world: World) -> Root:
    """The root by `--root`, or the nearest one upward."""
    return Root(project.find_root(world.files, world.cwd, world.root))


def pack(world: World) -> Pack:
    """The toolpack by `--toolpack`, or the only one. Raises CASK-I011 where there is none and CASK-I007 where several fit."""
    return Pack(project.find_toolpack(world.files, root(world).path, world.toolpack, cwd=world.cwd))


def pin(world: World, toolpack: str) -> Pin | None:
    """What this machine accepted for a toolpack."""
    return pins.stored(world.files, world.config, toolpack)


def condition(world: World, option: str | None = None) -> TrustPin | None:
    """What `--trust-pin` and the environment ask for."""
    return pins.condition(option, world.environ)
