"""Locks between processes. Apart from `files`, so that what needs no lock does not pay for the library."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import filelock

from caskmcp.errors import CaskError


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
