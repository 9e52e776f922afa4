"""GraphQL texts: parsed within bounds, the values in them found, and cut before anything is written.

Bounds are ours and the same on every Python: characters, tokens, nesting. What goes beyond them, or is no GraphQL, is None: then a request
is what it would be without GraphQL. What a text means for a tool is `normalize`'s.
"""

import json
from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import accumulate
from typing import Any, Final

from graphql import GraphQLError
from graphql.language import ast, parser

LONGEST: Final = 128 << 10
"""Characters of a text that is looked at."""
MOST_TOKENS: Final = 20_000
DEEPEST: Final = 40
"""Brackets inside each other, those in texts included."""
Cut = Callable[[str, str], str]
"""(name of an argument, text) -> what may stand there."""

_OPENED: Final = dict.fromkeys("({[", 1) | dict.fromkeys(")}]", -1)
_VALUES: Final = (ast.IntValueNode, ast.FloatValueNode, ast.StringValueNode)
_NAMED: Final = (ast.ArgumentNode, ast.ObjectFieldNode)


@lru_cache(maxsize=256)
def parse(text: str) -> ast.DocumentNode | None:
    """The document that a text is, or None."""
    if len(text) > LONGEST or max(accumulate(_OPENED.get(letter, 0) for letter in text), default=0) > DEEPEST:
        return None
    try:
        return parser.parse(text, max_tokens=MOST_TOKENS)
    except (GraphQLError, RecursionError):
        return None


def values(node: ast.Node) -> Iterator[tuple[str, ast.Node]]:
    """Every number and text below a node, each with the name of its argument, field or variable; in no order."""
    stack: list[tuple[str, Any]] = [("", node)]
    while stack:
        name, found = stack.pop()
        if isinstance(found, _VALUES):
            yield name, found
            continue
        if isinstance(found, _NAMED):
            name = found.name.value
        elif isinstance(found, ast.VariableDefinitionNode):
            name = found.variable.name.value
        stack.extend((name, child) for child in children(found))


def children(node: ast.Node) -> Iterator[ast.Node]:
    """The nodes right below a node, in no order."""
    for key in node.keys:
        found = getattr(node, key, None)
        yield from (row for row in (found if isinstance(found, list | tuple) else (found,)) if isinstance(row, ast.Node))


def quiet(text: str, cut: Cut) -> str:
    """The text, each number and text in it replaced by what `cut` makes of it; untouched if it is no GraphQL."""
    document = parse(text)
    edits = sorted(_edits(document, cut), reverse=True) if document else ()
    for start, end, made in edits:
        text = f"{text[:start]}{made}{text[end:]}"
    return text


def _edits(document: ast.DocumentNode, cut: Cut) -> Iterator[tuple[int, int, str]]:
    for name, node in values(document):
        before = str(getattr(node, "value", ""))
        after = cut(name, before)
        if after != before and node.loc is not None:
            yield node.loc.start, node.loc.end, json.dumps(after)
