"""A private folder outside every project, removed at the end: for the demo and for deriving again."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def folder() -> Iterator[Path]:
    """A new folder, 0700, that goes with all that is in it when the context ends."""
    with tempfile.TemporaryDirectory(prefix="cask-") as name:
        yield Path(name).resolve()
