"""Two shapes of the same place, compared count by count: what vanished, appeared, became null, or is of another kind.

Every difference is given with its odds, however small it is; who asks decides what is a change. Values never matter, since shapes have none.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from caskmcp.analyze.drift_chance import Evidence, Gone, Odds
from caskmcp.compiler.infer.evidence import escape
from caskmcp.compiler.infer.schema import is_closed, total
from caskmcp.compiler.infer.traits import FORMATS, KINDS, NAMES
from caskmcp.compiler.normalize import words
from caskmcp.model.observation import Shape
from caskmcp.model.record import JsonSchema

DEEPEST: Final = 12
"""Levels that are compared: as many as a shape has."""
RISKS: Final = {"pii": "pii-appeared", "money": "pii-appeared", "credential": "secret-appeared"}
"""Trait of what was cut -> class. A card number is a person's as well."""
PERSONAL: Final = frozenset({"account", "address", "name"})
"""Kinds of placeholders that stand for people's data and are no trait of their own."""
_KINDS: Final = {
    "null": "nulls",
    "boolean": "booleans",
    "integer": "integers",
    "number": "numbers",
    "string": "strings",
    "array": "arrays",
    "object": "objects",
}


class Difference(NamedTuple):
    """One thing that is not as it was."""

    kind: str
    """A row of `drift_classes`."""
    place: str
    before: str = ""
    after: str = ""
    evidence: Evidence | None = None
    """None where a document says it, or where one sample is enough."""
    schemas: tuple[JsonSchema, JsonSchema] | None = None
    """Before and now, for the calculus."""


class Side(NamedTuple):
    """Which class each kind of difference is of; empty where it is none on this side."""

    absent: str
    sometimes: str
    null: str
    kind: str
    form: str
    word: str
    added: str
    always: str
    """Added, and in every sample."""


# fmt: off
ANSWER: Final = Side(absent="field-removed", sometimes="field-optional", null="field-nullable", kind="field-type", form="field-format",
                     word="enum-grown", added="field-added", always="field-added")
REQUEST: Final = Side(absent="body-field-unsent", sometimes="", null="request-widened", kind="body-field-type", form="",
                      word="request-enum-grown", added="body-field-added", always="body-field-always")
# fmt: on


def compare(old: Shape, new: Shape, place: str, side: Side, *, depth: int = DEEPEST) -> Iterator[Difference]:
    """Everything that differs at a place and below it. place: `answer 200`, `body`; pointers follow it."""
    yield from _walk(old, new, place, "", side, depth)


def _walk(old: Shape, new: Shape, place: str, pointer: str, side: Side, depth: int) -> Iterator[Difference]:
    if depth == 0 or not total(old) or not total(new):
        return
    where = f"{place} {pointer}".rstrip()
    yield from _nulls(old, new, where, side)
    other = [*_types(old, new, where, side)]
    yield from other
    yield from _texts(old, new, where, side)
    yield from _risks(old, new, where)
    if old.items is not None and new.items is not None:
        yield from _walk(old.items, new.items, place, f"{pointer}/*", side, depth - 1)
    if old.map_values is not None and new.map_values is not None:
        yield from _walk(old.map_values, new.map_values, place, f"{pointer}/*", side, depth - 1)
    if old.objects and new.objects:
        yield from _keyed(old, new, place, pointer, side, depth)
    if old.objects and new.objects and not (old.maps or new.maps):
        yield from _fields(old, new, place, pointer, side, depth)


def _fields(old: Shape, new: Shape, place: str, pointer: str, side: Side, depth: int) -> Iterator[Difference]:
    for name in sorted(old.properties.keys() | new.properties.keys()):
        below = f"{pointer}/{escape(name)}"
        before, after = old.properties.get(name), new.properties.get(name)
        if before is None and after is not None:
            yield from _appeared(name, after, old, new, place, below, side, depth)
        elif before is not None and (after is None or not total(after)):
            schemas = ({"type": "object", "required": [name]}, {"type": "object"})
            gone = Gone(total(before), old.objects, new.objects)
            yield Difference(side.absent, f"{place} {below}", _said(before), "absent", gone, schemas)
        elif before is not None and after is not None:
            yield from _presence(name, before, after, old, new, f"{place} {below}", side)
            yield from _walk(before, after, place, below, side, depth - 1)


def _keyed(old: Shape, new: Shape, place: str, pointer: str, side: Side, depth: int) -> Iterator[Difference]:
    """Objects that have keys which are data, and had none. Which keys nobody keeps: what is personal in their values is told, the rest as one field."""
    if new.maps and not old.maps:
        yield Difference(
            side.kind, f"{place} {pointer}".rstrip(), "named fields", "keys that are data", Odds(new.maps, new.objects, old.objects)
        )
    if new.map_values is None or old.map_values is not None:
        return
    before = {kind for child in old.properties.values() for kind in _held(child)}
    if risky := [row for row in _personal("", new.map_values, place, f"{pointer}/*", depth) if row.kind not in before]:
        yield from risky
    elif not new.maps:
        odds = Odds(min(total(new.map_values), new.objects), new.objects, old.objects)
        yield Difference(side.added, f"{place} {pointer}/*", "named fields", "keys that are data beside them", odds)


def _presence(name: str, before: Shape, after: Shape, old: Shape, new: Shape, where: str, side: Side) -> Iterator[Difference]:
    missing = new.objects - total(after)
    if side.sometimes and total(before) >= old.objects and missing > 0:
        schemas = ({"type": "object", "required": [name]}, {"type": "object"})
        yield Difference(side.sometimes, where, "always there", "sometimes absent", Odds(missing, new.objects, old.objects), schemas)


def _appeared(name: str, after: Shape, old: Shape, new: Shape, place: str, below: str, side: Side, depth: int) -> Iterator[Difference]:
    """A field that was not there: what is personal in it is told where it is, the rest as one field."""
    if risky := [*_personal(name, after, place, below, depth)]:
        yield from risky
        return
    odds = Odds(total(after), new.objects, old.objects)
    yield Difference(side.always if odds.differ >= odds.of else side.added, f"{place} {below}", "absent", _said(after), odds)


# ---------------------------------------------------------------- at one place
def _nulls(old: Shape, new: Shape, where: str, side: Side) -> Iterator[Difference]:
    if side.null and not old.nulls and new.nulls:
        before = [name for name in _kinds(old) if name != "null"]
        schemas = (_typed(before), _typed([*before, "null"]))
        yield Difference(side.null, where, _said(old), _said(new), Odds(new.nulls, total(new), total(old)), schemas)


def _types(old: Shape, new: Shape, where: str, side: Side) -> Iterator[Difference]:
    """Kinds of values that were not there. A place that was null alone says nothing of kinds; every integer is a number."""
    before, after = _kinds(old), _kinds(new)
    known = before.keys() | ({"integer"} if "number" in before else set()) | {"null"}
    fresh = {name: count for name, count in after.items() if name not in known}
    if fresh and before.keys() - {"null"}:
        odds = Odds(sum(fresh.values()), total(new), total(old))
        yield Difference(side.kind, where, _said(old), _said(new), odds, (_typed(before), _typed(after)))


def _texts(old: Shape, new: Shape, where: str, side: Side) -> Iterator[Difference]:
    if is_closed(old) and is_closed(new) and (fresh := sorted(new.values.keys() - old.values.keys())):
        odds = Odds(sum(new.values[word] for word in fresh), new.strings, old.strings)
        schemas: tuple[JsonSchema, JsonSchema] = ({"enum": sorted(old.values)}, {"enum": sorted(old.values.keys() | new.values.keys())})
        yield Difference(side.word, where, ", ".join(sorted(old.values)), ", ".join(fresh), odds, schemas)
    form = next((name for name, count in old.formats.items() if count == old.strings), "")
    if side.form and form and new.strings and (other := new.strings - new.formats.get(form, 0) - new.empties) > 0:
        now = next((name for name, count in sorted(new.formats.items()) if count == new.strings), "another form")
        yield Difference(side.form, where, form, now, Odds(other, new.strings, old.strings))


def _risks(old: Shape, new: Shape, where: str) -> Iterator[Difference]:
    """Personal data and credentials in a field that held none. One text among many that mentions an address changes nothing: the odds say so."""
    before, after = _held(old), _held(new)
    for kind in sorted(after.keys() - before.keys()):
        yield Difference(kind, where, "none", ", ".join(sorted(after[kind])), Odds(sum(after[kind].values()), total(new), total(old)))


def _personal(name: str, shape: Shape, place: str, pointer: str, depth: int) -> Iterator[Difference]:
    """Personal data and credentials in a field that is new, by name and by what was cut: one sample is enough."""
    found = _held(shape)
    named = _by_name(name)
    for kind in sorted({*found, *((named,) if named else ())}):
        yield Difference(kind, f"{place} {pointer}", "absent", ", ".join(sorted(found.get(kind, {}))) or f"called `{name}`")
    if depth > 0:
        for key, child in sorted(shape.properties.items()):
            yield from _personal(key, child, place, f"{pointer}/{escape(key)}", depth - 1)
        for below in (shape.items, shape.map_values):
            if below is not None:
                yield from _personal("", below, place, f"{pointer}/*", depth - 1)


def _held(shape: Shape) -> dict[str, dict[str, int]]:
    """Class of risk -> kinds of what was cut, or formats, with counts."""
    out: dict[str, dict[str, int]] = {}
    traits = {**KINDS, **dict.fromkeys(PERSONAL, "pii")}
    for counts, known in ((shape.redacted, traits), (shape.formats, FORMATS)):
        for name, count in counts.items():
            if (kind := RISKS.get(known.get(name, ""))) is not None:
                found = out.setdefault(kind, {})
                found[name] = max(found.get(name, 0), count)
    return out


def _by_name(name: str) -> str:
    """The risk that a field's name alone tells."""
    text = f" {' '.join(words.split(name))} " if name else ""
    return next((RISKS[trait] for trait in ("credential", "pii") if any(f" {entry} " in text for entry in NAMES[trait])), "")


def _kinds(shape: Shape) -> dict[str, int]:
    return {name: count for name, field in _KINDS.items() if (count := getattr(shape, field))}


def _typed(kinds: "Mapping[str, int] | list[str]") -> JsonSchema:
    rows: list[Any] = [{"type": name} for name in kinds]
    return rows[0] if len(rows) == 1 else {"anyOf": rows}


def _said(shape: Shape) -> str:
    return " or ".join(_kinds(shape)) or "nothing"
