"""JSON Schemas (draft 2020-12) of shapes: genson's structure, with our counts, formats, vocabularies and bounds on top.

Nullable and mixed places are `anyOf` of single types, never lists of types. A request's objects are closed, and a field is required only
from three samples; an answer's objects are open, and a field is required from the first sample: this is the strict schema that the
compiler compares with, and nobody is served it.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final, NamedTuple

from caskmcp import canon
from caskmcp.compiler.infer import recursion
from caskmcp.compiler.infer.skeleton import structure
from caskmcp.compiler.normalize import keys
from caskmcp.compiler.normalize.total import shape as total_of
from caskmcp.compiler.normalize.variants import TAGS
from caskmcp.model.observation import Form, Shape
from caskmcp.model.record import JsonSchema

FEWEST_SAMPLES: Final = 3
"""Samples from which a field that was always there is required in requests."""
FEWEST_SURE: Final = 10
"""Samples from which such a field is required even where another operation takes the same object without it."""
FEWEST_VALUES: Final = 2
"""Distinct values from which a vocabulary is an enum: one value says nothing about the others."""


FEWEST_OWN: Final = 2
"""Fields of its own that each form of an answer has, from which forms are variants though nothing tells them apart."""
MOST_KINDS: Final = 2
"""Kinds of values, beside null, that a place may have: of more it holds any."""
FREE: Final = frozenset(
    {
        "headers", "labels", "tags", "metadata", "attributes", "annotations", "params", "parameters", "variables", "env", "environment",
        "context", "extra", "extras", "custom", "custom_fields", "kwargs", "meta_data", "customfields", "user_metadata",
    }
)  # fmt: skip
"""Keys whose objects hold whatever people put there, by convention: no field is required, and none is excluded."""


class Side(NamedTuple):
    """Who makes the value: it decides what absence means."""

    closed: bool
    """Whether an object has no other fields than those that were seen."""
    fewest: int | None
    """Samples from which a field that was always there is required; None for never."""
    marked: bool = False
    """Whether a field that was always there and is not required says that this is for want of samples."""
    folds: bool = True
    """Whether objects inside of objects of their own kind become a definition."""


MARK: Final = "x-cask-confidence"
"""Keyword of a field's schema: `low` where it is optional for want of evidence."""
REQUEST: Final = Side(closed=True, fewest=FEWEST_SAMPLES, marked=True)
PARTIAL: Final = Side(closed=True, fewest=None)
"""The body of a PATCH: whatever it leaves out stays as it is."""
RESPONSE: Final = Side(closed=False, fewest=1)
STATED: Final = Side(closed=False, fewest=None)
"""A body that a collection shows: nobody said that these are all fields, nor that any is needed."""


def schema(shape: Shape, side: Side, name: str = "") -> JsonSchema:
    """The schema of all values of a shape. An empty schema if nothing is known of them. `name`: the key they stand at.

    At its root there are no variants: what is below has `anyOf`, the whole never.
    """
    return recursion.gathered(_inside(shape.model_copy(update={"forms": ()}) if shape.forms else shape, side, name))


def _inside(shape: Shape, side: Side, name: str) -> JsonSchema:
    return _decorate(structure(shape), shape, side, name)


def is_closed(shape: Shape) -> bool:
    """Whether every string of a shape is in its vocabulary, and there is enough of it to say so."""
    return len(shape.values) >= FEWEST_VALUES and sum(shape.values.values()) == shape.strings


def _decorate(found: Mapping[str, Any], shape: Shape, side: Side, name: str) -> JsonSchema:
    kinds = _single(found)
    if _is_any(kinds):
        return {}
    pieces = [row for kind, piece in kinds for row in _alternatives(_KINDS[kind](piece, shape, side, name))]
    return pieces[0] if len(pieces) == 1 else {"anyOf": pieces}


def _alternatives(piece: JsonSchema) -> list[JsonSchema]:
    """The variants of a piece; the piece itself if it has none."""
    rows: list[JsonSchema] = piece.get("anyOf", [piece])
    return rows


def _is_any(kinds: Sequence[tuple[str, Mapping[str, Any]]]) -> bool:
    """Nothing but null says nothing of a type; three kinds or more are a place for any JSON value."""
    return sum(kind != "null" for kind, _ in kinds) not in range(1, MOST_KINDS + 1)


def _single(found: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """genson's schema as one piece a type, in the order of the table."""
    by_type: dict[str, Mapping[str, Any]] = {}
    for piece in found.get("anyOf", [found]):
        types = piece.get("type", [])
        for kind in [types] if isinstance(types, str) else types:
            by_type[kind] = piece
    return [(kind, by_type[kind]) for kind in _KINDS if kind in by_type]


def _string(_: Mapping[str, Any], shape: Shape, __: Side, ___: str) -> JsonSchema:
    if is_closed(shape):
        return {"type": "string", "enum": sorted(shape.values)}
    name = next((name for name, count in shape.formats.items() if count == shape.strings), None)
    return {"type": "string"} | ({"format": name} if name else {})


def _figure(kind: str, _: Mapping[str, Any], shape: Shape, side: Side, __: str) -> JsonSchema:
    """Of bounds only the sign is said, and of answers alone: a larger number tomorrow breaks nothing, a negative one is news."""
    positive = not side.closed and shape.bounds is not None and shape.bounds.low >= 0
    return {"type": kind} | ({"minimum": 0} if positive else {})


def _array(piece: Mapping[str, Any], shape: Shape, side: Side, name: str) -> JsonSchema:
    items = _decorate(piece.get("items", {}), shape.items, side, name) if shape.items else {}
    return {"type": "array"} | ({"items": items} if items else {})


def _object(piece: Mapping[str, Any], shape: Shape, side: Side, name: str) -> JsonSchema:
    fields = piece.get("properties", {})
    properties = {key: _field(fields[key], shape, key, side) for key in sorted(fields)}
    out: JsonSchema = {"type": "object"} | ({"properties": properties} if properties else {})
    if name.lower() in FREE:
        return out
    if is_variants(shape.forms, side):
        return {"anyOf": [_variant(form, shape, properties, side) for form in shape.forms]}
    needed = required(shape, side)
    out |= {"required": needed} if needed else {}
    mark_doubtful(properties, shape, needed, side)
    if shape.map_values is not None:
        out["additionalProperties"] = _inside(shape.map_values, side, name) or True
    elif fields and side.closed:
        out["additionalProperties"] = False
    return out


def is_variants(forms: Sequence[Form], side: Side) -> bool:
    """Whether forms are variants and not one object with optional fields.

    They are if a tag tells them apart. In answers it is enough that all have a tag whose words are not kept, or each has fields enough of
    its own; in requests fields that nobody sent together may still go together (filters).
    """
    if not forms:
        return False
    if any(_tells_apart(name, forms) for name in forms[0].tags):
        return True
    if side.closed:
        return False
    shared = set.intersection(*(set(form.names) for form in forms))
    return any(name in shared for name in TAGS) or all(_own(form, forms) >= FEWEST_OWN for form in forms)


def _tells_apart(name: str, forms: Sequence[Form]) -> bool:
    words = [set(form.tags.get(name, ())) for form in forms]
    return all(words) and sum(map(len, words)) == len(set.union(*words))


def _own(form: Form, forms: Sequence[Form]) -> int:
    return len(set(form.names).difference(*(other.names for other in forms if other is not form)))


def _variant(form: Form, shape: Shape, properties: Mapping[str, JsonSchema], side: Side) -> JsonSchema:
    """One form of the objects at a place: its own fields, all of them required as far as there are samples of it."""
    own = {name: properties[name] for name in form.names}
    for name, tags in form.tags.items():
        if _tells_apart(name, shape.forms):
            own[name] = {"type": "string", "enum": list(tags)}
    needed = list(form.names) if side.fewest is not None and form.count >= side.fewest else []
    out: JsonSchema = {"type": "object", "properties": own} | ({"required": needed} if needed else {})
    return out | ({"additionalProperties": False} if side.closed else {})


def _field(piece: Mapping[str, Any], above: Shape, key: str, side: Side) -> JsonSchema:
    child = above.properties[key]
    if side.folds and above.map_values is None and (own := recursion.inside(above, key)) is not None:
        return _recursive(child, own, key, side)
    if above.map_values is None or keys.kind(key) is not keys.Key.UNKNOWN:
        return _decorate(piece, child, side, key)
    # The key stood in plain records, but may have been data in other objects here: its value is any of both.
    both = total_of([child.plain(), above.map_values.plain()])
    return _inside(Shape.model_validate_json(canon.compact(both)), side, key)


def _recursive(child: Shape, own: Shape, key: str, side: Side) -> JsonSchema:
    """A field that leads to objects like the one it stands in: a reference to what all of them together are."""
    # A definition holds no other one: where several fields of an object lead to its own kind, there would be one for each order of them.
    name, definition = recursion.called(key), _inside(own, side._replace(folds=False), key)
    definition["properties"] |= {key: recursion.refer(definition["properties"][key], name)}
    return recursion.refer(_inside(recursion.emptied(child), side, key), name) | {"$defs": {name: definition}}


def required(shape: Shape, side: Side) -> list[str]:
    """Fields that every object had, sorted; none if the side asks for more samples."""
    return always_there(shape) if side.fewest is not None and shape.objects >= side.fewest else []


def mark_doubtful(properties: dict[str, JsonSchema], shape: Shape, needed: Sequence[str], side: Side) -> None:
    """Say of each field that was always there and is not required that evidence for more is wanting, in place."""
    for key in set(always_there(shape)) - set(needed) if side.marked else ():
        properties[key] = properties[key] | {MARK: "low"}


def always_there(shape: Shape) -> list[str]:
    """Fields that every object had, sorted."""
    return sorted(key for key, child in shape.properties.items() if total(child) >= shape.objects)


def total(shape: Shape) -> int:
    """How many values a shape stands for."""
    return shape.nulls + shape.booleans + shape.integers + shape.numbers + shape.strings + shape.arrays + shape.objects


Decorate = Callable[[Mapping[str, Any], Shape, Side, str], JsonSchema]
_KINDS: Final[dict[str, Decorate]] = {
    "object": _object,
    "array": _array,
    "string": _string,
    "integer": partial(_figure, "integer"),
    "number": partial(_figure, "number"),
    "boolean": lambda *_: {"type": "boolean"},
    "null": lambda *_: {"type": "null"},
}
"""Type -> what is added to genson's piece; the order is that of alternatives in `anyOf`."""
