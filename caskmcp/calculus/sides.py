"""The two sides of a comparison at one place: what a judge is given, with the facts of a record that several judges ask for."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from caskmcp.calculus.verdict import Part

Served = Mapping[str, Any]
PLAIN: Final = frozenset({"type", "properties", "required", "additionalProperties", "$defs", "title", "description", "$comment", "$schema"})
"""Keywords of an input schema in which each argument that is not required can be left out, whatever else is given."""


@dataclass(frozen=True)
class Sides:
    """Two records and a dotted place in them."""

    old: Served
    new: Served
    place: str

    @property
    def before(self) -> Any:
        """The value at the place on the old side; None where there is none."""
        return value_at(self.old, self.place)

    @property
    def after(self) -> Any:
        """The value at the place on the new side."""
        return value_at(self.new, self.place)

    def at(self, place: str) -> "Sides":
        """The same records at another place."""
        return Sides(self.old, self.new, place)

    def arguments(self, area: str) -> frozenset[str]:
        """Arguments that either side sends in an area of the request: `query` or `body`."""
        return frozenset(name for side in (self.old, self.new) for name in _FILLED[area](side.get("request") or {}))


Judge = Callable[[Sides], Iterator[Part]]


def value_at(record: Any, place: str) -> Any:
    """The value at a place as `Change.place` names it; None where there is none: approved content may be older than a field.

    A step is a key of a mapping (which may hold dots: the longest that is there), the number of an item, or the argument of a row.
    """
    if not place:
        return record
    return next((found for step, inner in _steps(record, place) if (found := value_at(inner, place[len(step) + 1 :])) is not None), None)


def _steps(value: Any, place: str) -> Iterator[tuple[str, Any]]:
    """The beginnings of a place that lead somewhere, longest first, with where they lead."""
    cuts = [len(place), *(at for at in range(len(place) - 1, 0, -1) if place[at] == ".")]
    for step in (place[:cut] for cut in cuts):
        if isinstance(value, Mapping) and step in value:
            yield step, value[step]
        elif isinstance(value, list | tuple):
            yield from ((step, item) for number, item in enumerate(value) if step == str(number) or _argument(item) == step)


def _argument(row: Any) -> Any:
    return row.get("argument") if isinstance(row, Mapping) else None


def is_spare(side: Served, argument: str) -> bool:
    """Whether each call of a tool could be made without an argument, and nothing but its one place in the request would be missing."""
    schema = side.get("input_schema") or {}
    optional = argument not in schema.get("required", ()) and PLAIN.issuperset(schema)
    return optional and uses(side)[argument] == 1


def still_sent(old: Served, new: Served) -> bool:
    """Whether each argument that the new side takes goes wherever it went: what it asks for could be asked before, but not by these arguments, if a filter
    or a `dry_run` is taken and left out."""
    schema = new.get("input_schema") or {}
    gone = (uses(old) - uses(new)).keys()
    closed = schema.get("additionalProperties") is False and "patternProperties" not in schema
    return not gone or (closed and gone.isdisjoint(schema.get("properties") or {}))


def uses(side: Served) -> Counter[str]:
    """Argument -> the number of places in the request that it fills."""
    request = side.get("request") or {}
    return Counter(name for filled in _FILLED.values() for name in filled(request))


def _in_path(request: Served) -> list[str]:
    return [piece["argument"] for segment in request.get("segments") or () for piece in segment["pieces"] if piece.get("argument")]


def _in_query(request: Served) -> list[str]:
    return [row["argument"] for row in request.get("query") or ()]


def _in_headers(request: Served) -> list[str]:
    return [row["argument"] for key in ("headers", "cookies") for row in request.get(key) or ()]


def _in_body(request: Served) -> list[str]:
    body = request.get("body") or {}
    return [*([body["argument"]] if body.get("argument") else []), *(row["argument"] for row in body.get("fields") or ())]


_FILLED: Final[Mapping[str, Callable[[Served], list[str]]]] = {
    "path": _in_path,
    "query": _in_query,
    "headers": _in_headers,
    "body": _in_body,
}
