"""Many calls in one process: memory stays flat, each call is decided on and on record once, and reloading while calls are on their way drops none.

A short run by default. `CASK_CALLS=200000` asks for the long one: it takes minutes, and prints what the process held.
"""

import gc
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import anyio
import pytest

from caskmcp.model.policy import Budget
from caskmcp.runtime.mcp_server import CALLER, Front
from caskmcp.runtime.respond import Result
from caskmcp.store.credentials import ReferencedCredentials
from caskmcp.workflows import serve
from caskmcp.workflows.serve import Asked
from tests.support import packs
from tests.support.serving import TOKEN, Project, project
from tests.support.upstream import Upstream
from tests.support.world import world

CALLS: Final = int(os.environ.get("CASK_CALLS", "100"))
PIECES: Final = 10 if CALLS > 10_000 else 3
GROWTH: Final = 24 << 20
"""Bytes that the process may hold more at the end than after the first piece of them, whatever the number of calls."""
POLICY: Final = packs.POLICY.model_copy(update={"budgets": {"*": Budget(calls=10_000_000, per_seconds=60)}})
KINDS: Final[tuple[tuple[str, dict[str, Any], str], ...]] = (
    ("r", {"order_id": 7}, ""),
    ("r", {"order_id": "7"}, "CASK-R002"),
    ("r", {"order_id": 10**25}, "CASK-R003"),
    ("x", {"order_id": 7}, "CASK-R001"),
    ("r", {"order_id": 7, "state": "paid"}, ""),
)


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with Upstream() as running:
        yield running


def front_of(shop: Project) -> Front:
    place = replace(world(shop.folder, config=shop.config), credentials=ReferencedCredentials({"SHOP_TOKEN": TOKEN}))
    front = serve.front_of(place, Asked(environment="local"), lambda _: None)
    front.start()
    return front


async def call(front: Front, name: str, arguments: dict[str, Any]) -> Result:
    return await front.chosen(CALLER, lambda _: (name, arguments))


def resident() -> int:
    """Bytes of this process in memory."""
    gc.collect()
    with open("/proc/self/status", encoding="ascii") as file:
        row = next(line for line in file if line.startswith("VmRSS:"))
    return int(row.split()[1]) << 10


@pytest.mark.timeout(0 if CALLS > 10_000 else 120)
@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="memory is read from /proc")
def test_memory_stays_flat_over_many_calls(tmp_path: Path, upstream: Upstream, capsys: pytest.CaptureFixture[str]) -> None:
    shop = project(tmp_path, upstream, policy=POLICY)
    codes: Counter[str] = Counter()
    held: list[int] = []

    async def run() -> None:
        front = front_of(shop)
        for number in range(CALLS):
            # A request over a socket for one call of a hundred of the long run: what is measured is this process.
            name, arguments, _ = KINDS[number % len(KINDS)] if number % 100 < 5 else KINDS[1 + number % 3]
            codes[(await call(front, name, arguments)).error] += 1
            upstream.heard.clear()
            if number % max(1, CALLS // PIECES) == 0:
                held.append(resident())
        held.append(resident())
        await front.aclose()

    anyio.run(run)
    assert sum(codes.values()) == CALLS
    assert set(codes) == {"", "CASK-R001", "CASK-R002", "CASK-R003"}
    assert held[-1] - held[1] < GROWTH, held
    with capsys.disabled():
        if CALLS > 10_000:
            print(f"\n{CALLS} calls: {[size >> 20 for size in held]} MiB resident; {dict(codes)}")
    if CALLS <= 10_000:
        assert len(shop.decisions()) == CALLS


def test_reloading_while_calls_are_on_their_way_drops_none(tmp_path: Path, upstream: Upstream) -> None:
    shop = project(tmp_path, upstream, policy=POLICY)
    both = (shop.files, replace(shop.files, lock=(shop.files.lock or b"") + b"\n"))
    answered: list[str] = []

    async def run() -> None:
        front = front_of(shop)

        async def calls() -> None:
            for _ in range(8):
                result = await call(front, "r", {"order_id": 7})
                answered.append(result.error)

        async def reloads() -> None:
            for number in range(6):
                shop.rewrite(both[number % 2])
                await front.lives[0].fresh()

        async with anyio.create_task_group() as tasks:
            for _ in range(4):
                tasks.start_soon(calls)
            tasks.start_soon(reloads)
        await front.aclose()

    anyio.run(run)
    assert answered == [""] * 32
    assert Counter(row["verdict"] for row in shop.decisions()) == {"allow": 32}
