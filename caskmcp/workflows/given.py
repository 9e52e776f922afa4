"""Which source gave which capture and which part of the observations: private to this root, `state/given.json`.

A source that is present replaces what it gave before; what no source here gave stays (SPEC section 2). So that a crash never turns a
source's own part into a stranger's, what sources give is noted, in one write, before it is merged; what they gave before stays noted
beside it as long as it is still there.
"""

import json
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, Final

from caskmcp import canon
from caskmcp.errors import CaskError
from caskmcp.ports import Files
from caskmcp.store.layout import Root

SCHEMA: Final = "caskmcp/given/1"


HISTORY: Final = ("captures", "parts")
"""Kinds of ids of which older ones are remembered; `units` and `blobs` say from which content, and are replaced."""


class Ledger:
    """The record of one root.

    `rows`: source (kind and path) -> {`captures`, `parts`, `units`, `blobs`} -> ids, the present one last.
    """

    def __init__(self, files: Files, root: Root) -> None:
        self.files = files
        self.path = root.given
        self.rows: dict[str, dict[str, tuple[str, ...]]] = _read(files, root)

    def of(self, sources: Iterable[str], kind: str) -> frozenset[str]:
        """The ids that these sources give, or gave and are still there."""
        return frozenset(each for source in sources for each in self.rows.get(source, {}).get(kind, ()))

    def by_content(self, units: Iterable[str]) -> frozenset[str]:
        """The parts that sources of these contents gave, whatever they were called."""
        wanted = set(units)
        return self.of((source for source, row in self.rows.items() if wanted & set(row.get("units", ()))), "parts")

    def present(self, source: str, kind: str) -> str:
        """What a source gave last; empty if nothing is known of it."""
        return (self.rows.get(source, {}).get(kind) or ("",))[-1]

    def replaced(self, kind: str) -> tuple[str, ...]:
        """What was given before, and is not given by any source any more; sorted."""
        now = {row[kind][-1] for row in self.rows.values() if row.get(kind)}
        return tuple(sorted(self.of(self.rows, kind) - now))

    def note(self, given: Mapping[str, Mapping[str, str]], is_there: Callable[[str, str], bool]) -> None:
        """What sources give now, by kind of id. is_there: whether an older id (kind, id) has to be remembered."""
        after = {
            source: {kind: _with(self.rows.get(source, {}).get(kind, ()), kind, each, is_there) for kind, each in row.items()}
            for source, row in given.items()
        }
        if any(self.rows.get(source) != row for source, row in after.items()):
            self.rows |= after
            self._write()

    def forget(self, given: Mapping[str, Collection[str]]) -> None:
        """Drop ids everywhere, by kind, in one write."""
        for row in self.rows.values():
            row |= {kind: tuple(each for each in row.get(kind, ()) if each not in ids) for kind, ids in given.items()}
        self._write()

    def _write(self) -> None:
        value = {"schema": SCHEMA, "sources": {source: {kind: list(ids) for kind, ids in row.items()} for source, row in self.rows.items()}}
        self.files.write(self.path, canon.pretty(value), private=True)


def _with(before: tuple[str, ...], kind: str, given: str, is_there: Callable[[str, str], bool]) -> tuple[str, ...]:
    if before[-1:] == (given,):
        return before
    older = (each for each in before if each != given and kind in HISTORY and is_there(kind, each))
    return (*older, given)


def _read(files: Files, root: Root) -> dict[str, dict[str, tuple[str, ...]]]:
    if not files.exists(root.given):
        return {}
    try:
        value: Any = json.loads(files.read(root.given))
        if value["schema"] != SCHEMA:
            raise ValueError(f"expected {SCHEMA}")
        return {str(source): {str(kind): tuple(map(str, ids)) for kind, ids in row.items()} for source, row in value["sources"].items()}
    except (ValueError, KeyError, TypeError, AttributeError) as cause:
        mend = f"rm {root.given}"
        raise CaskError(
            "CASK-I008", "the record of which source gave which part cannot be read", place=str(root.given), mend=mend
        ) from cause
