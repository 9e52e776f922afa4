"""Values that a schema may accept, tried in a fixed order: near bounds, words of vocabularies, objects with and without each property.

A sample is a guess that a validator judges; what is found is a fact, and finding nothing means nothing. No randomness, so a record's witness is
the same on every machine.
"""

from collections.abc import Iterator, Mapping
from itertools import chain, islice
from typing import Any, Final, NamedTuple, Protocol

from caskmcp.calculus.keywords import TYPES, schemas

MOST: Final = 1_500
"""Values that are tried in each direction."""
DEEPEST: Final = 6
"""Schemas within schemas that are followed."""
FUEL: Final = 4_000
"""Schemas that are looked at for one side: a schema that refers to itself many times over must not take all day."""
WIDEST: Final = 24
"""Values of one place that are tried in the object or list around it."""
LONGEST: Final = 5_000
"""Characters of a text, and items of a list, that is made to pass a bound."""
EXTRA: Final = "other"
"""A property that no schema names."""
FIRST: Final = ("a", "", "x", "A", " ", "ab", "1", "2020-01-01")
BY_FORMAT: Final = {
    "date": "2020-01-01",
    "date-time": "2020-01-01T00:00:00Z",
    "time": "00:00:00Z",
    "duration": "P1D",
    "email": "a@example.com",
    "idn-email": "a@example.com",
    "hostname": "example.com",
    "idn-hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uri": "https://example.com/",
    "uri-reference": "/a",
    "iri": "https://example.com/",
    "iri-reference": "/a",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "json-pointer": "/a",
    "relative-json-pointer": "0",
    "regex": "a",
    "uri-template": "/{a}",
}
NUMBERS: Final = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
SIZES: Final = ("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties", "minContains", "maxContains")


class Reader(Protocol):
    """What judges a value."""

    def is_valid(self, instance: Any) -> bool:
        """Whether the schema accepts it."""


class Hints(NamedTuple):
    """What both schemas name, so that one's bounds are tried on the other."""

    root: Mapping[str, Any]
    numbers: tuple[float, ...]
    sizes: tuple[int, ...]
    names: tuple[str, ...]
    values: tuple[Any, ...]
    fuel: Iterator[int]


def between(old: Any, new: Any, old_reader: Reader, new_reader: Reader) -> tuple[tuple[Any] | None, tuple[Any] | None]:
    """A value that `new` alone accepts, and one that `old` alone accepts; None where none was found."""
    gained, lost = None, None
    for value in chain(islice(samples(new, _hints(new, old)), MOST), islice(samples(old, _hints(old, new)), MOST)):
        was, now = old_reader.is_valid(value), new_reader.is_valid(value)
        gained = (value,) if gained is None and now and not was else gained
        lost = (value,) if lost is None and was and not now else lost
        if gained is not None and lost is not None:
            break
    return gained, lost


def samples(schema: Any, hints: Hints | None = None, depth: int = 0) -> Iterator[Any]:
    """Values that may fit a schema, likely ones first."""
    hints = hints or _hints(schema, {})
    if schema is False or depth > DEEPEST or next(hints.fuel, None) is None:
        return
    part: Mapping[str, Any] = schema if isinstance(schema, Mapping) else {}
    if isinstance(part.get("$ref"), str):
        yield from samples(_target(part["$ref"], hints.root), hints, depth + 1)
    yield from _listed(part)
    for key in ("anyOf", "oneOf", "allOf"):
        for branch in _branches(part, key):
            yield from islice(samples({**_plain(part), **branch}, hints, depth + 1), WIDEST * 4)
    for kind in _types(part):
        yield from _BY_TYPE[kind](part, hints, depth)
    if depth == 0:
        yield from hints.values


def _branches(part: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    found = part.get(key)
    return [row for row in found if isinstance(row, Mapping)] if isinstance(found, list) else []


def _plain(part: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in part.items() if key not in ("anyOf", "oneOf", "allOf", "$ref", "not", "if", "then", "else")}


def _hints(schema: Any, other: Any) -> Hints:
    parts = [*schemas(schema), *schemas(other)]
    numbers = {part[key] for part in parts for key in NUMBERS if isinstance(part.get(key), int | float)}
    sizes = {int(part[key]) for part in parts for key in SIZES if isinstance(part.get(key), int | float) and abs(part[key]) <= LONGEST}
    names = {name for part in parts for name in (part.get("properties") or {})}
    return Hints(
        root=schema if isinstance(schema, Mapping) else {},
        numbers=tuple(sorted({near for number in numbers if abs(number) < 1e300 for near in (number, number + 1, number - 1, number / 2)})),
        sizes=tuple(sorted({near for size in sizes for near in (size - 1, size, size + 1) if 0 <= near <= LONGEST})),
        names=tuple(sorted(names))[:WIDEST],
        values=tuple(value for part in parts for value in _listed(part))[: WIDEST * 4],
        fuel=iter(range(FUEL)),
    )


def _listed(part: Mapping[str, Any]) -> Iterator[Any]:
    if "const" in part:
        yield part["const"]
    if isinstance(part.get("enum"), list):
        yield from part["enum"]


def _target(reference: str, root: Mapping[str, Any]) -> Any:
    value: Any = root
    for step in reference.removeprefix("#").split("/")[1:]:
        value = value.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(value, Mapping) else None
    return value if isinstance(value, Mapping | bool) else {}


def _types(part: Mapping[str, Any]) -> list[str]:
    """The types of a schema, in the table's order; all where none is said, those that its keywords speak of first."""
    said = part.get("type")
    names = [said] if isinstance(said, str) else said if isinstance(said, list) else None
    if names is not None:
        return [kind for kind in reversed(TYPES) if kind in names]
    if any(key in part for key in ("properties", "required", "additionalProperties", "dependentRequired", "patternProperties")):
        return list(reversed(TYPES))
    return ["integer", "string", "null", "boolean", "number", "array", "object"]


# ---------------------------------------------------------------- by type
def _null(_: Mapping[str, Any], __: Hints, ___: int) -> Iterator[Any]:
    yield None


def _boolean(_: Mapping[str, Any], __: Hints, ___: int) -> Iterator[Any]:
    yield from (True, False)


def _integer(part: Mapping[str, Any], hints: Hints, _: int) -> Iterator[Any]:
    own = [part[key] + step for key in NUMBERS for step in (0, 1, -1) if isinstance(part.get(key), int | float)]
    yield from dict.fromkeys(int(number) for number in (*own, 1, 0, -1, 2, *hints.numbers) if abs(number) < 1e300)


def _number(part: Mapping[str, Any], hints: Hints, depth: int) -> Iterator[Any]:
    yield from (1.5, 0.5, -0.5)
    yield from _integer(part, hints, depth)
    yield from (number + 0.5 for number in hints.numbers)


def _string(part: Mapping[str, Any], hints: Hints, _: int) -> Iterator[Any]:
    if part.get("format") in BY_FORMAT:
        yield BY_FORMAT[part["format"]]
    yield from FIRST
    yield from ("a" * size for size in hints.sizes)
    yield from ("1" * size for size in hints.sizes)
    yield from (value for value in hints.values if isinstance(value, str))
    yield from BY_FORMAT.values()
    yield "é"


def _array(part: Mapping[str, Any], hints: Hints, depth: int) -> Iterator[Any]:
    items = list(islice(samples(part.get("items", True), hints, depth + 1), WIDEST))
    leading = [next(samples(row, hints, depth + 1), None) for row in part.get("prefixItems") or []]
    yield from ([], leading)
    if not items:
        return
    yield from ([*leading, item] for item in items)
    for size in hints.sizes[:WIDEST]:
        yield [items[0]] * size
        yield items[:size]
    yield [*leading, items[0], items[0]]


def _object(part: Mapping[str, Any], hints: Hints, depth: int) -> Iterator[Any]:
    properties: Mapping[str, Any] = part.get("properties") or {}
    tried = {name: list(islice(samples(row, hints, depth + 1), WIDEST * 3)) for name, row in properties.items()}
    base = {name: tried[name][0] if tried.get(name) else 1 for name in part.get("required") or ()}
    yield base
    yield from ({**base, name: values[0]} for name, values in tried.items() if values)
    yield {**base, EXTRA: 1}
    for name, values in tried.items():
        yield from ({**base, name: value} for value in values[1:])
    for name in base:
        yield {key: value for key, value in base.items() if key != name}
    full = {name: values[0] for name, values in tried.items() if values}
    yield {**base, **full}
    yield from _unnamed(base, part, hints, depth)
    yield from ({key: value for key, value in {**base, **full}.items() if key != name} for name in full)


def _unnamed(base: Mapping[str, Any], part: Mapping[str, Any], hints: Hints, depth: int) -> Iterator[Any]:
    """Objects with properties that the schema does not name."""
    open_to = part.get("additionalProperties", True)
    others = list(islice(samples(open_to, hints, depth + 1), 8)) if open_to is not False else [1]
    for name in (EXTRA, *hints.names):
        yield from ({**base, name: value} for value in others)
    yield from ({**base, **{f"{EXTRA}{number}": value for number in range(size)}} for size in hints.sizes[:8] for value in others[:1])


_BY_TYPE: Final = {
    "null": _null,
    "boolean": _boolean,
    "integer": _integer,
    "number": _number,
    "string": _string,
    "array": _array,
    "object": _object,
}
