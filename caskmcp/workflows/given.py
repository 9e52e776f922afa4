"""Which source gave which capture and which part of the observations: private to this root, `state/given.json`.

A source that is present replaces what it gave before; what no source here gave stays (SPEC section 2). So that a crash never turns a
source's own part into a stranger's, a part is noted here before it is merged, and what it replaced is dropped after the build.
"""

import json
from collections.abc import Iterable
from typing import Any, Final

from caskmcp import canon
from caskmcp.errors import CaskError
from caskmcp.ports import Files
from caskmcp.store.layout import Root

SCHEMA: Final = "caskmcp/given/1"


class Ledger:
    """The record of one root, written whenever it changes.

    `rows`: source (kind and path) -> {`captures`, `parts`, `units`, `blobs`} -> ids; the last two say from which content.
    """

    def __init__(self, files: Files, root: Root) -> None:
        self.files = files
        self.path = root.given
        self.rows: dict[str, dict[str, tuple[str, ...]]] = _read(files, root)

    def of(self, sources: Iterable[str], kind: str) -> frozenset[str]:
        """The ids that these sources ever gave and that were not dropped since."""
        return frozenset(each for source in sources for each in self.rows.get(source, {}).get(kind, ()))

    def by_content(self, units: Iterable[str]) -> frozenset[str]:
        """The parts that sources of these contents gave, whatever they were called."""
        wanted = set(units)
        return self.of((source for source, row in self.rows.items() if wanted & set(row.get("units", ()))), "parts")

    def note(self, source: str, kind: str, given: str) -> None:
        """A source gives this, beside what it gave before."""
        row = self.rows.setdefault(source, {})
        if given not in row.get(kind, ()):
            row[kind] = (*row.get(kind, ()), given)
            self._write()

    def settle(self, source: str, kind: str, given: str) -> tuple[str, ...]:
        """A source gives this alone, and the build that says so is done. Returns what it replaced and no other source gives."""
        row = self.rows.setdefault(source, {})
        dropped = [each for each in row.get(kind, ()) if each != given]
        if dropped or row.get(kind) != (given,):
            row[kind] = (given,)
            self._write()
        left = self.of(self.rows, kind)
        return tuple(each for each in dropped if each not in left)

    def forget(self, kind: str, given: str) -> None:
        """Drop an id everywhere."""
        for row in self.rows.values():
            row[kind] = tuple(each for each in row.get(kind, ()) if each != given)
        self._write()

    def _write(self) -> None:
        value = {"schema": SCHEMA, "sources": {source: {kind: list(ids) for kind, ids in row.items()} for source, row in self.rows.items()}}
        self.files.write(self.path, canon.pretty(value), private=True)


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
