"""A server that is killed in the middle of calls, and one that many callers use at once while its upstream fails: what is sent, counted, recorded.

The usual run is small. CASK_KILLS=1 makes it 1,000 calls around a kill, and 64 callers for 60 seconds: minutes that the usual run has not got.
"""

import itertools
import json
import os
import threading
import time
from collections import Counter
from contextlib import aclosing, closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import anyio
import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError

from caskmcp import canon
from caskmcp.govern import seal
from caskmcp.model.policy import Budget
from caskmcp.runtime import conduct as driver
from caskmcp.runtime.breaker import Breaker
from caskmcp.runtime.gateway import Call, Flight
from caskmcp.runtime.lanes import WIDE
from caskmcp.runtime.mcp_server import Front
from caskmcp.runtime.reload import Live
from caskmcp.runtime.state import State
from caskmcp.store.credentials import ReferencedCredentials
from caskmcp.workflows import audit
from caskmcp.workflows import serve as serving
from caskmcp.workflows.serve import Asked
from tests.support import audited, packs
from tests.support.calls import GET_ORDER, flight
from tests.support.crowd import answers, challenge, code, crowded, orders, send
from tests.support.granting import grant_all
from tests.support.patience import HANGS
from tests.support.serving import TOKEN, Served
from tests.support.upstream import Heard, Upstream
from tests.support.upstream import answer as said
from tests.support.world import NOON, FixedClock, world
from tests.unit.runtime.test_conduct import hands, on

FULL: Final = os.environ.get("CASK_KILLS") == "1"
CALLS: Final = 1_000 if FULL else 24
GRANTS: Final = 20 if FULL else 3
BUDGET: Final = CALLS * 5 // 8 + GRANTS * 3 // 2
"""More than the first server can count, less than both are asked for."""


@pytest.mark.timeout(600)
@pytest.mark.feature(80)
def test_after_a_kill_nothing_is_sent_twice_budgets_hold_grants_are_spent_once_and_the_record_holds(tmp_path: Path) -> None:
    asked = range(5_000, 5_000 + GRANTS)
    with Upstream() as upstream:
        shop = crowded(tmp_path, upstream, all=Budget(calls=BUDGET, per_seconds=86_400))
        with Served(shop) as server:
            send(server, "x", asked)
            waiting = answers(server, asked, HANGS)
            with closing(State(tmp_path / ".caskmcp" / "state" / "confirmations.db")) as state:
                grant_all(state, [challenge(row) for row in waiting.values()], packs.T1)
            send(server, "w", range(CALLS // 2))
            send(server, "x", asked)
            end = time.monotonic() + HANGS
            while len(upstream.heard) < CALLS // 4 and time.monotonic() < end:
                time.sleep(0.001)
            server.process.kill()
            server.process.wait()
        before = Counter(heard.target for heard in upstream.heard)
        with Served(shop) as server:
            send(server, "w", range(CALLS // 2, CALLS))
            later = answers(server, range(CALLS // 2, CALLS), HANGS * 4)
            send(server, "x", asked)
            again = answers(server, asked, HANGS)
        writes, grants = orders(upstream, "w"), orders(upstream, "x")
    assert sum(before.values()) >= CALLS // 4
    assert max(Counter(writes).values()) == 1, "each call was sent once at most"
    assert max(Counter(grants).values(), default=1) == 1
    made = [number for number, row in later.items() if code(row) == ""]
    assert sorted(row for row in writes if row >= CALLS // 2) == sorted(made)
    assert set(map(code, later.values())) == {"", "CASK-R010"}
    assert {code(row) for row in again.values()} <= {"CASK-R010"}, "the budget is spent"
    assert GRANTS + len(writes) + len(grants) <= BUDGET, "those that asked were counted too"
    judged(tmp_path, writes)


def judged(folder: Path, writes: list[int]) -> None:
    """The record of two servers, the first of which was killed."""
    report = audit.verify(world(folder))
    assert (report.summary["flaws"], report.summary["segments"]) == (0, 2)
    assert {row.code for row in report.findings} <= {"CASK-S005"}
    sending = {line["arguments"] for line in audited.decisions(folder / ".caskmcp" / "state" / "audit") if line["tool"] == "w"}
    assert {str(canon.digest({"order_id": number})) for number in writes} <= sending, "each write was on record before it was sent"
    assert seal.keys(world(folder).files, folder / ".caskmcp" / "state" / "audit")


# ---------------------------------------------------------------- many callers
CALLERS: Final = 64
SECONDS: Final = 60 if FULL else 0
EACH: Final = 2
"""Calls of each caller, where it is not for a time."""


def failing(heard: Heard) -> bytes:
    """One call in a hundred fails, in one of three ways; the others are answered with their own number."""
    number = int(heard.target.rsplit("/", 1)[1])
    fault = {0: b"", 1: said(b"later", status="503 Service Unavailable"), 2: b"HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n{"}
    return fault[number // 100 % 3] if number % 100 == 50 else said(json.dumps({"order": number}).encode())


@pytest.mark.timeout(300)
def test_of_many_callers_at_once_none_gets_anothers_answer_and_each_is_on_record(tmp_path: Path) -> None:
    results: dict[int, Any] = {}
    numbers = itertools.count()

    async def caller(shop: Any, ports: Any, log: list[str]) -> None:
        left, end = EACH, time.monotonic() + SECONDS
        while left > 0 or time.monotonic() < end:
            left, number = left - 1, next(numbers)
            call = Call(f"{number:016x}", "get_order", {"order_id": number}, f"caller {number % CALLERS}", NOON)
            results[number] = await driver.conduct(Flight(call, shop, flight("get_order").clean), ports, log.append)

    async def run(shop: Any) -> list[str]:
        log: list[str] = []
        bare = hands(tmp_path)
        ports = replace(bare, breaker=Breaker(bare.state, FixedClock(NOON)))
        async with anyio.create_task_group() as tasks:
            for _ in range(CALLERS):
                tasks.start_soon(caller, shop, ports, log)
        await ports.upstream.aclose()
        ports.state.close()
        ports.journal.close()
        return log

    with Upstream(failing) as upstream:
        log = anyio.run(run, on(upstream, GET_ORDER, budgets={"*": Budget(calls=10_000_000, per_seconds=600)}))
    recorded = Counter(line["extra"]["call"] for line in audited.decisions(tmp_path / "state" / "audit"))
    fine = {number for number, row in results.items() if not row.error}
    assert log == []
    assert all(results[number].structured == {"order": number} for number in fine), "nobody got another's answer"
    assert all(number % 100 == 50 for number in results.keys() - fine), "none failed but where the upstream did"
    assert {row.error for row in results.values()} <= {"", "CASK-R007", "CASK-R008"}
    assert recorded == {f"{number:016x}": 1 for number in results}, "each is on record, once"
    assert len(results) >= CALLERS * EACH


# ---------------------------------------------------------------- the kill switch
@dataclass
class Blocked:
    """Calls of `r` at once: as many as may be are on their way, three wait; then `r` is blocked, and they are let go."""

    folder: Path
    looks: int = 0
    outcomes: list[str] = field(default_factory=list)

    async def call(self, client: Any, number: int) -> str:
        try:
            said = await client.call_tool("r", {"order_id": number})
        except MCPError as no:
            return no.message
        return str((said.meta or {}).get("dev.caskmcp/error", {}).get("code", ""))

    async def waiting(self, client: Any, number: int) -> None:
        self.outcomes.append(await self.call(client, number))

    async def run(self, upstream: Upstream, go: threading.Event) -> str:
        """What came of a call after the block."""
        shop = crowded(self.folder, upstream)
        at = replace(world(shop.folder, config=shop.config), credentials=ReferencedCredentials({"SHOP_TOKEN": TOKEN}))
        front = serving.front_of(at, Asked(environment="local"), lambda _: None)
        front.start()
        async with aclosing(front), Client(front.server()) as client, anyio.create_task_group() as tasks:
            await client.list_tools()
            for number in range(WIDE + 3):
                tasks.start_soon(self.waiting, client, number)
            while len(upstream.heard) < WIDE:
                await anyio.sleep(0.005)
            await anyio.sleep(0.05)
            shop.rewrite(packs.block(shop.files, "tool:r", sequence=2))
            self.looks = 0
            after = await self.call(client, 99)
            looked = self.looks
            go.set()
        self.looks = looked
        return after


@pytest.mark.feature(88)
@pytest.mark.parametrize("guard", [True, False])
def test_a_block_reaches_the_next_call_and_those_that_wait_for_their_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, guard: bool
) -> None:
    go, case = threading.Event(), Blocked(tmp_path)
    fresh = Live.fresh

    async def looked(live: Live) -> Any:
        case.looks += 1
        return await fresh(live)

    def held(_: Heard) -> bytes:
        go.wait(HANGS)
        return said()

    monkeypatch.setattr(Live, "fresh", looked)
    if not guard:
        monkeypatch.setattr(Front, "_still", lambda *_: anyio.lowlevel.checkpoint())
    with Upstream(held) as upstream:
        after = anyio.run(case.run, upstream, go)
        sent = len(upstream.heard)
    assert (after, case.looks) == ("Unknown tool", 1), "the first look after the block"
    assert case.outcomes.count("") == sent, "what was on its way is let through"
    assert sent == (WIDE if guard else WIDE + 3), "what waited is not sent"
    assert len(case.outcomes) == WIDE + 3
