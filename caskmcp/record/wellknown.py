"""What a site's `.well-known` documents name: OpenAPI documents, MCP servers, other things for agents. Fetched from that site alone.

Nothing that they name is fetched here: links are listed, with the command that brings in what lies behind them. A site that has none of
these documents, or answers something else in their place, names nothing.
"""

import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

import httpx2

from caskmcp.errors import CaskError
from caskmcp.model.discovery import Link
from caskmcp.record.webmcp import SAYS, TITLE, cut
from caskmcp.text import Document, is_deeper, parse_json

PATIENCE: Final = 10.0
"""Seconds for one document."""
LARGEST: Final = 1 << 20
"""Bytes of one."""
DEPTH: Final = 30
MOST: Final = 200
"""Links of one."""
_SCHEMAS: Final = ("openapi", "vnd.oai", "swagger")
_TEXTS: Final = ("", "application/json", "application/yaml", "text/yaml", "application/x-yaml", "text/x-yaml", "application/vnd.yaml")

Named = Iterator[Mapping[str, Any]]
Read = Callable[[Any], Named]


def links(origin: str, fetch: Callable[[str], bytes] | None = None) -> tuple[Link, ...]:
    """What the documents of a site name, sorted, each link once. origin: `https://shop.example`. fetch: from address to bytes; empty for none."""
    get = fetch or fetched
    found: dict[tuple[str, str, str], Link] = {}
    for path, read in DOCUMENTS:
        for number, row in enumerate(_rows(get(origin + path), read)):
            link = _link(origin, path, row) if number < MOST else None
            if link is not None:
                found.setdefault((link.document, link.kind, link.url), link)
    return tuple(found[key] for key in sorted(found))


def fetched(url: str, patience: float = PATIENCE) -> bytes:
    """The document at an address; empty for what is no answer of 200 within the bounds. No redirect is followed, and nothing authenticates.

    patience: seconds for all of it. A limit for each read alone would let a site that sends a byte now and then hold a recording for hours.
    """
    found: list[bytes] = []
    late = threading.Event()
    reader = threading.Thread(target=lambda: found.append(_body(url, patience, late)), name="wellknown", daemon=True)
    reader.start()
    reader.join(patience)
    late.set()
    return found[0] if found else b""


def _body(url: str, patience: float, late: threading.Event) -> bytes:
    body = bytearray()
    try:
        with (
            httpx2.Client(
                timeout=patience, follow_redirects=False, headers={"Accept": "application/linkset+json, application/json"}
            ) as client,
            client.stream("GET", url) as answer,
        ):
            if answer.status_code != 200:
                return b""
            for piece in answer.iter_bytes():
                body += piece
                if len(body) > LARGEST or late.is_set():
                    return b""
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError):
        # Not there is what most sites say of these documents, in one way or another.
        return b""
    return bytes(body)


def _rows(data: bytes, read: Read) -> Named:
    """What one document names; nothing for what is none: many sites answer every path with their page."""
    try:
        value = parse_json(data, "the document", limit=LARGEST) if data.strip() else None
    except CaskError:
        # A page in the place of the document, most often.
        return
    if isinstance(value, dict) and not is_deeper(value, DEPTH):
        yield from read(value)


def _link(origin: str, path: str, row: Mapping[str, Any]) -> Link | None:
    """A link, or None for an address that none can be: another scheme, one that authenticates, hidden signs."""
    href = row.get("url")
    if not isinstance(href, str) or not href.isascii() or not href.isprintable() or " " in href:
        return None
    try:
        url = urljoin(origin + path, href).partition("#")[0]
        parts = urlsplit(url)
        is_one = parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc and (parts.port or 1) > 0
        given = {"document": path, "kind": row["kind"], "url": url}
        said = {name: cut(_text(row.get(name)), limit) for name, limit in (("title", TITLE), ("description", SAYS))}
        return Link.of(Document("the document", given | said, {})) if is_one else None
    except (ValueError, CaskError):
        # An address that cannot be read, or is longer than one may be.
        return None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _list(value: Any) -> list[Any]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


# ---------------------------------------------------------------- the documents
def _catalog(value: Any) -> Named:
    """RFC 9727: a link set (RFC 9264). A `service-desc` describes an API for programs, an `item` is an API."""
    for row in _list(value.get("linkset")):
        for target in _list(row.get("service-desc")):
            media = _text(target.get("type")).partition(";")[0].strip().lower()
            describes = any(word in media for word in _SCHEMAS) or media in _TEXTS
            title = target.get("title") or row.get("anchor")
            yield {"kind": "openapi" if describes else "other", "url": target.get("href"), "title": title}
        for target in _list(row.get("item")):
            yield {"kind": "other", "url": target.get("href"), "title": target.get("title")}


def _agents(value: Any) -> Named:
    """AI Catalog: entries of several kinds, told apart by their media type."""
    for row in _list(value.get("entries")):
        media = (_text(row.get("type")) or _text(row.get("mediaType"))).lower()
        kind = "openapi" if any(word in media for word in _SCHEMAS) else "other"
        yield {
            "kind": kind,
            "url": row.get("url"),
            "title": row.get("displayName") or row.get("identifier"),
            "description": row.get("description"),
        }


def _card(value: Any) -> Named:
    """An MCP server card: the addresses of a server, as the draft has them (`remotes`) and as earlier ones had."""
    info = value.get("serverInfo") if isinstance(value.get("serverInfo"), dict) else {}
    said = {"title": value.get("title") or value.get("name") or info.get("name"), "description": value.get("description")}
    transport = value.get("transport") if isinstance(value.get("transport"), dict) else {}
    ends = value.get("endpoints") if isinstance(value.get("endpoints"), dict) else {}
    places = [row.get("url") for row in (*_list(value.get("remotes")), *_list(value.get("transports"))) if row.get("type") != "sse"]
    places += [transport.get("endpoint") or transport.get("url"), ends.get("streamable_http")]
    yield from ({"kind": "mcp", "url": place, **said} for place in places if place)


def _plugin(value: Any) -> Named:
    """A plugin's manifest: one API with its document."""
    api = value.get("api") if isinstance(value.get("api"), dict) else {}
    kind = "openapi" if _text(api.get("type")).lower() == "openapi" else "other"
    said = {"title": value.get("name_for_human"), "description": value.get("description_for_model")}
    yield {"kind": kind, "url": api.get("url"), **said}


# fmt: off
DOCUMENTS: Final[tuple[tuple[str, Read], ...]] = (
    # path                              reads
    ("/.well-known/api-catalog",          _catalog),
    ("/.well-known/ai-catalog.json",      _agents),
    ("/.well-known/mcp/server-card.json", _card),
    ("/.well-known/mcp.json",             _card),
    ("/.well-known/ai-plugin.json",       _plugin),
)
# fmt: on
