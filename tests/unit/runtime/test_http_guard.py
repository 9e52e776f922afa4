"""The guard in front of the HTTP transport, each of its rows also taken away: then the same request comes through."""

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import anyio
import pytest

from caskmcp.model.token import TokenRow
from caskmcp.runtime import http_guard
from caskmcp.runtime.http_guard import Door, Guard, Message, Receive, Scope, Send
from caskmcp.runtime.mcp_server import SENDER
from caskmcp.runtime.tokens import Caller

DOOR = Door(
    frozenset({"127.0.0.1:8765", "localhost:8765"}),
    frozenset({"http://127.0.0.1:8765"}),
    (TokenRow(name="ci", sha256=hashlib.sha256(b"good").hexdigest(), toolsets=("support",)),),
)
GOOD = ((b"host", b"127.0.0.1:8765"), (b"authorization", b"Bearer good"))


def scope_of(headers: Iterable[tuple[bytes, bytes]] = GOOD, path: str = "/mcp", method: str = "POST") -> Scope:
    return {"type": "http", "method": method, "path": path, "headers": list(headers), "client": ("127.0.0.1", 5)}


class Behind:
    """What stands behind: it keeps each request that reaches it, with its body."""

    def __init__(self, waits: anyio.Event | None = None) -> None:
        self.heard: list[Scope] = []
        self.messages: list[Message] = []
        self._waits = waits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.heard.append(scope)
        while not self.messages or self.messages[-1].get("more_body"):
            self.messages.append(await receive())
        if self._waits is not None:
            await self._waits.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"in"})


class Asked:
    """One guard, and what it said."""

    def __init__(self, behind: Behind, ready: bool = True) -> None:
        self.sent: list[Message] = []
        self.told: list[tuple[str, dict[str, Any]]] = []
        self.guard = Guard(behind, DOOR, lambda: ready, lambda event, **fields: self.told.append((event, fields)))

    async def send(self, message: Message) -> None:
        self.sent.append(message)

    async def ask(self, scope: Scope, receive: Receive | None = None) -> int:
        async def whole() -> Message:
            return {"type": "http.request", "body": b"{}", "more_body": False}

        self.sent.clear()
        await self.guard(scope, receive or whole, self.send)
        return int(self.sent[0]["status"]) if self.sent else 0


def answered(scope: Scope, *, ready: bool = True) -> tuple[int, Behind, Asked]:
    behind = Behind()
    asked = Asked(behind, ready)
    return anyio.run(asked.ask, scope), behind, asked


BAD = [
    ("framing", 400, (*GOOD, (b"content-length", b"2"), (b"transfer-encoding", b"chunked")), "/mcp"),
    ("path", 404, GOOD, "/"),
    ("path", 404, GOOD, "/mcp/"),
    ("path", 404, GOOD, "/mcp/../healthz"),
    ("host", 421, ((b"host", b"evil.test"), GOOD[1]), "/mcp"),
    ("host", 421, ((b"host", b"127.0.0.1:80"), GOOD[1]), "/mcp"),
    ("host", 421, ((b"host", b"127.0.0.1"), GOOD[1]), "/mcp"),
    ("host", 421, (GOOD[0], (b"host", b"evil.test"), GOOD[1]), "/mcp"),
    ("host", 421, (GOOD[1],), "/mcp"),
    ("origin", 403, (*GOOD, (b"origin", b"http://evil.test")), "/mcp"),
    ("origin", 403, (*GOOD, (b"origin", b"null")), "/mcp"),
    ("origin", 403, (*GOOD, (b"origin", b"https://127.0.0.1:8765")), "/mcp"),
    ("origin", 403, (*GOOD, (b"origin", b"http://127.0.0.1:8765"), (b"origin", b"http://evil.test")), "/mcp"),
    ("token", 401, (GOOD[0],), "/mcp"),
    ("token", 401, (GOOD[0], (b"authorization", b"Bearer wrong")), "/mcp"),
    ("token", 401, (GOOD[0], (b"authorization", b"Basic good")), "/mcp"),
    ("token", 401, (GOOD[0], (b"authorization", b"Bearer")), "/mcp"),
    ("token", 401, (*GOOD, (b"authorization", b"Bearer good")), "/mcp"),
]


@pytest.mark.parametrize(("name", "status", "headers", "path"), BAD)
def test_a_request_that_lacks_something_reaches_nothing(name: str, status: int, headers: Any, path: str) -> None:
    said, behind, asked = answered(scope_of(headers, path))
    assert (said, behind.heard) == (status, [])
    assert asked.told == [("refused", {"what": name, "status": status, "peer": "127.0.0.1"})]


@pytest.mark.parametrize(("name", "status", "headers", "path"), BAD)
def test_without_the_row_of_the_table_the_same_request_comes_through(
    monkeypatch: pytest.MonkeyPatch, name: str, status: int, headers: Any, path: str
) -> None:
    assert status
    monkeypatch.setattr(http_guard, "CHECKS", tuple(row for row in http_guard.CHECKS if row.name != name))
    said, behind, _ = answered(scope_of(headers, path))
    assert (said, len(behind.heard)) == (200, 1)


def test_a_good_request_comes_through_with_its_sender_in_place_of_the_token() -> None:
    said, behind, asked = answered(scope_of((*GOOD, (b"origin", b"http://127.0.0.1:8765"))))
    (seen,) = behind.heard
    assert (said, asked.told) == (200, [])
    assert seen[SENDER] == Caller("token ci", frozenset({"support"}))
    assert seen["user"].access_token.client_id == "token ci"
    assert b"good" not in repr(sorted(seen["headers"])).encode()
    assert "good" not in repr(vars(seen["user"]))


@pytest.mark.parametrize(("path", "method"), [("/mcp", "POST"), ("/healthz", "GET"), ("/readyz", "HEAD")])
def test_what_follows_a_request_with_two_lengths_is_not_read(path: str, method: str) -> None:
    both = ((b"content-length", b"2"), (b"transfer-encoding", b"chunked"))
    said, _, asked = answered(scope_of((*GOOD, *both), path, method))
    assert said == 400
    assert (b"connection", b"close") in asked.sent[0]["headers"]


def test_the_tokens_are_looked_at_as_often_however_many_words_a_header_has() -> None:
    looked: list[int] = []

    def now() -> tuple[TokenRow, ...]:
        looked.append(1)
        return DOOR.tokens

    door = replace(DOOR, now=now)
    for words in (1, 200):
        looked.clear()
        assert http_guard.own(scope_of(((b"x-a", b"a " * words), (b"x-b", b"a good b"))), door) == {"x-a": ("a " * words).strip()}
        assert len(looked) == 1


def test_a_401_says_how_to_come_in() -> None:
    _, _, asked = answered(scope_of((GOOD[0],)))
    assert (b"www-authenticate", b'Bearer realm="cask"') in asked.sent[0]["headers"]


def test_a_caller_whose_row_is_gone_sees_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_guard, "CHECKS", ())
    _, behind, _ = answered(scope_of((GOOD[0],)))
    assert behind.heard[0][SENDER] == Caller("nobody", frozenset())


@pytest.mark.parametrize(("path", "ready", "status"), [("/healthz", False, 200), ("/readyz", True, 200), ("/readyz", False, 503)])
def test_health_needs_no_token_and_says_nothing_else(path: str, ready: bool, status: int) -> None:
    said, behind, asked = answered(scope_of((), path, "GET"), ready=ready)
    assert (said, behind.heard) == (status, [])
    assert asked.sent[1]["body"] in (b"alive\n", b"ready\n", b"not ready\n")


def test_a_server_that_stops_takes_nothing_new_and_waits_for_calls_on_their_way() -> None:
    async def run() -> tuple[int, bool, int, int]:
        gate = anyio.Event()
        behind = Behind(gate)
        asked, late = Asked(behind), Asked(behind)
        late.guard = asked.guard
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(asked.ask, scope_of())
            await anyio.wait_all_tasks_blocked()
            asked.guard.stopping = True
            with anyio.move_on_after(0.05) as soon:
                await asked.guard.idle()
            sent: list[Message] = []

            async def receive() -> Message:
                return {"type": "http.request", "body": b"", "more_body": False}

            async def send(message: Message) -> None:
                sent.append(message)

            await asked.guard(scope_of(), receive, send)
            health: list[Message] = []

            async def note(message: Message) -> None:
                health.append(message)

            await asked.guard(scope_of((), "/readyz", "GET"), receive, note)
            gate.set()
            await asked.guard.idle()
        return sent[0]["status"], soon.cancelled_caught, len(behind.heard), health[0]["status"]

    assert anyio.run(run) == (503, True, 1, 503)


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT", "POST"])
def test_where_every_path_is_a_call_a_stop_waits_for_each_method(method: str) -> None:
    async def run() -> bool:
        gate = anyio.Event()
        guard = Guard(Behind(gate), DOOR, lambda: True, lambda *_, **__: None, http_guard.ANY_PATH)

        async def receive() -> Message:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(_: Message) -> None:
            """What is answered is not looked at."""

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(guard, scope_of(path="/api.example.com/orders/7", method=method), receive, send)
            await anyio.wait_all_tasks_blocked()
            with anyio.move_on_after(0.02) as soon:
                await guard.idle()
            gate.set()
        return soon.cancelled_caught

    assert anyio.run(run)


def test_an_open_stream_of_news_is_no_call_on_its_way() -> None:
    async def run() -> bool:
        gate = anyio.Event()
        asked = Asked(Behind(gate))
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(asked.ask, scope_of((*GOOD, (b"mcp-method", b"subscriptions/listen"))))
            await anyio.wait_all_tasks_blocked()
            with anyio.fail_after(1):
                await asked.guard.idle()
            gate.set()
        return True

    assert anyio.run(run)


def test_a_body_that_does_not_come_in_time_ends_as_if_the_client_had_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_guard, "BODY_TIME", 0.05)

    async def drip() -> Message:
        await anyio.sleep(0.02)
        return {"type": "http.request", "body": b" ", "more_body": True}

    async def run() -> Behind:
        behind = Behind()
        await Asked(behind).ask(scope_of(), drip)
        return behind

    assert anyio.run(run).messages[-1] == {"type": "http.disconnect"}


def test_after_the_body_the_clients_going_away_is_waited_for_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_guard, "BODY_TIME", 0.02)
    said = [{"type": "http.request", "body": b"", "more_body": False}, {"type": "http.disconnect"}]

    async def run() -> list[Message]:
        async def late() -> Message:
            if len(said) < 2:
                await anyio.sleep(0.06)
            return said.pop(0)

        receive = http_guard._timely(late)
        return [await receive(), await receive()]

    assert [message["type"] for message in anyio.run(run)] == ["http.request", "http.disconnect"]


def test_a_web_socket_gets_nothing() -> None:
    behind = Behind()
    asked = Asked(behind)
    assert anyio.run(asked.ask, {**scope_of(), "type": "websocket"}) == 0
    assert behind.heard == []


# ---------------------------------------------------------------- a caller's own headers
def carried(*headers: tuple[bytes, bytes]) -> dict[str, str]:
    behind = Behind()
    anyio.run(Asked(behind).ask, scope_of((*GOOD, *headers)))
    (scope,) = behind.heard
    return dict(scope[SENDER].headers)


def test_what_a_caller_sends_beside_its_token_stands_beside_its_name() -> None:
    assert carried((b"x-shop-token", b" mine "), (b"x-other", b"1")) == {"x-shop-token": "mine", "x-other": "1"}


@pytest.mark.parametrize(
    "header",
    [
        (b"x-shop-token", b"good"),
        (b"x-shop-token", b"Bearer good"),
        (b"x-shop-token", b"prefix-good-suffix"),
        (b"cookie", b"sid=1"),
        (b"mcp-session-id", b"1"),
        (b"proxy-authorization", b"Basic eDp5"),
        (b"x-forwarded-for", b"10.0.0.1"),
        (b"content-type", b"application/json"),
    ],
)
def test_the_servers_token_and_what_belongs_to_the_connection_are_not_among_it(header: tuple[bytes, bytes]) -> None:
    assert carried(header) == {}


def test_a_header_that_is_sent_twice_is_nobodys() -> None:
    assert carried((b"x-shop-token", b"a"), (b"x-shop-token", b"b")) == {}


def test_another_callers_token_is_not_passed_on_either(monkeypatch: pytest.MonkeyPatch) -> None:
    other = TokenRow(name="other", sha256=hashlib.sha256(b"0ther").hexdigest())
    monkeypatch.setattr(f"{__name__}.DOOR", Door(DOOR.hosts, DOOR.origins, (*DOOR.tokens, other)))
    assert carried((b"x-shop-token", b"Bearer 0ther"), (b"x-more", b"0ther")) == {}


def test_without_that_check_the_token_would_be_carried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_guard, "_is_ours", lambda *_: False)
    assert carried((b"x-shop-token", b"Bearer good")) == {"x-shop-token": "Bearer good"}
