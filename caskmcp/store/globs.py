"""Globs that stay inside: patterns of files below a folder, read as a shell reads them, with nothing that a link brings in from elsewhere."""

import fnmatch
import os
import re
from collections.abc import Iterator
from pathlib import Path

from caskmcp.errors import CaskError


def files_below(base: Path, pattern: str) -> tuple[Path, ...]:
    """Sorted files that match; `*` and `**` pass over names that begin with a dot. CASK-I005 for an absolute pattern or one with `..`.

    Raises OSError for a folder that may not be read.
    """
    parts = [part for part in pattern.split("/") if part not in ("", ".")]
    if pattern.startswith("/") or ".." in parts:
        raise CaskError("CASK-I005", f"`{pattern}` leaves {base}", mend="name files inside the project")
    inside = os.path.realpath(base)
    found = {path for path in _matches(str(base), parts, inside) if os.path.isfile(path) and within(path, inside)}
    return tuple(Path(path) for path in sorted(found))


def within(path: str, inside: str) -> bool:
    """Whether a path, its links followed, lies at or below a real path."""
    real = os.path.realpath(path)
    return real == inside or real.startswith(inside.rstrip("/") + "/")


def _matches(folder: str, parts: list[str], inside: str) -> Iterator[str]:
    """Paths below a folder that match; a folder that leads out of `inside` is not entered."""
    if not parts:
        return
    head, rest = parts[0], parts[1:]
    if head == "**":
        yield from _matches(folder, rest or ["*"], inside)
        for name in _names(folder, "*", inside):
            if not os.path.islink(below := os.path.join(folder, name)) and os.path.isdir(below):
                yield from _matches(below, parts, inside)
        return
    for name in _names(folder, head, inside):
        below = os.path.join(folder, name)
        yield from _matches(below, rest, inside) if rest else (below,)


def _names(folder: str, form: str, inside: str) -> list[str]:
    if not within(folder, inside):
        return []
    if not re.search(r"[*?[]", form):
        return [form] if os.path.lexists(os.path.join(folder, form)) else []
    try:
        names = os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return []
    return sorted(name for name in names if fnmatch.fnmatchcase(name, form) and (form.startswith(".") or not name.startswith(".")))
