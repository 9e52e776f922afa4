"""Where earlier versions of the program kept things under the root, and where they are kept today (SPEC section 8).

Nothing is moved: what such a version compiled and approved is not what this one would, so each has to be made again. Says what and where.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from caskmcp.ports import Files


class Layout(NamedTuple):
    """One place of an earlier version."""

    place: str
    """Pattern below the root."""
    today: str
    run: str
    """The command that makes what lies there today."""
    why: str


# fmt: off
LAYOUTS: Final = (
    #      place                      today, below the root                       run
    Layout("artifacts/*",             "toolpacks/<id>/artifact/",                 "cask build",
           "artifacts are compiled again from the sources, or from observations.json"),
    Layout("contract.yaml",           "toolpacks/<id>/artifact/contracts.yaml",   "cask build",
           "contracts are compiled again, each with its evidence"),
    Layout("artifacts/*/contract.yaml", "toolpacks/<id>/artifact/contracts.yaml", "cask build",
           "contracts are compiled again, each with its evidence"),
    Layout("captures/*.json",         "captures/<id>/exchanges.ndjson.gz",        "cask capture import FILE -a HOST",
           "a capture is taken again from its recording, so that it is redacted before it is written"),
    Layout("approvals",               "toolpacks/<id>/lockfile/caskmcp.lock.yaml", "cask gate allow --all",
           "no earlier approval counts: a person signs what was compiled now"),
)
# fmt: on


class Found(NamedTuple):
    """Something that lies where an earlier version kept it."""

    path: Path
    layout: Layout


def earlier(files: Files, root: Path) -> tuple[Found, ...]:
    """What an earlier version left under a root, in the order of the table."""
    return tuple(Found(path, row) for row in LAYOUTS for path in _matching(files, root, row.place.split("/")))


def _matching(files: Files, folder: Path, parts: list[str]) -> Iterator[Path]:
    """Paths below a folder; `*` stands at the beginning of a name or alone, and for no name that begins with a dot."""
    head, rest = parts[0], parts[1:]
    names = [name for name in files.listing(folder) if _fits(name, head)]
    for name in names:
        yield from _matching(files, folder / name, rest) if rest else (folder / name,)


def _fits(name: str, pattern: str) -> bool:
    return name == pattern or (pattern.startswith("*") and name.endswith(pattern[1:]) and not name.startswith("."))
