"""Where a reader looks: files as they would be typed, and the line of the lock that a subject stands at."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from caskmcp.errors import CaskError
from caskmcp.ports import Files, World
from caskmcp.store.layout import Pack
from caskmcp.text import MAX_BYTES, Document, parse_yaml

_PLACE: Final = re.compile(r"(?P<name>[^:]+)(?P<line>(?::[0-9]+)?)")


def shown(world: World, path: Path) -> str:
    """A path as the person would type it: relative, unless it lies elsewhere."""
    return path.relative_to(world.cwd).as_posix() if path.is_relative_to(world.cwd) else path.as_posix()


def subjects(world: World, pack: Pack) -> dict[str, str]:
    """Subject -> `file:line`: of the lock, or of the pending lock for what nobody has decided on. Empty for a lock that cannot be read.

    Parses both once more than the door does, so it is asked only where there is something to point at.
    """
    lock, pending = _parsed(world.files, pack.lock), _parsed(world.files, pack.pending)
    places = {f"tool:{name}": _line(world, pack.pending, pending, ("tools", name)) for name in _names(pending, "tools")}
    places |= {name: _line(world, pack.pending, pending, ("shared", name)) for name in _names(pending, "shared")}
    return places | {name: _line(world, pack.lock, lock, ("subjects", name)) for name in _names(lock, "subjects")}


def files(world: World, pack: Pack) -> dict[str, str]:
    """Name of a file of the toolpack -> the file as it would be typed."""
    known = {path.name: path for path in (pack.lock, pack.pending, pack.toolpack)}
    known |= {name: pack.artifact(name) for name in world.files.listing(pack.artifacts)}
    return {name: shown(world, path) for name, path in known.items()}


def full(place: str, known: Mapping[str, str]) -> str:
    """A place that names a file of the toolpack alone (`tools.json:3`, `artifact/tools.json`) with the folder before it; any other as it is."""
    found = _PLACE.match(place)
    path = known.get(found["name"].removeprefix("artifact/")) if found else None
    return path + found["line"] if found and path else place


def _parsed(files: Files, path: Path) -> Document:
    empty = Document(path.name, None, {})
    try:
        return parse_yaml(files.read(path, MAX_BYTES), path.name) if files.exists(path) else empty
    except CaskError:
        return empty  # `check` says why; then findings name the file alone


def _names(document: Document, section: str) -> tuple[str, ...]:
    rows = document.value.get(section) if isinstance(document.value, Mapping) else None
    return tuple(rows) if isinstance(rows, Mapping) else ()


def _line(world: World, path: Path, document: Document, way: tuple[str, str]) -> str:
    return f"{shown(world, path)}:{document.lines.get(way, 1)}"
