"""What requests to shared endpoints ask for, in one spelling: GraphQL operations by their text, methods of JSON-RPC without their number.

Read with graphql-core alone, by another hand than the compiler: of a document with several operations the one that is named, with the
fragments that it uses; a digest stands for the text that was sent with it elsewhere in the recording.
"""

import json
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from graphql import GraphQLError, OperationDefinitionNode, parse, print_ast
from graphql.utilities import separate_operations

Texts = Mapping[str, str]


def text_of(query: str, name: str) -> str:
    """The operation that is meant, printed; the text itself if it is none."""
    try:
        document = parse(query)
    except GraphQLError:
        return query
    names = [row.name.value if row.name else "" for row in document.definitions if isinstance(row, OperationDefinitionNode)]
    wanted = name or (names[0] if len(names) == 1 else "")
    return print_ast(separate_operations(document)[wanted]) if wanted in names else query


def digest(member: Mapping[str, Any]) -> str:
    """The digest by which a request names its text."""
    persisted = (member.get("extensions") or {}).get("persistedQuery") or {}
    return str(persisted.get("sha256Hash", ""))


def texts(bodies: Iterable[Any]) -> dict[str, str]:
    """Digest -> text, of requests that hold both."""
    found = [row for body in bodies for row in (body if isinstance(body, list) else [body]) if isinstance(row, Mapping)]
    return {
        digest(row): text_of(row["query"], row.get("operationName") or "")
        for row in found
        if isinstance(row.get("query"), str) and digest(row)
    }


def normal(member: Any, known: Texts) -> Any:
    """A request to a shared endpoint in one spelling; anything else as it is."""
    if not isinstance(member, Mapping):
        return member
    if member.get("jsonrpc") == "2.0":
        return {name: value for name, value in member.items() if name != "id"}
    query = (
        text_of(member["query"], member.get("operationName") or "") if isinstance(member.get("query"), str) else known.get(digest(member))
    )
    if query is None or ("query" not in member and not digest(member)):
        return member
    given, names = member.get("variables") or {}, variables(query)
    return {
        "query": query,
        "variables": {name: value for name, value in given.items() if name in names} if isinstance(given, Mapping) else given,
    }


@lru_cache(maxsize=256)
def variables(query: str) -> frozenset[str]:
    """Names of the variables that a text defines; a server looks at no others (GraphQL section 6.1.2)."""
    try:
        rows = parse(query).definitions
    except GraphQLError:
        return frozenset()
    operations = (row for row in rows if isinstance(row, OperationDefinitionNode))
    return frozenset(one.variable.name.value for row in operations for one in row.variable_definitions or ())


def in_query(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """A request that is asked in the query of a GET."""
    return {name: value if name in ("query", "operationName") else _value(value) for name, value in pairs}


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
