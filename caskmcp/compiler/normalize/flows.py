"""Which values the answers of a raw row give and its requests take, place by place, as sketches: what edges are found from (`edges.py`).

A value that the request said itself is none that its answer gives: `GET /orders/7` tells nobody the number 7. So direction comes from the
structure, and the order of exchanges and the clock play no part. One value that is no identifier (prose, a date, a fraction) closes its place.
Answers are read where their shape is (`node.py`); requests are read here.
"""

from collections.abc import Container, Iterable, Iterator, Sequence
from typing import Any, Final
from urllib.parse import unquote

from caskmcp.compiler.normalize import keys
from caskmcp.compiler.normalize.node import Node
from caskmcp.compiler.normalize.sketch import GIVEN, Plain, Sketch, are_identifiers, joined
from caskmcp.compiler.normalize.tokens import is_class
from caskmcp.model.exchange import Exchange

DEEPEST: Final = 6
"""Levels of a request's body that are looked at."""
PRIVATE: Final = ("given", "taken")
"""Keys of a row in candidate form."""
ANY: Final = "*"
QUERY: Final = "query "
FIRST_ERROR: Final = 400


class Taken:
    """What the requests of one raw row take."""

    __slots__ = ("places",)

    def __init__(self) -> None:
        self.places: dict[str, Sketch] = {}

    def add(self, exchange: Exchange, tokens: Sequence[str], labels: Sequence[str]) -> set[str]:
        """Count one exchange that was answered, and give back all that its request said. tokens, labels: of its path."""
        own = set(tokens)
        for place, texts in arguments(exchange, tokens, labels).items():
            own.update(texts)
            sketch = self.places.get(place)
            if sketch is None:
                sketch = self.places[place] = Sketch()
            if len(texts) > 1 and not are_identifiers(texts):
                sketch.close()
            elif sketch.digests is not None:
                sketch.add((min(texts),))  # a list of two says no more than one value does: each match is another exchange
        return own

    def finish(self) -> None:
        """Look at all that waits."""
        for sketch in self.places.values():
            sketch.finish()

    def plain(self, parameters: Container[str]) -> dict[str, Plain]:
        """As JSON. parameters: names of the query that are no data."""
        found = sorted(self.places.items())
        return {at: sketch.plain() for at, sketch in found if not at.startswith(QUERY) or at.removeprefix(QUERY) in parameters}


def given(nodes: Iterable[Node]) -> dict[str, Plain]:
    """Pointer -> sketch of each place in the answers of one row that had values."""
    found: dict[str, list[Plain]] = {}
    for node in nodes:
        for pointer, sketch in _given(node, ""):
            found.setdefault(pointer, []).append(sketch)
    return {pointer: joined(sketches, GIVEN) for pointer, sketches in sorted(found.items())}


def _given(node: Node, pointer: str) -> Iterator[tuple[str, Plain]]:
    if node.given is not None:
        sketch = node.given.plain()
        if sketch is None or any(sketch):
            yield pointer, sketch
    elif node.own is not None:
        yield pointer, None
    for name, child in (*node.fields.items(), *node.doubtful.items()):
        yield from _given(child, f"{pointer}/{name}")
    for below in (node.items, node.rest):
        if below is not None:
            yield from _given(below, f"{pointer}/{ANY}")


# ---------------------------------------------------------------- requests
def arguments(exchange: Exchange, tokens: Sequence[str], labels: Sequence[str]) -> dict[str, list[str]]:
    """Place -> what a request says there, as text: `path 1` (the segment), `query cursor`, `body /lines/*/sku`."""
    out = {f"path {index}": [unquote(tokens[index])] for index, label in enumerate(labels) if is_class(label)}
    for name, value in exchange.query:
        if value:
            out.setdefault(QUERY + name, []).extend(value.split(","))
    body = exchange.request
    if body is not None and body.kind == "json":
        _leaves(body.value, "body ", out, DEEPEST)
    elif body is not None and body.kind in ("form", "multipart"):
        for name, value in body.value or ():
            if value and keys.kind(name) is not keys.Key.DATA:
                out.setdefault(f"body /{name}", []).append(value)
    return out


def _leaves(value: Any, pointer: str, out: dict[str, list[str]], depth: int) -> None:
    if depth < 0 or value is None or value == "":
        return
    if isinstance(value, dict):
        for name, item, known in _named(value):
            _leaves(item, f"{pointer}/{name if known else ANY}", out, depth - 1)
    elif isinstance(value, list):
        for item in value:
            _leaves(item, f"{pointer}/{ANY}", out, depth - 1)
    else:
        out.setdefault(pointer, []).append(str(value).lower() if isinstance(value, bool) else str(value))


def _named(value: dict[str, Any]) -> Iterator[tuple[str, Any, bool]]:
    """Each member with whether its name is that of a field."""
    kinds = {name: keys.kind(name) for name in value}
    if not any(kinds.values()):  # all are fields
        yield from ((name, item, True) for name, item in value.items())
        return
    unknown = sum(kind is keys.Key.UNKNOWN for kind in kinds.values())
    known = sum(kind is keys.Key.FIELD for kind in kinds.values())
    record = unknown > 0 and keys.is_record(known, unknown, value.values())
    for name, item in value.items():
        yield name, item, kinds[name] is keys.Key.FIELD or (record and kinds[name] is keys.Key.UNKNOWN)
