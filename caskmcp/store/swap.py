"""A finished folder takes the place of another one of the same name, as a whole.

Where the system can exchange two names (Linux, macOS), the old folder or the new one is there at every moment, also after a kill. Where it
cannot, the old one goes aside first: a kill between the two steps leaves no folder, and `recover` puts the old one back.
"""

import ctypes
import errno
import os
import shlex
from pathlib import Path
from typing import Final

from caskmcp.errors import CaskError
from caskmcp.ports import Files

NEW: Final = ".new"
OLD: Final = ".old"
_HERE: Final = -100
"""AT_FDCWD: paths are as they are."""
_EXCHANGE: Final = 2
"""RENAME_EXCHANGE of Linux, RENAME_SWAP of macOS."""
_UNABLE: Final = frozenset({errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EXDEV})


def beside(place: Path, suffix: str) -> Path:
    """The name of a folder in the making, or on its way out: no toolpack is called that."""
    return place.with_name(f".{place.name}{suffix}")


def recover(files: Files, place: Path) -> None:
    """Put right what a kill left: the old folder back where none is, scratch away. Under the lock of who calls `swap`."""
    old = beside(place, OLD)
    if files.is_folder(old) and not files.exists(place):
        _rename(old, place)
    for left in (old, beside(place, NEW)):
        files.remove_tree(left)


def is_settled(files: Files, place: Path) -> bool:
    """Whether no kill left anything that `recover` would put right."""
    return not any(files.exists(beside(place, suffix)) for suffix in (OLD, NEW))


def swap(files: Files, new: Path, place: Path) -> None:
    """Give `new` the name of `place`; what lay there goes. Both are on one file system, in one folder."""
    if not files.is_folder(place):
        _rename(new, place)
    elif exchange(new, place):
        _sync(place.parent)
        files.remove_tree(new)
    else:
        _in_two_steps(files, new, place)


def _in_two_steps(files: Files, new: Path, place: Path) -> None:
    old = beside(place, OLD)
    _rename(place, old)
    try:
        _rename(new, place)
    except CaskError:
        _rename(old, place)
        raise
    files.remove_tree(old)


def exchange(one: Path, other: Path) -> bool:
    """Exchange two names at once; False where the system or the file system cannot."""
    library = ctypes.CDLL(None, use_errno=True)
    names = os.fsencode(one), os.fsencode(other)
    if (linux := getattr(library, "renameat2", None)) is not None:
        failed = linux(_HERE, names[0], _HERE, names[1], _EXCHANGE)
    elif (mac := getattr(library, "renamex_np", None)) is not None:
        failed = mac(*names, _EXCHANGE)
    else:
        return False
    if not failed:
        return True
    if (number := ctypes.get_errno()) in _UNABLE:
        return False
    raise _refused(OSError(number, os.strerror(number)), other)


def _rename(old: Path, new: Path) -> None:
    try:
        os.rename(old, new)
    except OSError as cause:
        raise _refused(cause, new) from cause
    _sync(new.parent)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    except OSError as cause:
        if cause.errno != errno.EINVAL:  # some file systems cannot sync a folder
            raise _refused(cause, folder) from cause
    finally:
        os.close(handle)


def _refused(cause: OSError, path: Path) -> CaskError:
    mend = f"ls -ld {shlex.quote(str(path.parent))}"
    return CaskError("CASK-W001", (cause.strerror or str(cause)).lower(), place=str(path), mend=mend)
