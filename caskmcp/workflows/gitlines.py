"""What git has to know of a project: traffic, state and caches stay out, and what is signed is never rewritten on the way in or out."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from caskmcp.ports import Files
from caskmcp.store.layout import PRIVATE

RECORDINGS: Final = ("*.har", "*.har.gz", "*.har.zst", "*.flow", "*.flows", "*.mitm")
"""Raw recordings: they hold credentials and what people typed."""
LOCK: Final = "caskmcp.lock.yaml"
"""Has a merge driver, and `tools.json` a diff driver, where git's configuration names them; elsewhere the lines mean nothing."""
ABOUT: Final = {
    ".gitignore": "# CaskMCP: traffic, state and caches stay out; all else is committed",
    ".gitattributes": "# CaskMCP: what is signed is compared byte for byte",
}


def wanted(folder: Path, root: Path) -> Mapping[str, tuple[str, ...]]:
    """File beside the manifest -> lines that it needs; none for a root outside the project."""
    if not root.is_relative_to(folder):
        return {}
    inner = root.relative_to(folder).as_posix()
    drivers = (f"{LOCK} merge=cask-lock", f"{inner}/toolpacks/*/artifact/tools.json diff=cask-surface")
    return {".gitignore": (*(f"{inner}/{name}/" for name in PRIVATE), *RECORDINGS), ".gitattributes": (f"{inner}/** -text", *drivers)}


def lacking(files: Files, folder: Path, root: Path) -> dict[str, tuple[str, ...]]:
    """File -> lines that it needs and does not have."""
    return {name: _missing(_text(files, folder / name), lines) for name, lines in wanted(folder, root).items()}


def add(files: Files, folder: Path, root: Path) -> tuple[dict[str, str], ...]:
    """Add what is lacking at the end. Returns a row a file: `written`, `added to` or `kept`."""
    return tuple(_add(files, folder / name, lines) for name, lines in lacking(files, folder, root).items())


def _add(files: Files, path: Path, missing: tuple[str, ...]) -> dict[str, str]:
    before = _text(files, path)
    if missing:
        end = "\r\n" if "\r\n" in before else "\n"
        start = before if not before or before.endswith("\n") else before + end
        files.write(path, (start + end.join((ABOUT[path.name], *missing)) + end).encode("utf-8", "surrogateescape"))
    return {"file": path.name, "state": "kept" if not missing else "added to" if before else "written"}


def _missing(text: str, lines: tuple[str, ...]) -> tuple[str, ...]:
    there = {line.strip() for line in text.splitlines()}
    return tuple(line for line in lines if line not in there)


def _text(files: Files, path: Path) -> str:
    # Whatever bytes a person has there are kept as they are.
    return files.read(path).decode("utf-8", "surrogateescape") if files.exists(path) else ""
