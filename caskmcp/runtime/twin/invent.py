"""A value that a schema allows, from a seed: same schema and same seed, same value. It says nothing that anybody typed.

For the schemas that contracts hold (types, enums, formats, references into their own `$defs`). What else a schema asks for is not looked at.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import jsonschema_rs

from caskmcp import canon

Schema = Mapping[str, Any]
DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
DEEPEST: Final = 6
ITEMS: Final = 2
LONGEST: Final = 1 << 16
"""Characters of a text, whatever the schema asks for."""
WORDS: Final = (
    "amber",
    "birch",
    "cedar",
    "delta",
    "ember",
    "fjord",
    "grove",
    "haven",
    "inlet",
    "juniper",
    "kelp",
    "larch",
    "maple",
    "north",
    "olive",
)


def is_schema(schema: Schema) -> bool:
    """Whether it is a JSON Schema of 2020-12: of anything else no value can be made."""
    return bool(jsonschema_rs.meta.is_valid({**schema, "$schema": DIALECT}))


def number(seed: str, below: int) -> int:
    """A number from 0 up, by the seed."""
    return int(canon.hexadecimal(canon.digest(seed))[:12], 16) % below


def invent(schema: Schema | bool, seed: str, whole: Schema | None = None, depth: int = 0) -> Any:
    """A value of a schema. whole: what `$ref` looks into."""
    if not isinstance(schema, Mapping):
        return None  # `true`: whatever it may be
    whole = schema if whole is None else whole
    if isinstance(name := schema.get("$ref"), str):
        target = whole.get("$defs", {}).get(name.removeprefix("#/$defs/"), {})
        return invent(target, seed, whole, depth + 1) if depth < DEEPEST else None
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return schema["enum"][number(seed, len(schema["enum"]))]
    for keyword in ("anyOf", "oneOf", "allOf"):
        if schema.get(keyword):
            return invent(_first(schema[keyword]), seed, whole, depth + 1)
    return _KINDS.get(_type(schema), _nothing)(schema, seed, whole, depth)


def _first(options: list[Schema | bool]) -> Schema | bool:
    """The first option that is not null."""
    return next((row for row in options if isinstance(row, Mapping) and row.get("type") != "null"), options[0])


def _type(schema: Schema) -> str:
    said = schema.get("type")
    kinds = [said] if isinstance(said, str) else list(said or ())
    named = next((kind for kind in kinds if kind != "null"), "")
    return named or ("object" if "properties" in schema else "array" if "items" in schema else "null" if kinds else "")


def _object(schema: Schema, seed: str, whole: Schema, depth: int) -> Any:
    names = schema.get("properties", {})
    kept = names if depth < DEEPEST else [name for name in names if name in schema.get("required", ())]
    return {name: invent(names[name], f"{seed}/{name}", whole, depth + 1) for name in sorted(kept)} if depth < 2 * DEEPEST else {}


def _array(schema: Schema, seed: str, whole: Schema, depth: int) -> Any:
    count = 0 if depth >= DEEPEST else max(ITEMS, int(schema.get("minItems", 0)))
    items = schema.get("items", {})
    return [invent(items, f"{seed}/{index}", whole, depth + 1) for index in range(min(count, 20))] if isinstance(items, Mapping) else []


def _integer(schema: Schema, seed: str, _: Schema, __: int) -> Any:
    low, high = int(schema.get("minimum", 1)), int(schema.get("maximum", 1000))
    return low + number(seed, max(1, high - low + 1))


def _float(schema: Schema, seed: str, whole: Schema, depth: int) -> Any:
    return _integer(schema, seed, whole, depth) + 0.5 if "maximum" not in schema else schema["maximum"]


def _string(schema: Schema, seed: str, _: Schema, __: int) -> Any:
    digits = canon.hexadecimal(canon.digest(seed))
    if (made := _FORMATS.get(str(schema.get("format", "")))) is not None:
        return made(digits, number(seed, 28))
    word = f"{WORDS[number(seed, len(WORDS))]}-{digits[:4]}"
    low, high = int(schema.get("minLength", 0)), int(schema.get("maxLength", LONGEST))
    return word.ljust(min(low, LONGEST), "x")[:high]


def _nothing(_: Schema, __: str, ___: Schema, ____: int) -> Any:
    return None


_FORMATS: Final[Mapping[str, Callable[[str, int], str]]] = {
    "uuid": lambda digits, _: f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:32]}",
    "date-time": lambda _, day: f"2026-01-{day + 1:02}T12:00:00Z",
    "date": lambda _, day: f"2026-01-{day + 1:02}",
    "time": lambda _, day: f"{day % 24:02}:00:00Z",
    "email": lambda digits, _: f"twin-{digits[:6]}@example.com",
    "uri": lambda digits, _: f"https://example.com/{digits[:8]}",
    "url": lambda digits, _: f"https://example.com/{digits[:8]}",
    "ipv4": lambda _, day: f"192.0.2.{day + 1}",
    "ipv6": lambda digits, _: f"2001:db8::{digits[:4]}",
    "hostname": lambda digits, _: f"{digits[:6]}.example.com",
}
_KINDS: Final[Mapping[str, Callable[[Schema, str, Schema, int], Any]]] = {
    "object": _object,
    "array": _array,
    "integer": _integer,
    "number": _float,
    "string": _string,
    "boolean": lambda _, seed, __, ___: number(seed, 2) == 0,
}
