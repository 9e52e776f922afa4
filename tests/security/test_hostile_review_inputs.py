"""What a hostile reader found in files that are imported and in what is received: no end, no answer, a crash, or a value in an error."""

import os
import socket
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from caskmcp.compiler.capture.sources.table import source
from caskmcp.engine.faults import worded
from caskmcp.errors import CaskError
from caskmcp.record import otlp as receiver
from caskmcp.store.files import LocalFiles
from caskmcp.workflows import brunofolder
from tests.support.patience import HANGS, soon

DRIPPING = b"POST /v1/traces HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n{"


def read(kind: str, data: bytes) -> list[Any]:
    return list(source(kind).read([data]))


# ---------------------------------------------------------------- what does not end
class Dripping:
    """A client that says a little, again and again, and never all."""

    def __init__(self) -> None:
        self.done = threading.Event()
        self.thread: threading.Thread | None = None

    def start(self, port: int) -> None:
        self.thread = threading.Thread(target=self._drip, args=(port,), daemon=True)
        self.thread.start()

    def _drip(self, port: int) -> None:
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection, suppress(OSError):
            connection.sendall(DRIPPING)
            while not self.done.wait(0.2):
                connection.sendall(b" ")


def test_a_receiver_ends_though_a_client_goes_on_to_drip() -> None:
    client = Dripping()
    try:  # it drips until it is told to end, which is after the receiver has ended
        assert list(receiver.exchanges(port=0, duration=0.5, tell=client.start)) == []
    finally:
        client.done.set()


def test_a_request_that_drips_is_answered_within_the_time_of_a_whole_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receiver, "WHOLE", 0.5)
    answers: list[bytes] = []
    done = threading.Event()

    def drip(port: int) -> None:
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection, suppress(OSError):
            connection.sendall(DRIPPING)
            connection.settimeout(0.2)
            for _ in range(20):
                with suppress(TimeoutError):
                    answers.append(connection.recv(4096))
                    break
                connection.sendall(b" ")
        done.set()

    list(receiver.exchanges(port=0, duration=3.0, tell=lambda port: threading.Thread(target=drip, args=(port,), daemon=True).start()))
    assert done.wait(HANGS)
    assert answers
    assert answers[0].startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize(
    ("kind", "line"),
    [
        ("http", b"GET https://a.example/" + b" " * 200_000 + b"x\n"),
        ("http", b"GET https://a.example/" + b" HTTP/1.1" * 20_000 + b" x\n"),
        ("access_log", b'[2024-01-01T00:00:00Z] "GET / HTTP/1.1" 200 ' + b'"\\' * 100_000 + b"x\n"),
        ("curl", b'curl ^"https://a.example/' + b"\\" * 200_000 + b'x^"\n'),
    ],
)
def test_a_long_line_is_read_in_linear_time(kind: str, line: bytes) -> None:
    with soon():
        assert len(read(kind, line)) == 1


@pytest.mark.parametrize(
    ("line", "method", "url"),
    [
        ("GET https://a.example/x HTTP/1.1", "GET", "https://a.example/x"),
        ("POST\thttps://a.example/x   HTTP/2  ", "POST", "https://a.example/x"),
        ("https://a.example/x", "GET", "https://a.example/x"),
        ("https://a.example/x HTTP/1.1", "GET", "https://a.example/x"),
        ("PUT https://a.example/HTTP/1.1", "PUT", "https://a.example/HTTP/1.1"),
    ],
)
def test_a_request_line_has_a_method_or_none_and_a_version_or_none(line: str, method: str, url: str) -> None:
    [found] = read("http", line.encode())
    assert (found.method, found.url) == (method, url)


@pytest.mark.parametrize("slashes", [1, 2, 3, 4])
def test_backslashes_count_before_a_quote_alone(slashes: int) -> None:
    [found] = read("curl", b'curl ^"https://a.example/x^" --data-raw ^"a' + b"^\\" * slashes + b'b^"\n')
    assert found.request.text == "a" + "\\" * slashes + "b"


# ---------------------------------------------------------------- what crashes
@pytest.mark.parametrize("reason", ["null", "5"])
def test_a_value_that_is_deprecated_for_no_text_is_refused_with_its_line(reason: str) -> None:
    with pytest.raises(CaskError) as caught:
        read("graphql", b"type Query { a: G }\nenum G { N P @deprecated(reason: %b) }\n" % reason.encode())
    assert (caught.value.code, caught.value.place) == ("CASK-C002", "line 2")


@pytest.mark.parametrize(("kind", "value"), [("Int", b"1" * 5_000), ("Int", b"-" + b"9" * 30), ("Float", b"1e999")])
def test_a_default_that_is_no_number_anybody_can_hold_is_not_told(kind: str, value: bytes) -> None:
    [found] = read("graphql", b"type Query { a(x: %b = %b): Int }" % (kind.encode(), value))
    assert "default" not in found.bodies[0].schema["properties"]["x"]


# ---------------------------------------------------------------- what nobody writes to
@pytest.mark.parametrize("way", ["read", "chunks"])
def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path, way: str) -> None:
    path = tmp_path / "f.yaml"
    os.mkfifo(path)
    with pytest.raises(CaskError) as caught:
        LocalFiles().read(path) if way == "read" else list(LocalFiles().chunks(path))
    assert (caught.value.code, caught.value.what) == ("CASK-I002", "this is no regular file")


def test_a_link_to_a_regular_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"text")
    (tmp_path / "b").symlink_to("a")
    assert LocalFiles().read(tmp_path / "b") == b"".join(LocalFiles().chunks(tmp_path / "b")) == b"text"


# ---------------------------------------------------------------- what errors repeat
FOUND = "ghp_" + "aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dF3gH5"


@pytest.mark.parametrize("what", ["unknown key `tools.0.{}`", "the reference `#/components/{}` leads to nothing", "`{}` is no status"])
def test_an_error_of_a_document_repeats_nothing_that_redaction_cuts(what: str) -> None:
    error = worded(CaskError("CASK-C002", what.format(FOUND), place="line 3"), "capture", "a.yaml")
    assert FOUND not in str(error)
    assert (error.what, error.place) == (what.format("…"), "a.yaml:3")


def test_an_error_keeps_the_names_that_redaction_leaves() -> None:
    error = worded(CaskError("CASK-C002", "unknown key `tools.0.outputSchema`", place="line 1"), "capture", "a.mcp.json")
    assert error.what == "unknown key `tools.0.outputSchema`"


def test_the_name_of_a_broken_file_in_a_folder_shows_on_one_line_without_finds(tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "bruno.json").write_text("{}")
    (folder / f"bad\n{FOUND} x.bru").write_bytes(b"\xff\xfe")
    with pytest.raises(CaskError) as caught:
        brunofolder.content(LocalFiles(), folder, "shop")
    assert caught.value.place == "shop/bad\\u{a}… x.bru, byte 0"


def test_a_request_of_a_million_empty_spans_is_refused() -> None:
    body = b'{"resourceSpans":[{"scopeSpans":[{"spans":[' + b"{}," * 1_000_000 + b"{}]}]}]}"
    with soon(), pytest.raises(receiver._Refused) as caught:
        receiver._spans("application/json", body)
    assert caught.value.status == 413
