"""Boundary inputs of an approved read, generated from its closed schema: the edges that it allows, and steps over them.

Promises: from one set of arguments that works, each input changes one argument; those inside fit the schema, those outside do not, so that a runtime
which let one of them through would widen what was signed. Same schema and arguments, same inputs in the same order.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NamedTuple

MOST: Final = 12
"""Inputs of a kind for one tool."""
LONGEST: Final = 256
"""Characters of a text that is generated: a longer bound is left untried."""
Arguments = Mapping[str, Any]
Property = Mapping[str, Any]


class Boundary(NamedTuple):
    """One generated input."""

    argument: str
    edge: str
    """Which edge: `minimum`, `without`, `above-maximum` …"""
    arguments: dict[str, Any]


def inside(schema: Mapping[str, Any], working: Arguments) -> tuple[Boundary, ...]:
    """Inputs that the schema allows. What has to be there keeps its value: another id is another thing, not an edge of this one."""
    needed = set(schema.get("required", ()))
    rows: list[Boundary] = []
    for name, each in sorted(schema.get("properties", {}).items()):
        if name in needed:
            continue
        if name in working:
            rows.append(Boundary(name, "without", {key: value for key, value in working.items() if key != name}))
        rows += [Boundary(name, edge, {**working, name: value}) for edge, value in _edges(each)]
    return tuple(row for row in rows if row.arguments != dict(working))[:MOST]


def outside(schema: Mapping[str, Any], working: Arguments) -> tuple[Boundary, ...]:
    """Inputs that the schema refuses."""
    rows = [Boundary(name, "missing", {key: value for key, value in working.items() if key != name}) for name in schema.get("required", ())]
    for name, each in sorted(schema.get("properties", {}).items()):
        rows += [Boundary(name, edge, {**working, name: value}) for edge, value in _over(each)]
    return (*rows[: MOST - 1], Boundary("x_not_an_argument", "unknown", {**working, "x_not_an_argument": 1}))


def _edges(schema: Property) -> Iterator[tuple[str, Any]]:
    for keyword, make in _INSIDE.items():
        if keyword in schema and (value := make(schema)) is not None:
            yield keyword, value


def _over(schema: Property) -> Iterator[tuple[str, Any]]:
    for keyword, (edge, make) in _OUTSIDE.items():
        if keyword in schema and (value := make(schema)) is not None:
            yield edge, value


def _is_number(schema: Property) -> bool:
    return schema.get("type") in ("integer", "number")


def _text(schema: Property, length: int) -> str | None:
    """A text of a length, if nothing else is asked of it."""
    free = schema.get("type") == "string" and not schema.keys() & {"pattern", "format", "enum", "const"}
    return "a" * length if free and 0 <= length <= LONGEST else None


# fmt: off
_INSIDE: Final[Mapping[str, Callable[[Property], Any]]] = {
    "enum":      lambda row: row["enum"][-1],
    "default":   lambda row: row["default"],
    "minimum":   lambda row: row["minimum"] if _is_number(row) else None,
    "maximum":   lambda row: row["maximum"] if _is_number(row) else None,
    "minLength": lambda row: _text(row, row["minLength"]) or None,
    "maxLength": lambda row: _text(row, row["maxLength"]),
}
_OUTSIDE: Final[Mapping[str, tuple[str, Callable[[Property], Any]]]] = {
    "type":      ("another-type",  lambda row: {"x": 1} if row["type"] in ("integer", "number", "boolean", "string") else None),
    "enum":      ("none-of-enum",  lambda row: "x-not-in-the-list" if all(isinstance(value, str) for value in row["enum"]) else None),
    "minimum":   ("below-minimum", lambda row: row["minimum"] - 1 if _is_number(row) else None),
    "maximum":   ("above-maximum", lambda row: row["maximum"] + 1 if _is_number(row) else None),
    "maxLength": ("longer",        lambda row: _text(row, row["maxLength"] + 1)),
}
# fmt: on
