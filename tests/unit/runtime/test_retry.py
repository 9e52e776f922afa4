"""When a request is sent again: the rules, the pause, and whole calls to an upstream that fails first."""

import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import pytest

from caskmcp.errors import CaskError
from caskmcp.runtime import retry
from caskmcp.runtime.commands import Failure, Pause, Record, Resolve, Send, Spend
from caskmcp.runtime.egress import Destination
from caskmcp.runtime.plan import PreparedRequest
from caskmcp.runtime.respond import Answer
from caskmcp.runtime.retry import delay, pause
from caskmcp.runtime.upstream import Upstream as Client
from tests.support.calls import GET_ORDER, PAY_ORDER, PUBLIC, Conversation, answer, flight, served, tool
from tests.support.patience import HANGS
from tests.support.upstream import Heard, Upstream
from tests.support.upstream import answer as said
from tests.support.world import CountingEntropy
from tests.unit.runtime.test_conduct import conducted, hands, lines, on


def talked(*replies: Answer | Failure, name: str = "get_order", tools: Any = (GET_ORDER, PAY_ORDER)) -> tuple[list[Any], Any]:
    """What was asked from the first send on, and the result."""
    left = list(replies)
    talk = Conversation({Resolve: (PUBLIC,), Send: lambda _: left.pop(0), Record: None, Spend: None, Pause: None})
    result = talk.hold(flight(name, served(*tools), order_id=7))
    return [each for each in talk.asked if isinstance(each, Send | Pause | Record)], result


def busy(status: int = 503, **headers: str) -> Answer:
    return answer(b"later", status, **headers)


@pytest.mark.parametrize(
    ("reply", "seconds"),
    [
        (Failure("connect", maybe=False), 0),
        (Failure("dropped", maybe=True), 0),
        (Failure("timeout", maybe=True), None),
        (Failure("broken", maybe=True), None),
        (answer(), None),
        (busy(429), 0),
        (busy(502), 0),
        (busy(503), 0),
        (busy(504), 0),
        (busy(500), None),
        (busy(404), None),
        (busy(429, retry_after="7"), 7),
        (busy(429, retry_after="10"), 10),
        (busy(429, retry_after="11"), None),
        (busy(429, retry_after="99999999999999999999"), None),
        (busy(503, retry_after="Wed, 21 Oct 2026 07:28:00 GMT"), None),
        (busy(503, retry_after="-1"), None),
        (busy(503, retry_after="１"), None),
    ],
)
def test_only_what_may_be_better_later_is_sent_again(reply: Answer | Failure, seconds: int | None) -> None:
    assert pause(reply) == seconds


@pytest.mark.feature(88)
def test_an_idempotent_call_is_sent_three_times_at_most_with_pauses_between() -> None:
    asked, result = talked(*[busy(retry_after="2")] * 3)
    assert [type(each).__name__ for each in asked] == ["Send", "Pause", "Send", "Pause", "Send", "Record"]
    assert [(each.sends, each.least) for each in asked if isinstance(each, Pause)] == [(1, 2), (2, 2)]
    assert (result.error, asked[-1].entry.extra["sends"]) == ("CASK-R008", 3)


def test_a_connection_that_had_gone_stale_is_replaced_at_once() -> None:
    asked, result = talked(Failure("dropped", maybe=True), answer())
    assert [type(each).__name__ for each in asked] == ["Send", "Send", "Record"]
    assert (result.error, asked[-1].entry.extra) == ("", {"call": "c0ffee", "sends": 2})


@pytest.mark.feature(88)
@pytest.mark.parametrize("reply", [Failure("dropped", maybe=True), Failure("connect", maybe=False), busy(), busy(429, retry_after="1")])
def test_what_is_not_idempotent_is_never_sent_again(reply: Answer | Failure) -> None:
    row = tool("make", method="POST", effect="write", risk="low", idempotent=False)
    asked, _ = talked(reply, name="make", tools=(row,))
    assert [type(each).__name__ for each in asked] == ["Record", "Send", "Record"]


def test_with_the_rule_taken_away_a_write_is_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    bare = retry.sent
    monkeypatch.setattr(retry, "sent", lambda send, *, again, sends: bare(send, again=True, sends=sends))
    row = tool("make", method="POST", effect="write", risk="low", idempotent=False)
    asked, _ = talked(Failure("dropped", maybe=True), answer(), name="make", tools=(row,))
    assert [type(each).__name__ for each in asked] == ["Record", "Send", "Send", "Record"]


def test_pauses_grow_and_a_share_of_them_is_chance() -> None:
    class Fixed(CountingEntropy):
        def __init__(self, low: bool) -> None:
            super().__init__()
            self.low = low

        def token(self, size: int) -> bytes:
            return b"\0" * size if self.low else b"\xff" * size

    assert [delay(Pause(sends, 0), Fixed(low=True)) for sends in (1, 2)] == [0.2, 0.4]
    assert [delay(Pause(sends, 5), Fixed(low=False)) for sends in (1, 2)] == [5.4, 5.8]
    assert len({delay(Pause(1, 0), entropy) for entropy in [CountingEntropy()] for _ in range(20)}) > 10


async def taken_back() -> None:
    raise CaskError("CASK-R001", "the tool was taken back while the call waited; nothing was sent")


@pytest.mark.parametrize("guard", [True, False])
def test_a_call_that_was_taken_back_while_it_paused_is_not_sent_again(tmp_path: Path, guard: bool) -> None:
    with Upstream(lambda _: said(b"later", status="503 Service Unavailable")) as upstream:
        ports = replace(hands(tmp_path), still=taken_back) if guard else hands(tmp_path)
        result = conducted(flight("get_order", on(upstream, GET_ORDER), order_id=7), ports)
    assert (result.error, len(upstream.heard)) == ("CASK-R008", 1 if guard else 3)


@pytest.mark.parametrize("code", sorted(retry.UNSENT))
@pytest.mark.parametrize(("first", "outcome"), [(busy(), None), (Failure("dropped", maybe=True), "unknown")])
def test_where_it_may_not_be_sent_again_the_agent_is_told_what_came_of_the_first_time(
    code: str, first: Answer | Failure, outcome: str | None
) -> None:
    def reply(_: Send) -> Any:
        return first if len(talk.of(Send)) == 1 else CaskError(code, "nothing was sent")

    row = tool("put_order", method="PUT", effect="write", risk="low", idempotent=True)
    talk = Conversation({Resolve: (PUBLIC,), Send: reply, Record: None, Spend: None, Pause: None})
    result = talk.hold(flight("put_order", served(row), order_id=7))
    entry = talk.of(Record)[-1].entry
    assert "nothing was sent" not in result.text
    assert (entry.verdict, entry.extra.get("outcome"), result.details.get("outcome")) == ("allow", outcome, outcome)


def test_a_call_that_is_given_up_while_it_is_sent_again_is_of_unknown_outcome() -> None:
    gone = CaskError("CASK-R007", "the caller cancelled the call")
    talk = Conversation({Resolve: (PUBLIC,), Send: lambda _: busy() if len(talk.of(Send)) == 1 else gone, Record: None, Pause: None})
    assert talk.hold(flight("get_order", served(GET_ORDER), order_id=7)).error == "CASK-R007"


def test_an_upstream_that_is_busy_once_is_asked_again_and_the_agent_sees_no_error(tmp_path: Path) -> None:
    replies = [said(b"later", status="503 Service Unavailable"), said(b'{"id":7}')]
    with Upstream(lambda _: replies.pop(0)) as upstream:
        result = conducted(flight("get_order", on(upstream, GET_ORDER), order_id=7), hands(tmp_path))
    assert (result.error, len(upstream.heard)) == ("", 2)
    assert [line["extra"]["sends"] for line in lines(tmp_path)] == [2]


def test_a_request_that_gets_no_connection_was_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    go = threading.Event()

    def held(_: Heard) -> bytes:
        go.wait(HANGS)
        return said()

    async def run(port: int) -> list[Answer | Failure]:
        client, found = Client(), []
        ask = Send(
            PreparedRequest("GET", "http", "127.0.0.1", port, b"/", ()), Destination("http", "127.0.0.1", port, True), ("127.0.0.1",), 100
        )

        async def one() -> None:
            found.append(await client.send(ask))
            go.set()  # the first to end is the one that got no connection

        async with anyio.create_task_group() as tasks:
            for _ in range(21):
                tasks.start_soon(one)
        await client.aclose()
        return found

    monkeypatch.setattr("caskmcp.runtime.upstream.CONNECT", 0.3)
    with Upstream(held) as upstream:
        found = anyio.run(run, upstream.port)
    assert found[0] == Failure("connect", maybe=False)
    assert ([type(each) for each in found[1:]], len(upstream.heard)) == ([Answer] * 20, 20)
