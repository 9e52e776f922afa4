"""Who keeps the state of calls: the root's own database, or a server that replicas share, by reference to its URL.

Promises: a URL holds a password, so it comes by reference alone and is in no message.
"""

from collections.abc import Mapping
from typing import Final

from caskmcp.errors import CaskError
from caskmcp.load import load
from caskmcp.ports import World
from caskmcp.runtime.keeper import Keeper
from caskmcp.runtime.state import State
from caskmcp.store.layout import Root

_POSTGRES: Final = "runtime.state_postgres:PostgresState"
_REDIS: Final = "runtime.state_redis:RedisState"
KEEPERS: Final[Mapping[str, str]] = {
    "postgres": _POSTGRES,
    "postgresql": _POSTGRES,
    "redis": _REDIS,
    "rediss": _REDIS,
    "unix": _REDIS,
}
"""A URL's scheme -> who keeps the state there. Valkey speaks what Redis speaks."""


def keeper(world: World, root: Root, reference: str | None) -> Keeper:
    """The state of calls. Raises CASK-R009 for a reference that leads to nothing, CASK-I010 for a URL of another kind, CASK-W002 without its extra."""
    if reference is None:
        return State(root.confirmations)
    url = world.credentials.resolve(reference)
    scheme = url.partition(":")[0].lower()
    if scheme not in KEEPERS:
        known = ", ".join(f"{name}://" for name in KEEPERS)
        raise CaskError("CASK-I010", f"what {reference} leads to begins with none of {known}", mend="cask serve --help")
    made: Keeper = load(KEEPERS[scheme])(url, reference)
    return made
