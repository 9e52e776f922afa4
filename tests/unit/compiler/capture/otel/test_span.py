"""What a span says of a call: attributes of the conventions, old and new."""

from typing import Any

import pytest

from caskmcp.compiler.capture.sources.interface import Recorded, RecordedBody
from caskmcp.compiler.capture.sources.otel.span import CLIENT, SERVER, Span, call
from caskmcp.model.exchange import Skipped

GET = {"http.request.method": "GET", "http.response.status_code": 200}
OLD = {"http.method": "GET", "http.status_code": 200}


def read(attributes: dict[str, Any], kind: int = SERVER) -> Any:
    return call(Span("span 0", "t", "a", "b", kind, attributes))


@pytest.mark.parametrize(
    ("kind", "attributes", "url"),
    [
        (CLIENT, GET | {"url.full": "https://api.example.com/orders?page=2"}, "https://api.example.com/orders?page=2"),
        (CLIENT, OLD | {"http.url": "https://api.example.com/orders"}, "https://api.example.com/orders"),
        (CLIENT, OLD | {"http.scheme": "http", "net.peer.name": "api.example.com", "net.peer.port": 8080, "http.target": "/a?b=1"},
         "http://api.example.com:8080/a?b=1"),
        (SERVER, GET | {"url.scheme": "https", "server.address": "api.example.com", "server.port": 8443, "url.path": "/a", "url.query": "b=1"},
         "https://api.example.com:8443/a?b=1"),
        (SERVER, GET | {"url.scheme": "https", "server.address": "api.example.com", "url.path": "/a", "url.query": "?b=1"},
         "https://api.example.com/a?b=1"),
        (SERVER, OLD | {"http.scheme": "https", "http.host": "api.example.com:8443", "net.host.port": 9, "http.target": "/a"},
         "https://api.example.com:8443/a"),
        (SERVER, OLD | {"http.scheme": "https", "http.server_name": "api.example.com", "net.host.port": 443, "http.target": "/a"},
         "https://api.example.com:443/a"),
        (SERVER, OLD | {"http.scheme": "http", "net.host.name": "::1", "net.host.port": 8080, "http.target": "/a"}, "http://[::1]:8080/a"),
        (SERVER, GET | {"server.address": "2001:db8::1", "url.path": "/a"}, "https://[2001:db8::1]/a"),
        (SERVER, GET | {"url.path": "/a"}, "https:///a"),
        (SERVER, GET | {"url.path": "/a", "url.scheme": "gopher"}, "https:///a"),
        (SERVER, GET | {"url.scheme": "http", "url.path": "a"}, "http:///a"),
        (SERVER, OLD | {"http.target": "http://api.example.com/a"}, "http://api.example.com/a"),
        (SERVER, GET | {"server.address": "api.example.com", "http.route": "/orders/{id}"}, "https://api.example.com/orders/%7Bid%7D"),
        (0, GET | {"server.address": "api.example.com", "url.path": "/a"}, "https://api.example.com/a"),
    ],
)  # fmt: skip
def test_the_url_is_put_together_from_what_there_is(kind: int, attributes: dict[str, Any], url: str) -> None:
    assert read(attributes, kind).url == url


def test_a_url_without_a_host_says_so() -> None:
    assert (read(GET | {"url.path": "/a"}).hostless, read(GET | {"url.path": "/a", "server.address": "x"}).hostless) == (True, False)


def test_headers_status_route_and_sizes_are_kept() -> None:
    told = {
        "http.request.method": "POST",
        "url.path": "/orders",
        "server.address": "api.example.com",
        "http.route": "/orders",
        "http.response.status_code": "201",
        "http.request.header.content-type": ["application/json; charset=utf-8"],
        "http.request.header.x_tenant": "acme",
        "http.response.header.content_type": ["application/json"],
        "http.request.body.size": 17,
        "http.response_content_length": 230,
    }
    assert read(told) == Recorded(
        "span 0",
        "POST",
        "https://api.example.com/orders",
        headers=(("content-type", "application/json; charset=utf-8"), ("x-tenant", "acme")),
        request=RecordedBody("application/json; charset=utf-8", size=17),
        status=201,
        response_headers=(("content-type", "application/json"),),
        response=RecordedBody("application/json", size=230),
        route="/orders",
    )


@pytest.mark.parametrize(
    ("method", "sizes", "body"),
    [
        ("POST", {}, RecordedBody("", size=-1)),
        ("PATCH", {}, RecordedBody("", size=-1)),
        ("POST", {"http.request.body.size": 0}, None),
        ("GET", {}, None),
        ("DELETE", {"http.request_content_length": 7}, RecordedBody("", size=7)),
    ],
)
def test_a_body_that_may_be_there_is_not_denied(method: str, sizes: dict[str, Any], body: RecordedBody | None) -> None:
    assert read({"http.request.method": method, "url.path": "/a"} | sizes).request == body


def test_a_method_that_the_instrumentation_does_not_know_is_the_original_one() -> None:
    assert read(GET | {"http.request.method": "_OTHER", "http.request.method_original": "PURGE", "url.path": "/a"}).method == "PURGE"


@pytest.mark.parametrize(
    ("kind", "attributes", "expected"),
    [
        (CLIENT, {"db.system": "postgresql"}, Skipped("span 0", "not http")),
        (CLIENT, {"rpc.system": "grpc", "server.address": "x"}, Skipped("span 0", "not http")),
        (1, GET | {"url.path": "/a"}, Skipped("span 0", "not http")),
        (5, GET | {"url.path": "/a"}, Skipped("span 0", "not http")),
        (-1, GET | {"url.path": "/a"}, Skipped("span 0", "not http")),
        (SERVER, {"http.request.method": "_OTHER", "url.path": "/a"}, Skipped("span 0", "not http")),
        (SERVER, GET, Skipped("span 0", "broken", detail="the span has a method, and neither URL nor path nor route")),
    ],
)
def test_what_is_no_call_over_http_is_left_out_with_the_reason(kind: int, attributes: dict[str, Any], expected: Skipped) -> None:
    assert read(attributes, kind) == expected


@pytest.mark.parametrize(
    ("status", "expected"),
    [(200, 200), ("404", 404), (200.0, 200), ("x", 0), (None, 0), (1e400, 0), ([500], 500), ([], 0), (True, 0)],
    ids=repr,
)
def test_an_odd_status_is_read_leniently(status: Any, expected: int) -> None:
    assert read({"http.method": "GET", "http.target": "/a", "http.status_code": status}).status == expected


def test_odd_values_become_text_that_can_be_written() -> None:
    found = read({"http.method": ["GET", "PUT"], "http.target": "/a\ud800", "http.route": 7, "http.request.header.a": [1, True]})
    assert (found.method, found.url, found.route, found.headers) == ("GET", "https:///a?", "7", (("a", "1"), ("a", "True")))
