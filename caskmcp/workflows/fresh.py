"""Whether a build has nothing to do, told without a plan: one `stat` for each file that the last build saw, and nothing heavy imported.

What it cannot tell for sure it leaves to `build`, which decides by content.
"""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import caskmcp
from caskmcp.canon import digest_bytes, hexadecimal
from caskmcp.ports import World
from caskmcp.store.index import Index
from caskmcp.store.layout import Root
from caskmcp.store.places import find_manifest, find_root

PACKAGE: Final = str(Path(caskmcp.__file__).parent)


class Seen(NamedTuple):
    """What the last build reported."""

    report: Mapping[str, Any]
    """The fields of a `Report`."""
    shown: Mapping[str, str]
    """The report as text, by format."""


def look(world: World) -> Seen | None:
    """What the last build reported, if nothing that it read or wrote has changed since; else None."""
    manifest = find_manifest(world.files, world.cwd)
    if manifest is None:
        return None
    root = Root(find_root(world.files, world.cwd, world.root))
    index = index_of(world, root, manifest)
    if index.header.get("place") != place(root, manifest) or not index.unchanged():
        return None
    return Seen(index.header["report"], index.header["shown"])


def index_of(world: World, root: Root, manifest: Path) -> Index:
    """The index of what the last build of a manifest saw."""
    return Index(world.files, root.index / hexadecimal(digest_bytes(str(manifest).encode("utf-8", "surrogateescape")))[:16])


def place(root: Root, manifest: Path) -> list[str]:
    """What an index holds for: this manifest and root, this program, this search path of libraries (its first entry is the script's own)."""
    return [path.encode("utf-8", "backslashreplace").decode("utf-8") for path in (str(root.path), str(manifest), PACKAGE, *sys.path[1:])]
