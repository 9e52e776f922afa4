"""Four servers on one shared state: real `cask serve` processes, a real Redis and a real PostgreSQL. Opt-in by CASK_STATE_SERVERS=1.

CASK_RACE=1 makes the race one of 10,000 calls on each kind of server, which takes minutes.
"""

import os
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, Final

import pytest

from caskmcp.model.policy import Budget
from tests.support import packs
from tests.support.crowd import Shared, answers, challenge, code, crowded, orders, send
from tests.support.granting import grant_all
from tests.support.serving import Served
from tests.support.stateservers import PASSWORD, Server, postgres_server, redis_server
from tests.support.upstream import Upstream
from tests.unit.runtime.test_keepers import shared

REPLICAS: Final = 4
CALLS: Final = 10_000 if os.environ.get("CASK_RACE") == "1" else 400
BUDGET: Final = CALLS // 20
GRANTS: Final = 25
PATIENT: Final = 600.0


@pytest.fixture(params=["redis", "postgres"])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    with {"redis": redis_server, "postgres": postgres_server}[request.param]() as running:
        yield running


def replicas(stack: ExitStack, shop: Shared, count: int = REPLICAS) -> list[Served]:
    return [stack.enter_context(Served(shop, ("--state", "env:STATE"))) for _ in range(count)]


def codes(found: dict[int, Any]) -> list[str]:
    return [code(row) for row in found.values()]


@pytest.mark.timeout(900)
def test_four_replicas_in_a_race_spend_a_budget_and_each_grant_exactly(tmp_path: Path, server: Server) -> None:
    asked = range(1_000_000, 1_000_000 + GRANTS)
    with Upstream() as upstream, ExitStack() as stack:
        shop = Shared.of(crowded(tmp_path, upstream, w=Budget(calls=BUDGET, per_seconds=86_400)), server.url)
        servers = replicas(stack, shop)
        send(servers[0], "x", asked)
        waiting = answers(servers[0], asked, PATIENT)
        with closing(shared(server)) as state:
            grant_all(state, [challenge(row) for row in waiting.values()], packs.T1)
        parts = [range(number * CALLS // REPLICAS, (number + 1) * CALLS // REPLICAS) for number in range(REPLICAS)]
        said: list[str] = []
        for low in range(0, CALLS // REPLICAS, 100):  # a hundred at a time on each: more would wait for a place in the pipe
            rows = [part[low : low + 100] for part in parts]
            for each, row in zip(servers, rows, strict=True):
                send(each, "w", row)
            for each, row in zip(servers, rows, strict=True):
                said += codes(answers(each, row, PATIENT))
        for each in servers:
            send(each, "x", asked)
        used = [code for each in servers for code in codes(answers(each, asked, PATIENT))]
        writes, grants = orders(upstream, "w"), orders(upstream, "x")
    assert set(said) == {"", "CASK-R010"}
    assert (len(said), said.count(""), said.count("CASK-R010")) == (CALLS, BUDGET, CALLS - BUDGET)
    assert (len(writes), len(set(writes))) == (BUDGET, BUDGET)
    assert sorted(grants) == list(asked), "each grant sent one call, whichever replica had it"
    assert (len(used), used.count("")) == (GRANTS * REPLICAS, GRANTS)
    assert set(used) == {"", "CASK-R005"}
    told = "\n".join(line for each in servers for line in each.errors)
    assert PASSWORD not in told


@pytest.mark.timeout(300)
def test_while_the_shared_state_is_gone_no_call_is_made_and_then_they_are_again(tmp_path: Path, server: Server) -> None:
    with Upstream() as upstream, ExitStack() as stack:
        shop = Shared.of(crowded(tmp_path, upstream, all=Budget(calls=5, per_seconds=86_400)), server.url)
        servers = replicas(stack, shop, 2)
        assert [each.code("r", order_id=1) for each in servers] == ["", ""]
        server.kill()
        gone = [each.call(name, order_id=2) for each in servers for name in ("r", "w", "x")]
        assert [code(row) for row in gone] == ["CASK-R020"] * 6
        assert "shared state" in str(gone[0]["content"])
        assert PASSWORD not in str(gone)
        assert len(upstream.heard) == 2
        server.up()
        assert [each.code("r", order_id=3) for each in servers] == ["", ""], "without a restart of ours"
        assert [each.code("r", order_id=4) for each in servers] == ["", "CASK-R010"], "what was counted before still is"
        assert [path.name for path in (tmp_path / ".caskmcp" / "state").iterdir()] == ["audit"], "nothing is kept beside it"
        told = "\n".join(line for each in servers for line in each.errors)
    assert PASSWORD not in told


@pytest.mark.timeout(300)
def test_a_budget_of_another_state_is_another_budget(tmp_path: Path, server: Server) -> None:
    """The guard taken away: with a state of its own each replica has the whole budget."""
    with Upstream() as upstream:
        shop = crowded(tmp_path, upstream, all=Budget(calls=1, per_seconds=86_400))
        with Served(Shared.of(shop, server.url), ("--state", "env:STATE")) as one, Served(shop) as other:
            assert [each.code("r", order_id=1) for each in (one, other, one)] == ["", "", "CASK-R010"]


def test_a_host_that_fails_one_replica_rests_for_the_others(tmp_path: Path, server: Server) -> None:
    with Upstream(lambda _: b"") as upstream, ExitStack() as stack:
        shop = Shared.of(crowded(tmp_path, upstream), server.url)
        one, other = replicas(stack, shop, 2)
        failed = [one.code("w", order_id=number) for number in range(10)]
        assert failed == ["CASK-R007"] * 10
        sent = len(upstream.heard)
        assert [other.code("w", order_id=99), one.code("r", order_id=99)] == ["CASK-R021"] * 2
        assert len(upstream.heard) == sent
