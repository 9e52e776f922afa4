"""The abuses of HTTP in the corpus, and what a stranger tries on a port: against a real `cask serve --http`; nothing reaches the upstream.

Each check of the guard is taken away in `tests/unit/runtime/test_http_guard.py`: then the same request comes through.
"""

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from tests.support.patience import HANGS
from tests.support.serving import META, project
from tests.support.upstream import Upstream
from tests.support.web import ALL, SUPPORT, Web

CORPUS: Final = Path(__file__).parents[2] / "fixtures" / "hostile" / "mcp_abuse.jsonl"
CASES: Final = [case for case in map(json.loads, CORPUS.read_text(encoding="utf-8").splitlines()) if case["transport"] == "http"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    with Upstream() as upstream, Web(project(tmp_path_factory.mktemp("shop"), upstream)) as running:
        yield running


def filled(text: str, server: Web) -> str:
    values = {"TOOL": "r", "META": json.dumps(META), "AUTH": ALL, "HOST": "127.0.0.1", "PORT": str(server.port)}
    for name, value in values.items():
        text = text.replace("{{" + name + "}}", value)
    return text


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['id']}-{case['why']}")
def test_an_abusive_request_is_refused_and_sends_nothing(case: dict[str, Any], server: Web) -> None:
    (asked,) = case["send"]
    headers = {name: filled(value, server) for name, value in asked["headers"].items()}
    host = headers.pop("Host")
    said = server.send(asked["method"], asked["path"], headers, filled(asked["body"], server).encode(), host=host)
    for expected in case["expect"]:
        kind, _, codes = expected.partition(":")
        assert kind in ("http", "error", "no_upstream")
        if kind == "http":
            assert str(said.status) in codes.split(",")
        if kind == "error":
            assert said.message["error"]["code"] == int(codes)
    assert server.project.upstream.heard == []


def test_the_corpus_has_abuses_of_http() -> None:
    assert len(CASES) == 5


SMUGGLED: Final = [
    "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "Content-Length: 5\r\nContent-Length: 6\r\n\r\n{}",
    "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "Content-Length: -1\r\n\r\n",
    "X: a\r\n folded: b\x00\r\n\r\n",
]


@pytest.mark.parametrize("rest", SMUGGLED)
def test_a_request_that_could_be_read_in_two_ways_is_no_call(server: Web, rest: str) -> None:
    inner = json.dumps(
        {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "r", "arguments": {"order_id": 1}, "_meta": META}}
    )
    head = f"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nAuthorization: Bearer wrong\r\n"
    hidden = f"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nContent-Length: {len(inner)}\r\n\r\n{inner}"
    with server.raw() as connection:
        connection.sendall((head + rest + hidden).encode("latin-1"))
        connection.shutdown(socket.SHUT_WR)
        said = b""
        while piece := connection.recv(65536):
            said += piece
    assert b" 200 " not in said
    assert server.project.upstream.heard == []
    assert server.tools(SUPPORT) == ["r"]


def test_a_method_override_and_a_forwarded_name_change_nothing(server: Web) -> None:
    more = {
        "X_HTTP_Method_Override": "DELETE",
        "X_Forwarded_For": "10.0.0.1",
        "X_Forwarded_Host": "evil.test",
        "Forwarded": "host=evil.test",
    }
    assert server.ask("tools/list", **more).status == 200
    assert server.ask("tools/list", token=None, **more).status == 401
    refused = [row for row in server.events if row["event"] == "refused"][-1]
    assert refused["peer"] == "127.0.0.1"


def test_silent_connections_keep_nobody_out(server: Web) -> None:
    silent = [server.raw() for _ in range(60)]
    try:
        for connection in silent[:30]:
            connection.sendall(b"POST /mcp HTTP/1.1\r\nHost: 127")
        assert server.tools() == ["r", "w"]
    finally:
        for connection in silent:
            connection.close()


@pytest.mark.slow
def test_a_connection_that_does_not_say_what_it_wants_is_closed(server: Web) -> None:
    with server.raw() as nothing, server.raw() as half:
        half.sendall(b"GET /mcp HTTP/1.1\r\nHo")
        for connection in (nothing, half):
            connection.settimeout(HANGS)
            assert connection.recv(1) == b""
