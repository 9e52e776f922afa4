"""What arguments a tool accepts: one verdict of two schemas, told place by place.

The verdict of the whole decides. It is told in parts where each differing place, put alone into the old schema, has a verdict of its own and
those together say the same; otherwise as one part at the place that holds all of them.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from caskmcp.calculus import keywords, schema
from caskmcp.calculus.keywords import Steps
from caskmcp.calculus.sides import Sides
from caskmcp.calculus.verdict import Part, Verdict, contained, same, together

MOST: Final = 12
"""Places that are told apart; more are told as one."""
_ABSENT: Final = object()


class Spot(NamedTuple):
    """A place where two schemas differ. needs: names whose entry in `required` beside the place belongs to it."""

    steps: Steps
    needs: tuple[str, ...] = ()


def judge(sides: Sides) -> Iterator[Part]:
    """Parts of an input schema that differ: first what is accepted, then how it is sent, then words."""
    old, new = sides.before, sides.after
    if not isinstance(old, Mapping) or not isinstance(new, Mapping):
        yield Part(sides.place, Verdict.BROADENS, old, new)
        return
    parts = [_part(sides, spot, found) for spot, found in _accepted(keywords.wordless(old), keywords.wordless(new))]
    yield from parts
    accepted = together(part.verdict for part in parts)
    # What can be sent of fewer arguments is less anyway; of the same arguments it is told.
    yield from (part for part in _sent(sides, old, new) if part.verdict.widens or accepted is Verdict.EQUAL)
    yield from _worded(sides.place, old, new)


# ---------------------------------------------------------------- what is accepted
def _accepted(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[tuple[Spot, schema.Compared]]:
    if same(old, new):
        return
    whole = schema.weigh(old, new)
    spots = spread(old, new)
    if 1 < len(spots) <= MOST:
        parts = [(spot, schema.weigh(old, moved(old, new, spot))) for spot in spots]
        if together(found.verdict for _, found in parts) is whole.verdict:
            yield from parts
            return
    yield (spots[0] if len(spots) == 1 else Spot(())), whole


def _part(sides: Sides, spot: Spot, found: schema.Compared) -> Part:
    old, new = _read(sides.before, spot.steps), _read(sides.after, spot.steps)
    return Part(".".join((sides.place, *spot.steps)), found.verdict, old, new, found.witness if found.verdict.widens else "")


def spread(old: Mapping[str, Any], new: Mapping[str, Any], at: Steps = ()) -> list[Spot]:
    """The deepest places that hold all that differs, in order of their names."""
    keys = [key for key in sorted({*old, *new}) if not same(old.get(key, _ABSENT), new.get(key, _ABSENT))]
    if keys and set(keys) <= {"properties", "required"} and _are_plain(old, new):
        return _of_properties(old, new, at)
    if len(keys) != 1:
        return [Spot(at)]
    key = keys[0]
    return _within(old.get(key), new.get(key), key, (*at, key))


def _within(old: Any, new: Any, key: str, at: Steps) -> list[Spot]:
    if not isinstance(old, Mapping) or not isinstance(new, Mapping):
        return [Spot(at)]
    if key in keywords.ONE:
        return spread(old, new, at)
    if key not in keywords.MAPS:
        return [Spot(at)]
    names = [name for name in sorted({*old, *new}) if not same(old.get(name, _ABSENT), new.get(name, _ABSENT))]
    return [spot for name in names for spot in _named(old.get(name), new.get(name), (*at, name))]


def _named(old: Any, new: Any, at: Steps) -> list[Spot]:
    return spread(old, new, at) if isinstance(old, Mapping) and isinstance(new, Mapping) else [Spot(at)]


def _are_plain(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    return all(
        isinstance(side.get("properties", {}), Mapping) and all(isinstance(name, str) for name in _required(side)) for side in (old, new)
    )


def _required(side: Mapping[str, Any]) -> list[Any]:
    found = side.get("required")
    return found if isinstance(found, list) else []


def _of_properties(old: Mapping[str, Any], new: Mapping[str, Any], at: Steps) -> list[Spot]:
    before, after = old.get("properties", {}), new.get("properties", {})
    turned = {*_required(old)} ^ {*_required(new)}
    changed = [name for name in sorted({*before, *after}) if not same(before.get(name, _ABSENT), after.get(name, _ABSENT))]
    found: list[Spot] = []
    for name in changed:
        place = (*at, "properties", name)
        found += [Spot(place, (name,))] if name in turned else _named(before.get(name), after.get(name), place)
    alone = tuple(sorted(turned - {*changed}))
    if alone or not changed:
        found.append(Spot((*at, "required"), alone))
    return found


def moved(old: Any, new: Any, spot: Spot) -> Any:
    """The old schema with one place as it is in the new one."""
    return _placed(old, new, spot.steps, spot.needs)


def _placed(old: Any, new: Any, steps: Steps, needs: tuple[str, ...]) -> Any:
    step, rest = steps[0], steps[1:]
    if step == "required" and not rest:
        return _needing(old, new, needs)
    if step == "properties" and len(rest) == 1 and needs:
        return _needing(_placed(old, new, steps, ()), new, needs)
    copy = {key: value for key, value in old.items() if key != step}
    if rest:
        return {**copy, step: _placed(old.get(step, {}), new.get(step, {}), rest, needs)}
    return {**copy, step: new[step]} if step in new else copy


def _needing(old: Mapping[str, Any], new: Mapping[str, Any], needs: tuple[str, ...]) -> dict[str, Any]:
    """The old schema, asking for these names as the new one does."""
    asked = [name for name in _required(old) if name not in needs] + [name for name in _required(new) if name in needs]
    return {**old, "required": asked}


def _read(value: Any, steps: Steps) -> Any:
    for step in steps:
        if isinstance(value, list):
            value = value[int(step)] if step.isdecimal() and int(step) < len(value) else None
        else:
            value = value.get(step) if isinstance(value, Mapping) else None
    return value


# ---------------------------------------------------------------- how it is sent
def _sent(sides: Sides, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Part]:
    """What the request builder reads in a schema beside its language: names of an object's fields, and what is a file.

    Two ways to write one schema can differ in it, so that equal languages of arguments make different requests.
    """
    for name in sorted({*old.get("properties", {})} & {*new.get("properties", {})}):
        before, after = declared(old, name), declared(new, name)
        place = f"{sides.place}.properties.{name}"
        fields, more = {*_properties(before)}, {*_properties(after)}
        if name in sides.arguments("query") and fields != more:
            yield Part(f"{place}.properties", contained(more <= fields, fields <= more), sorted(fields), sorted(more))
        if name in sides.arguments("body") and (before.get("format") == "binary") != (after.get("format") == "binary"):
            yield Part(f"{place}.format", Verdict.INCOMPARABLE, before.get("format"), after.get("format"))


def declared(side: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """The schema of one argument, through one reference into its own `$defs`: as much as the request builder reads."""
    found = side.get("properties", {}).get(name, {})
    target = str(found.get("$ref", "")).removeprefix("#/$defs/") if isinstance(found, Mapping) else ""
    through = side.get("$defs", {}).get(target, found) if target else found
    return through if isinstance(through, Mapping) else {}


def _properties(part: Mapping[str, Any]) -> Mapping[str, Any]:
    found = part.get("properties", {})
    return found if isinstance(found, Mapping) else {}


# ---------------------------------------------------------------- words
def _worded(place: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Part]:
    """Words that differ at places that both sides have; what came or went with its place is told there."""
    before, after = keywords.words(old), keywords.words(new)
    spots = [
        steps
        for steps in sorted({*before, *after})
        if not same(before.get(steps, _ABSENT), after.get(steps, _ABSENT)) and all(_has(side, steps[:-1]) for side in (old, new))
    ]
    if len(spots) > MOST:
        yield Part(place, Verdict.EQUAL, old, new)
        return
    for steps in spots:
        yield Part(".".join((place, *steps)), Verdict.EQUAL, before.get(steps), after.get(steps))


def _has(side: Any, steps: Steps) -> bool:
    return not steps or _read(side, steps) is not None
