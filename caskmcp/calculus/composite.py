"""Composites: other calls of other tools are another composite; only how far one call may go has a more and a less."""

from collections.abc import Iterator, Mapping
from typing import Any

from caskmcp.calculus.plain import at_most, deepest, pinned
from caskmcp.calculus.sides import Sides
from caskmcp.calculus.verdict import Part, same

BOUNDS = ("calls", "bytes")


def judge(sides: Sides) -> Iterator[Part]:
    """The plan of a composite."""
    old, new = sides.before, sides.after
    if not isinstance(old, Mapping) or not isinstance(new, Mapping):
        yield from pinned(sides)
        return
    before, after = _unbound(old), _unbound(new)
    for key in sorted({*before, *after}):
        if not same(before.get(key), after.get(key)):
            yield deepest(f"{sides.place}.{key}", before.get(key), after.get(key))
    for name in BOUNDS:
        bound = sides.at(f"{sides.place}.most.{name}")
        if not same(bound.before, bound.after):
            yield from at_most(bound)


def _unbound(plan: Mapping[str, Any]) -> dict[str, Any]:
    """The plan without its bounds."""
    most = {key: value for key, value in (plan.get("most") or {}).items() if key not in BOUNDS}
    return {**plan, "most": most}
