"""Each field of `Query` and `Mutation` becomes an operation: a text that asks for it, with a variable for each argument.

What is asked for of the answer: fields without required arguments that are not deprecated, leaves first, to a bounded depth and number, and
never a type inside itself. The text is in the form that texts from traffic are kept in.
"""

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from graphql import (
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    is_leaf_type,
    is_required_argument,
)
from graphql.language import parser, printer

from caskmcp import canon
from caskmcp.compiler.capture.sources.graphql.types import Inputs, Schema, leaf, wrapped
from caskmcp.model.exchange import Declared, DeclaredBody, DeclaredResponse, Skipped

PATH: Final = "/graphql"
"""Where GraphQL is by convention; no schema says it."""
DEPTH: Final = 3
"""Levels of objects below a root field: `orders { edges { node { id } } }`."""
MOST: Final = 120
"""Fields that one text asks for."""
JSON: Final = "application/json"


class Asked(NamedTuple):
    """A selection: its text (empty for a leaf) and the schema of what it gives."""

    text: str
    schema: Schema


def read_all(schema: GraphQLSchema) -> Iterator[Declared | Skipped]:
    """Every operation of a schema, in its order."""
    for kind, root in (("query", schema.query_type), ("mutation", schema.mutation_type)):
        for name, field in root.fields.items() if root else ():
            yield _declared(kind, name, field)
    for name in schema.subscription_type.fields if schema.subscription_type else ():
        yield Skipped(f"Subscription.{name}", "unsupported")


def _declared(kind: str, name: str, field: GraphQLField) -> Declared:
    asked = _Budget().of(field.type, DEPTH, frozenset())
    text = printer.print_ast(parser.parse(_text(kind, name, field, asked.text)))
    arguments = Inputs().arguments(field.args)
    call = {
        "protocol": "graphql",
        "name": name,
        "kind": kind,
        "roots": [name],
        "constants": {"query": text, "operationName": name},
        "digest": canon.digest_bytes(text.encode("utf-8")),
    }
    return Declared(
        method="POST",
        scheme="",
        host="",
        port=0,
        path=PATH,
        assumed=True,
        call=call | ({"within": ["variables"]} if field.args else {}),
        description=field.description or "",
        deprecated=field.deprecation_reason is not None,
        bodies=(DeclaredBody(JSON, arguments),) if field.args else (),
        body_required="required" in arguments,
        responses=(DeclaredResponse("200", JSON, _answer(name, asked.schema)),),
    )


def _text(kind: str, name: str, field: GraphQLField, selection: str) -> str:
    variables = ", ".join(f"${row}: {argument.type}" for row, argument in field.args.items())
    passed = ", ".join(f"{row}: ${row}" for row in field.args)
    return f"{kind} {name}{f'({variables})' if variables else ''} {{ {name}{f'({passed})' if passed else ''} {selection} }}"


def _answer(name: str, schema: Schema) -> Schema:
    data: Schema = {"type": "object", "properties": {name: schema}, "required": [name]}
    errors: Schema = {"type": "array", "items": {"type": "object"}}
    return {"type": "object", "properties": {"data": {"anyOf": [data, {"type": "null"}]}, "errors": errors}}


class _Budget:
    """The fields that one text may still ask for."""

    def __init__(self) -> None:
        self.left = MOST

    def of(self, kind: Any, depth: int, above: frozenset[str]) -> Asked:
        """What is asked for of a type. above: types that this one lies in."""
        named = get_named_type(kind)
        if is_leaf_type(named):
            return Asked("", wrapped(kind, leaf(named)))
        rows = dict(self._fields(named, depth, above | {named.name}))
        if not rows or not isinstance(named, GraphQLObjectType):
            rows = {"__typename": Asked("", {"type": "string"}), **rows}
        text = " ".join(f"{name} {row.text}".rstrip() for name, row in rows.items())
        whole = {"type": "object", "properties": {name: row.schema for name, row in rows.items()}}
        return Asked(f"{{ {text} }}", wrapped(kind, whole))

    def _fields(self, kind: Any, depth: int, above: frozenset[str]) -> Iterator[tuple[str, Asked]]:
        found = kind.fields.items() if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType) else ()
        rows = [(name, row) for name, row in found if _is_free(row)]
        leaves = [(name, row) for name, row in rows if is_leaf_type(get_named_type(row.type))]
        below = [
            (name, row) for name, row in rows if not is_leaf_type(get_named_type(row.type)) and get_named_type(row.type).name not in above
        ]
        for name, row in [*leaves, *(below if depth > 1 else ())]:
            if self.left > 0:
                self.left -= 1
                yield name, self.of(row.type, depth - 1, above)


def _is_free(field: GraphQLField) -> bool:
    return field.deprecation_reason is None and not any(map(is_required_argument, field.args.values()))
