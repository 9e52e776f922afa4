"""What a site's `.well-known` documents name: each form that is in use, and what is no link; fetched from a real site on loopback."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from caskmcp.model.discovery import Link
from caskmcp.record.wellknown import DOCUMENTS, LARGEST, fetched, links
from tests.support.offering_site import CARD, CATALOG, Site

ORIGIN = "https://shop.example"


def named(path: str, value: Any) -> list[tuple[str, str, str]]:
    """(kind, url, title) of what one document names."""
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    found = links(ORIGIN, lambda url: data if url == f"{ORIGIN}/.well-known/{path}" else b"")
    assert {link.document for link in found} <= {f"/.well-known/{path}"}
    return [(link.kind, link.url, link.title) for link in found]


def test_an_api_catalog_names_descriptions_and_apis() -> None:
    described = {"href": "/a/openapi.json", "type": "application/vnd.oai.openapi+json;version=3.1"}
    other = {"href": "https://shop.example/a.raml", "type": "application/raml+yaml"}
    rows = [{"anchor": "https://shop.example/a", "service-desc": [described, other], "item": [{"href": "/b", "title": "B"}]}]
    assert named("api-catalog", {"linkset": rows}) == [
        ("openapi", "https://shop.example/a/openapi.json", "https://shop.example/a"),
        ("other", "https://shop.example/a.raml", "https://shop.example/a"),
        ("other", "https://shop.example/b", "B"),
    ]


def test_an_ai_catalog_names_entries() -> None:
    entries = [
        {"displayName": "Card", "type": "application/mcp-server-card+json", "url": "/card"},
        {"identifier": "spec", "mediaType": "application/openapi+yaml", "url": "https://api.example/openapi.yaml"},
    ]
    assert named("ai-catalog.json", {"specVersion": "1.0", "entries": entries}) == [
        ("openapi", "https://api.example/openapi.yaml", "spec"),
        ("other", "https://shop.example/card", "Card"),
    ]


@pytest.mark.parametrize(
    "card",
    [
        CARD,
        {"serverInfo": {"name": "io.example/orders"}, "transport": {"type": "streamable-http", "endpoint": "/mcp"}},
        {"name": "io.example/orders", "transports": [{"type": "http", "url": "/mcp"}, {"type": "sse", "url": "/sse"}]},
        {"title": "io.example/orders", "endpoints": {"streamable_http": "https://shop.example/mcp"}},
    ],
)
def test_a_server_card_names_the_address_of_its_server(card: Any) -> None:
    assert named("mcp/server-card.json", card) == [("mcp", "https://shop.example/mcp", "io.example/orders")]
    assert named("mcp.json", card) == [("mcp", "https://shop.example/mcp", "io.example/orders")]


def test_a_plugin_s_manifest_names_its_document() -> None:
    plugin = {
        "name_for_human": "Shop",
        "description_for_model": "x",
        "api": {"type": "openapi", "url": "https://shop.example/openapi.yaml"},
    }
    assert named("ai-plugin.json", plugin) == [("openapi", "https://shop.example/openapi.yaml", "Shop")]


@pytest.mark.parametrize(
    "href",
    [None, 7, "", "file:///etc/passwd", "javascript:alert(1)", "https://ada:pw@shop.example/", "/a b", "/a\n", "/ä", "https://[::1", "http://x:99999/", "x" * 3000],
)  # fmt: skip
def test_what_is_no_link_is_left_out(href: Any) -> None:
    found = named("ai-catalog.json", {"entries": [{"url": href}, {"url": "/fine"}]})
    assert ("other", "https://shop.example/fine", "") in found
    assert all(url.startswith("https://shop.example") for _, url, _ in found)


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b"7", b'{"entries": 7}', b'{"entries": [7, [], null]}', b'{"linkset": {"a": 1}}', b"[" * 9000, b"\xff"]
)
@pytest.mark.parametrize("path", [path.removeprefix("/.well-known/") for path, _ in DOCUMENTS])
def test_what_is_no_such_document_names_nothing(path: str, body: bytes) -> None:
    assert named(path, body) == []


@pytest.mark.parametrize("value", [7, "x", None, [1], {"name": 7}, {"a": "b"}])
@pytest.mark.parametrize("field", ["remotes", "transport", "transports", "endpoints", "serverInfo", "api", "entries", "linkset"])
def test_a_field_of_another_form_is_no_field(field: str, value: Any) -> None:
    for path, _ in DOCUMENTS:
        named(path.removeprefix("/.well-known/"), {field: value})


def test_there_is_an_end_to_what_one_document_names() -> None:
    assert len(named("ai-catalog.json", {"entries": [{"url": f"/{number}"} for number in range(500)]})) == 200


def test_words_are_bounded_and_shown() -> None:
    (found,) = links(
        ORIGIN,
        lambda url: (
            json.dumps({"entries": [{"url": "/a", "displayName": "a\u200b" * 500, "description": "y" * 9000}]}).encode()
            if "ai-catalog" in url
            else b""
        ),
    )
    assert (len(found.title), len(found.description)) == (500, 4000)
    assert "\u200b" not in found.title


# ---------------------------------------------------------------- a real site
def test_each_document_is_asked_for_once_and_nothing_that_it_names() -> None:
    with Site({"api-catalog": CATALOG, "mcp/server-card.json": CARD}) as site:
        found = links(site.url)
    assert [(link.kind, link.url) for link in found] == [
        ("openapi", f"{site.url}/orders/openapi.json"),
        ("openapi", "https://far.example/spec.yaml"),
        ("mcp", f"{site.url}/mcp"),
    ]
    assert site.asked == [path for path, _ in DOCUMENTS]
    assert isinstance(found[0], Link)


class Odd(BaseHTTPRequestHandler):
    """A site that redirects, answers without end, or hangs up."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        if self.path == "/away":
            self.send_response(302)
            self.send_header("Location", "/huge")
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif self.path == "/huge":
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"x" * (LARGEST + 70_000))


def test_no_redirect_is_followed_and_what_is_too_large_or_not_there_is_no_document() -> None:
    server = HTTPServer(("127.0.0.1", 0), Odd)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    here = f"http://127.0.0.1:{server.server_port}"
    assert [fetched(f"{here}/{path}") for path in ("away", "huge", "gone")] == [b"", b"", b""]
    server.shutdown()
    server.server_close()
    assert [fetched(url) for url in (here, "http://no-such-host.invalid/", "http://[")] == [b"", b"", b""]
