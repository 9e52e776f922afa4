"""Where the manifest and the root are, looked for upward as git does. Imports nothing heavy: a build with nothing to do needs this alone."""

import os
from pathlib import Path

from caskmcp.ports import Files
from caskmcp.store.layout import MANIFEST, ROOT


def find_manifest(files: Files, cwd: Path) -> Path | None:
    """The nearest `cask.yaml` in `cwd` or above."""
    candidates = (folder / MANIFEST for folder in (cwd, *cwd.parents))
    return next((path for path in candidates if files.exists(path)), None)


def find_root(files: Files, cwd: Path, given: str | None) -> Path:
    """The root, which need not exist yet: `given`, or `.caskmcp` in the nearest folder at or above `cwd` that holds one or a manifest.

    A manifest ends the search, so that a stray root in a parent folder (a home, a shared temporary folder) never takes in a project's traffic.
    """
    if given is not None:
        return Path(os.path.normpath(cwd / given))
    marked = (folder for folder in (cwd, *cwd.parents) if files.is_folder(folder / ROOT) or files.exists(folder / MANIFEST))
    return next(marked, cwd) / ROOT
