"""A folder of Bruno (`bruno.json` and `.bru` files below) as the one file that the source `bruno` reads. Follows no link, writes nothing."""

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from caskmcp.compiler.capture.sources.bruno import packed
from caskmcp.engine.faults import without_finds
from caskmcp.errors import CaskError
from caskmcp.ports import Files
from caskmcp.text import MAX_BYTES

KIND: Final = "bruno"
MARK: Final = "bruno.json"
DEPTH: Final = 20
MOST: Final = 10_000
"""Files of one collection."""
_PASSED_OVER: Final = frozenset({"node_modules"})


def content(files: Files, folder: Path, label: str) -> bytes:
    """The folder's files in one. Raises CASK-C001 for a folder that is no collection, CASK-C005 for one beyond the limits."""
    if not files.exists(folder / MARK):
        what = f"this is a folder, and no collection of Bruno: it has no {MARK}"
        raise CaskError("CASK-C001", what, place=label, mend=f"ls {shlex.quote(label)}")
    found: dict[str, str] = {}
    room = MAX_BYTES
    for path in _paths(files, folder, DEPTH):
        room -= files.stat_key(path)[2]
        if room < 0 or len(found) >= MOST:
            what = f"a collection of more than {MOST:,} files or {MAX_BYTES >> 20} MiB"
            raise CaskError("CASK-C005", what, place=label, mend="import its folders' files one by one")
        found[path.relative_to(folder).as_posix()] = _text(files.read(path), path.relative_to(folder.parent).as_posix())
    return packed(found)


def holder(files: Files, path: Path) -> Path:
    """The collection's folder that a `.bru` file lies in; the path itself for whatever lies in none."""
    above = path.parents[:DEPTH] if path.suffix == ".bru" else ()
    return next((folder for folder in above if files.exists(folder / MARK)), path)


def _paths(files: Files, folder: Path, depth: int) -> Iterator[Path]:
    real = folder.resolve()
    shown = [folder / name for name in files.listing(folder) if not name.startswith(".") and name not in _PASSED_OVER]
    here = [path for path in shown if files.exists(path) and path.resolve() == real / path.name]
    yield from (path for path in here if path.name.endswith(".bru") and not files.is_folder(path))
    for below in here if depth else ():
        if files.is_folder(below):
            yield from _paths(files, below, depth - 1)


def _text(data: bytes, place: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as cause:
        where = f"{without_finds(_one_line(place))}, byte {cause.start}"
        raise CaskError("CASK-C001", "the file is not UTF-8", place=where, mend="save it as UTF-8") from cause


def _one_line(name: str) -> str:
    """A file's name as it can stand in a message: its control characters show themselves."""
    return "".join(letter if letter.isprintable() else f"\\u{{{ord(letter):x}}}" for letter in name)
