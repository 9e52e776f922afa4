"""The receiver of traces: real requests on the loopback address, as exporters send them and as nobody should."""

import gzip
import http.client
import json
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from caskmcp.compiler.capture.sources.interface import Recorded
from caskmcp.compiler.capture.sources.otel import messages
from caskmcp.errors import CaskError
from caskmcp.model.exchange import Skipped
from caskmcp.record import otlp as receiver
from tests.support import otlp
from tests.support.otlp import called, served, span

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

needs_protobuf = pytest.mark.skipif(messages._LIBRARY is None, reason="reading protobuf needs the extra: pip install 'caskmcp[otel]'")
ORDER = span(1, served("GET", "/orders/17", route="/orders/{id}"))
JSON = {"Content-Type": "application/json"}
PROTOBUF = {"Content-Type": "application/x-protobuf"}


class Running:
    """A receiver that runs, and what it gave once it ended."""

    def __init__(self, port: int, items: list[Any], end: Callable[[], None]) -> None:
        self.port = port
        self._items = items
        self._end = end

    def post(self, body: bytes, headers: dict[str, str] = JSON, path: str = "/v1/traces", method: str = "POST") -> tuple[int, str, bytes]:
        """Status, media type and body of an answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.getheader("Content-Type", ""), answer.read()
        finally:
            connection.close()

    def raw(self, data: bytes) -> bytes:
        """Bytes as they are, and what comes back before the connection ends."""
        received = b""
        # The other side may close while this one still sends.
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as connection, suppress(OSError):
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            while piece := connection.recv(65536):
                received += piece
        return received

    def given(self) -> list[Any]:
        """End it as Ctrl-C does, and all that it gave."""
        self._end()
        return self._items


@contextmanager
def running() -> Iterator[Running]:
    """A receiver in a thread of its own, ended as `until_interrupted` ends it: with a KeyboardInterrupt at its yield."""
    items: list[Any] = []
    ports: list[int] = []
    listening, stop = threading.Event(), threading.Event()

    def tell(port: int) -> None:
        ports.append(port)
        listening.set()

    def work() -> None:
        items.extend(_until(receiver.exchanges(port=0, duration=None, tell=tell), stop))

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    assert listening.wait(10)

    def end() -> None:
        stop.set()
        # Something that is given at once, so that the generator stands at a yield; it may stand there already, and end meanwhile.
        with suppress(OSError, http.client.HTTPException):
            probe.post(otlp.document(span(999, {"probe": True})))
        thread.join(20)
        assert not thread.is_alive()

    probe = Running(ports[0], items, end)
    try:
        yield probe
    finally:
        end()


def _until(made: Any, stop: threading.Event) -> Iterator[Any]:
    is_told = False
    while True:
        tells, is_told = stop.is_set() and not is_told, is_told or stop.is_set()
        try:
            each = made.throw(KeyboardInterrupt()) if tells else next(made)
        except StopIteration:
            return
        yield each


def urls(items: list[Any]) -> list[str]:
    return sorted(each.url for each in items if isinstance(each, Recorded))


def test_json_is_taken_and_answered_as_the_protocol_says() -> None:
    with running() as it:
        assert it.post(otlp.document(ORDER)) == (200, "application/json", b"{}")
        assert it.post(b"{}") == (200, "application/json", b"{}")
        assert urls(it.given()) == ["https://api.example.com/orders/17"]


@needs_protobuf
def test_protobuf_is_taken_and_answered_as_the_protocol_says() -> None:
    with running() as it:
        assert it.post(otlp.message(ORDER), PROTOBUF) == (200, "application/x-protobuf", b"")
        assert it.post(b"", PROTOBUF) == (200, "application/x-protobuf", b"")
        assert urls(it.given()) == ["https://api.example.com/orders/17"]


@pytest.mark.parametrize(("name", "pack"), [("gzip", gzip.compress), ("zstd", zstd.compress), ("identity", bytes)])
def test_packed_bodies_are_unpacked(name: str, pack: Any) -> None:
    with running() as it:
        assert it.post(pack(otlp.document(ORDER)), {**JSON, "Content-Encoding": name})[0] == 200
        assert len(urls(it.given())) == 1


def test_a_body_in_chunks_is_put_together() -> None:
    body = otlp.document(ORDER)
    chunks = b"".join(f"{len(part):x};x=1\r\n".encode() + part + b"\r\n" for part in (body[:10], body[10:])) + b"0\r\nX-Trailer: 1\r\n\r\n"
    with running() as it:
        head = b"POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
        assert it.raw(head + chunks).startswith(b"HTTP/1.1 200 ")
        assert len(urls(it.given())) == 1


def test_the_two_sides_of_a_call_come_in_two_requests_and_count_once() -> None:
    client = span(7, called("GET", "https://api.example.com/orders/17"), kind=otlp.CLIENT)
    server = span(8, served("GET", "/orders/17", route="/orders/{id}"), parent=7)
    with running() as it:
        it.post(otlp.document(server))
        it.post(otlp.document(client))
        assert [each.route for each in it.given() if isinstance(each, Recorded)] == ["/orders/{id}"]


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"path": "/v1/logs"}, 404),
        ({"path": "/"}, 404),
        ({"headers": {"Content-Type": "text/plain"}}, 415),
        ({"headers": {}}, 415),
        ({"headers": {**JSON, "Content-Encoding": "br"}}, 415),
        ({"headers": {**JSON, "Host": "evil.example"}}, 403),
        ({"headers": {**JSON, "Host": "evil.example:4318"}}, 403),
        ({"headers": {**JSON, "Content-Length": "99999999999"}}, 413),
        ({"body": b"{"}, 400),
        ({"body": b'{"resourceLogs": []'}, 400),
        ({"body": gzip.compress(b"{}")[:-4]}, 400),
        ({"body": gzip.compress(bytes(64 << 20))}, 413),
        ({"body": b'{"resourceSpans":' + b"[" * 10_000}, 400),
        ({"method": "GET"}, 501),
        ({"method": "OPTIONS"}, 501),
    ],
)
def test_what_no_exporter_sends_is_refused_and_the_receiver_goes_on(changed: dict[str, Any], status: int) -> None:
    with running() as it:
        assert it.post(**{"body": otlp.document(ORDER), **changed})[0] == status
        assert it.post(otlp.document(ORDER))[0] == 200
        assert len(urls(it.given())) == 1


def test_a_refusal_says_why_in_the_media_type_of_the_request_and_repeats_nothing() -> None:
    with running() as it:
        status, media, body = it.post(b'{"resourceSpans": ["hunter2" "x"]}')
        assert (status, media, json.loads(body)) == (
            400,
            "application/json",
            {"code": 3, "message": "CASK-C001 the traces are not JSON, or are cut off · line 1"},
        )
        status, media, body = it.post(b"hunter2", {**PROTOBUF, "Host": "evil.example"})
        assert (status, media, body) == (403, "application/x-protobuf", b"\x08\x03\x12\x2fthis receiver is called by its loopback address")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"POST /v1/traces HTTP/1.1\r\n",
        b"POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{",
        b"POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\r\n",
        b"POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: -1\r\n\r\n",
        b"POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\n",
        b"A" * 100_000,
    ],
)
def test_bytes_that_are_no_request_end_their_connection_alone(data: bytes, capfd: pytest.CaptureFixture[str]) -> None:
    with running() as it:
        assert b" 200 " not in it.raw(data)[:20]
        assert it.post(otlp.document(ORDER))[0] == 200
        assert len(urls(it.given())) == 1
    assert capfd.readouterr() == ("", "")


def test_it_listens_on_the_loopback_address_alone() -> None:
    with running() as it, socket.socket() as other:
        other.bind(("127.0.0.2", it.port))  # free: the port is taken at one address only


def test_the_duration_ends_it_with_what_was_seen() -> None:
    sent = threading.Thread()

    def tell(port: int) -> None:
        nonlocal sent
        sent = threading.Thread(
            target=Running(port, [], lambda: None).post, args=(otlp.document(ORDER, span(2, {"db.system": "x"}, kind=3)),)
        )
        sent.start()

    found = list(receiver.exchanges(port=0, duration=1.0, tell=tell))
    sent.join(10)
    assert [type(each) for each in found] == [Recorded, Skipped]


def test_a_port_that_is_taken_is_told_with_another_one() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(CaskError) as caught:
            next(receiver.exchanges(port=port, duration=1.0, tell=lambda _: None))
    assert (caught.value.code, caught.value.place) == ("CASK-C020", f"127.0.0.1:{port}")
