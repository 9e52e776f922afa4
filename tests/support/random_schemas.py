"""Random schemas, pairs of schemas of which one is often within the other, and random values that often fit: all from one seed.

Knows nothing of the calculus and shares no code with it: what it finds has to be judged by validators alone.
"""

import copy
import random
from collections.abc import Callable
from typing import Any, Final

Schema = Any

NAMES: Final = ("a", "b", "title", "x y")
PATTERNS: Final = (
    "^a", "b$", "^[a-z]+$", "^[a-c]*$", "^.{2}$", "^(ab|cd)$", "\\d", "^\\d+$", "^\\w+$", "^[0-9]+$", "^[^a]$", "^.$", "\\S", "^\\s*$", "^ab?$", "^a{1,3}$", "^$", "",
)  # fmt: skip
FORMATS: Final = (
    "date",
    "uuid",
    "email",
    "ipv4",
    "uri",
    "date-time",
    "time",
    "regex",
    "uri-reference",
    "iri",
    "hostname",
    "json-pointer",
    "int32",
    "binary",
)
NUMBERS: Final = (
    0, 1, 1.0, -1, 2, 3, 2.5, 10, 1e3, 0.1, 0.2, 0.3, 0.1 + 0.2, -0.0, 1e-9, 2**53, 2**53 + 1, 9007199254740992.0, 2**63 - 1, 2**63, 2**64, -(2**63) - 1,
    10**20, 1e20, 1e300, 5e-324,
)  # fmt: skip
STRINGS: Final = (
    "", "a", "b", "ab", "abc", "cd", "1", "A", "é", "e\u0301", "\U0001f600", "\u0663", "a\n", "\n", " ", "\0", "2020-01-01", "2020-02-30", "12:00:00Z", "12:00:60Z", "a@b.co",
    "192.0.2.1", "http://a.b/", "00000000-0000-4000-8000-000000000000", "/a", "[",
)  # fmt: skip
SCALARS: Final = (None, True, False, *NUMBERS, *STRINGS)
VALUES: Final[tuple[Any, ...]] = (
    *SCALARS,
    [1, True],
    [1.0, 1],
    [0, -0.0],
    [[1], [1.0]],
    [{"a": 1}, {"a": 1.0}],
    [],
    [1],
    ["a", "a"],
    {},
    {"title": "a"},
    {"title": "b"},
    {"a": 1},
    {"a": True},
    [True],
    [[1]],
)
WORDS: Final = ("title", "description", "$comment", "x-note", "contentEncoding", "nullable")


def schema(rnd: random.Random, depth: int = 2) -> Schema:
    """A schema without references."""
    if rnd.random() < 0.06:
        return rnd.choice([True, False, {}])
    made = _KINDS[rnd.choice(tuple(_KINDS))](rnd, depth)
    if rnd.random() < 0.1:
        made[rnd.choice(WORDS)] = "base64"
    if depth and rnd.random() < 0.15:
        made |= _combined(rnd, depth)
    return made


def _string(rnd: random.Random, _: int) -> dict[str, Any]:
    made: dict[str, Any] = {"type": "string"}
    for key, choose in (("minLength", _small), ("maxLength", _small), ("pattern", _pattern), ("format", _format)):
        if rnd.random() < 0.3:
            made[key] = choose(rnd)
    return made


def _number(rnd: random.Random, _: int) -> dict[str, Any]:
    made: dict[str, Any] = {"type": rnd.choice(["integer", "number"])}
    for key in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"):
        if rnd.random() < 0.3:
            made[key] = rnd.choice([0, 1, 2, 3, 10, -1, 0.5, 2.5, *NUMBERS])
    if rnd.random() < 0.25:
        made["multipleOf"] = rnd.choice([1, 2, 3, 4, 6, 0.5, 0.1, 0.3, 1.5, 0.01, 1e-9, 2**53 + 1, 1e20])
    return made


def _array(rnd: random.Random, depth: int) -> dict[str, Any]:
    made: dict[str, Any] = {"type": "array"}
    inner: tuple[tuple[str, Callable[[], Any]], ...] = (
        ("items", lambda: schema(rnd, depth - 1)),
        ("prefixItems", lambda: [schema(rnd, depth - 1) for _ in range(rnd.randint(1, 2))]),
        ("contains", lambda: schema(rnd, depth - 1)),
        ("unevaluatedItems", lambda: False),
    )
    for key, make in inner if depth else ():
        if rnd.random() < (0.7 if key == "items" else 0.15):
            made[key] = make()
    for key in ("minItems", "maxItems", "minContains", "maxContains"):
        if rnd.random() < 0.25:
            made[key] = _small(rnd)
    if rnd.random() < 0.2:
        made["uniqueItems"] = rnd.choice([True, True, False])
    return made


def _object(rnd: random.Random, depth: int) -> dict[str, Any]:
    made: dict[str, Any] = {"type": "object"}
    if depth:
        made["properties"] = {name: schema(rnd, depth - 1) for name in rnd.sample(NAMES, rnd.randint(0, 3))}
    inner: tuple[tuple[str, float, Callable[[], Any]], ...] = (
        ("required", 0.4, lambda: rnd.sample(NAMES, rnd.randint(0, 2))),
        ("additionalProperties", 0.6, lambda: rnd.choice([False, False, True, schema(rnd, max(depth - 1, 0))])),
        ("patternProperties", 0.1, lambda: {rnd.choice(PATTERNS): schema(rnd, max(depth - 1, 0))}),
        ("propertyNames", 0.1, lambda: {rnd.choice(["maxLength", "minLength"]): rnd.randint(0, 3)}),
        ("dependentRequired", 0.1, lambda: {rnd.choice(NAMES): [rnd.choice(NAMES)]}),
        ("dependentSchemas", 0.05, lambda: {rnd.choice(NAMES): schema(rnd, max(depth - 1, 0))}),
        ("minProperties", 0.15, lambda: _small(rnd)),
        ("maxProperties", 0.15, lambda: _small(rnd)),
        ("unevaluatedProperties", 0.05, lambda: False),
    )
    for key, share, make in inner:
        if rnd.random() < share:
            made[key] = make()
    return made


def _finite(rnd: random.Random, _: int) -> dict[str, Any]:
    return {"enum": rnd.sample(VALUES, rnd.randint(1, 4))} if rnd.random() < 0.7 else {"const": rnd.choice(VALUES)}


def _types(rnd: random.Random, _: int) -> dict[str, Any]:
    return {"type": rnd.sample(["null", "boolean", "integer", "number", "string", "array", "object"], rnd.randint(1, 3))}


def _untyped(rnd: random.Random, depth: int) -> dict[str, Any]:
    """Keywords without a type: they speak of one kind of value and let every other through."""
    made = rnd.choice([_string, _number, _array, _object])(rnd, depth)
    made.pop("type", None)
    return made


_KINDS: Final[dict[str, Callable[[random.Random, int], dict[str, Any]]]] = {
    "string": _string,
    "number": _number,
    "array": _array,
    "object": _object,
    "object2": _object,
    "finite": _finite,
    "types": _types,
    "untyped": _untyped,
}


def _combined(rnd: random.Random, depth: int) -> dict[str, Any]:
    def some() -> list[Schema]:
        return [schema(rnd, depth - 1) for _ in range(rnd.randint(1, 3))]

    key = rnd.choice(["anyOf", "oneOf", "allOf", "not", "if"])
    if key == "not":
        return {"not": schema(rnd, depth - 1)}
    if key == "if":
        return {"if": schema(rnd, depth - 1), rnd.choice(["then", "else"]): schema(rnd, depth - 1)}
    return {key: some()}


def _small(rnd: random.Random) -> int:
    return rnd.randint(0, 4)


def _pattern(rnd: random.Random) -> str:
    return rnd.choice(PATTERNS)


def _format(rnd: random.Random) -> str:
    return rnd.choice(FORMATS)


# ---------------------------------------------------------------- pairs
def pair(rnd: random.Random) -> tuple[Schema, Schema]:
    """An old and a new schema: mostly a few edits apart, in either direction, sometimes written in another way."""
    old = schema(rnd, rnd.choice([1, 2, 2, 3]))
    new = copy.deepcopy(old)
    for _ in range(rnd.choice([0, 1, 1, 1, 2, 2, 3])):
        new = mutated(rnd, new)
    if rnd.random() < 0.25:
        new = rewritten(rnd, new)
    if rnd.random() < 0.1:
        old, new = _recursive(rnd, old), _recursive(rnd, new)
    return (old, new) if rnd.random() < 0.5 else (new, old)


def mutated(rnd: random.Random, made: Schema) -> Schema:
    """A copy with one edit somewhere."""
    if not isinstance(made, dict) or not made or rnd.random() < 0.05:
        return schema(rnd, 1)
    places = [key for key, value in made.items() if isinstance(value, dict | list) and value and key not in ("enum", "const", "type")]
    if places and rnd.random() < 0.6:
        key = rnd.choice(places)
        return {**made, key: _inside(rnd, key, made[key])}
    return _edited(rnd, made)


def _inside(rnd: random.Random, key: str, value: Any) -> Any:
    if key in ("required",):
        return [name for name in value if rnd.random() < 0.5] if rnd.random() < 0.5 else sorted({*value, rnd.choice(NAMES)})
    if key == "dependentRequired":
        return {} if rnd.random() < 0.5 else {**value, rnd.choice(NAMES): [rnd.choice(NAMES)]}
    if key in ("properties", "patternProperties", "dependentSchemas"):
        name = rnd.choice(sorted(value))
        turn = rnd.random()
        if turn < 0.2:
            return {other: row for other, row in value.items() if other != name}
        if turn < 0.35 and key == "properties":
            return {**value, rnd.choice(NAMES): schema(rnd, 1)}
        return {**value, name: mutated(rnd, value[name])}
    if isinstance(value, list):
        return _listed(rnd, value)
    return mutated(rnd, value)


def _listed(rnd: random.Random, value: list[Any]) -> list[Any]:
    at = rnd.randrange(len(value))
    turn = rnd.random()
    if turn < 0.3 and len(value) > 1:
        return value[:at] + value[at + 1 :]
    if turn < 0.5:
        return [*value, schema(rnd, 1)]
    return [mutated(rnd, row) if number == at else row for number, row in enumerate(value)]


def _edited(rnd: random.Random, made: dict[str, Any]) -> dict[str, Any]:
    key = rnd.choice(sorted(made))
    value = made[key]
    if key == "enum" and rnd.random() < 0.8:
        return {**made, "enum": value[1:] if len(value) > 1 and rnd.random() < 0.5 else [*value, rnd.choice(VALUES)]}
    if isinstance(value, int | float) and not isinstance(value, bool) and key not in ("const",) and rnd.random() < 0.8:
        moved = value + rnd.choice([1, -1, 0.5, -0.5]) if key.endswith("imum") else value + rnd.choice([1, -1])
        return {**made, key: moved if moved > 0 or key.endswith("imum") or (key not in ("multipleOf",) and moved == 0) else value}
    if key == "type" and isinstance(value, str):
        return {
            **made,
            "type": rnd.choice([[value, "null"], "number" if value == "integer" else "integer" if value == "number" else value]),
        }
    if rnd.random() < 0.5:
        return {name: row for name, row in made.items() if name != key}
    donor = _KINDS[rnd.choice(tuple(_KINDS))](rnd, 1)
    donor.pop("type", None)
    return {**donor, **made}


def rewritten(rnd: random.Random, made: Schema) -> Schema:
    """The same language in other words."""
    ways: tuple[Callable[[], Schema], ...] = (
        lambda: {"allOf": [made]},
        lambda: {"anyOf": [made]},
        lambda: {"oneOf": [made]},
        lambda: {"not": {"not": made}},
        lambda: {"$ref": "#/$defs/it", "$defs": {"it": made}},
        lambda: {"anyOf": [made, False]},
        lambda: {"if": True, "then": made},
        lambda: {**made, "description": "Other words"} if isinstance(made, dict) else made,
    )
    return rnd.choice(ways)()


def _recursive(rnd: random.Random, made: Schema) -> Schema:
    node: dict[str, Any] = {**made} if isinstance(made, dict) else {"type": "object"}
    if isinstance(node.get("properties"), dict):
        node["properties"] = {**node["properties"], "b": {"$ref": "#/$defs/n"}}
    elif "type" in node and node["type"] == "array":
        node["items"] = {"$ref": "#/$defs/n"}
    return {"$ref": "#/$defs/n", "$defs": {"n": node, **node.pop("$defs", {})}}


# ---------------------------------------------------------------- values
def value(rnd: random.Random, made: Schema, root: Schema, depth: int = 4) -> Any:
    """A value that may fit a schema; of a schema within `root`."""
    if not isinstance(made, dict) or depth < 0 or rnd.random() < 0.08:
        return copy.deepcopy(rnd.choice(VALUES))
    if isinstance(made.get("$ref"), str):
        name = made["$ref"].rpartition("/")[2]
        return value(rnd, root.get("$defs", {}).get(name, True), root, depth - 1)
    for key in ("allOf", "anyOf", "oneOf"):
        if made.get(key) and rnd.random() < 0.6:
            return value(rnd, rnd.choice(made[key]), root, depth - 1)
    for key in ("not", "if", "then", "else"):
        if key in made and rnd.random() < 0.2:
            return value(rnd, made[key], root, depth - 1)
    if "enum" in made and rnd.random() < 0.9:
        return copy.deepcopy(rnd.choice(made["enum"]))
    if "const" in made and rnd.random() < 0.9:
        return copy.deepcopy(made["const"])
    return _of_kind(rnd, made, root, depth)


def _of_kind(rnd: random.Random, made: dict[str, Any], root: Schema, depth: int) -> Any:
    kinds = made.get("type") or _spoken(made)
    kind = kinds if isinstance(kinds, str) else rnd.choice(kinds or ["string"])
    if kind in ("integer", "number"):
        bounds = [made[key] for key in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf") if key in made]
        start = rnd.choice([*bounds, *bounds, 0, 1, 2, 6, 12, 2.5, *NUMBERS])
        number = start + rnd.choice([0, 0, 1, -1, 0.5, 1.5, 10, 100]) if rnd.random() < 0.8 else start * rnd.choice([1, 2, 3])
        return int(number) if kind == "integer" and abs(number) < 1e18 and rnd.random() < 0.8 else number
    if kind == "string":
        size = rnd.choice([made.get("minLength", 0), made.get("maxLength", 3), rnd.randint(0, 6)])
        return rnd.choice(STRINGS) if rnd.random() < 0.4 else "".join(rnd.choice("abcdA1é \u0663\U0001f600\n") for _ in range(size))
    if kind == "array":
        leading = [value(rnd, row, root, depth - 1) for row in made.get("prefixItems", ())][: rnd.randint(0, 3)]
        count = rnd.choice([made.get("minItems", 0), made.get("maxItems", 2), rnd.randint(0, 4)])
        return leading + [value(rnd, made.get("contains" if rnd.random() < 0.3 else "items", True), root, depth - 1) for _ in range(count)]
    if kind == "object":
        return _of_object(rnd, made, root, depth)
    return {"null": None, "boolean": rnd.random() < 0.5}[kind]


def _spoken(made: dict[str, Any]) -> list[str]:
    if {"properties", "required", "additionalProperties", "patternProperties", "minProperties"} & made.keys():
        return ["object"]
    if {"items", "prefixItems", "contains", "minItems", "maxItems"} & made.keys():
        return ["array"]
    return ["number", "integer"] if any(key.endswith("imum") for key in made) else ["string", "null", "integer", "object", "array"]


def _of_object(rnd: random.Random, made: dict[str, Any], root: Schema, depth: int) -> dict[str, Any]:
    rows = made.get("properties", {})
    names = {name for name in rows if rnd.random() < 0.5} | {name for name in made.get("required", ()) if rnd.random() < 0.9}
    names |= {rnd.choice(NAMES)} if rnd.random() < 0.2 else set()
    rest = made.get("additionalProperties", True)
    return {name: value(rnd, rows.get(name, rest), root, depth - 1) for name in sorted(names)}
