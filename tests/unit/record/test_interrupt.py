"""Ctrl-C ends a recording: where it is heard, and what is kept of it."""

import signal
import threading
from collections.abc import Iterator
from signal import Signals

import pytest

from caskmcp.record.interrupt import ENDERS, until_interrupted


def recorder(heard: list[str], ender: Signals) -> Iterator[int]:
    """Gives 1, waits for the signal, then gives what is still under way."""
    try:
        yield 1
        signal.raise_signal(ender)
        yield 99
    except KeyboardInterrupt:
        heard.append("told")
        yield 2
        yield 3
    finally:
        heard.append("closed")


@pytest.mark.parametrize("ender", ENDERS)
def test_a_recorder_that_waits_hears_it_and_gives_what_it_still_has(ender: Signals) -> None:
    heard: list[str] = []
    assert list(until_interrupted(recorder(heard, ender))) == [1, 2, 3]
    assert heard == ["told", "closed"]


def test_a_signal_while_an_item_is_worked_on_waits_until_the_work_is_done() -> None:
    heard, worked = [], []

    def endless() -> Iterator[int]:
        try:
            yield from range(1000)
        except KeyboardInterrupt:
            heard.append("told")
            yield -1

    for item in until_interrupted(endless()):
        if item == 4:
            signal.raise_signal(signal.SIGINT)
        worked.append(item)
    assert worked == [0, 1, 2, 3, 4, -1]
    assert heard == ["told"]


def test_a_recorder_that_does_not_listen_just_ends() -> None:
    def deaf() -> Iterator[int]:
        yield 1
        signal.raise_signal(signal.SIGINT)
        yield 2

    assert list(until_interrupted(deaf())) == [1]


def test_a_plain_iterator_ends_with_what_it_gave() -> None:
    worked = []
    for item in until_interrupted([1, 2, 3]):
        signal.raise_signal(signal.SIGINT)
        worked.append(item)
    assert worked == [1]


def test_a_second_signal_ends_the_rest_at_once() -> None:
    def slow() -> Iterator[int]:
        try:
            yield 1
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            yield 2
            signal.raise_signal(signal.SIGINT)
            yield 3

    assert list(until_interrupted(slow())) == [1, 2]


def test_the_handlers_are_what_they_were_before_also_after_an_error() -> None:
    before = [signal.getsignal(number) for number in ENDERS]

    def broken() -> Iterator[int]:
        yield 1
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        list(until_interrupted(broken()))
    assert [signal.getsignal(number) for number in ENDERS] == before


def test_a_consumer_that_stops_closes_the_recorder() -> None:
    heard: list[str] = []
    items = until_interrupted(recorder(heard, signal.SIGINT))
    assert next(items) == 1
    items.close()  # type: ignore[attr-defined]
    assert heard == ["closed"]


def test_outside_of_the_main_thread_it_is_what_it_was() -> None:
    found: list[int] = []
    thread = threading.Thread(target=lambda: found.extend(until_interrupted([1, 2, 3])))
    thread.start()
    thread.join()
    assert found == [1, 2, 3]
