"""Where things are: the manifest, its source files, the root and the toolpack, all looked for upward from the working directory.

Promises that no path of the manifest leaves the project, neither by `..` nor by a link. Leaves to others what the files hold, and whether a
source without a file is an error (it is none where committed observations stand in for it): `unmatched` only says which and words it.
"""

import os
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from caskmcp.errors import AGAIN, CaskError
from caskmcp.model.project import ID, Project, Source
from caskmcp.ports import Files
from caskmcp.store.layout import MANIFEST, Root
from caskmcp.store.places import find_manifest, find_root
from caskmcp.text import Document, parse_yaml

__all__ = [
    "LoadedProject",
    "SourceFile",
    "expand_sources",
    "find_manifest",
    "find_root",
    "find_toolpack",
    "inside",
    "is_plain",
    "lies_in",
    "load_project",
    "toolpacks",
    "unmatched",
]

MANIFEST_LIMIT: Final = 1 << 20
CAPTURE_ID: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)

_WILD: Final = re.compile(r"[*?\[]")


@dataclass(frozen=True)
class LoadedProject:
    """A manifest that was found and is valid."""

    project: Project
    folder: Path
    """The project: absolute, the folder that holds the manifest."""
    path: Path
    document: Document
    """As parsed, for `place` of later complaints."""


@dataclass(frozen=True)
class SourceFile:
    """One file that an entry of `sources:` means."""

    kind: str
    """`har`, `openapi` or `capture`."""
    path: str
    """Relative to the project with `/`; the id for a capture. For messages and fan-out order, never for an artifact."""
    absolute: Path


# ---------------------------------------------------------------- the manifest
def load_project(files: Files, cwd: Path) -> LoadedProject:
    """Find `cask.yaml` in `cwd` or above, and parse it. Raises CASK-I006 where there is none, CASK-I003 and CASK-I004 with the line."""
    path = find_manifest(files, cwd)
    if path is None:
        raise CaskError("CASK-I006", f"no {MANIFEST} here or above", place=str(cwd), mend="cask init -a HOST")
    name = os.path.relpath(path, cwd)
    try:
        document = parse_yaml(files.read(path, MANIFEST_LIMIT), name)
        return LoadedProject(Project.of(document), path.parent, path, document)
    except CaskError as cause:
        raise cause.mended(f"edit {shlex.quote(name)}") from cause


def placed(loaded: LoadedProject, error: CaskError) -> CaskError:
    """The error with the line of the manifest, where its place is a way into it (`cask.yaml#tools/composites/x`): stages know no lines."""
    name, mark, way = (error.place or "").partition("#")
    if name != MANIFEST or not mark:
        return error
    path = tuple(int(part) if part.isdecimal() else part for part in way.split("/"))
    return CaskError(error.code, error.what, place=loaded.document.place(path), mend=error.mend)


def inside(loaded: LoadedProject, given: str, place: str) -> Path:
    """The absolute path that the manifest means by `given`. Raises CASK-I005 if it leaves the project. It need not exist."""
    if not _stays(given):
        raise CaskError("CASK-I005", f"`{given}` has to be a relative path without `..`", place=place, mend=f"edit {MANIFEST}")
    path = loaded.folder / given
    _refuse_link_out(loaded.folder, path, given, place)
    return path


def _stays(given: str) -> bool:
    return bool(given) and "\0" not in given and not given.startswith(("/", "~")) and ".." not in PurePosixPath(given).parts


def lies_in(folder: Path, path: Path) -> bool:
    """Whether a path lies in a folder after all links are followed. It need not exist."""
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder))


def is_plain(folder: Path, path: Path) -> bool:
    """Whether a path below a folder is what it says: neither itself nor a folder on the way to it is a link. It has to exist."""
    return os.path.realpath(path, strict=True) == os.path.join(os.path.realpath(folder), path.relative_to(folder))


def _refuse_link_out(folder: Path, path: Path, given: str, place: str) -> None:
    if not lies_in(folder, path):
        raise CaskError("CASK-I005", f"`{given}` is a link that leads out of the project", place=place, mend=f"edit {MANIFEST}")


# ---------------------------------------------------------------- sources
def expand_sources(files: Files, loaded: LoadedProject, root: Path) -> tuple[SourceFile, ...]:
    """Every file that `sources:` means and that is here, once, sorted by kind and path. Raises CASK-I005, CASK-I009."""
    found = {(row.kind, row.path): row for _, rows in _each(files, loaded, root) for row in rows}
    return tuple(found[key] for key in sorted(found))


def unmatched(files: Files, loaded: LoadedProject, root: Path) -> tuple[CaskError, ...]:
    """CASK-C004 for each entry of `sources:` that means no file; to be raised where no committed part stands in for it."""
    return tuple(_missing(loaded, index) for index, rows in _each(files, loaded, root) if not rows)


def _missing(loaded: LoadedProject, index: int) -> CaskError:
    source = loaded.project.sources[index]
    what = f"there is no capture {source.pattern[:12]}…" if source.kind == "capture" else f"`{source.pattern}` matches no file"
    return CaskError("CASK-C004", what, place=_place(loaded, index), mend="cask capture import FILE -a HOST")


def _each(files: Files, loaded: LoadedProject, root: Path) -> Iterator[tuple[int, tuple[SourceFile, ...]]]:
    for index, source in enumerate(loaded.project.sources):
        if source.kind == "capture":
            yield index, _capture(files, source, root, _place(loaded, index))
        else:
            yield index, tuple(_matches(files, loaded, source, _place(loaded, index)))


def _place(loaded: LoadedProject, index: int) -> str:
    return loaded.document.place(("sources", index))


def _capture(files: Files, source: Source, root: Path, place: str) -> tuple[SourceFile, ...]:
    if not CAPTURE_ID.fullmatch(source.pattern):
        what = f"`{source.pattern}` is no capture id: expected 64 hexadecimal digits"
        raise CaskError("CASK-I009", what, place=place, mend="cask capture list")
    path = Root(root).exchanges(source.pattern)
    return (SourceFile("capture", source.pattern, path),) if files.exists(path) else ()


def _matches(files: Files, loaded: LoadedProject, source: Source, place: str) -> Iterator[SourceFile]:
    pattern = source.pattern
    inside(loaded, _WILD.split(pattern)[0] or ".", place)
    if not _stays(pattern):
        raise CaskError("CASK-I005", f"`{pattern}` has to be a relative path without `..`", place=place, mend=f"edit {MANIFEST}")
    for path in _paths(files, loaded.folder, pattern, place):
        relative = path.relative_to(loaded.folder).as_posix()
        _refuse_link_out(loaded.folder, path, relative, place)
        yield SourceFile(source.kind, relative, path)


def _paths(files: Files, folder: Path, pattern: str, place: str) -> list[Path]:
    if not _WILD.search(pattern):
        path = folder / PurePosixPath(pattern)
        return [path] if files.exists(path) and not files.is_folder(path) else []
    if any("**" in part and part != "**" for part in pattern.split("/")):  # Pythons differ on what that means
        raise CaskError("CASK-I005", f"`{pattern}`: `**` has to stand alone between slashes", place=place, mend=f"edit {MANIFEST}")
    # Not `files.glob`: that leaves out what a link brings in from elsewhere, and here such a link has to be refused by name.
    hits = sorted(folder.glob(f"{pattern}/*" if pattern.endswith("**") else pattern))
    shown = _hidden(pattern)
    return [path for path in hits if not files.is_folder(path) and (shown or not _hidden(path.relative_to(folder).as_posix()))]


def _hidden(path: str) -> bool:
    return any(part.startswith(".") and part != "." for part in path.split("/"))


# ---------------------------------------------------------------- root and toolpack
def find_toolpack(files: Files, root: Path, given: str | None, *, cwd: Path, preferred: str | None = None) -> Path:
    """The folder of the toolpack. given: an id, or a path to the folder or its `toolpack.yaml`. preferred: the manifest's id, if there are several.

    Raises CASK-I011 (none was built), CASK-I010 (`given` is none), CASK-I007 (several, and none was named).
    """
    names = toolpacks(files, root)
    if given is not None:
        return _named(files, root, given, cwd, names)
    if preferred in names:
        return Root(root).pack(str(preferred)).path
    if len(names) > 1:
        raise CaskError("CASK-I007", f"{root.name} holds several toolpacks: {', '.join(names)}", mend=f"{AGAIN} --toolpack {names[0]}")
    if not names:
        raise CaskError("CASK-I011", "nothing was built yet", place=str(root), mend="cask build")
    return Root(root).pack(names[0]).path


def toolpacks(files: Files, root: Path) -> tuple[str, ...]:
    """The ids of the toolpacks under a root, sorted."""
    packs = Root(root)
    return tuple(name for name in files.listing(packs.toolpacks) if ID.fullmatch(name) and files.exists(packs.pack(name).toolpack))


def _named(files: Files, root: Path, given: str, cwd: Path, names: tuple[str, ...]) -> Path:
    if given in names:
        return Root(root).pack(given).path
    path = Path(os.path.normpath(cwd / given))
    folder = path.parent if path.name == "toolpack.yaml" else path
    if files.exists(folder / "toolpack.yaml"):
        return folder
    known = f"here are: {', '.join(names)}" if names else "none was built under the root yet"
    raise CaskError(
        "CASK-I010",
        f"there is no toolpack `{given}`; {known}",
        place=str(root),
        mend=f"{AGAIN} --toolpack {names[0]}" if names else "cask build",
    )
