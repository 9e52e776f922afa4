"""The keywords of a schema that are kept, as a table: what each may hold, and so where other schemas stand in it.

JSON Schema 2020-12 (core, applicator, unevaluated, validation, format, content, meta-data) and what OpenAPI 3.0 writes in another way.
A keyword that is in neither list is an annotation of somebody else's and is left out.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

KEYWORDS: Final[Mapping[str, str]] = {
    # keyword -> what it holds
    "type": "types",
    "enum": "values",
    "const": "value",
    "multipleOf": "positive",
    "maximum": "number",
    "minimum": "number",
    "exclusiveMaximum": "bound",
    "exclusiveMinimum": "bound",
    "maxLength": "count",
    "minLength": "count",
    "pattern": "text",
    "maxItems": "count",
    "minItems": "count",
    "uniqueItems": "flag",
    "maxContains": "count",
    "minContains": "count",
    "maxProperties": "count",
    "minProperties": "count",
    "required": "names",
    "dependentRequired": "name lists",
    "format": "text",
    "contentEncoding": "text",
    "contentMediaType": "text",
    "contentSchema": "schema",
    "title": "text",
    "description": "text",
    "default": "value",
    "deprecated": "flag",
    "readOnly": "flag",
    "writeOnly": "flag",
    "examples": "values",
    "example": "value",
    "nullable": "flag",
    "discriminator": "discriminator",
    "allOf": "schemas",
    "anyOf": "schemas",
    "oneOf": "schemas",
    "not": "schema",
    "if": "schema",
    "then": "schema",
    "else": "schema",
    "dependentSchemas": "map",
    "prefixItems": "schemas",
    "items": "schema",
    "contains": "schema",
    "properties": "map",
    "patternProperties": "map",
    "additionalProperties": "schema",
    "propertyNames": "schema",
    "unevaluatedItems": "schema",
    "unevaluatedProperties": "schema",
}

REFUSED: Final[Mapping[str, str]] = {
    # keyword -> why the document is refused: leaving it out would change what the schema means
    "$dynamicRef": "dynamic references are not supported",
    "$recursiveRef": "dynamic references are not supported",
    "$id": "it changes what references mean",
    "dependencies": "it is of an older dialect: use `dependentRequired` or `dependentSchemas`",
    "additionalItems": "it is of an older dialect: use `prefixItems` and `items`",
}

ANNOTATIONS: Final = ("title", "description", "default", "deprecated", "examples", "readOnly", "writeOnly")
"""Keywords that constrain nothing, in the order in which they are written."""

IN_PLACE: Final = ("allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependentSchemas")
"""Keywords whose schemas look at the same value; recursion through these alone never ends."""

TYPES: Final = frozenset({"null", "boolean", "object", "array", "number", "string", "integer"})


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _names(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value) and len(set(value)) == len(value)


def _types(value: Any) -> bool:
    return value in TYPES if isinstance(value, str) else _names(value) and bool(value) and TYPES.issuperset(value)


# fmt: off
HOLDS: Final[Mapping[str, tuple[Callable[[Any], bool], str]]] = {
    # what it holds  test                                                          what was expected
    "types":        (_types,                                                       "one of array, boolean, integer, number, object, string, or a list of these and null"),
    "values":       (lambda value: isinstance(value, list),                        "a list of values"),
    "value":        (lambda value: True,                                           "any value"),
    "positive":     (lambda value: _number(value) and value > 0,                   "a number above 0"),
    "number":       (_number,                                                      "a number"),
    "bound":        (lambda value: _number(value) or isinstance(value, bool),      "a number"),
    "count":        (lambda value: _number(value) and value >= 0 and value == int(value), "a whole number from 0 up"),
    "text":         (lambda value: isinstance(value, str),                         "text"),
    "flag":         (lambda value: isinstance(value, bool),                        "true or false"),
    "names":        (_names,                                                       "a list of different names"),
    "name lists":   (lambda value: isinstance(value, dict) and all(map(_names, value.values())), "lists of names"),
    "discriminator": (lambda value: isinstance(value, dict) and isinstance(value.get("propertyName"), str), "an object with `propertyName`"),
}
# fmt: on
