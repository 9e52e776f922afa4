"""Locks between processes. Apart from `files`, so that what needs no lock does not pay for the library."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import filelock

from caskmcp.errors import CaskError
from caskmcp.ports import Files

HELD: Final = Path("/proc/locks")
"""Where Linux lists the locks that are held: `1: FLOCK ADVISORY WRITE 1234 08:01:5678 0 EOF`."""


@contextmanager
def hold(path: Path, timeout: float) -> Iterator[None]:
    """Hold an exclusive lock; the kernel frees it after a kill. The file stays, 0600: removing it would let two in.

    Raises CASK-B003 after `timeout` seconds, CASK-W001 where the disk refuses.
    """
    lock = filelock.FileLock(path, timeout=timeout, mode=0o600)
    try:
        lock.acquire()
    except filelock.Timeout as cause:
        raise CaskError(
            "CASK-B003", f"the lock was not free within {timeout:g} s", place=str(path), mend="wait for the other command"
        ) from cause
    except OSError as cause:
        raise CaskError("CASK-W001", (cause.strerror or str(cause)).lower(), place=str(path), mend=f"ls -ld {path.parent}") from cause
    try:
        yield
    finally:
        lock.release()


def holder(files: Files, path: Path) -> int | None:
    """The process that holds a lock; None if nobody does, or if this system does not tell."""
    if not files.exists(HELD) or not files.exists(path):
        return None
    device, inode, *_ = files.stat_key(path)
    name = f"{os.major(device):02x}:{os.minor(device):02x}:{inode}"
    rows = (line.split() for line in files.read(HELD).decode("ascii", "replace").splitlines())
    return next((int(row[4]) for row in rows if len(row) > 5 and row[1] == "FLOCK" and row[5] == name), None)
