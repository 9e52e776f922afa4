"""HTTP against a real loopback upstream that breaks the rules; and which address is dialled, judged by a hook on the dialling itself."""

import socket
from collections.abc import Callable, Iterator
from typing import Any

import anyio
import httpcore2
import pytest

from caskmcp.errors import CaskError
from caskmcp.runtime.commands import Failure, Resolve, Send
from caskmcp.runtime.egress import Destination
from caskmcp.runtime.plan import PreparedRequest
from caskmcp.runtime.respond import Answer
from caskmcp.runtime.upstream import Upstream as Client
from tests.support.upstream import Upstream, answer


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream() as running:
        yield running


class Hook(httpcore2.AsyncNetworkBackend):
    """Notes what is dialled, and dials."""

    def __init__(self) -> None:
        self.dialled: list[tuple[str, int]] = []
        self._inner = httpcore2.AnyIOBackend()

    async def connect_tcp(self, host: str, port: int, **more: Any) -> httpcore2.AsyncNetworkStream:
        self.dialled.append((host, port))
        return await self._inner.connect_tcp(host, port, **more)


def request(port: int, path: str = "/echo", **changes: Any) -> PreparedRequest:
    fields: dict[str, Any] = {
        "method": "GET",
        "scheme": "http",
        "host": "api.example.com",
        "port": port,
        "target": path.encode(),
        "headers": (("Host", "api.example.com"), ("Accept-Encoding", "gzip")),
        **changes,
    }
    return PreparedRequest(**fields)


def sent(
    asked: PreparedRequest,
    to: tuple[str, ...] = ("127.0.0.1",),
    *,
    private: bool = True,
    limit: int = 1 << 20,
    hook: Hook | None = None,
    **more: Any,
) -> Answer | Failure:
    async def send() -> Answer | Failure:
        client = Client(hook, **more)
        try:
            return await client.send(Send(asked, Destination(asked.scheme, asked.host, asked.port, private), to, limit))
        finally:
            await client.aclose()

    return anyio.run(send)


# ---------------------------------------------------------------- what is sent
def test_the_request_stands_on_the_wire_as_it_was_prepared(upstream: Upstream) -> None:
    target = "/echo/a%2Fb/%252e?q=x%26y&r=%20"
    asked = request(
        upstream.port,
        target,
        method="POST",
        headers=(("Host", "api.example.com"), ("Content-Type", "application/json"), ("Content-Length", "7")),
        body=b'{"a":1}',
    )
    assert isinstance(sent(asked), Answer)
    heard = upstream.heard[0]
    assert heard.head == f"POST {target} HTTP/1.1\r\nHost: api.example.com\r\nContent-Type: application/json\r\nContent-Length: 7"
    assert heard.body == b'{"a":1}'


def test_a_read_has_no_body_and_no_length(upstream: Upstream) -> None:
    sent(request(upstream.port))
    assert upstream.heard[0].header("content-length") is None


def test_the_connection_goes_to_the_checked_address_and_not_to_the_name(upstream: Upstream) -> None:
    hook = Hook()
    assert isinstance(sent(request(upstream.port), hook=hook), Answer)
    assert hook.dialled == [("127.0.0.1", upstream.port)]


def test_an_address_is_checked_once_more_as_it_is_dialled(upstream: Upstream) -> None:
    hook = Hook()
    with pytest.raises(CaskError) as error:
        sent(request(upstream.port), hook=hook, private=False)
    assert error.value.code == "CASK-E003"
    assert hook.dialled == []
    assert upstream.heard == []


def test_the_next_address_is_tried_only_where_no_connection_was_made(upstream: Upstream) -> None:
    hook = Hook()
    assert isinstance(sent(request(upstream.port), ("127.0.0.2", "127.0.0.1"), hook=hook), Answer | Failure)
    assert [host for host, _ in hook.dialled] in (["127.0.0.2"], ["127.0.0.2", "127.0.0.1"])
    assert len(upstream.heard) <= 1


def test_proxies_of_the_environment_change_nothing(upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    hook = Hook()
    assert isinstance(sent(request(upstream.port), hook=hook), Answer)
    assert hook.dialled == [("127.0.0.1", upstream.port)]


def test_a_connection_is_kept_for_the_next_call() -> None:
    with Upstream(reply=lambda _: b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}") as upstream:
        hook = Hook()

        async def twice() -> None:
            client = Client(hook)
            for _ in range(2):
                asked = request(upstream.port)
                await client.send(Send(asked, Destination("http", asked.host, asked.port, True), ("127.0.0.1",), 1000))
            await client.aclose()

        anyio.run(twice)
    assert len(hook.dialled) in (1, 2)


# ---------------------------------------------------------------- what comes back
def test_a_compressed_answer_is_read(upstream: Upstream) -> None:
    said = sent(request(upstream.port, "/zipped"))
    assert isinstance(said, Answer)
    assert (said.status, said.body, said.whole) == (200, b'{"zipped":true}', True)


@pytest.mark.parametrize("mode", ["zip_bomb_small", "big_body"])
def test_no_more_than_the_bound_is_read_however_much_comes(upstream: Upstream, mode: str) -> None:
    said = sent(request(upstream.port, f"/{mode}"), limit=1000)
    assert isinstance(said, Answer)
    assert (len(said.body), said.whole) == (1000, False)


@pytest.mark.parametrize(
    ("mode", "kind"),
    [("chunk_garbage", "broken"), ("truncated", "broken"), ("zip_garbage", "broken"), ("odd_coding", "broken"), ("hangs_up", "dropped")],
)
def test_an_answer_that_breaks_the_rules_is_a_failure_with_a_name(upstream: Upstream, mode: str, kind: str) -> None:
    said = sent(request(upstream.port, f"/{mode}"))
    assert isinstance(said, Failure)
    assert (said.kind, said.maybe) == (kind, True)


def test_nobody_listening_is_a_failure_that_sent_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as bound:
        port = bound.getsockname()[1]
    assert sent(request(port)) == Failure("connect", maybe=False)


def test_a_call_ends_after_its_time(upstream: Upstream) -> None:
    # The server answers after three seconds: whoever waited that long would have an answer.
    assert sent(request(upstream.port, "/slow"), total=0.3) == Failure("timeout", maybe=True)


def test_a_redirect_is_an_answer_and_is_not_followed(upstream: Upstream) -> None:
    hook = Hook()
    said = sent(request(upstream.port, "/go_elsewhere"), hook=hook)
    assert isinstance(said, Answer)
    assert (said.status, said.header("location")) == (302, "http://10.0.0.1/")
    assert hook.dialled == [("127.0.0.1", upstream.port)]


def test_an_answer_without_content_is_an_answer(upstream: Upstream) -> None:
    said = sent(request(upstream.port, "/nothing"))
    assert isinstance(said, Answer)
    assert (said.status, said.body) == (204, b"")


@pytest.mark.parametrize(
    "reply",
    [b"", b"\0" * 100, b"HTTP/1.1 200 OK\r\n", b"SSH-2.0-x\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n", b"HTTP/1.1 200 OK\r\nA: " + b"x" * 200_000],
)
def test_what_is_no_http_is_a_failure(reply: bytes) -> None:
    with Upstream(reply=lambda _: reply) as odd:
        assert isinstance(sent(request(odd.port)), Failure)


def test_header_names_come_in_lower_case_and_the_first_counts() -> None:
    with Upstream(reply=lambda _: answer(extra=("X-A: 1", "x-a: 2"))) as upstream:
        said = sent(request(upstream.port))
    assert isinstance(said, Answer)
    assert said.header("x-a") == "1"


def test_a_request_that_is_no_http_is_refused_before_it_leaves(upstream: Upstream) -> None:
    with pytest.raises(CaskError) as error:
        sent(request(upstream.port, headers=(("Host", "a"), ("X", "a\nb"))))
    assert error.value.code == "CASK-R003"
    assert upstream.heard == []


# ---------------------------------------------------------------- names
@pytest.mark.parametrize(
    ("host", "check"), [("127.0.0.1", lambda found: found == ("127.0.0.1",)), ("no-such-name.invalid", lambda found: found == ())]
)
def test_each_address_of_a_name_comes_once(host: str, check: Callable[[tuple[str, ...]], bool]) -> None:
    async def ask() -> tuple[str, ...]:
        return await Client().addresses(Resolve(host, 80))

    assert check(anyio.run(ask))
