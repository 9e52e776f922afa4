"""The corpus of planted secrets as traces, as lines of exchanges and as access logs: what must vanish is nowhere, in memory alone it was."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.support import otlp
from tests.support.capturing import capture
from tests.support.secrets import HOST, Case, cases, entry, leaks

SECRETS = cases("gone")
GOOD = {
    "request": {"method": "GET", "url": f"https://{HOST}/c/good", "headers": []},
    "response": {"status": 200, "headers": [], "content": {}},
}


def entries(found: list[Case]) -> Iterator[dict[str, Any]]:
    yield from (made for case in found if (made := entry(case)))
    yield GOOD


def traces(found: list[Case]) -> bytes:
    """Spans of clients with every header, and with bodies and stray attributes as some agents add them."""
    spans = []
    for number, each in enumerate(entries(found), 1):
        request, response = each["request"], each["response"]
        told = otlp.called(request["method"], request["url"], response["status"] or 200)
        told |= {f"http.request.header.{item['name'].lower()}": [item["value"]] for item in request["headers"]}
        told |= {f"http.response.header.{item['name'].lower()}": [item["value"]] for item in response["headers"]}
        told |= {
            "http.request.body.content": json.dumps(request.get("postData")),
            "http.response.body.content": json.dumps(response["content"]),
        }
        spans.append(otlp.span(number, told, kind=otlp.CLIENT))
    strays = {case.name.removeprefix("/") or "note": case.value for case in found if case.where == "otel.attr"}
    route = {"http.route": "/c/{id}", "user_agent.original": "x"}
    spans += [
        otlp.span(9_000 + number, otlp.called("GET", f"https://{HOST}/c/{number}") | strays | route, kind=otlp.CLIENT)
        for number in range(2)
    ]
    return otlp.document(*spans)


def exchanges(found: list[Case]) -> bytes:
    """Lines of exchanges with every header and body."""
    return b"".join(json.dumps(_exchange(each)).encode() + b"\n" for each in entries(found))


def _exchange(each: dict[str, Any]) -> dict[str, Any]:
    request, response = each["request"], each["response"]
    line: dict[str, Any] = {"method": request["method"], "url": request["url"], "status": response["status"] or 200}
    line["request_headers"] = [[item["name"], item["value"]] for item in request["headers"]]
    line["response_headers"] = [[item["name"], item["value"]] for item in response["headers"]]
    if text := request.get("postData", {}).get("text"):
        line["request_body"] = text
    content = response["content"]
    if content.get("encoding") == "base64":
        line["response_body_base64"] = content["text"]
    elif "text" in content:
        line["response_body"] = content["text"]
    return line


def access(found: list[Case]) -> bytes:
    """Lines of a combined log, and the URLs as routes too."""
    lines = []
    for each in entries(found):
        url = urlsplit(each["request"]["url"])
        target = f"{url.path}?{url.query}" if url.query else url.path
        lines.append(
            json.dumps(
                {"request_method": each["request"]["method"], "request_uri": target, "status": 200, "host": HOST, "http_route": url.path}
            )
        )
    return "\n".join(lines).encode()


@pytest.mark.parametrize(("kind", "made"), [("otel", traces), ("ndjson", exchanges), ("access_log", access)])
def test_no_secret_is_left_in_any_form(kind: str, made: Any) -> None:
    data = made(SECRETS)
    held = set(leaks(SECRETS, data))
    assert len(held) >= {"otel": 20, "ndjson": 40, "access_log": 5}[kind]  # the search finds what was planted
    assert leaks(SECRETS, capture(data, HOST, kind=kind).written) == []
