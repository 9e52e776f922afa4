"""How a table of areas is read: each differing place goes to its judge, and a judge's parts become changes.

What differs at a place that no row names (a field that came after this table) is not known to be harmless: it broadens.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from caskmcp.calculus.plain import deepest
from caskmcp.calculus.shapes import Shape, anything
from caskmcp.calculus.sides import Judge, Served, Sides, value_at
from caskmcp.calculus.verdict import Change, Verdict, same

UNKNOWN: Final = "unknown"
"""The area of what no row names."""


class Area(NamedTuple):
    """One part of a language."""

    name: str
    places: tuple[str, ...]
    """Dotted places in the record."""
    judge: Judge
    says: str
    """What a change of it means, for the reader."""
    shape: Shape = anything
    """What there has to be at each of the places, where there is anything."""


def changes(table: tuple[Area, ...], old: Served, new: Served) -> tuple[Change, ...]:
    """Every difference between two records, in the table's order; none if they are the same."""
    if same(old, new):
        return ()
    if not all(_is_read(table, record) for record in (old, new)):
        return (Change(UNKNOWN, "", Verdict.BROADENS, "it cannot be read as what it is said to be", "", old, new),)
    return (*(change for area in table for change in _changes(area, old, new)), *_unnamed(table, old, new))


def _is_read(table: tuple[Area, ...], record: Served) -> bool:
    values = ((area, value_at(record, place)) for area in table for place in area.places)
    heads = (value_at(record, place.partition(".")[0]) for area in table for place in area.places if "." in place)
    return all(isinstance(head, Mapping | None) for head in heads) and all(value is None or area.shape(value) for area, value in values)


def _changes(area: Area, old: Served, new: Served) -> Iterator[Change]:
    for place in area.places:
        sides = Sides(old, new, place)
        if not same(sides.before, sides.after):
            for part in area.judge(sides):
                yield Change(area.name, part.place, part.verdict, area.says, part.witness, part.before, part.after)


def _unnamed(table: tuple[Area, ...], old: Served, new: Served) -> Iterator[Change]:
    before, after = _rest(table, old), _rest(table, new)
    for key in sorted({*before, *after}):
        if not same(before.get(key), after.get(key)):
            part = deepest(key, before.get(key), after.get(key))
            yield Change(UNKNOWN, part.place, Verdict.BROADENS, "something changed that is not compared", "", part.before, part.after)


def _rest(table: tuple[Area, ...], record: Served) -> dict[str, Any]:
    """The record without the places of the table."""
    rest = dict(record)
    for place in (place for area in table for place in area.places):
        first, _, last = place.partition(".")
        inner = rest.get(first)
        if not last:
            rest.pop(first, None)
        elif isinstance(inner, Mapping):
            rest[first] = {key: value for key, value in inner.items() if key != last}
    return rest
