"""The two files that drift is measured between at every check: the approved baseline and the newest build's candidate, as plain JSON.

Nothing of the comparison is imported here: a gate whose build knows what its baseline knows passes without looking into any operation.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from caskmcp.errors import CaskError
from caskmcp.ports import Files, World
from caskmcp.store.layout import Pack
from caskmcp.text import MAX_BYTES, parse_json
from caskmcp.workflows import here, places

SCHEMA: Final = "caskmcp/baseline/1"
SNAPSHOT: Final = "cask gate snapshot"
MOST: Final = 2 * MAX_BYTES
"""Bytes of a baseline: it holds the counts of a thousand tools and more."""


def lacks(world: World, pack: Pack) -> str:
    """Why drift has nothing to measure; empty if it has."""
    return "" if world.files.exists(here.root(world).baseline(pack.path.name)) else f"no baseline yet: {SNAPSHOT}"


def candidate(world: World, pack: Pack) -> Path:
    """The baseline that would be approved now. Raises CASK-I002 where the build emits none."""
    path = pack.artifact("baseline.json")
    if not world.files.exists(path):
        raise CaskError("CASK-I002", "the build emits no baseline: `emit:` in cask.yaml lacks it", place=str(path), mend="cask build")
    return path


def raw(files: Files, path: Path, shown: str) -> Mapping[str, Any]:
    """A baseline as JSON. Raises CASK-I002, CASK-I003, and CASK-I008 for another schema."""
    try:
        value = parse_json(files.read(path, MOST), shown, limit=MOST)
    except CaskError as cause:
        raise CaskError(cause.code, cause.what, place=cause.place or shown, mend=SNAPSHOT) from cause
    if not isinstance(value, dict) or value.get("schema") != SCHEMA:
        raise CaskError("CASK-I008", f"expected {SCHEMA}", place=shown, mend=SNAPSHOT)
    return value


def is_same(world: World, pack: Pack) -> bool:
    """Whether the newest build knows what the approved baseline knows and nothing else. Raises as `candidate` and `raw` do."""
    paths = (here.root(world).baseline(pack.path.name), candidate(world, pack))
    if world.files.read(paths[0], MOST) == world.files.read(paths[1], MOST):
        return True  # all that was built is approved: a thousand operations are not parsed to say so
    old, new = (raw(world.files, path, places.shown(world, path)) for path in paths)
    known, built_ = old.get("operations"), new.get("operations")
    lists = all(isinstance(each.get("others", []), list) for each in (old, new))
    if not (lists and isinstance(known, dict) and isinstance(built_, dict)) or old.get("toolpack") != new.get("toolpack"):
        return False
    names = [sorted(map(str, [*each["operations"], *each.get("others", ())])) for each in (old, new)]
    return bool(known) and names[0] == names[1] and all(built_.get(name) == group for name, group in known.items())
