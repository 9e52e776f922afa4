"""How much room the disk has at a place, and whether this user may write there. Writes nothing."""

import os
import shutil
from pathlib import Path


def at(path: Path) -> tuple[int, bool]:
    """(free bytes, whether this user may write) where `path` is, or where it would be made."""
    there = next((each for each in (path, *path.parents) if each.is_dir()), Path(path.anchor))
    return shutil.disk_usage(there).free, os.access(there, os.W_OK)
