"""What the committed observations hold of one place of one operation: kinds of values by count, and which parts saw it.

It derives the operations again with the compiler's own merge, so the rows of an operation are exactly those that its contract was made of.
No value is read: there is none in observations.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from caskmcp.analyze.fields import Place
from caskmcp.compiler.normalize import merge, templates

Plain = Mapping[str, Any]
_KINDS: Final = {
    "nulls": "null", "booleans": "boolean", "integers": "integer", "numbers": "number", "strings": "string", "arrays": "array", "objects": "object",
}  # fmt: skip


class Observed(NamedTuple):
    """What was seen at one place."""

    kinds: Mapping[str, int]
    """JSON kind -> values."""
    formats: Mapping[str, int]
    redacted: Mapping[str, int]
    """Kind of what was cut -> texts."""
    parts: Mapping[str, int]
    """Part id -> values (exchanges, outside of bodies), in order of id."""


def rows(parts: Mapping[str, Any], paths: Iterable[str], operation: str) -> tuple[tuple[str, Plain], ...]:
    """(part id, row) of an operation; empty if these observations give no such operation."""
    return tuple(merge.rows_of(parts, [templates.parse(text) for text in paths]).get(operation, ()))


def observed(found: Sequence[tuple[str, Plain]], place: Place) -> Observed:
    """What rows hold at a place."""
    counts: dict[str, int] = {}
    kinds: dict[str, int] = {}
    formats: dict[str, int] = {}
    redacted: dict[str, int] = {}
    for part, row in found:
        seen, shapes = _at(row, place)
        if seen:
            counts[part] = counts.get(part, 0) + seen
        for shape in shapes:
            _add(kinds, {kind: shape[name] for name, kind in _KINDS.items() if shape.get(name)})
            _add(formats, shape.get("formats", {}))
            _add(redacted, shape.get("redacted", {}))
    return Observed(*(dict(sorted(each.items())) for each in (kinds, formats, redacted, counts)))


def _at(row: Plain, place: Place) -> tuple[int, list[Plain]]:
    where, _, rest = place.part.partition(" ")
    if where == "path":
        return row["count"], []
    if where in ("query", "header"):
        seen = row.get(f"{where}s" if where == "header" else where, {}).get(rest, {})
        return seen.get("seen", 0), [seen["shape"]] if "shape" in seen else []
    status, _, media = rest.partition(" ")
    bodies = row.get("requests", {}) if where == "body" else row.get("responses", {}).get(status, {})
    found = _below(bodies.get(rest if where == "body" else media, {}).get("shape"), place.pointer)
    return sum(map(_total, found)), found


def _below(shape: Plain | None, pointer: str) -> list[Plain]:
    found = [shape] if shape is not None else []
    for part in pointer.split("/")[1:]:
        found = [below for each in found for below in _step(each, part)]
    return found


def _step(shape: Plain, part: str) -> list[Plain]:
    if part == "*":
        return [shape[name] for name in ("items", "map_values") if name in shape]
    child = shape.get("properties", {}).get(part.replace("~1", "/").replace("~0", "~"))
    return [child] if child is not None else []


def _total(shape: Plain) -> int:
    return sum(shape.get(name, 0) for name in _KINDS)


def _add(into: dict[str, int], found: Mapping[str, int]) -> None:
    for name, count in found.items():
        into[name] = into.get(name, 0) + count
