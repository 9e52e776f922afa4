"""A private folder outside every project, removed at the end: for the demo and for deriving again."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

SHORT: Final = ("/tmp", 44)
"""A folder for temporary files with a short name, and the length above which another one is long."""


@contextmanager
def folder(*, short: bool = False) -> Iterator[Path]:
    """A new folder, 0700, that goes with all that is in it when the context ends. short: for sockets, whose paths have at most 104 bytes."""
    other, longest = SHORT
    is_long = short and len(tempfile.gettempdir().encode()) > longest and Path(other).is_dir()
    with tempfile.TemporaryDirectory(prefix="cask-", dir=other if is_long else None) as name:
        yield Path(name).resolve()
