"""What git tracks, read from its index file: no process is started, and nothing is written.

Knows the index formats 2, 3 and 4 (git's `Documentation/gitformat-index.txt`), worktrees and submodules (`.git` as a file), with SHA-1 and
SHA-256 names. A split index names most of its entries in another file and is refused as unknown rather than read in part.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from caskmcp.errors import CaskError
from caskmcp.ports import Files

MOST: Final = 256 << 20
"""Bytes that an index may have."""
_HEAD: Final = 12
_STAT: Final = 40
"""Bytes of an entry in front of its object name."""
_EXTENDED: Final = 0x4000
_GITDIR: Final = re.compile(rb"\Agitdir: ([^\r\n]+)\r?\n?\Z")
_SHA256: Final = re.compile(r"(?mi)^\s*objectformat\s*=\s*sha256\s*$")
_SIZES: Final = {False: 20, True: 32}


class Unknown(ValueError):
    """An index of a form that is not known here."""


def tracked(files: Files, folder: Path) -> tuple[Path, ...] | None:
    """Absolute paths of everything that git tracks in the checkout around a folder, sorted; None where there is no checkout.

    Raises CASK-C010 for an index that cannot be read: then nobody can say what is tracked.
    """
    top = next((each for each in (folder, *folder.parents) if files.exists(each / ".git")), None)
    if top is None:
        return None
    home = _home(files, top / ".git")
    if not files.exists(home / "index"):
        return ()  # a checkout into which nothing was added yet
    try:
        return tuple(sorted(top / name for name in names(files.read(home / "index", MOST), sha256=_is_sha256(files, home))))
    except Unknown as cause:
        raise CaskError("CASK-C010", f"git's index cannot be read: {cause}", place=str(home / "index"), mend="git ls-files") from cause


def names(data: bytes, *, sha256: bool = False) -> Iterator[str]:
    """The paths in an index, below the top of the checkout. Raises `Unknown` for what is no index of a known form."""
    version, count = int.from_bytes(data[4:8], "big"), int.from_bytes(data[8:12], "big")
    if data[:4] != b"DIRC" or version not in (2, 3, 4):
        raise Unknown("it is no index of version 2, 3 or 4")
    size, at, before = _SIZES[sha256], _HEAD, b""
    for _ in range(count):
        begun = at
        flags = int.from_bytes(data[at + _STAT + size : at + _STAT + size + 2], "big")
        at += _STAT + size + (4 if flags & _EXTENDED else 2)
        stripped = 0
        if version == 4:
            stripped, at = _number(data, at)
        end = data.find(b"\0", at)
        if end < 0 or stripped > len(before):
            raise Unknown("it is cut off or damaged")
        before = before[: len(before) - stripped] + data[at:end] if version == 4 else data[at:end]
        yield before.decode("utf-8", "surrogateescape")
        # Entries of versions 2 and 3 are filled up with one to eight zeros to a multiple of eight bytes.
        at = end + 1 if version == 4 else begun + (end - begun) // 8 * 8 + 8
    if _has_extension(data, at, b"link", _SIZES[sha256]):
        raise Unknown("it is a split index (`git update-index --no-split-index` makes it whole)")


def _number(data: bytes, at: int) -> tuple[int, int]:
    """A number of variable width (as in pack files' offsets), and where it ends."""
    if at >= len(data):
        raise Unknown("it is cut off or damaged")
    value = data[at] & 0x7F
    while data[at] & 0x80:
        at += 1
        if at >= len(data):
            raise Unknown("it is cut off or damaged")
        value = (value + 1 << 7) | (data[at] & 0x7F)
    return value, at + 1


def _has_extension(data: bytes, at: int, name: bytes, checksum: int) -> bool:
    while at + 8 <= len(data) - checksum:
        if data[at : at + 4] == name:
            return True
        at += 8 + int.from_bytes(data[at + 4 : at + 8], "big")
    return False


def _home(files: Files, git: Path) -> Path:
    """The folder that holds the index: `.git` itself, or what a worktree's or submodule's `.git` file names."""
    if files.is_folder(git):
        return git
    match = _GITDIR.match(files.read(git, 1 << 16))
    if match is None:
        raise CaskError("CASK-C010", "git's index cannot be found: this is no `gitdir:` line", place=str(git), mend="git status")
    return (git.parent / match[1].decode("utf-8", "surrogateescape")).resolve()


def _is_sha256(files: Files, home: Path) -> bool:
    """Whether the repository names objects by SHA-256; a worktree's settings lie in the folder that it shares."""
    shared = home / "commondir"
    main = (home / files.read(shared, 1 << 16).decode("utf-8", "surrogateescape").strip()).resolve() if files.exists(shared) else home
    config = main / "config"
    return files.exists(config) and _SHA256.search(files.read(config, 1 << 20).decode("utf-8", "replace")) is not None
