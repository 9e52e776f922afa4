"""A document under `sources:` with the files that it refers to, gathered into the one text that a build reads and digests (ADR 0011).

Opens files in the document's folder and below alone, and of these only what looks like a document; a link out is refused. A file that is not
there is left to the reader, which knows the line that wants it. Documents in one file, and every other kind of source, stand for themselves.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

from caskmcp import canon
from caskmcp.canon import Digest
from caskmcp.compiler.capture.sources.openapi import bundle
from caskmcp.errors import CaskError
from caskmcp.ports import Files
from caskmcp.store.project import lies_in
from caskmcp.text import MAX_BYTES

KIND: Final = "openapi"
MOST: Final = 2_000
"""Files of one document."""
Noted = Callable[[Path], object]


def ignore(path: Path) -> None:
    """For whoever need not know which files were looked at."""


def gathered(files: Files, kind: str, path: Path, noted: Noted = ignore) -> Mapping[str, bytes]:
    """Name (relative to the document's folder) -> bytes of the document and all its files; empty for a source that is one file alone.

    noted: told each other file that was looked for, there or not. Raises CASK-I005 for a link out of the folder, CASK-C005 beyond the limits.
    """
    if kind != KIND or files.stat_key(path)[2] > MAX_BYTES:
        return {}
    found = {path.name: files.read(path)}
    waiting, room = list(bundle.neighbours(path.name, found[path.name])), MAX_BYTES - len(found[path.name])
    missing: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in found or name in missing:
            continue
        noted(path.parent / name)
        data = _read(files, path, name, room)
        if data is None:
            missing.add(name)
            continue
        found[name], room = data, room - len(data)
        if len(found) > MOST:
            raise CaskError("CASK-C005", f"a document of more than {MOST:,} files", place=str(path.name), mend="split the document")
        waiting += bundle.neighbours(name, data)
    return found if len(found) > 1 else {}


def _read(files: Files, main: Path, name: str, room: int) -> bytes | None:
    path = main.parent / name
    if not lies_in(main.parent, path):
        what = f"`{name}` is a link that leads out of the document's folder"
        raise CaskError("CASK-I005", what, place=main.name, mend=f"put the file itself at {name}")
    if not files.exists(path) or files.is_folder(path):
        return None
    if files.stat_key(path)[2] > room:
        what = f"a document larger than {MAX_BYTES >> 20} MiB with all its files"
        raise CaskError("CASK-C005", what, place=main.name, mend="split the document")
    return files.read(path)


def digest(files: Files, kind: str, path: Path) -> Digest:
    """Digest of what a source holds, with all its files."""
    packed = content(files, kind, path)
    return canon.digest_stream(files.chunks(path)) if packed is None else canon.digest_bytes(packed)


def blocks(files: Files, kind: str, path: Path) -> Iterator[bytes]:
    """What a source holds, with all its files, in pieces."""
    packed = content(files, kind, path)
    return files.chunks(path) if packed is None else iter((packed,))


def content(files: Files, kind: str, path: Path, noted: Noted = ignore) -> bytes | None:
    """The document with all its files as one text; None for a source that is one file alone. Raises as `gathered` does."""
    found = gathered(files, kind, path, noted)
    return bundle.pack(path.name, found) if found else None
