"""JSON Schemas (draft 2020-12) of shapes: genson's structure, with our counts, formats, vocabularies and bounds on top.

Nullable and mixed places are `anyOf` of single types, never lists of types. A request's objects are closed, and a field is required only
from three samples; an answer's objects are open, and a field is required from the first sample: this is the strict schema that the
compiler compares with, and nobody is served it.
"""

from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any, Final

from caskmcp.compiler.infer.skeleton import structure
from caskmcp.model.observation import Shape
from caskmcp.model.record import JsonSchema

FEWEST_SAMPLES: Final = 3
"""Samples from which a field that was always there is required in requests."""
FEWEST_VALUES: Final = 2
"""Distinct values from which a vocabulary is an enum: one value says nothing about the others."""


class Side(Enum):
    """Who makes the value: it decides what absence means."""

    REQUEST = "request"
    RESPONSE = "response"


def schema(shape: Shape, side: Side) -> JsonSchema:
    """The schema of all values of a shape. An empty schema if nothing is known of them."""
    return _decorate(structure(shape), shape, side)


def is_closed(shape: Shape) -> bool:
    """Whether every string of a shape is in its vocabulary, and there are enough of them to say so."""
    return len(shape.values) >= FEWEST_VALUES and sum(shape.values.values()) == shape.strings


def _decorate(found: Mapping[str, Any], shape: Shape, side: Side) -> JsonSchema:
    pieces = [_KINDS[name](piece, shape, side) for name, piece in _single(found)]
    if not pieces:
        return {}
    return pieces[0] if len(pieces) == 1 else {"anyOf": pieces}


def _single(found: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """genson's schema as one piece a type, in the order of the table."""
    pieces = found.get("anyOf", [found])
    by_type: dict[str, Mapping[str, Any]] = {}
    for piece in pieces:
        types = piece.get("type", [])
        for name in [types] if isinstance(types, str) else types:
            by_type[name] = piece
    return [(name, by_type[name]) for name in _KINDS if name in by_type]


def _string(_: Mapping[str, Any], shape: Shape, __: Side) -> JsonSchema:
    if is_closed(shape):
        return {"type": "string", "enum": sorted(shape.values)}
    name = next((name for name, count in shape.formats.items() if count == shape.strings), None)
    return {"type": "string"} | ({"format": name} if name else {})


def _integer(_: Mapping[str, Any], shape: Shape, side: Side) -> JsonSchema:
    return {"type": "integer"} | _bounds(shape, side)


def _number(_: Mapping[str, Any], shape: Shape, side: Side) -> JsonSchema:
    return {"type": "number"} | _bounds(shape, side)


def _bounds(shape: Shape, side: Side) -> JsonSchema:
    """Of bounds only the sign is said, and of answers alone: a larger number tomorrow breaks nothing, a negative one is news."""
    return {"minimum": 0} if side is Side.RESPONSE and shape.bounds is not None and shape.bounds.low >= 0 else {}


def _array(piece: Mapping[str, Any], shape: Shape, side: Side) -> JsonSchema:
    items = piece.get("items", {})
    return {"type": "array"} | ({"items": _decorate(items, shape.items, side)} if shape.items and items else {})


def _object(piece: Mapping[str, Any], shape: Shape, side: Side) -> JsonSchema:
    out: JsonSchema = {"type": "object"}
    fields = piece.get("properties", {})
    if fields:
        out["properties"] = {key: _decorate(fields[key], shape.properties[key], side) for key in sorted(fields)}
    if needed := required(shape, side):
        out["required"] = needed
    if shape.map_values is not None:
        out["additionalProperties"] = schema(shape.map_values, side)
    elif fields and side is Side.REQUEST:
        out["additionalProperties"] = False
    return out


def required(shape: Shape, side: Side) -> list[str]:
    """Fields that every record had, sorted; of requests only if there were three."""
    records = shape.objects - shape.maps
    if records < (FEWEST_SAMPLES if side is Side.REQUEST else 1):
        return []
    return sorted(key for key, child in shape.properties.items() if total(child) >= records)


def total(shape: Shape) -> int:
    """How many values a shape stands for."""
    return shape.nulls + shape.booleans + shape.integers + shape.numbers + shape.strings + shape.arrays + shape.objects


_KINDS: Final[dict[str, Callable[[Mapping[str, Any], Shape, Side], JsonSchema]]] = {
    "object": _object,
    "array": _array,
    "string": _string,
    "integer": _integer,
    "number": _number,
    "boolean": lambda *_: {"type": "boolean"},
    "null": lambda *_: {"type": "null"},
}
"""Type -> what is added to genson's piece; the order is that of alternatives in `anyOf`."""
