"""Rules on schemas: what every client can take, and what costs more than it tells."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from caskmcp.analyze.lint.surface import BY_NAME, Found, Surface, subject
from caskmcp.compiler.emit.budget import tokens

KEY: Final = re.compile(r"[a-zA-Z0-9_.-]{1,64}", re.ASCII)
COMBINATORS: Final = ("$ref", "allOf", "anyOf", "if", "not", "oneOf")
DEEPEST: Final = 12
LARGEST: Final = 5_000
# fmt: off
_STEPS: Final[Mapping[str, int]] = {
    "properties": 1, "patternProperties": 1, "items": 1, "prefixItems": 1, "additionalProperties": 1, "anyOf": 0, "oneOf": 0, "allOf": 0,
}
"""Keyword -> levels that it adds."""
# fmt: on


def root(surface: Surface) -> Iterator[Found]:
    """Both roots are objects and nothing else (an answer may have no schema at all)."""
    for tool in surface.tools:
        for place, schema in (("input_schema", tool.input_schema), ("output_schema", tool.output_schema)):
            if schema is None:
                continue
            if schema.get("type") != "object":
                yield Found(subject(tool), f"the root of its {place} is no object", place)
            for word in COMBINATORS:
                if word in schema:
                    yield Found(subject(tool), f"the root of its {place} has `{word}`", f"{place}.{word}")


def references(surface: Surface) -> Iterator[Found]:
    """Each `$ref` names a definition of the same schema."""
    for tool, (place, schema) in surface.schemas:
        if isinstance(schema, Mapping) and "$ref" in schema:
            target = str(schema["$ref"])
            home = tool.input_schema if place.split(".")[0] == "input_schema" else tool.output_schema or {}
            known = home.get("$defs", {})
            if not target.startswith("#/$defs/") or target.removeprefix("#/$defs/").replace("~1", "/").replace("~0", "~") not in known:
                yield Found(subject(tool), f"a reference at {place} leads nowhere", place)


def keys(surface: Surface) -> Iterator[Found]:
    """Each argument has a key that model interfaces take."""
    for tool in surface.tools:
        for name in tool.input_schema.get("properties", {}):
            if not KEY.fullmatch(name):
                yield Found(
                    subject(tool), "the key of an argument is not 1 to 64 of letters, digits, `_`, `.` and `-`", f"input_schema.{name}"
                )


def open_(surface: Surface) -> Iterator[Found]:
    """The list of arguments is closed."""
    for tool in surface.tools:
        if tool.input_schema.get("additionalProperties") is not False:
            yield Found(subject(tool), "its input schema takes any argument", "input_schema.additionalProperties")


def bare(surface: Surface) -> Iterator[Found]:
    """Each argument, and what lies in it, has a schema that says something. Whether an object has further fields may be a plain yes or no."""
    for tool, (place, schema) in surface.schemas:
        if place.startswith("input_schema") and (schema is True or schema == {}):
            yield Found(subject(tool), f"{place} says nothing about its values", place)


def deep(surface: Surface) -> Iterator[Found]:
    """Each schema, references followed, keeps to `DEEPEST` levels of objects and arrays. What refers to itself counts once."""
    for tool in surface.tools:
        for place, schema in (("input_schema", tool.input_schema), ("output_schema", tool.output_schema)):
            if schema is not None and (levels := _Levels(schema.get("$defs", {})).below(schema)) > DEEPEST:
                yield Found(subject(tool), f"its {place} nests {levels} levels", place)


class _Levels:
    """Counts levels; each definition is looked into once, however often it is referred to."""

    def __init__(self, definitions: Mapping[str, Any]) -> None:
        self._definitions = definitions
        self._known: dict[str, int] = {}

    def below(self, schema: Any) -> int:
        """Levels of objects and arrays below a schema."""
        if not isinstance(schema, Mapping):
            return 0
        counted = [step + self.below(row) for word, step in _STEPS.items() if word in schema for row in _rows(word, schema[word])]
        return max([self._referred(str(schema.get("$ref", "")).removeprefix("#/$defs/")), *counted])

    def _referred(self, name: str) -> int:
        if name in self._definitions and name not in self._known:
            self._known[name] = 0  # while it is looked into: what refers to itself counts once
            self._known[name] = self.below(self._definitions[name])
        return self._known.get(name, 0)


def _rows(word: str, value: Any) -> list[Any]:
    """The schemas that a keyword holds: one a name, a list of them, or one."""
    if word in BY_NAME:
        return list(value.values()) if isinstance(value, Mapping) else []
    return value if isinstance(value, list) else [value]


def large(surface: Surface) -> Iterator[Found]:
    """Each tool leaves room for others in a list."""
    for tool in surface.tools:
        if (cost := tokens(tool)) > LARGEST:
            yield Found(subject(tool), f"it takes about {cost} tokens of a list", "tokens")


def single(surface: Surface) -> Iterator[Found]:
    """No argument has one possible value: a constant needs no argument, and a model can only repeat it."""
    for tool, (place, schema) in surface.schemas:
        if place.startswith("input_schema.properties.") and isinstance(schema, Mapping) and place.count(".") == 2:
            rows = schema.get("enum")
            if "const" in schema or (isinstance(rows, list) and len(rows) == 1):
                yield Found(subject(tool), f"`{place.split('.')[2]}` has one possible value", place)
