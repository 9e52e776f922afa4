"""At most so many requests of one tool at a time: the bound, the queue, its end, and that a tool cannot take another's places."""

from collections.abc import Iterator
from contextlib import contextmanager

import anyio
import pytest

from caskmcp.errors import CaskError
from caskmcp.runtime import lanes
from caskmcp.runtime.lanes import QUEUE, WIDE, Lanes


class Crowd:
    """Calls that stay in a lane until they are let go; `most` is how many were in it at once."""

    def __init__(self) -> None:
        self.lanes = Lanes()
        self.now: dict[str, int] = {}
        self.most = self.entered = self.waited = 0
        self.refused: list[str] = []
        self.go = anyio.Event()

    async def call(self, name: str = "r") -> None:
        try:
            async with self.lanes.entered(name) as waited:
                self.entered, self.waited = self.entered + 1, self.waited + waited
                self.now[name] = self.now.get(name, 0) + 1
                self.most = max(self.most, self.now[name])
                await self.go.wait()
                self.now[name] -= 1
        except CaskError as no:
            self.refused.append(no.code)


async def settled() -> None:
    for _ in range(20):
        await anyio.lowlevel.checkpoint()


def test_at_most_so_many_calls_of_one_tool_are_on_their_way_and_the_rest_wait_their_turn() -> None:
    async def run() -> Crowd:
        crowd = Crowd()
        async with anyio.create_task_group() as tasks:
            for _ in range(WIDE * 3):
                tasks.start_soon(crowd.call)
            await settled()
            assert (crowd.entered, crowd.waited) == (WIDE, 0)
            crowd.go.set()
        return crowd

    crowd = anyio.run(run)
    assert (crowd.entered, crowd.most, crowd.waited, crowd.refused) == (WIDE * 3, WIDE, WIDE * 2, [])


def test_whoever_finds_the_queue_full_is_told_so_and_another_tool_is_not() -> None:
    async def run() -> Crowd:
        crowd = Crowd()
        async with anyio.create_task_group() as tasks:
            for _ in range(WIDE + QUEUE + 5):
                tasks.start_soon(crowd.call)
            tasks.start_soon(crowd.call, "another")
            await settled()
            assert (crowd.now, crowd.refused) == ({"r": WIDE, "another": 1}, ["CASK-R022"] * 5)
            crowd.go.set()
        return crowd

    assert anyio.run(run).entered == WIDE + QUEUE + 1


@contextmanager
def impatient(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(lanes, "WAIT", 0.01)
    yield


def test_whoever_waits_too_long_is_told_so_and_leaves_the_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> Crowd:
        crowd = Crowd()
        async with anyio.create_task_group() as tasks:
            for _ in range(WIDE + 1):
                tasks.start_soon(crowd.call)
            while not crowd.refused:
                await anyio.sleep(0.005)
            crowd.go.set()
            await settled()
            await crowd.call()
        return crowd

    with impatient(monkeypatch):
        crowd = anyio.run(run)
    assert (crowd.refused, crowd.entered) == (["CASK-R022"], WIDE + 1)


def test_a_call_that_is_cancelled_leaves_its_place_on_its_way_and_in_the_queue() -> None:
    async def run() -> Crowd:
        crowd = Crowd()
        async with anyio.create_task_group() as tasks:
            for _ in range(WIDE * 2):
                tasks.start_soon(crowd.call)
            await settled()
            tasks.cancel_scope.cancel()
        crowd.go.set()
        async with anyio.create_task_group() as tasks:
            for _ in range(WIDE):
                tasks.start_soon(crowd.call)
        return crowd

    assert anyio.run(run).waited == 0
