"""Keeps other processes of the same user out of this one's memory, in which a passphrase and then an opened key lie.

Linux alone knows how to: a process that is not dumpable cannot be traced or read by anybody but root (prctl(2), ptrace(2)). Elsewhere nothing is
done, and the docs say so. It does not keep anybody from the terminal itself.
"""

import ctypes
from typing import Final

_SET_DUMPABLE: Final = 4
"""PR_SET_DUMPABLE of `linux/prctl.h`."""


def close() -> None:
    """From here to its end this process cannot be read by others of its user."""
    if (linux := getattr(ctypes.CDLL(None), "prctl", None)) is not None:
        linux(_SET_DUMPABLE, 0, 0, 0, 0)
