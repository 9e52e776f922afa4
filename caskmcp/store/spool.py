"""Bytes that are too many for memory and not yet anybody's file: kept in a file without a name, which goes with the process however it ends.

What is put here has been redacted; a killed command leaves nothing of it, since no folder ever lists the file.
"""

import tempfile
import weakref
from collections.abc import Iterable, Iterator
from typing import Final

from caskmcp.errors import CaskError

IN_MEMORY: Final = 8 << 20
"""Bytes that stay in memory; more of them go to the system's folder for temporary files, 0600 and without a name."""
_PIECE: Final = 1 << 20


class Spool:
    """Bytes that can be read again and again. Raises CASK-W001 if the disk refuses."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._file = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY, prefix="cask-")  # noqa: SIM115 - closed with the object
        weakref.finalize(self, self._file.close)
        for piece in pieces:
            try:
                self._file.write(piece)
            except OSError as cause:
                what = (cause.strerror or str(cause)).lower()
                raise CaskError("CASK-W001", what, place=tempfile.gettempdir(), mend=f"df -h {tempfile.gettempdir()}") from cause

    def blocks(self) -> Iterator[bytes]:
        """The bytes from the beginning, in pieces. One reader at a time."""
        self._file.seek(0)
        while piece := self._file.read(_PIECE):
            yield piece
