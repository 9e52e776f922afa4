"""What lies under the root and nobody needs: blobs and receipts that no last build rests on, approved content that no statement names,
what killed commands left.

Promises to name only files that have the form of ours, and never a capture, a key, the trust chain, a lock, or content that a statement
names. Finds; whoever removes holds the root's lock.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from caskmcp import canon
from caskmcp.canon import Digest
from caskmcp.errors import CaskError
from caskmcp.ports import Files
from caskmcp.store import swap
from caskmcp.store.blobs import BlobLost, Blobs
from caskmcp.store.index import Index
from caskmcp.store.layout import Pack, Root
from caskmcp.store.receipts import Outs, Receipts

_BYTE: Final = re.compile(r"[0-9a-f]{2}", re.ASCII)
_REST: Final = re.compile(r"[0-9a-f]{62}", re.ASCII)
_CONTENT: Final = re.compile(r"([0-9a-f]{64})\.json", re.ASCII)
STEPS: Final = ".steps"
"""Suffix of the file, beside an index, that says what each step of the last build rested on."""


class Garbage(NamedTuple):
    """One file or folder that may go."""

    kind: str
    path: Path
    why: str


class Stored(NamedTuple):
    """One file that is named by a digest."""

    digest: Digest
    path: Path


# ---------------------------------------------------------------- what lies there
def blobs(files: Files, root: Root) -> Iterator[Stored]:
    """Every file that lies where a blob does."""
    yield from _named(files, root.blobs, "")


def receipts(files: Files, root: Root) -> Iterator[Stored]:
    """Every file that lies where a receipt does; its digest is the action key."""
    yield from _named(files, root.receipts, ".json")


def contents(files: Files, pack: Pack) -> Iterator[Stored]:
    """Every file that lies where approved content does."""
    found = ((name, _CONTENT.fullmatch(name)) for name in files.listing(pack.contents))
    yield from (Stored(Digest(f"sha256:{match[1]}"), pack.contents / name) for name, match in found if match)


def _named(files: Files, folder: Path, suffix: str) -> Iterator[Stored]:
    for head in filter(_BYTE.fullmatch, files.listing(folder)):
        for name in files.listing(folder / head):
            rest = name.removesuffix(suffix)
            if rest + suffix == name and _REST.fullmatch(rest):
                yield Stored(Digest(f"sha256:{head}{rest}"), folder / head / name)


def is_whole(files: Files, root: Root, digest: Digest) -> bool:
    """Whether a blob has the content that its name says."""
    try:
        Blobs(files, root.blobs, root.cache).check(digest)
    except BlobLost:
        return False
    return True


# ---------------------------------------------------------------- what is needed
def needed_receipts(files: Files, root: Root) -> frozenset[Digest]:
    """Action keys of what the last build of each manifest rests on."""
    steps = (name for name in files.listing(root.index) if name.endswith(STEPS))
    return frozenset(canon.digest(facts) for name in steps for facts in _facts(files, root.index / name))


def _facts(files: Files, path: Path) -> Iterator[Any]:
    try:
        found = json.loads(files.read(path))
    except (CaskError, ValueError):
        return  # torn by a power cut: nothing is known of that build, and it runs again
    yield from found.values() if isinstance(found, dict) else ()


def needed_blobs(files: Files, root: Root, keys: frozenset[Digest]) -> frozenset[Digest]:
    """Outputs of these actions, and what the index of each build keeps."""
    known = Receipts(files, root.receipts)
    outputs = {digest for key in keys for digest in digests(known.get(key) or {})}
    kept = (Index(files, root.index / name).header.get("foreign", "") for name in files.listing(root.index) if not name.endswith(STEPS))
    return frozenset(outputs | {Digest(each) for each in kept if each})


def digests(outs: Outs) -> Iterator[Digest]:
    """Every digest that a receipt names."""
    for content in outs.values():
        yield from content.values() if isinstance(content, Mapping) else (content,)


# ---------------------------------------------------------------- what is not
def find(files: Files, root: Root, packs: Mapping[str, frozenset[Digest] | None]) -> tuple[Garbage, ...]:
    """Everything that may go, sorted. packs: toolpack -> digests that its lock names, or None where the lock cannot be read (then all stay)."""
    rows = [*_cache(files, root), *(row for name, named in packs.items() for row in _unnamed(files, root.pack(name), named))]
    return tuple(sorted([*rows, *_left(files, root)], key=lambda row: (row.kind, str(row.path))))


def _cache(files: Files, root: Root) -> Iterator[Garbage]:
    keys = needed_receipts(files, root)
    wanted = needed_blobs(files, root, keys)
    known = Receipts(files, root.receipts)
    for key, path in receipts(files, root):
        if key not in keys or known.get(key) is None:
            yield Garbage("receipt", path, "no last build rests on it" if key not in keys else "it is damaged")
    for digest, path in blobs(files, root):
        if digest not in wanted or not is_whole(files, root, digest):
            yield Garbage("blob", path, "no last build rests on it" if digest not in wanted else "it is damaged")


def _unnamed(files: Files, pack: Pack, named: frozenset[Digest] | None) -> Iterator[Garbage]:
    if named is not None:
        yield from (Garbage("content", path, "no statement names it") for digest, path in contents(files, pack) if digest not in named)


def _left(files: Files, root: Root) -> Iterator[Garbage]:
    """Folders of an installation that was killed; the next one of the same toolpack would remove them too. Not the only copy of one."""
    for name in files.listing(root.toolpacks):
        for suffix, needed in LEFT.items():
            place = root.toolpacks / name.removeprefix(".").removesuffix(suffix)
            if name == f".{place.name}{suffix}" and needed(files, place):
                yield Garbage("scratch", root.toolpacks / name, "an installation was interrupted")


LEFT: Final[Mapping[str, Callable[[Files, Path], bool]]] = {
    swap.NEW: lambda files, place: True,
    swap.OLD: lambda files, place: files.exists(place),
}
"""Suffix of a folder that a killed installation left -> whether it may go."""
