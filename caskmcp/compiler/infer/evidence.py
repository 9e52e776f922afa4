"""Evidence of each field: how many of how many had it. Pointers are JSON pointers (RFC 6901) with `*` for any item and any key of a map."""

from collections.abc import Iterable, Iterator

from caskmcp.compiler.infer.schema import total
from caskmcp.model.contract import Evidence
from caskmcp.model.observation import Shape

TRAFFIC = ("traffic",)
SPEC = ("spec",)
COLLECTION = ("collection",)
COMPILED = ("compiled",)
BOTH = ("spec", "traffic")
_DEEPEST = 12
"""Levels that evidence is kept of: as many as a shape has."""


def fields(shape: Shape, sources: tuple[str, ...] = TRAFFIC) -> dict[str, Evidence]:
    """Pointer -> evidence of every field of a shape."""
    return {pointer: Evidence(seen=seen, total=of, sources=sources) for pointer, seen, of in sorted(_walk(shape, "", _DEEPEST))}


def _walk(shape: Shape, above: str, depth: int) -> Iterator[tuple[str, int, int]]:
    if depth == 0:
        return
    for key, child in shape.properties.items():
        pointer = f"{above}/{escape(key)}"
        yield pointer, total(child), shape.objects
        yield from _walk(child, pointer, depth - 1)
    for below in (shape.items, shape.map_values):
        if below is not None:
            yield from _walk(below, f"{above}/*", depth - 1)


def escape(key: str) -> str:
    """A key as a part of a JSON pointer."""
    return key.replace("~", "~0").replace("/", "~1")


def sources(*, spec: bool, traffic: bool, collection: bool = False, compiled: bool = False) -> tuple[str, ...]:
    """Kinds of source, sorted."""
    return COLLECTION * collection + COMPILED * compiled + SPEC * spec + TRAFFIC * traffic


def successes(statuses: dict[str, int]) -> int:
    """Exchanges that succeeded: 2xx and 304."""
    return sum(count for status, count in statuses.items() if status.startswith("2") or status == "304")


def statuses_of(found: Iterable[dict[str, int]]) -> dict[str, int]:
    """Counts by status, added up and sorted."""
    out: dict[str, int] = {}
    for counts in found:
        for status, count in counts.items():
            out[status] = out.get(status, 0) + count
    return dict(sorted(out.items()))
