"""One source's exchanges become a part: value-free, key-free, the same for any order of entries.

Two outputs. `part` is what is committed but for vocabularies and bounds: its digest is its id, whatever the other sources hold.
`candidates` is the same with what those are decided from, over all sources together, by `merge`; it is private and stays in the cache.
"""

import gc
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import unquote

import msgspec

from caskmcp import canon
from caskmcp.compiler.capture.codec import decode_lines, lines
from caskmcp.compiler.normalize import sessions, templates
from caskmcp.compiler.normalize.adding import add_up
from caskmcp.compiler.normalize.calls import calls_of
from caskmcp.compiler.normalize.forms import Words
from caskmcp.compiler.normalize.origins import Origins
from caskmcp.compiler.normalize.row import REFUSED, Row, bare_row
from caskmcp.compiler.normalize.tokens import label
from caskmcp.compiler.normalize.waiting import Waiting
from caskmcp.compiler.pipeline import Inputs, Outputs
from caskmcp.model.exchange import Declared, Definitions, Exchange, Proposed

Key = tuple[str, str, int, str, tuple[str, ...], str]
TRAFFIC: Final = "traffic"
SPEC: Final = "spec"
COLLECTION: Final = "collection"
MOST_PATHS: Final = 4096
"""Paths whose segments are remembered: a bound of memory."""
LISTS: Final = ("declared", "proposed")
"""What a source states item by item."""


def run(inputs: Inputs) -> Outputs:
    """Stage `normalize`."""
    return written(read(inputs, inputs.blocks("capture.exchanges")), inputs)


def read(inputs: Inputs, blocks: Iterable[bytes]) -> "Account":
    """What some of the capture's exchanges count for. blocks: their bytes."""
    account = Account(tuple(inputs.value("vocabulary.templates")))
    account.read(decode_lines(blocks))
    return account


def written(account: "Account", inputs: Inputs) -> Outputs:
    """The outputs, once all exchanges of the capture are counted."""
    pages = tuple(map(tuple, inputs.value("capture.head").get("origins", ())))
    account.find_origins(lambda: lines(inputs.blocks("capture.exchanges")), pages)
    candidates = account.plain()
    return {"part": canon.compact(bare_part(candidates)), "candidates": canon.compact(candidates)}


def summarize(
    items: Iterable[Exchange | Declared | Proposed | Definitions],
    named: tuple[str, ...] = (),
    *,
    again: Callable[[], Iterable[bytes]] | None = None,
    pages: Iterable[tuple[str, str]] = (),
) -> dict[str, Any]:
    """The part of exchanges and declared operations, candidate form. `named`: templates whose literals may be kept.

    again: the items once more, as lines, for what only a second look can tell. pages: values that stood in pages that were left out, and where.
    """
    account = Account(named)
    account.read(items)
    if again is not None:
        account.find_origins(again, pages)
    return account.plain()


def bare_part(candidates: dict[str, Any]) -> dict[str, Any]:
    """A part without anything that depends on counts or on other sources; what its id is the digest of."""
    return sessions.without(candidates) | ({"rows": [bare_row(row) for row in candidates["rows"]]} if "rows" in candidates else {})


class Account:
    """What the exchanges of a source, or of a piece of it, count for. Mutable while they are read; pickles."""

    def __init__(self, named: tuple[str, ...] = ()) -> None:
        self.rows: dict[Key, Row] = {}
        self.stated: dict[Key, Row] = {}
        self.visits: dict[str, set[Key]] = {}
        """Session -> rows that it called with success."""
        self.body_words = Words()
        self.waiting = Waiting()
        self.declared: list[dict[str, Any]] = []
        self.proposed: list[dict[str, Any]] = []
        self.definitions: dict[str, Any] = {}
        self.paths: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {}
        self.routes = frozenset(named)
        self.origins = Origins()
        self.named: dict[int, list[templates.Template]] = {}
        for template in map(templates.parse, named):
            self.named.setdefault(len(template.segments), []).append(template)

    def add(self, item: Exchange | Declared | Proposed | Definitions, serial: int) -> None:
        if isinstance(item, Definitions):
            self.definitions |= item.definitions
            return
        if not isinstance(item, Exchange):
            (self.declared if isinstance(item, Declared) else self.proposed).append(msgspec.to_builtins(item))
            return
        calls = calls_of(item)
        for call in calls:
            self.count(call.exchange, serial, canon.compact(call.call).decode("utf-8"))
        if not calls:
            self.count(item, serial)

    def read(self, items: Iterable[Any]) -> None:
        """Count all items; nothing waits then."""
        with _without_collector():
            for serial, item in enumerate(items):
                self.add(item, serial)
            self.waiting.count()
        self.paths.clear()
        for row in (*self.rows.values(), *self.stated.values()):
            row.finish()

    def find_origins(self, again: Callable[[], Iterable[bytes]], pages: Iterable[tuple[str, str]] = ()) -> None:
        """Look, in all lines of the capture, for what its requests sent. As `Origins.find`."""
        self.origins.find(again, lambda path: self.split(path)[1], pages)

    def add_up(self, other: "Account") -> None:
        """Take in what another piece of the same capture counted; that account is used up."""
        moved: dict[int, Row] = {}
        for mine, theirs in ((self.rows, other.rows), (self.stated, other.stated)):
            for key, row in theirs.items():
                moved[id(row)] = mine.setdefault(key, row)
                if mine[key] is not row:
                    add_up(mine[key], row)
        self.origins.add_up(other.origins, moved)
        add_up(self.body_words, other.body_words)
        for session, keys in other.visits.items():
            self.visits.setdefault(session, set()).update(keys)
        for name in LISTS:
            getattr(self, name).extend(getattr(other, name))
        self.definitions |= other.definitions

    def count(self, item: Exchange, serial: int, call: str = "") -> None:
        """Count one exchange in its row. call: what it asks a shared endpoint for, canonical."""
        # Who named a parameter is a stranger: words of the table stay what they are, so that nobody's word hides what is done (ADR 0012).
        tokens, labels = self.split(item.path)
        rows = self.rows if item.status else self.stated
        key = (item.scheme, item.host, item.port, item.method, labels, call)
        row = rows.get(key)
        if row is None:
            row = rows[key] = Row(key, self.body_words)
        row.add(item, tokens, serial, self.waiting)
        if item.session and 0 < item.status < REFUSED:
            self.visits.setdefault(item.session, set()).add(key)
        self.origins.note(item, row)
        row.routed |= item.route in self.routes

    def split(self, path: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        found = self.paths.get(path)
        if found is None:
            if len(self.paths) >= MOST_PATHS:
                self.paths.clear()
            tokens = templates.split_path(path)
            labels = [label(token) for token in tokens]
            plain = tuple(map(unquote, tokens))
            for template in self.named.get(len(tokens), ()):
                if template.matches(plain):
                    labels = [text if fixed is None else fixed for fixed, text in zip(template.fixed, labels, strict=True)]
            found = self.paths[path] = (tokens, tuple(labels))
        return found

    def plain(self) -> dict[str, Any]:
        rows, stated = ([found[key] for key in sorted(found, key=_order)] for found in (self.rows, self.stated))
        out: dict[str, Any] = {"kind": TRAFFIC if rows else SPEC if self.declared or self.proposed else COLLECTION if stated else TRAFFIC}
        out |= {"rows": [row.plain() for row in rows], **sessions.visits(self.visits, sorted(self.rows, key=_order))} if rows else {}
        out |= {"stated": [bare_row(row.plain()) for row in stated]} if stated else {}
        out |= {"body_words": found} if (found := sorted(self.body_words.found)) else {}
        stated_by_sites = (("declared", self.declared), ("proposed", self.proposed))
        out |= {name: sorted(items, key=canon.compact) for name, items in stated_by_sites if items}
        return out | ({"definitions": self.definitions} if self.definitions else {})


@contextmanager
def _without_collector() -> Iterator[None]:
    """Decoded JSON has no cycles: the collector would walk all of it again and again, and find nothing."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _order(key: Key) -> tuple[Any, ...]:
    scheme, host, port, method, segments, call = key
    return host, port, scheme, segments, method, call
