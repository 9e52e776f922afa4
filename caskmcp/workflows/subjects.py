"""Subjects by the names that people type, and the one way in which stories rewrite the lock."""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from fnmatch import fnmatchcase

from caskmcp.errors import CaskError
from caskmcp.govern import lockfile, offer
from caskmcp.govern.lockfile import ReadLock
from caskmcp.ports import World
from caskmcp.store.layout import Pack, Root
from caskmcp.text import MAX_BYTES
from caskmcp.workflows import here

WAIT = 60.0
"""Seconds to wait for a build or another gate that holds the root's lock."""


def subject_of(name: str) -> str:
    """What a typed name means: `policy`, `env:NAME`, `auth:HOST` as they are, anything else is a tool."""
    return name if name == offer.POLICY or name.startswith(("env:", "auth:", "tool:")) else f"tool:{name}"


def is_pattern(name: str) -> bool:
    """Whether a typed name stands for several, as in a shell: `list_*`, `get_?`, `env:*`. It never reaches from tools to shared subjects."""
    return any(sign in name for sign in "*?[")


def matching(patterns: Iterable[str], known: Iterable[str]) -> tuple[str, ...]:
    """The subjects that any of the patterns means, sorted. Raises CASK-I010 for a pattern that means none."""
    known, found = sorted(known), set()
    for pattern in patterns:
        meant = [subject for subject in known if fnmatchcase(subject, subject_of(pattern))]
        if not meant:
            near = ", ".join(map(name_of, known[:12])) or "nothing"
            raise CaskError("CASK-I010", f"`{pattern}` means nothing here; there is {near}", mend="cask gate status")
        found.update(meant)
    return tuple(sorted(found))


def name_of(subject: str) -> str:
    """A subject as people type it."""
    return subject.removeprefix("tool:")


def require_known(subjects: tuple[str, ...], known: set[str]) -> None:
    """Raise CASK-I010 for the first subject that is nowhere here."""
    for subject in subjects:
        if subject not in known:
            near = ", ".join(name_of(row) for row in sorted(known)[:12]) or "nothing"
            raise CaskError("CASK-I010", f"there is no `{name_of(subject)}` here; there is {near}", mend="cask gate status")


def read_lock(world: World, pack: Pack, toolpack: str) -> ReadLock:
    """The lock as it is now."""
    data = world.files.read(pack.lock, MAX_BYTES) if world.files.exists(pack.lock) else None
    return lockfile.read(data, toolpack)


def rewrite(world: World, pack: Pack, toolpack: str, change: Callable[[ReadLock], ReadLock]) -> ReadLock:
    """Read the lock, change it and write it as a whole, alone: two gates at once keep what both did. Raises CASK-L001 for one that is damaged."""
    with alone(world, pack):
        before = read_lock(world, pack, toolpack)
        after = change(before)
        if after is not before:
            world.files.write(pack.lock, lockfile.dump(after))
        return after


def alone(world: World, pack: Pack) -> AbstractContextManager[None]:
    """Hold what every story holds that writes the lock or the trust root. Raises CASK-B003 where another one does for too long."""
    return world.files.lock(_root(world, pack).lock, WAIT)


def _root(world: World, pack: Pack) -> Root:
    """The root that a toolpack lies under; for one that was handed over alone, the root of the working directory."""
    return Root(pack.path.parents[1]) if pack.path.parent.name == "toolpacks" else here.root(world)
