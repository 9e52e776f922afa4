"""Toolpacks that can be handed over: the small pack of `packs`, laid out whole, and bundles made by hand of its files."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from caskmcp import canon, text
from caskmcp.govern import bundle, content, offer
from caskmcp.model.artifact import Toolchain
from caskmcp.model.pack import PackFiles
from caskmcp.store import archive
from caskmcp.store.files import LocalFiles
from caskmcp.store.layout import Pack
from caskmcp.workflows import handoff
from tests.support import packs

CHAIN = Toolchain(cask="1", digest="sha256:" + "0" * 64, libraries={})


def laid(files: PackFiles, root: Path, *, more: Mapping[str, bytes] | None = None) -> Pack:
    """A toolpack under a root with its handoff and the content of its statements. more: further artifacts by name."""
    pack = packs.write(files, root)
    artifacts = {name: getattr(files, role) for role, name in offer.NAMES.items()} | dict(more or {})
    for name, data in artifacts.items():
        pack.artifact(name).write_bytes(data)
    pack.toolpack.write_bytes(handoff.render(handoff.record(files.id, CHAIN, artifacts)))
    offered = offer.parse(files)
    named = {row["statement"]["digest"] for rows in subjects(files).values() for row in rows}
    for record in offered.contents.values():
        if canon.digest(record) in named:
            content.keep(LocalFiles(), pack, record)
    return pack


def subjects(files: PackFiles) -> dict[str, Any]:
    """Subject -> rows of the lock."""
    return dict(text.parse_yaml(files.lock, "lock").value["subjects"]) if files.lock else {}


def made(pack: Pack) -> dict[str, bytes]:
    """The members of its bundle, by hand: every file of the folder but the pending lock, and the manifest."""
    found = {
        path.relative_to(pack.path).as_posix(): path.read_bytes()
        for path in sorted(pack.path.rglob("*"))
        if path.is_file() and path != pack.pending
    }
    return bundle.sealed(bundle.manifest("shop", found), found)


def edited(members: Mapping[str, bytes], change: Callable[[dict[str, bytes]], None]) -> dict[str, bytes]:
    """The members after a change by somebody who then made the manifest anew: it needs no key."""
    found = {name: data for name, data in members.items() if name != bundle.NAME}
    change(found)
    return bundle.sealed(bundle.manifest("shop", found), found)


def manifest_edited(members: Mapping[str, bytes], change: Callable[[dict[str, Any]], None]) -> dict[str, bytes]:
    """The members with another `bundle.json`."""
    value = json.loads(members[bundle.NAME])
    change(value)
    return {**members, bundle.NAME: canon.pretty(value)}


def put(members: Mapping[str, bytes], path: Path) -> Path:
    """The members as a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(archive.pack(members))
    return path


def tree(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
