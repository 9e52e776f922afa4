"""The twin's socket: on the loopback address alone, for its own hosts alone, with bounds; and no request opens another connection."""

import socket
import sys
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from caskmcp.runtime.twin.server import LARGEST, Server
from caskmcp.runtime.twin.wire import Answer, Request
from tests.support.contracts import HOST
from tests.support.twin_api import twin

FINE = f"GET /orders/1 HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n"


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(twin().answer, [HOST]) as running:
        yield running


def raw(server: Server, text: str) -> str:
    """What comes back for bytes on the wire."""
    said = b""
    with socket.create_connection(("127.0.0.1", server.port), 10) as connection, suppress(OSError):  # refused before all was sent
        connection.sendall(text.encode("latin-1"))
        connection.shutdown(socket.SHUT_WR)
        while piece := connection.recv(65536):
            said += piece
    return said.decode("latin-1")


def status(server: Server, text: str) -> int:
    return int(raw(server, text).split(" ")[1])


def test_its_own_host_is_answered(server: Server) -> None:
    said = raw(server, FINE)
    assert said.startswith("HTTP/1.1 200 ")
    assert '"note":"note 1"' in said


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "localhost", "api.shop.example.evil.example", "api.shop.example:81", ""])
def test_a_page_that_resolves_its_own_name_to_this_machine_is_refused(server: Server, host: str) -> None:
    assert status(server, FINE.replace(HOST, host)) == 421


def test_without_that_guard_it_would_be_answered() -> None:
    with Server(twin().answer, [HOST, "evil.example"]) as open_to_all:
        assert status(open_to_all, FINE.replace(HOST, "evil.example")) == 404  # the twin was asked


@pytest.mark.parametrize(
    "header",
    [
        f"Content-Length: {LARGEST + 1}",
        "Content-Length: -1",
        "Content-Length: many",
        "Transfer-Encoding: chunked",
        "Content-Length: ٣",
        "Content-Length: " + "9" * 5_000,
    ],
)
def test_a_body_without_bounds_is_not_read(server: Server, header: str) -> None:
    text = f"POST /orders HTTP/1.1\r\nHost: {HOST}\r\n{header}\r\n\r\n".encode().decode("latin-1")
    assert status(server, text) == 413
    assert status(server, FINE) == 200


@pytest.mark.parametrize(
    "line",
    ["GET", "\x00\x00", "BREW /orders HTTP/1.1", "GET /orders HTTP/9.9", "GET http://[bad HTTP/1.1", "GET " + "/a" * 70_000 + " HTTP/1.1"],
)
def test_what_is_no_request_is_refused_and_the_next_one_answered(server: Server, line: str) -> None:
    said = raw(server, f"{line}\r\nHost: {HOST}\r\n\r\n").split("\r\n")[0]
    assert said, "something is answered"
    assert " 200 " not in said
    assert status(server, FINE) == 200


def test_a_recorded_header_cannot_split_an_answer() -> None:
    def evil(_: Request) -> Answer:
        return Answer(
            200, {"a": 1}, "json", "application/json", 1, (("x-a", "b\r\nSet-Cookie: c=d"), ("transfer-encoding", "chunked"), ("etag", "e"))
        )

    with Server(evil, [HOST]) as running:
        said = raw(running, FINE).lower()
    assert "set-cookie" not in said
    assert "chunked" not in said
    assert "etag: e" in said


@pytest.mark.parametrize("media", ["text/\u2192", "text/plain\r\nSet-Cookie: c=d"])
def test_a_recorded_media_type_cannot_split_an_answer_or_end_it(media: str) -> None:
    with Server(lambda _: Answer(200, {"a": 1}, "json", media, 1), [HOST]) as running:
        said = raw(running, FINE)
    assert said.startswith("HTTP/1.1 200 ")
    assert "Set-Cookie" not in said


@pytest.mark.parametrize(
    "body",
    [
        '{"note": "x", "total": NaN}',
        '{"note": "x", "total": 1e999}',
        '{"note": "x", "id": ' + "[" * 5_000,
        '{"note": "x", "total": ' + '{"a": ' * 800 + "1" + "}" * 801,
        '{"note": "x", "note": "y"}',
    ],
)
def test_a_body_that_no_strict_reader_takes_is_a_bad_request(server: Server, body: str) -> None:
    head = (
        f"POST /orders HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    )
    assert status(server, f"{head}\r\n{body}") == 422


def test_it_listens_on_the_loopback_address_alone_and_answering_opens_no_connection() -> None:
    seen: list[tuple[str, Any]] = []
    watching = True

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        if watching and event in ("socket.connect", "socket.bind", "socket.getaddrinfo"):
            seen.append((event, arguments[1] if event != "socket.getaddrinfo" else arguments[:2]))

    sys.addaudithook(watch)
    with Server(twin().answer, [HOST]) as running:
        for method, path in (("GET", "/orders"), ("DELETE", "/orders/1"), ("GET", "/nowhere")):
            raw(running, FINE.replace("GET /orders/1", f"{method} {path}"))
        port = running.port
    watching = False
    own = {("socket.connect", ("127.0.0.1", port)), ("socket.getaddrinfo", ("127.0.0.1", port))}
    assert [row for row in seen if row not in own] == [("socket.bind", ("127.0.0.1", 0))]
