"""Titles and descriptions: what a tool does, when to use it, what it returns. Deterministic, at most 300 characters, no observed value.

A document's words are used if nothing speaks against them (`hygiene.py`); counts are never mentioned, so that more traffic changes no wording.
"""

import re
from typing import Final, NamedTuple

from caskmcp.compiler.capture.streams import is_stream
from caskmcp.compiler.classify.words import split
from caskmcp.compiler.emit.arguments import resolved
from caskmcp.compiler.emit.hygiene import clean, is_visible, order_in, shortened
from caskmcp.compiler.infer.unobserved import REQUEST, RESPONSE
from caskmcp.model.contract import Contract, Response
from caskmcp.model.record import JsonSchema
from caskmcp.model.surface import Classified
from caskmcp.model.tool import Effect

DESCRIPTION: Final = 300
TITLE: Final = 80
_SAYS: Final = 150
_FIELDS: Final = 6

# fmt: off
WHEN: Final[dict[Effect, str]] = {
    "read":        "Reads only; changes nothing.",
    "write":       "Changes data: use it when that is asked for.",
    "destructive": "Removes or ends something: use it only on an explicit request.",
}
# fmt: on
UNPROVEN: Final = "Seems to read only, but no document says so."
"""Of what `classify` takes for a search without proof."""
MANY: Final = "Use it to look through them; changes nothing."
"""Of a read that answers a list and needs to know nothing."""
_UNSENT: Final = "The body that it takes was not observed: none is sent."


class Wording(NamedTuple):
    """What a tool is called and what is said of it."""

    title: str
    description: str
    notes: tuple[str, ...]
    """What was dropped from a document, and which bodies nobody observed; sorted."""


def wording(contract: Contract, name: str, judged: Classified) -> Wording:
    """Title and description of a tool."""
    title, description = clean(contract.title, TITLE), clean(contract.description, _SAYS)
    said = description.text or title.text or _sentence(name, contract)
    parts = [
        _ended(said),
        when(contract, judged),
        _UNSENT if REQUEST in contract.unobserved and not contract.bodies else "",
        returns(contract),
    ]
    dropped = {f"a document's text was dropped ({row.dropped})" for row in (title, description) if row.dropped}
    missing = {f"body unobserved: {side}" for side in contract.unobserved}
    return Wording(title.text or _titled(name), _fitted([part for part in parts if part]), tuple(sorted(dropped | missing)))


def _titled(name: str) -> str:
    """`list_api_keys` -> `List API keys`."""
    words = " ".join(_ACRONYMS.get(word, word) for word in name.split("_"))
    return words[:1].upper() + words[1:]


def when(contract: Contract, judged: Classified) -> str:
    """When to use the tool: by what it changes, and for a read by what has to be known before."""
    if judged.reasons[0].rule == "unproven-search":
        return UNPROVEN
    if judged.effect != "read":
        return WHEN[judged.effect]
    needed = [piece.wire or piece.name for row in contract.segments for piece in row.pieces if piece.name]
    if needed:
        return _known(needed) if all(plain_name(name) for name in needed) else WHEN["read"]
    return MANY if any(_lists(row.schema_ or {}) for row in success(contract)[:1]) else WHEN["read"]


def _known(names: list[str]) -> str:
    listed = " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
    return f"Use it when {listed} {'is' if len(names) == 1 else 'are'} known; changes nothing."


def _sentence(name: str, contract: Contract) -> str:
    if contract.call:
        said = f"{_PROTOCOLS[contract.call.protocol]} {contract.call.kind or 'call'} {contract.call.name}"
        return _titled(name) if order_in(said) else f"{_titled(name)} ({said})"
    path = contract.template if is_visible(contract.template) and not order_in(contract.template) else ""
    return f"{_titled(name)} ({contract.method} {path})" if path and len(path) <= 100 else _titled(name)


def _ended(text: str) -> str:
    return text if text.endswith((".", "!", "?", "…")) else text + "."


def _fitted(parts: list[str]) -> str:
    """All parts in a line; the last ones go where there is no room."""
    while len(parts) > 1 and len(" ".join(parts)) > DESCRIPTION:
        parts = parts[:-1]
    return shortened(" ".join(parts), DESCRIPTION)


# ---------------------------------------------------------------- what it returns
def success(contract: Contract) -> tuple[Response, ...]:
    """The answers that say a call went well, in order of status."""
    return tuple(sorted((row for row in contract.responses if row.status.startswith("2")), key=lambda row: (row.status, row.media)))


def returns(contract: Contract) -> str:
    """What a successful call answers, in words; empty if that is not known."""
    rows = [row for row in success(contract) if row.schema_ is not None]
    if not rows:
        if _answers_nothing(contract):
            return "Returns nothing."
        if RESPONSE in contract.unobserved:
            return "What it returns was not observed."
        if any(row.status == "204" for row in contract.responses):
            return "Returns nothing."
        media = next((row.media for row in success(contract) if _MEDIA.fullmatch(row.media)), "")
        return f"Returns content of type {media}." if media else ""
    words = _answer_words(resolved(rows[0].schema_ or {}))
    # A sequence has no JSON form of its own: the runtime passes it on as the text that it is.
    return f"Returns as text ({rows[0].media}) {words}." if is_stream(rows[0].media) else f"Returns {words}."


def _answers_nothing(contract: Contract) -> bool:
    """Whether every success has a status that has no body (RFC 9110 sections 15.3.5 and 15.3.6), so that there was nothing to observe."""
    known = {row.status for row in contract.responses} | set(contract.statuses)
    successes = {status for status in known if status.startswith("2")}
    return bool(successes) and successes <= {"204", "205"}


def _answer_words(schema: JsonSchema) -> str:
    """Of an answer: the content of what is wrapped in an object of one field, or in one with fields that tell the page."""
    properties = schema.get("properties")
    rows = properties if isinstance(properties, dict) else {}
    content = [name for name in sorted(rows) if name.lower().replace("_", "") not in _PAGING]
    if len(content) != 1 or not plain_name(content[0]):
        return shape_words(schema)
    inner = _inner(schema, content[0])
    if not (_lists(inner) or (len(rows) == 1 and inner.get("properties"))):
        return shape_words(schema)
    return f"{'a page with ' if len(rows) > 1 else ''}{content[0]}: {shape_words(inner)}"


def _inner(schema: JsonSchema, name: str) -> JsonSchema:
    row = schema["properties"][name]
    return resolved({**row, "$defs": schema.get("$defs", {})}) if isinstance(row, dict) else {}


def _lists(schema: JsonSchema) -> bool:
    """Whether an answer is a list, or a page with one."""
    schema = resolved(schema)
    properties = schema.get("properties")
    rows = properties if isinstance(properties, dict) else {}
    content = [name for name in rows if name.lower().replace("_", "") not in _PAGING]
    return schema.get("type") == "array" or (len(content) == 1 and _inner(schema, content[0]).get("type") == "array")


def shape_words(schema: JsonSchema, most: int = _FIELDS) -> str:
    """`a list of objects with id, status` and the like: names of fields, `most` at most, never values."""
    schema = _some(schema)
    kind = schema.get("type")
    if kind == "array":
        inner = schema.get("items")
        items = _some(resolved({**inner, "$defs": schema.get("$defs", {})})) if isinstance(inner, dict) else {}
        fields = _fields(items, most)
        return f"a list of {_ITEMS.get(str(items.get('type')), 'values')}" + (f" with {fields}" if fields else "")
    fields = _fields(schema, most)
    if kind == "object" or fields:
        return "an object" + (f" with {fields}" if fields else "")
    return _ONE.get(str(kind), "data")


def _some(schema: JsonSchema) -> JsonSchema:
    """A schema without the choice of nothing at all."""
    options = [row for row in schema.get("anyOf", ()) if row != {"type": "null"}]
    one = len(options) == 1 and isinstance(options[0], dict)
    return resolved({**options[0], "$defs": schema.get("$defs", {})}) if one else schema


def _fields(schema: JsonSchema, most: int) -> str:
    """Names of the fields that tell most, those that identify and label first. Not by how often they were seen: more traffic changes no word."""
    properties = schema.get("properties")
    names = [name for name in properties if plain_name(name)] if isinstance(properties, dict) else []
    first = sorted(names, key=lambda name: (_TELLING.get(name.lower(), len(_TELLING)), name))
    return ", ".join(first[:most]) + (" and more" if len(names) > most else "")


def plain_name(name: str) -> bool:
    """Whether a field's name may stand in a description."""
    return len(name) <= 40 and name.isascii() and bool(split(name)) and is_visible(name) and " " not in name and not order_in(name)


_MEDIA: Final = re.compile(r"[a-z0-9][a-z0-9.+-]{0,40}/[a-z0-9][a-z0-9.+-]{0,60}", re.ASCII)
# fmt: off
_TELLING: Final = {name: rank for rank, name in enumerate((
    "id", "uuid", "key", "slug", "name", "title", "label", "status", "state", "type", "kind", "error", "message", "total", "count", "amount", "currency",
))}
"""Fields that say what a thing is, in the order in which they are told."""
_PAGING: Final = frozenset({
    "count", "cursor", "hasmore", "hasnext", "hasprevious", "limit", "links", "meta", "next", "nextcursor", "nextpage", "nextpagetoken", "object", "offset", "page",
    "pagecount", "pageinfo", "pages", "pagesize", "pagination", "perpage", "prev", "previous", "previouspage", "size", "total", "totalcount", "totalpages",
})
"""Fields, in lower case without underscores, that tell where in a list an answer stands."""
_ACRONYMS: Final = {word: word.upper() for word in (
    "api", "cpu", "css", "csv", "dns", "html", "http", "id", "ip", "json", "jwt", "ml", "oidc", "pdf", "qr", "rss", "sdk", "sql", "sso", "ssh", "svg", "ui", "uri",
    "url", "uuid", "vat", "xml",
)} | {"ids": "IDs", "oauth": "OAuth", "graphql": "GraphQL", "urls": "URLs", "uris": "URIs"}
# fmt: on

_PROTOCOLS: Final = {"graphql": "GraphQL", "jsonrpc": "JSON-RPC", "rpc": "RPC", "mcp": "MCP"}
_ITEMS: Final = {"object": "objects", "string": "texts", "integer": "numbers", "number": "numbers", "array": "lists", "boolean": "flags"}
_ONE: Final = {"string": "text", "integer": "a number", "number": "a number", "boolean": "true or false", "null": "nothing"}
