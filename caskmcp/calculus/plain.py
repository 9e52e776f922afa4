"""Judges of single values: what is pinned, what only words say, what has a size, a tier or a set of names."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from caskmcp.calculus.sides import Sides
from caskmcp.calculus.verdict import Part, Verdict, contained, same, told
from caskmcp.model.place import covers
from caskmcp.model.tool import TIERS

CALMING: Final = {"read_only": True, "destructive": False, "idempotent": True, "open_world": False}
"""Hint -> the value with which clients ask their person less."""


def pinned(sides: Sides) -> Iterator[Part]:
    """Another value is another place: neither contains the other."""
    yield Part(sides.place, Verdict.INCOMPARABLE, sides.before, sides.after, told(sides.after) if sides.after not in (None, "") else "")


def wording(sides: Sides) -> Iterator[Part]:
    """Words change no language; a person reads them again all the same, since they are part of what is signed."""
    yield Part(sides.place, Verdict.EQUAL, sides.before, sides.after)


def at_most(sides: Sides) -> Iterator[Part]:
    """A bound: a lower one narrows. One that is missing or no number is not known to bound anything."""
    old, new = sides.before, sides.after
    if not all(isinstance(value, int) and not isinstance(value, bool) for value in (old, new)):
        yield Part(sides.place, Verdict.BROADENS, old, new)
        return
    verdict = contained(new <= old, old <= new)
    yield Part(sides.place, verdict, old, new, told(new) if verdict.widens else "")


def tier(sides: Sides) -> Iterator[Part]:
    """A lower tier asks less of a caller, so it broadens."""
    old, new = (TIERS.index(value) if value in TIERS else None for value in (sides.before, sides.after))
    verdict = Verdict.BROADENS if old is None or new is None else contained(new >= old, old >= new)
    yield Part(sides.place, verdict, sides.before, sides.after, told(sides.after) if verdict.widens else "")


def names(sides: Sides) -> Iterator[Part]:
    """A set of names: fewer is narrower."""
    old, new = ({*(value or ())} for value in (sides.before, sides.after))
    verdict = contained(new <= old, old <= new)
    yield Part(sides.place, verdict, sides.before, sides.after, told(sorted(new - old)) if verdict.widens else "")


def places(sides: Sides) -> Iterator[Part]:
    """Fields that are passed on: fewer, or deeper ones, are narrower; none named is all of them."""
    old, new = (tuple(value or ()) for value in (sides.before, sides.after))
    verdict = contained(covers(old, new), covers(new, old))
    wider = [place for place in new if not covers(old, (place,))]
    yield Part(sides.place, verdict, sides.before, sides.after, told(wider or "every field") if verdict.widens else "")


def hints(sides: Sides) -> Iterator[Part]:
    """The MCP hints. They bind nobody, but clients go by them: what calms a client broadens."""
    old, new = sides.before or {}, sides.after or {}
    for name in sorted({*old, *new}):
        if not same(old.get(name), new.get(name)):
            verdict = Verdict.NARROWS if name in CALMING and new.get(name) is (not CALMING[name]) else Verdict.BROADENS
            witness = told(new.get(name)) if verdict.widens else ""
            yield Part(f"{sides.place}.{name}", verdict, old.get(name), new.get(name), witness)


def members(sides: Sides) -> Iterator[Part]:
    """A mapping of which every member is pinned, told member by member."""
    old, new = sides.before, sides.after
    if not isinstance(old, Mapping) or not isinstance(new, Mapping) or not old or not new:
        yield from pinned(sides)
        return
    for name in sorted({*old, *new}):
        if not same(old.get(name), new.get(name)):
            yield _other(f"{sides.place}.{name}", old.get(name), new.get(name))


def deepest(place: str, old: Any, new: Any) -> Part:
    """The deepest place that holds all that differs between two pinned values."""
    while True:
        pairs = _pairs(old, new)
        if len(pairs) != 1:
            return _other(place, old, new)
        step, old, new = pairs[0]
        place = f"{place}.{step}"


def _pairs(old: Any, new: Any) -> list[tuple[str, Any, Any]]:
    """The members that differ, of two mappings or of two lists of one length."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        rows = [(str(key), old.get(key), new.get(key)) for key in sorted({*old, *new})]
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        rows = [(str(number), *pair) for number, pair in enumerate(zip(old, new, strict=True))]
    else:
        return []
    return [row for row in rows if not same(row[1], row[2])]


def _other(place: str, old: Any, new: Any) -> Part:
    return Part(place, Verdict.INCOMPARABLE, old, new, told(new) if new not in (None, "") else "")
