"""A host that fails again and again: it rests, one call tries it, it works again. Over the real state, with a clock that is set by hand."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import anyio
import pytest

from caskmcp.errors import CaskError
from caskmcp.runtime.breaker import Breaker
from caskmcp.runtime.commands import Failure, Send
from caskmcp.runtime.egress import Destination
from caskmcp.runtime.keeper import FAILURES, REST
from caskmcp.runtime.plan import PreparedRequest
from caskmcp.runtime.respond import Answer
from caskmcp.runtime.state import State
from tests.support.calls import answer

DOWN = Failure("connect", maybe=False)


@dataclass
class Hand:
    """A clock that somebody sets."""

    second: int = 0

    def now(self) -> str:
        return f"2026-11-21T12:{self.second // 60:02}:{self.second % 60:02}Z"


def ask(host: str = "a.example.com") -> Send:
    return Send(PreparedRequest("GET", "https", host, 443, b"/", ()), Destination("https", host, 443, private=False), ("192.0.2.1",), 100)


@dataclass
class Service:
    """An upstream, one server of ours, and what came of each call."""

    state: State
    clock: Hand = field(default_factory=Hand)
    sent: int = 0

    def __post_init__(self) -> None:
        self.breaker = Breaker(self.state, self.clock)

    def call(self, reply: Answer | Failure, host: str = "a.example.com", breaker: Breaker | None = None) -> str:
        """`sent`, or our code."""

        async def send(_: Send) -> Answer | Failure:
            self.sent += 1
            return reply

        try:
            anyio.run((breaker or self.breaker).sent, ask(host), send)
        except CaskError as no:
            return no.code
        return "sent"

    def calls(self, *replies: Answer | Failure) -> list[str]:
        return [self.call(reply) for reply in replies]


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with closing(State(tmp_path / "state.db")) as state:
        yield Service(state)


@pytest.mark.feature(88)
@pytest.mark.parametrize("failing", [DOWN, Failure("timeout", maybe=True), answer(b"", 502), answer(b"", 503), answer(b"", 504)])
def test_a_host_that_fails_so_often_in_a_row_is_left_alone_and_then_tried_by_one_call(service: Service, failing: Answer | Failure) -> None:
    assert service.calls(*[failing] * (FAILURES + 3)) == ["sent"] * FAILURES + ["CASK-R021"] * 3
    assert (service.sent, service.call(answer(), "b.example.com")) == (FAILURES, "sent")
    service.clock.second = REST
    assert service.calls(failing, failing) == ["sent", "CASK-R021"]
    service.clock.second = 2 * REST
    assert service.calls(answer(), *[failing] * FAILURES) == ["sent"] * (FAILURES + 1)


@pytest.mark.parametrize("fine", [answer(), answer(b"", 404), answer(b"", 500), answer(b"", 429)])
def test_failures_that_are_not_in_a_row_are_none_of_its_business(service: Service, fine: Answer) -> None:
    rounds = [*[DOWN] * (FAILURES - 1), fine] * 3
    assert service.calls(*rounds) == ["sent"] * len(rounds)


def test_a_server_that_starts_anew_knows_that_a_host_rests(service: Service) -> None:
    service.calls(*[DOWN] * FAILURES)
    assert service.call(answer(), breaker=Breaker(service.state, service.clock)) == "CASK-R021"


def test_a_host_that_answers_costs_no_question(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    real = State.resting
    monkeypatch.setattr(State, "resting", lambda self, host, at: (asked.append(host), real(self, host, at))[1])
    service.calls(*[answer()] * 5)
    assert asked == ["a.example.com:443"]
    monkeypatch.setattr(State, "shared", True)
    service.calls(*[answer()] * 5)
    assert len(asked) == 6, "where replicas share the state each call asks"


def test_whoever_finds_a_host_well_again_tells_the_other_replicas(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(State, "shared", True)
    other = Breaker(service.state, service.clock)
    service.calls(*[DOWN] * FAILURES)
    service.clock.second = REST
    assert service.call(answer(), breaker=other) == "sent"
    assert service.call(answer()) == "sent"


@pytest.mark.parametrize("shared", [True, False])
def test_an_answer_that_another_server_got_ends_the_row_of_failures(
    service: Service, shared: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(State, "shared", shared)
    service.calls(*[DOWN] * (FAILURES - 1))
    service.call(answer(), breaker=Breaker(service.state, service.clock))
    assert service.calls(DOWN, answer()) == ["sent", "sent"]


def test_an_answer_is_not_lost_because_a_failure_cannot_be_noted(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object) -> None:
        raise CaskError("CASK-R020", "gone")

    monkeypatch.setattr(State, "failed", gone)
    assert service.call(answer(b"", 503)) == "sent"


def test_with_the_look_taken_away_a_host_that_fails_is_called_again_and_again(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(State, "resting", lambda *_: 0)
    assert service.calls(*[DOWN] * (FAILURES + 3)) == ["sent"] * (FAILURES + 3)
