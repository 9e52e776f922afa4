"""What a file is like without reading it whole: the key that tells one state from another, and where its last whole line ends."""

import os
from collections.abc import Iterable
from pathlib import Path

Key = tuple[int, int, int, int, int]
"""(device, inode, size, mtime_ns, ctime_ns)."""


def key(path: Path) -> Key:
    """The key. Raises OSError."""
    status = os.stat(path)
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def key_or_reason(path: Path) -> Key | str:
    """The key; where there is none, the name of the reason."""
    try:
        return key(path)
    except (OSError, ValueError) as gone:
        return type(gone).__name__


def keys(paths: Iterable[Path]) -> tuple[Key | str, ...]:
    """The key of each, in order; where there is none, the name of the reason."""
    return tuple(map(key_or_reason, paths))


def whole_lines(handle: int) -> int:
    """Size of the file up to its last line end."""
    end = os.fstat(handle).st_size
    while end:
        start = max(0, end - 4096)
        if (cut := os.pread(handle, end - start, start).rfind(b"\n")) >= 0:
            return start + cut + 1
        end = start
    return 0
