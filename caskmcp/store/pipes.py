"""What comes through a pipe that a shell holds the other end of: standard input, or `<(…)` in the place of a file.

Read once and kept in memory alone, up to a bound: it is not redacted yet. A pipe with a name of its own is no such thing: nobody may ever
write to it, so it is refused like a device.
"""

import os
import stat
from pathlib import Path
from typing import Final

from caskmcp.errors import CaskError

STDIN: Final = "-"
"""How a command line says standard input."""
MOST: Final = 256 << 20
"""Bytes that are taken; more of them are a file."""
_HELD: Final = ("/dev/fd/", "/proc/self/fd/")
_INPUT: Final = Path("/dev/stdin")
_PIECE: Final = 1 << 20


def path_of(given: str, cwd: Path) -> Path:
    """Where an argument of a command line points to."""
    return _INPUT if given == STDIN else cwd / given


def read(path: Path, limit: int = MOST) -> bytes | None:
    """All that comes through the pipe at a path; None for what is no pipe of a shell.

    Raises CASK-C005 beyond `limit`, and CASK-W001 where the pipe cannot be read.
    """
    if not is_held(path):
        return None
    held = bytearray()
    try:
        with open(path, "rb", buffering=0) as source:
            while piece := source.read(_PIECE):
                held += piece
                if len(held) > limit:
                    what = f"more than {limit >> 20} MiB come through the pipe, and nothing raw is kept on the disk"
                    raise CaskError("CASK-C005", what, place=str(path), mend="cask capture import FILE")
    except OSError as cause:
        what = f"the pipe cannot be read: {(cause.strerror or '').lower()}"
        raise CaskError("CASK-W001", what, place=str(path), mend="cask capture import FILE") from cause
    return bytes(held)


def is_held(path: Path) -> bool:
    """Whether a shell holds the other end of what is there."""
    try:
        return (path == _INPUT or str(path).startswith(_HELD)) and stat.S_ISFIFO(os.stat(path).st_mode)
    except OSError:
        # Closed, or not there: the reader of files says so.
        return False
