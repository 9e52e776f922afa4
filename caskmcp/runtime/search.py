"""Search instead of a long list (`serve --surface search`): two tools, one that finds tools and one that calls what was found.

Promises: the ranking is BM25 over names, titles, descriptions and argument names of what the caller is offered, the same for the same words;
query and answer are bounded. It calls nothing: the inner call goes through the gateway like any, under the inner tool's name.
"""

import json
import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import jsonschema_rs

from caskmcp.model.record import JsonSchema
from caskmcp.runtime.arguments import ArgumentCheck
from caskmcp.runtime.catalog import Catalog, Offered

SEARCH: Final = "search"
CALL: Final = "call"
MOST: Final = 20
"""Tools that one search gives at most."""
ROOM: Final = 40_000
"""Characters of one search's answer; what does not fit is given by name alone."""
TERMS: Final = 32
"""Words of a query that count."""
K1: Final = 1.2
B: Final = 0.75
"""The usual constants of BM25 (Robertson and Zaragoza, The Probabilistic Relevance Framework, 2009)."""

SEARCH_SCHEMA: Final[JsonSchema] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "query": {"type": "string", "minLength": 1, "maxLength": 400, "description": "What the tool has to do, in a few words"},
        "limit": {"type": "integer", "minimum": 1, "maximum": MOST, "description": "Tools to give; 5 without it"},
    },
    "required": ["query"],
}
CALL_SCHEMA: Final[JsonSchema] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "name": {"type": "string", "minLength": 1, "maxLength": 128, "description": "A tool's name, as `search` gives it"},
        "arguments": {"type": "object", "description": "Its arguments, by its inputSchema"},
    },
    "required": ["name"],
}


def _check(schema: JsonSchema) -> ArgumentCheck:
    return ArgumentCheck(tuple(sorted(schema["properties"])), jsonschema_rs.Draft202012Validator(schema, offline=True))


CHECKS: Final = {SEARCH: _check(SEARCH_SCHEMA), CALL: _check(CALL_SCHEMA)}


@dataclass(frozen=True)
class Page:
    """One tool's words: how often each occurs, and how many there are."""

    name: str
    counts: Mapping[str, int]
    length: int


@dataclass(frozen=True)
class Index:
    """What is searched. Made once a catalog."""

    pages: tuple[Page, ...]
    held: Mapping[str, int]
    """In how many pages a word occurs."""
    average: float


def index(catalog: Catalog) -> Index:
    """The words of every tool."""
    pages = tuple(_page(row) for row in catalog.offered.values())
    held = Counter(word for page in pages for word in page.counts)
    return Index(pages, held, sum(page.length for page in pages) / max(1, len(pages)))


def _page(row: Offered) -> Page:
    tool = row.row.admitted.tool
    # A word of the name says more than one of the description.
    parts = ((row.name, 3), (tool.title, 2), (tool.description, 1), (" ".join(sorted(tool.input_schema.get("properties", {}))), 1))
    counts: Counter[str] = Counter()
    for text, weight in parts:
        for word in words(text):
            counts[word] += weight
    return Page(row.name, counts, sum(counts.values()))


def words(text: str) -> Iterator[str]:
    """The words of a text, in lower case; `list_orders` and `listOrders` are two, a plural's s is cut."""
    apart = re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", text)
    for word in re.findall(r"[^\W_]+", apart.lower()):
        yield word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


def ranked(within: Index, query: str, limit: int) -> list[str]:
    """Names of the best tools, best first; equal ones by name. Empty where no word occurs."""
    terms = list(dict.fromkeys(words(query)))[:TERMS]
    scores = ((_score(within, page, terms), page.name) for page in within.pages)
    best = sorted((-score, name) for score, name in scores if score > 0)
    return [name for _, name in best[:limit]]


def _score(within: Index, page: Page, terms: Sequence[str]) -> float:
    return sum(_weight(within, term) * _often(within, page, page.counts[term]) for term in terms if term in page.counts)


def _weight(within: Index, term: str) -> float:
    held = within.held[term]
    return math.log(1 + (len(within.pages) - held + 0.5) / (held + 0.5))


def _often(within: Index, page: Page, count: int) -> float:
    return count * (K1 + 1) / (count + K1 * (1 - B + B * page.length / within.average))


def found(catalog: Catalog, within: Index, arguments: Mapping[str, Any]) -> str:
    """What `search` answers, as JSON: the found tools with their schemas, then the names of those that did not fit. Raises CASK-R002."""
    CHECKS[SEARCH].refuse(arguments)
    names = ranked(within, arguments["query"], int(arguments.get("limit", 5)))
    shown: list[dict[str, Any]] = []
    left, room = list(names), ROOM
    while left and (size := len(json.dumps(described(catalog.offered[left[0]])))) <= room:
        shown.append(described(catalog.offered[left.pop(0)]))
        room -= size
    said = {"tools": shown, "served": len(catalog.offered), **({"also": left} if left else {})}
    return json.dumps(said, ensure_ascii=False)


def described(row: Offered) -> dict[str, Any]:
    """A tool as `search` gives it."""
    tool = row.row.admitted.tool
    hints = {"readOnlyHint": tool.annotations.read_only, "destructiveHint": tool.annotations.destructive}
    return {"name": row.name, "title": tool.title, "description": tool.description, "inputSchema": tool.input_schema, "annotations": hints}


def inner(arguments: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """The call that `call` asks for. Raises CASK-R002."""
    CHECKS[CALL].refuse(arguments)
    return arguments["name"], arguments.get("arguments", {})
