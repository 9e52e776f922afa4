"""What a GraphQL text asks for: one operation with its fragments, printed in one form; or the reason why it may not be kept.

A text is an application's code, but values may be written into it. It is kept only if none is: texts are table words under names that are no
name-like ones, numbers are page sizes; names that the client chose hold words of the table, those of the schema look like identifiers.
Judged by the text alone, never by other requests. Nothing of a text that is not kept comes out of here.
"""

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, Final, NamedTuple

from graphql.language import ast, printer

from caskmcp.compiler.capture.graphql import children, parse, values
from caskmcp.compiler.normalize import keys, words
from caskmcp.redact import is_name_like, is_sensitive

VALUE: Final = "a value is written into its GraphQL text"
NAME: Final = "a name in its GraphQL text may be a value"
SUBSCRIPTION: Final = "GraphQL subscription"
WHICH: Final = "its GraphQL text does not say which operation"
REASONS: Final = (VALUE, NAME, SUBSCRIPTION, WHICH)

PAGING: Final = frozenset(
    {"count", "depth", "first", "height", "last", "limit", "offset", "page", "pagesize", "perpage", "size", "skip", "take", "width"}
)
"""Arguments whose number says how much is wanted, without separators."""
LARGEST: Final = 1000
SCALARS: Final[dict[str, dict[str, Any]]] = {
    "Int": {"type": "integer"},
    "Float": {"type": "number"},
    "String": {"type": "string"},
    "Boolean": {"type": "boolean"},
    "ID": {"type": "string"},
}
"""Built-in types (GraphQL October 2021, section 3.5) -> schema. A type of the application's own has none."""


class Asked(NamedTuple):
    """One operation."""

    name: str
    """As the text calls it; of an anonymous one its first root field."""
    named: bool
    kind: str
    """`query` or `mutation`."""
    text: str
    roots: tuple[str, ...]
    """Root fields in the order of the text, those of fragments included."""
    variables: tuple[tuple[str, dict[str, Any], bool], ...]
    """(name, schema or nothing if its type is the application's own, whether it has to be given), sorted."""


@lru_cache(maxsize=512)
def asked(text: str, wanted: str) -> Asked | str | None:
    """What a text asks for, or why it may not be kept, or None if it is no GraphQL request. wanted: `operationName`, or nothing."""
    document = parse(text)
    parts = document.definitions if document else ()
    if not parts or not all(isinstance(row, ast.OperationDefinitionNode | ast.FragmentDefinitionNode) for row in parts):
        return None
    operations = [row for row in parts if isinstance(row, ast.OperationDefinitionNode)]
    if any(not row.selection_set.selections for row in operations):
        return None  # `{}` is no GraphQL, though graphql-core takes it
    found = [row for row in operations if not wanted or (row.name and row.name.value == wanted)]
    fragments = {row.name.value: row for row in parts if isinstance(row, ast.FragmentDefinitionNode)}
    return _asked(found[0], fragments) if len(found) == 1 else WHICH


Fragments = dict[str, ast.FragmentDefinitionNode]


def _asked(operation: ast.OperationDefinitionNode, fragments: Fragments) -> Asked | str:
    used = _used(operation, fragments)
    if used is None:
        return WHICH
    whole = ast.DocumentNode(definitions=(operation, *(fragments[name] for name in used)))
    roots = tuple(dict.fromkeys(_roots(operation, fragments)))
    reason = _reason(operation, whole) or ("" if roots else WHICH)
    if reason:
        return reason
    name = operation.name.value if operation.name else roots[0]
    variables = sorted((_variable(row) for row in operation.variable_definitions or ()), key=lambda row: row[0])
    return Asked(name, operation.name is not None, operation.operation.value, printer.print_ast(whole), roots, tuple(variables))


def _reason(operation: ast.OperationDefinitionNode, whole: ast.DocumentNode) -> str:
    if operation.operation is ast.OperationType.SUBSCRIPTION:
        return SUBSCRIPTION
    if not all(_may_stand(name, node) for name, node in values(whole)):
        return VALUE
    return "" if all(judge(text) for text, judge in _names(whole)) else NAME


def _used(operation: ast.OperationDefinitionNode, fragments: Fragments) -> list[str] | None:
    """Names of the fragments that the operation reaches, sorted; None if one is missing."""
    found: set[str] = set()
    stack: list[ast.Node] = [operation]
    while stack:
        node = stack.pop()
        if isinstance(node, ast.FragmentSpreadNode) and node.name.value not in found:
            if node.name.value not in fragments:
                return None
            found.add(node.name.value)
            stack.append(fragments[node.name.value])
        stack.extend(children(node))
    return sorted(found)


def _roots(operation: ast.OperationDefinitionNode, fragments: Fragments) -> Iterator[str]:
    """Names of root fields in the order of the text. Fragments may hang in a chain of any length, so that nothing here calls itself."""
    seen: set[str] = set()
    stack: list[Any] = [operation]
    while stack:
        node = stack.pop()
        if isinstance(node, ast.FieldNode):
            yield node.name.value
        elif not isinstance(node, ast.FragmentSpreadNode):
            stack.extend(reversed(node.selection_set.selections))
        elif node.name.value not in seen:
            seen.add(node.name.value)
            stack.append(fragments[node.name.value])


def _may_stand(name: str, node: Any) -> bool:
    text = str(node.value)
    if isinstance(node, ast.IntValueNode):
        return _compact(name) in PAGING and text.isdigit() and len(text) <= 3 and int(text) < LARGEST
    if not isinstance(node, ast.StringValueNode):
        return False
    wordlike = words.is_words(text.replace("/", "-").replace(":", "-")) and not is_sensitive(text)
    return not text or (bool(name) and not is_name_like(name) and wordlike)


def _compact(name: str) -> str:
    return name.replace("_", "").lower()


def _names(whole: ast.DocumentNode) -> Iterator[tuple[str, Callable[[str], bool]]]:
    """Each name in a text, and what it is judged by."""
    stack: list[Any] = [whole]
    while stack:
        node = stack.pop()
        own = getattr(node, "name", None)
        if isinstance(own, ast.NameNode):
            yield own.value, _is_chosen if isinstance(node, _CHOSEN) else _is_name
        if isinstance(node, ast.FieldNode) and node.alias is not None:
            yield node.alias.value, _is_alias
        if isinstance(node, ast.EnumValueNode):
            yield node.value, _is_name
        stack.extend(children(node))


_CHOSEN: Final = (ast.OperationDefinitionNode, ast.FragmentDefinitionNode, ast.FragmentSpreadNode, ast.VariableNode)
"""Nodes whose name is the client's, written once in its code."""


def _is_name(text: str) -> bool:
    """A name of the schema: it looks like an identifier, and a server took it."""
    return keys.kind(text) is not keys.Key.DATA


def _is_chosen(text: str) -> bool:
    return _is_name(text) and has_word(text)


def _is_alias(text: str) -> bool:
    """Programs make aliases of what they ask for (`user_zoltan: user(…)`), so that every part has to be a word."""
    return keys.kind(text) is keys.Key.FIELD


def has_word(text: str) -> bool:
    """Whether each part between underscores has a word of the table in it, or at most two letters or digits, and none is a code (`gz23`)."""
    return all(map(_has_word, re.split(r"[_.]+", text.lstrip("_$").rstrip("_"))))


def _has_word(text: str) -> bool:
    parts = words.split(text)
    if len(text) <= 2 or words.is_version(text):
        return bool(text) and text.isalnum() and (text.isalpha() or text.isdecimal() or words.is_words(text))
    return any(words.is_words(part) and not words.is_short(part) for part in parts) and not any(map(_is_code, parts))


def _is_code(part: str) -> bool:
    """Whether a part has several digits and is no word: an id, or the end of one."""
    return sum(map(str.isdecimal, part)) > 1 and not words.is_words(part)


def _variable(node: ast.VariableDefinitionNode) -> tuple[str, dict[str, Any], bool]:
    needed = isinstance(node.type, ast.NonNullTypeNode) and node.default_value is None
    return node.variable.name.value, schema(node.type), needed


def schema(node: Any) -> dict[str, Any]:
    """The schema of a type as it is written: nothing where it is the application's own."""
    if isinstance(node, ast.NonNullTypeNode):
        return schema(node.type)
    if isinstance(node, ast.ListTypeNode):
        items = schema(node.type)
        return {"type": "array", "items": items} if items else {}
    return dict(SCALARS.get(node.name.value, {}))
