"""From the bytes of a schema to graphql-core's schema, within bounds. What is wrong is said with its line, never with the text there."""

import re
from collections.abc import Mapping
from itertools import accumulate
from typing import Any, Final

from graphql import GraphQLError, GraphQLSchema, build_ast_schema, build_client_schema
from graphql.language import ast, parser
from graphql.validation.validate import validate_sdl

from caskmcp.compiler.capture.inflate import decompressed
from caskmcp.compiler.capture.sources.interface import Blocks
from caskmcp.errors import CaskError
from caskmcp.text import parse_json

LARGEST: Final = 16 << 20
"""Bytes of a schema."""
MOST_TOKENS: Final = 1_000_000
MOST_OPERATIONS: Final = 5_000
"""Fields of Query and Mutation together."""
DEEPEST: Final = 40
"""Brackets inside each other; of the parser's own bound nobody knows the same on two Pythons."""
_WORDS: Final = re.compile(r'"""(?:\\"""|(?!""").)*"""|"(?:\\.|[^"\\\n])*"|#[^\n]*', re.DOTALL)
_OPENED: Final = dict.fromkeys("({[", 1) | dict.fromkeys(")}]", -1)
_WRONG: Final = "a type of the schema is not defined, or defined twice or wrongly"
_MEND: Final = "correct the document, then: cask build"


def read(blocks: Blocks) -> GraphQLSchema:
    """The schema. Raises CASK-C005 for one beyond the bounds, CASK-C002 for what is none."""
    text = _text(blocks)
    return _introspected(text) if text.lstrip()[:1] == "{" else _written(text)


def _text(blocks: Blocks) -> str:
    data = bytearray()
    for piece in decompressed(blocks):
        data += piece
        if len(data) > LARGEST:
            raise CaskError("CASK-C005", f"a schema of more than {LARGEST >> 20} MB", place=f"byte {LARGEST}")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as cause:
        raise _bad("the schema is not UTF-8", f"byte {cause.start}") from cause


def _written(text: str) -> GraphQLSchema:
    if max(accumulate(_OPENED.get(letter, 0) for letter in _WORDS.sub("", text)), default=0) > DEEPEST:
        raise CaskError("CASK-C005", f"the schema is nested more than {DEEPEST} levels deep", place="line 1")
    try:
        document = parser.parse(text, max_tokens=MOST_TOKENS)
    except (GraphQLError, RecursionError) as cause:
        raise _bad("the text is no GraphQL schema definition", _line(cause)) from cause
    if any(isinstance(row, ast.ExecutableDefinitionNode) for row in document.definitions):
        raise _bad("the file holds operations, which are what clients ask, not a schema", "line 1")
    if errors := validate_sdl(document):
        raise _bad(_WRONG, _line(errors[0])) from errors[0]
    try:
        return _with_roots(build_ast_schema(document, assume_valid_sdl=True))
    except (GraphQLError, TypeError, ValueError, RecursionError) as cause:
        raise _bad(_WRONG, _line(cause)) from cause


def _introspected(text: str) -> GraphQLSchema:
    try:
        value: Any = parse_json(text.encode("utf-8"), "schema", limit=LARGEST)
    except CaskError as cause:
        line = re.search(r":([0-9]+)", cause.place or "")
        raise _bad("the introspection is no JSON, or nested too deep", f"line {line[1] if line else 1}") from cause
    inner = value.get("data", value) if isinstance(value, Mapping) else None
    if not isinstance(inner, Mapping) or not isinstance(inner.get("__schema"), Mapping):
        raise _bad("the JSON is no answer to an introspection query: it has no `__schema`", "line 1")
    try:
        return _with_roots(build_client_schema(dict(inner)))  # type: ignore[arg-type]
    except (GraphQLError, TypeError, ValueError, KeyError, AttributeError, RecursionError) as cause:
        raise _bad("a type of the schema lacks something that introspection tells", "line 1") from cause


def _with_roots(schema: GraphQLSchema) -> GraphQLSchema:
    count = sum(len(row.fields) for row in (schema.query_type, schema.mutation_type) if row is not None)
    if not count:
        raise _bad("the schema has neither a field of Query nor one of Mutation", "line 1")
    if count > MOST_OPERATIONS:
        raise CaskError("CASK-C005", f"the schema has more than {MOST_OPERATIONS} operations", place="line 1")
    for name in tuple(schema.type_map):
        # Fields and values are resolved when they are first asked for: everything that is wrong shows now.
        getattr(schema.type_map[name], "fields", None)
        getattr(schema.type_map[name], "values", None)
    return schema


def _line(cause: BaseException) -> str:
    locations = getattr(cause, "locations", None)
    return f"line {locations[0].line}" if locations else "line 1"


def _bad(what: str, place: str) -> CaskError:
    return CaskError("CASK-C002", what, place=place, mend=_MEND)
