"""Objects that hold objects of their own kind (comments with replies, folders with folders) as one definition that refers to itself.

An object is of the kind of the one above it if its fields are among those of that one, the field that leads to it is there again, and at
least one other is. Every level that was seen adds to the definition, so a sample deeper than all of them is described as well.
"""

from collections.abc import Callable
from typing import Any, Final

from caskmcp import canon
from caskmcp.compiler.normalize.total import shape as total_of
from caskmcp.model.observation import Shape
from caskmcp.model.record import JsonSchema

FEWEST_NAMES: Final = 2
_PREFIX: Final = "#/$defs/"


def inside(shape: Shape, key: str) -> Shape | None:
    """All objects of a shape's own kind below one of its fields, added up, what they hold there left out; None if there are none."""
    levels = _levels(shape, key)
    if not levels:
        return None
    merged = Shape.model_validate_json(canon.compact(total_of([level.plain() for level in levels])))
    below = merged.properties[key]
    return Shape(objects=merged.objects, properties=merged.properties | {key: emptied(below)})


def emptied(shape: Shape) -> Shape:
    """A shape without what its arrays and objects hold."""
    return shape.model_copy(update={"items": None, "properties": {}, "map_values": None, "maps": 0, "forms": ()})


def _levels(shape: Shape, key: str) -> list[Shape]:
    """The objects below a field, level by level; none unless everything that was ever there is of the kind of the shape."""
    found: list[Shape] = []
    at: Shape | None = shape
    while at is not None and key in at.properties:
        below = _held(at.properties[key])
        if below is None or (below.objects and not _is_cut(below) and not _is_alike(below, shape)):
            return []
        at = below if below.objects and not _is_cut(below) else None
        found += [below] if at is not None else []
    return found if found and key in found[0].properties else []


def _held(child: Shape) -> Shape | None:
    """What a field holds, if it holds arrays of objects alone, or objects alone, or nothing; null may stand for either."""
    items = child.items or Shape()
    if child.arrays and not child.objects:
        return items if _is_only(child, "arrays", "nulls") and _is_only(items, "objects") else None
    return child if _is_only(child, "objects", "nulls") else None


def _is_only(shape: Shape, *kinds: str) -> bool:
    return all(
        getattr(shape, kind) == 0
        for kind in ("nulls", "booleans", "integers", "numbers", "strings", "arrays", "objects")
        if kind not in kinds
    )


def _is_cut(shape: Shape) -> bool:
    """Whether these are objects below the deepest level that is described."""
    return shape.maps == shape.objects and not shape.properties and shape.map_values is None


def _is_alike(below: Shape, shape: Shape) -> bool:
    is_record = not below.maps and below.map_values is None and below.arrays == 0
    return is_record and len(below.properties) >= FEWEST_NAMES and below.properties.keys() <= shape.properties.keys()


def refer(schema: JsonSchema, name: str) -> JsonSchema:
    """The schema of a field that leads to objects of a definition: its arrays hold them, or it is one."""
    if "anyOf" in schema:
        return schema | {"anyOf": [refer(branch, name) for branch in schema["anyOf"]]}
    if schema.get("type") == "array":
        return schema | {"items": {"$ref": _PREFIX + name}}
    return {"$ref": _PREFIX + name} if schema.get("type") == "object" else schema


def called(key: str) -> str:
    """The name of a definition, by the field that leads to it: `sub_folders` -> `SubFolders`."""
    words = "".join(sign if sign.isascii() and sign.isalnum() else " " for sign in key).split()
    return "".join(word[:1].upper() + word[1:] for word in words) or "Node"


def gathered(schema: JsonSchema) -> JsonSchema:
    """A schema with all definitions inside of it at its root, each under a name of its own; equal ones are one."""
    definitions: dict[str, JsonSchema] = {}
    body: JsonSchema = _without(schema, lambda found: _renamed(found, definitions))
    return body | ({"$defs": dict(sorted(definitions.items()))} if definitions else {})


def _without(node: Any, take: Callable[[JsonSchema], dict[str, str]]) -> Any:
    """A schema without definitions inside: innermost first, so that what refers to them has their last names."""
    if isinstance(node, list):
        return [_without(item, take) for item in node]
    if not isinstance(node, dict):
        return node
    below = {word: _fields(value, take) if word == "properties" else _without(value, take) for word, value in node.items()}
    own = below.pop("$defs", {})
    return _with_names(below, take(own)) if own else below


def _fields(properties: Any, take: Callable[[JsonSchema], dict[str, str]]) -> Any:
    """Names of fields are no keywords, whatever they are called."""
    return {name: _without(child, take) for name, child in properties.items()}


def _renamed(found: JsonSchema, into: dict[str, JsonSchema]) -> dict[str, str]:
    """Where each definition went: under its own name, or one with a number behind it where another has that."""
    out: dict[str, str] = {}
    for name, definition in found.items():
        number, given = 1, name
        while into.get(given, candidate := _with_names(definition, {name: given})) != candidate:
            number += 1
            given = f"{name}{number}"
        into[given] = candidate
        out[name] = given
    return out


def _with_names(node: Any, names: dict[str, str]) -> Any:
    if isinstance(node, list):
        return [_with_names(item, names) for item in node]
    if not isinstance(node, dict):
        return node
    reference = node.get("$ref")
    if isinstance(reference, str):
        name = reference.removeprefix(_PREFIX)
        return node | {"$ref": _PREFIX + names.get(name, name)}
    return {word: _with_names(value, names) for word, value in node.items()}
