"""GraphQL types as JSON Schemas, draft 2020-12: input types with `$defs`, so that recursion stays finite."""

import math
from collections.abc import Callable, Mapping
from typing import Any, Final

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    is_required_argument,
    is_required_input_field,
)
from graphql.language import ast

Schema = dict[str, Any]

SCALARS: Final[Mapping[str, Schema]] = {
    "Int": {"type": "integer"},
    "Float": {"type": "number"},
    "String": {"type": "string"},
    "Boolean": {"type": "boolean"},
    "ID": {"type": "string"},
}
"""Built-in scalars; of another one only its name and description are known."""
NULL: Final[Schema] = {"type": "null"}
_DIGITS: Final = 18
"""Of a default: 64 bits hold every number of as many."""


class Inputs:
    """Gathers the definitions that the arguments of one field need."""

    def __init__(self) -> None:
        self._needed: dict[str, GraphQLInputObjectType] = {}

    def arguments(self, given: Mapping[str, GraphQLArgument]) -> Schema:
        """The object of all arguments of a field."""
        needed = sorted(name for name, row in given.items() if is_required_argument(row))
        whole = _object({name: self._described(row) for name, row in given.items()}, needed)
        definitions: dict[str, Schema] = {}
        # One after the other, not one inside the other: a schema may hold a chain of as many types as it likes.
        while waiting := [name for name in self._needed if name not in definitions]:
            for name in waiting:
                definitions[name] = self._definition(self._needed[name])
        return whole | ({"$defs": dict(sorted(definitions.items()))} if definitions else {})

    def _definition(self, kind: GraphQLInputObjectType) -> Schema:
        needed = sorted(name for name, row in kind.fields.items() if is_required_input_field(row))
        rows = {name: self._described(row) for name, row in kind.fields.items()}
        one = {"minProperties": 1, "maxProperties": 1} if kind.is_one_of else {}
        return _object(rows, needed) | one | ({"description": kind.description} if kind.description else {})

    def _described(self, row: GraphQLArgument | GraphQLInputField) -> Schema:
        schema = self.of(row.type)
        value = _default(row)
        known = {"default": value} if value is not None else {}
        said = {"description": row.description} if row.description else {}
        old = {"deprecated": True} if row.deprecation_reason is not None else {}
        return schema | known | said | old

    def of(self, kind: Any) -> Schema:
        """The schema of an input type."""
        if isinstance(kind, GraphQLNonNull):
            return self.of(kind.of_type)
        if isinstance(kind, GraphQLList):
            return {"type": "array", "items": self.of(kind.of_type)}
        if isinstance(kind, GraphQLInputObjectType):
            self._needed[kind.name] = kind
            return {"$ref": f"#/$defs/{kind.name}"}
        return leaf(kind)


def _default(row: GraphQLArgument | GraphQLInputField) -> Any:
    """The default of an argument if it is a scalar or an enumeration's value; None for another one, or none."""
    literal = getattr(getattr(row, "default", None), "literal", None)
    return _LITERALS[type(literal)](literal) if type(literal) in _LITERALS else None


_LITERALS: Final[Mapping[type, Callable[[Any], Any]]] = {
    ast.IntValueNode: lambda node: int(node.value) if len(node.value) <= _DIGITS else None,
    ast.FloatValueNode: lambda node: float(node.value) if math.isfinite(float(node.value)) else None,
    ast.BooleanValueNode: lambda node: bool(node.value),
    ast.StringValueNode: lambda node: str(node.value),
    ast.EnumValueNode: lambda node: str(node.value),
}


def leaf(kind: Any) -> Schema:
    """The schema of a scalar or an enumeration."""
    if isinstance(kind, GraphQLEnumType):
        return {"type": "string", "enum": sorted(kind.values)}
    return dict(SCALARS.get(kind.name, {"description": f"GraphQL scalar {kind.name}"}))


def wrapped(kind: Any, inner: Schema) -> Schema:
    """The schema of an output type whose named type has the schema `inner`: lists and null as the type says."""
    if isinstance(kind, GraphQLNonNull):
        return _bare(kind.of_type, inner)
    return {"anyOf": [_bare(kind, inner), NULL]}


def _bare(kind: Any, inner: Schema) -> Schema:
    return {"type": "array", "items": wrapped(kind.of_type, inner)} if isinstance(kind, GraphQLList) else inner


def _object(rows: Mapping[str, Schema], needed: list[str]) -> Schema:
    whole: Schema = {"type": "object", "properties": dict(rows), "additionalProperties": False}
    return whole | ({"required": needed} if needed else {})
