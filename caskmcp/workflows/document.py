"""A document that a recorder makes goes the way of one that a person gives: written to `specs/`, taken in, and named in the manifest.

One that gives nothing is taken away again, and what lay there before is put back.
"""

import os
import re
from pathlib import Path
from typing import Final

from caskmcp.errors import CaskError
from caskmcp.model.finding import Report
from caskmcp.ports import Files, World
from caskmcp.store import project
from caskmcp.workflows import capture

_ODD: Final = re.compile(r"[^a-z0-9]+")


def take(world: World, name: str, end: str, data: bytes, hosts: tuple[str, ...]) -> Report:
    """Write `specs/<name><end>` and take it in. name: any words, made into a file's name. hosts: first parties.

    Raises what `capture.take` raises; then nothing is written.
    """
    found = project.find_manifest(world.files, world.cwd)
    folder = found.parent if found else world.cwd
    path = folder / capture.SPECS / f"{_slug(name)}{end}"
    before = world.files.read(path) if world.files.exists(path) else None
    world.files.write(path, data)
    try:
        return capture.take(world, sources=(os.path.relpath(path, world.cwd),), hosts=hosts)
    except CaskError:
        _put_back(world.files, path, before)
        raise


def _put_back(files: Files, path: Path, before: bytes | None) -> None:
    if before is None:
        files.remove(path)
    else:
        files.write(path, before)


def _slug(name: str) -> str:
    return _ODD.sub("-", name.lower()).strip("-")[:40] or "server"
