"""The keywords of JSON Schema 2020-12, by what stands below them: the one place that knows where a schema ends and data begins.

`const: {title: a}` holds no title, and a property may be called `description`; who walks a schema walks by these tables.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

ONE: Final = frozenset(
    {"additionalProperties", "items", "not", "if", "then", "else", "contains", "propertyNames", "unevaluatedItems", "unevaluatedProperties"}
)
"""Keywords with one schema below them."""
LISTS: Final = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
MAPS: Final = frozenset({"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"})
"""Keywords with schemas by name below them."""
DATA: Final = frozenset(
    {
        "type", "enum", "const", "required", "dependentRequired", "pattern", "format", "minLength", "maxLength", "minimum", "maximum",
        "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minItems", "maxItems", "uniqueItems", "minContains", "maxContains",
        "minProperties", "maxProperties", "$ref",
    }
)  # fmt: skip
"""Keywords that assert something about a value by data."""
RESERVED: Final = frozenset(
    {"$id", "$anchor", "$dynamicAnchor", "$dynamicRef", "$recursiveRef", "$recursiveAnchor", "$vocabulary", "$schema"}
)
"""Keywords that give other keywords another meaning: a schema with one of them is not compared."""
ASSERTED: Final = ONE | LISTS | MAPS | DATA | RESERVED
"""Every keyword that can refuse a value, or name a part of one that does. All others are words."""
FORMATS: Final = frozenset(
    {
        "date", "date-time", "duration", "email", "hostname", "idn-email", "idn-hostname", "ipv4", "ipv6", "iri", "iri-reference", "json-pointer",
        "regex", "relative-json-pointer", "time", "uri", "uri-reference", "uri-template", "uuid",
    }
)  # fmt: skip
"""Formats that the validator asserts; another one is a word."""
TYPES: Final = ("null", "boolean", "integer", "number", "string", "array", "object")

Steps = tuple[str, ...]
Schema = Mapping[str, Any]


def is_word(keyword: str, value: Any) -> bool:
    """Whether a keyword says something and refuses nothing."""
    return keyword not in ASSERTED or (keyword == "format" and value not in FORMATS)


def below(schema: Any, act: Callable[[Any, Steps], Any], at: Steps = ()) -> Any:
    """A copy of a schema with each schema right below it passed through `act`, with its place; everything else as it is."""
    return {key: _below(key, value, act, (*at, key)) for key, value in schema.items()}


def _below(key: str, value: Any, act: Callable[[Any, Steps], Any], at: Steps) -> Any:
    if key in ONE:
        return act(value, at)
    if key in LISTS and isinstance(value, list):
        return [act(item, (*at, str(number))) for number, item in enumerate(value)]
    if key in MAPS and isinstance(value, Mapping):
        return {name: act(item, (*at, name)) for name, item in value.items()}
    return value


def wordless(schema: Any, at: Steps = ()) -> Any:
    """The schema without its words."""
    if not isinstance(schema, Mapping):
        return schema
    return below({key: value for key, value in schema.items() if not is_word(key, value)}, wordless, at)


def words(schema: Any) -> dict[Steps, Any]:
    """Place -> word, of a whole schema."""
    found: dict[Steps, Any] = {}

    def gather(part: Any, at: Steps) -> Any:
        if isinstance(part, Mapping):
            found.update({(*at, key): value for key, value in part.items() if is_word(key, value)})
            below(part, gather, at)
        return part

    gather(schema, ())
    return found


def schemas(schema: Any) -> list[Schema]:
    """The schema and every schema in it, from the outside in."""
    found: list[Schema] = []

    def gather(part: Any, at: Steps) -> Any:
        if isinstance(part, Mapping):
            found.append(part)
            below(part, gather, at)
        return part

    gather(schema, ())
    return found
