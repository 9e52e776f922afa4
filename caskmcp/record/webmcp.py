"""What a recorded page offered, as the document that a person commits: bounded, without what a detector of secrets or of personal data finds.

The words are a stranger's and stay so: hidden characters are shown, orders are left for the emitter to drop. Whose tools are taken is the
caller's business; a text that is no offer is counted and otherwise ignored.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

from caskmcp import canon
from caskmcp.errors import CaskError
from caskmcp.model.discovery import MOST, Discovery, Link, PageTool
from caskmcp.model.record import JsonSchema
from caskmcp.record.frames import Offered
from caskmcp.redact.rules import Rules
from caskmcp.redact.scan import scanner
from caskmcp.text import Document, is_deeper, parse_json, visible

LARGEST: Final = 64 << 10
"""Bytes of one offer."""
DEPTH: Final = 30
"""Levels of a tool's schema."""
TITLE: Final = 500
SAYS: Final = 4000
NAME: Final = 128
_VALUES: Final = frozenset({"default", "example", "examples"})
"""Keywords that hold what somebody may have typed: never taken."""
_CLOSED: Final = frozenset({"const", "enum"})
"""Keywords that hold values which belong to a kind, unless the place's name says that they are somebody's."""


class Offers(NamedTuple):
    """What a recording came to."""

    tools: tuple[PageTool, ...]
    left_out: tuple[tuple[str, int], ...]
    """(reason, count), sorted."""


def offers(offered: Iterable[Offered]) -> Offers:
    """The tools that pages offered, each with its last definition."""
    found: dict[tuple[str, str, str], PageTool] = {}
    left: Counter[str] = Counter()
    for offer in offered:
        tool = _tool(offer)
        if isinstance(tool, str):
            left[tool] += 1
        elif len(found) < MOST or (tool.origin, tool.name, tool.how) in found:
            found[tool.origin, tool.name, tool.how] = tool
        else:
            left["too many"] += 1
    return Offers(tuple(found[key] for key in sorted(found)), tuple(sorted(left.items())))


def discovery(page: str, tools: Iterable[PageTool], links: Iterable[Link]) -> Discovery:
    """The document. page: where the recording began; its query is not kept."""
    parts = urlsplit(page)
    where = f"{parts.scheme}://{parts.netloc.rpartition('@')[2].lower()}{parts.path}"
    return Discovery(page=cut(where, 2000).replace(" ", "-"), tools=tuple(tools)[:MOST], links=tuple(links)[:MOST])


def _tool(offer: Offered) -> PageTool | str:
    """A tool, or why it is none."""
    if not offer.origin:
        return "of no site"
    if len(offer.text) > LARGEST:
        return "too large"
    try:
        said = parse_json(offer.text.encode("utf-8", "replace"), "the offer")
    except CaskError:
        return "unreadable"
    if not isinstance(said, dict) or not all(isinstance(said.get(name, ""), str) for name in ("name", "title", "description", "how")):
        return "unreadable"
    schema = said.get("schema", {})
    if not isinstance(schema, dict) or is_deeper(schema, DEPTH):
        return "unreadable"
    return _taken(offer.origin, said, schema)


def _taken(origin: str, said: Mapping[str, Any], schema: JsonSchema) -> PageTool | str:
    given = {
        "origin": origin,
        "name": cut(said.get("name", ""), NAME),
        "title": cut(said.get("title", ""), TITLE),
        "description": cut(said.get("description", ""), SAYS),
        "input_schema": _schema(schema),
        "how": said.get("how", "imperative"),
    }
    try:
        return PageTool.of(Document("the offer", given, {}))
    except CaskError:
        return "unreadable"


def cut(text: str, limit: int) -> str:
    """At most so many characters of a text, hidden ones shown, without what a detector finds in it."""
    seen = visible(text[:limit].encode("utf-8", "replace").decode("utf-8"))
    return scanner("strict").replace(seen, lambda row, _: f"[{row.id} removed]")[:limit]


def _schema(value: Any, name: str = "") -> Any:
    """A schema without values that somebody may have typed. name: of the property that it is of."""
    if isinstance(value, str):
        return cut(value, SAYS)
    if isinstance(value, list):
        return [_schema(item, name) for item in value]
    if not isinstance(value, dict):
        return value
    private = _VALUES | (_CLOSED if _rules()[name] else frozenset())
    return {cut(key, SAYS): _below(key, item, name) for key, item in value.items() if key not in private}


@cache
def _rules() -> Rules:
    return Rules("strict")


def _below(key: str, item: Any, name: str) -> Any:
    """What stands under a keyword: under `properties`, names are a page's own and no keywords."""
    if key == "properties" and isinstance(item, dict):
        return {cut(own, SAYS): _schema(below, own) for own, below in item.items()}
    return _schema(item, name)


def written(document: Discovery) -> bytes:
    """The bytes of the document's file."""
    return canon.pretty({"schema": document.format, **document.plain()})
