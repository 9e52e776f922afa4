"""Which root, toolpack and pin a command works on, said once for every story."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Final

from caskmcp.errors import AGAIN, CaskError
from caskmcp.govern import pins
from caskmcp.model.trust import Pin, TrustPin
from caskmcp.ports import World
from caskmcp.store import layouts, project
from caskmcp.store.files import refuse_links_out
from caskmcp.store.layout import Pack, Root
from caskmcp.store.places import find_manifest

HANDOFF: Final = "toolpack.yaml"


def root(world: World) -> Root:
    """The root by `--root`, else the one that a toolpack given by path lies in, else the nearest one upward.

    An MCP client starts `cask serve --toolpack PATH` from wherever it likes: its state belongs to the toolpack's root, not to that folder.
    Raises CASK-I005 where a folder of the root is a link that leads out of it.
    """
    holding = _root_of_toolpack(world) if world.root is None else None
    found = Root(holding or project.find_root(world.files, world.cwd, world.root))
    refuse_links_out(found.path, found.folders)
    return found


def _root_of_toolpack(world: World) -> Path | None:
    given = world.toolpack or ""
    if "/" not in given and not given.endswith(HANDOFF):
        return None
    path = Path(os.path.normpath(world.cwd / given))
    folder = path.parent if path.name == HANDOFF else path
    inside = folder.parent.name == "toolpacks" and world.files.exists(folder / HANDOFF)
    return folder.parent.parent if inside else None


def pack(world: World) -> Pack:
    """The toolpack by `--toolpack`, or the only one, or the manifest's. Raises CASK-I011 where there is none and CASK-I007 where several fit."""
    place = root(world).path
    several = world.toolpack is None and len(project.toolpacks(world.files, place)) > 1
    preferred = _manifest_id(world) if several else None
    try:
        return Pack(project.find_toolpack(world.files, place, world.toolpack, cwd=world.cwd, preferred=preferred))
    except CaskError as cause:
        raise _of_earlier(world, place, cause) from cause


def _of_earlier(world: World, place: Path, cause: CaskError) -> CaskError:
    """That there is no toolpack, said with what an earlier version of the program left in its place, if it did."""
    left = layouts.earlier(world.files, place) if cause.code == "CASK-I011" else ()
    if not left:
        return cause
    rows = "; ".join(f"{row.path.relative_to(place).as_posix()} is {row.layout.today} today" for row in left[:4])
    return CaskError(cause.code, f"this root was written by an earlier version: {rows}", place=str(place), mend="cask migrate")


def _manifest_id(world: World) -> str | None:
    """The id that the nearest manifest gives its toolpack."""
    return project.load_project(world.files, world.cwd).project.id if find_manifest(world.files, world.cwd) else None


def at_lock(world: World, lockfile: str | None) -> World:
    """The world with the toolpack that a lock file lies in, as `--lockfile` of earlier versions names it."""
    if lockfile is None:
        return world
    return replace(world, toolpack=os.path.normpath(world.cwd / Path(lockfile).parent.parent))


def export(world: World, out: str) -> Path:
    """The folder that `--out` names. Raises CASK-I010, before anything is made for it, where a file has that name."""
    folder = world.cwd / out
    if world.files.exists(folder) and not world.files.is_folder(folder):
        raise CaskError("CASK-I010", "this is a file, a folder is needed", place=str(folder), mend=f"{AGAIN} --out DIR")
    return folder


def pin(world: World, toolpack: str) -> Pin | None:
    """What this machine accepted for a toolpack: its administrator, or else the user. Raises CASK-T007."""
    return pins.accepted(world.files, world.config, toolpack, strict(world, toolpack))


def strict(world: World, toolpack: str) -> Pin | None:
    """What the machine's administrator accepted for everybody, and no command changes. Raises CASK-T007."""
    return pins.strict(world.files, world.system, world.uid, toolpack)


def remember(world: World, seen: Pin) -> None:
    """Raise what this user saw, which only rises."""
    pins.remember(world.files, world.config, seen, strict(world, seen.toolpack))


def condition(world: World, option: str | None = None) -> TrustPin | None:
    """What `--trust-pin` and the environment ask for."""
    return pins.condition(option, world.environ)
