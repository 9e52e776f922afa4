"""A file in the making: it has a name of its own, next to nothing else, until it takes the target's place as a whole.

Promises: a target is old or new; what a killed writer left is known by its name and its lock, and removed by the next one. Errors are the
system's own: `files` says them to a person.
"""

import errno
import fcntl
import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import Final

from caskmcp.ports import Sink

TEMPORARY: Final = ("cache", "tmp")
"""Folder below a root that takes temporary files."""
MARK: Final = "CACHEDIR.TAG"
"""File in `cache/` that tells our cache from a stranger's folder of that name (bford.info/cachedir)."""
SUFFIX: Final = ".cask-tmp"

_COUNTER: Final = itertools.count()


class Pieces:
    """A sink on an open handle."""

    def __init__(self, handle: int) -> None:
        self.handle = handle

    def write(self, data: bytes, /) -> int:
        """Take a piece, all of it."""
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(self.handle, rest) :]
        return len(data)


@contextmanager
def replacing(path: Path, *, private: bool, durable: bool) -> Iterator[Sink]:
    """Write a file that takes the target's place when the block ends well; its folders are made."""
    made = make_folders(path.parent, private=private)
    temporary, handle = _created(path, 0o600 if private else 0o666)
    try:
        try:
            if private:
                os.fchmod(handle, 0o600)  # whatever the umask says
            yield Pieces(handle)
            if durable:
                os.fsync(handle)
            os.replace(temporary, path)
        finally:
            os.close(handle)
    except BaseException:
        with suppress(OSError):  # the first error is the one to tell; a rest is swept later
            os.unlink(temporary)
        raise
    if durable:
        _sync_folders(path.parent, made)


def _created(path: Path, mode: int) -> tuple[str, int]:
    """A new temporary file for a target, on the target's file system: in the root's own folder if the target lies below a root, else beside
    the target (then what a killed writer of that file left there is removed)."""
    for _ in range(2):
        try:
            return create(_of_root(str(path.parent)), "", mode)
        except FileNotFoundError:
            _of_root.cache_clear()  # the folder went away
        except LookupError:
            break  # below no root
    return create(path.parent, _swept(path), mode)


@lru_cache(maxsize=4096)
def _of_root(folder: str) -> Path:
    """The folder for temporary files of the root that a folder lies below, looked for once. Raises LookupError, each time anew, if there is none."""
    device = os.stat(folder).st_dev
    for above in (Path(folder), *Path(folder).parents):
        place = above.joinpath(*TEMPORARY)
        if os.path.exists(above / TEMPORARY[0] / MARK) and os.path.isdir(place) and os.stat(place).st_dev == device:
            return place
    raise LookupError(folder)


def _swept(path: Path) -> str:
    """The beginning of the names of temporary files beside a target, once those are removed whose writers died."""
    prefix = f".{path.name}."
    for left in (name for name in os.listdir(path.parent) if name.startswith(prefix) and name.endswith(SUFFIX)):
        remove_left(path.parent / left)
    return prefix


def create(folder: Path, prefix: str, mode: int) -> tuple[str, int]:
    """A new temporary file, locked as long as it is open: that is how others know that its writer lives."""
    while True:
        path = str(folder / f"{prefix}{os.getpid()}-{next(_COUNTER)}{SUFFIX}")
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        except FileExistsError:
            continue  # of a killed process that had our number; it is swept later
        fcntl.flock(handle, fcntl.LOCK_EX)
        if os.path.exists(path):
            return path, handle
        os.close(handle)  # swept in the moment before it was locked


def remove_left(path: Path) -> None:
    """Remove a temporary file unless its writer lives. Process numbers would not do: they come again, and the dead can stay listed."""
    try:
        handle = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return  # gone meanwhile, or not ours to touch
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.unlink(path)
    except (BlockingIOError, FileNotFoundError):
        return  # its writer lives, or is done
    finally:
        os.close(handle)


def make_folders(folder: Path, *, private: bool) -> list[Path]:
    """Make the folders that are missing; returns them, outermost first."""
    if os.path.isdir(folder):
        return []
    missing = list(itertools.takewhile(lambda each: not os.path.isdir(each), (folder, *folder.parents)))[::-1]
    for each in missing:
        with suppress(FileExistsError):  # another thread or process was faster
            os.mkdir(each, 0o700 if private else 0o777)
            if private:
                os.chmod(each, 0o700)
    return missing


def _sync_folders(folder: Path, made: list[Path]) -> None:
    """Make the new names durable: in the file's folder, and of each new folder in its parent."""
    for each in (folder, *(new.parent for new in made)):
        handle = os.open(each, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(handle)
        except OSError as cause:
            if cause.errno != errno.EINVAL:  # some file systems cannot sync a folder
                raise
        finally:
            os.close(handle)
