"""Who keeps the state of calls: one suite, over SQLite always, over real Redis and PostgreSQL servers where they are asked for."""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from caskmcp.errors import CaskError
from caskmcp.model.policy import Budget, Window
from caskmcp.runtime import state
from caskmcp.runtime.budgets import Charge, Spent
from caskmcp.runtime.commands import Binding
from caskmcp.runtime.keeper import FAILURES, FRESH, REST, Challenge, Keeper
from caskmcp.runtime.state import State
from tests.support.stateservers import PASSWORD, Server, postgres_server, redis_server
from tests.support.world import NOON

Opener = Callable[[], Keeper]
BINDING = Binding("shop", "pay_order", "sha256:a", "sha256:l", "stdio")


@pytest.fixture(scope="module", params=["sqlite", "redis", "postgres"])
def server(request: pytest.FixtureRequest) -> Iterator[Server | None]:
    with ExitStack() as stack:
        started: Any = {"sqlite": None, "redis": redis_server, "postgres": postgres_server}[request.param]
        yield stack.enter_context(started()) if started else None


@pytest.fixture
def opener(server: Server | None, tmp_path: Path) -> Iterator[Opener]:
    """Makes keepers of one state, as each replica does; what an earlier test left is gone."""
    made: list[Keeper] = []

    def open_() -> Keeper:
        made.append(State(tmp_path / "state" / "confirmations.db") if server is None else shared(server))
        return made[-1]

    if server is not None:
        emptied(server)
    yield open_
    for keeper in made:
        keeper.close()


@pytest.fixture
def keeper(opener: Opener) -> Keeper:
    return opener()


def shared(server: Server) -> Keeper:
    if server.url.startswith("redis"):
        from caskmcp.runtime.state_redis import RedisState

        return RedisState(server.url, "env:STATE")
    from caskmcp.runtime.state_postgres import PostgresState

    return PostgresState(server.url, "env:STATE")


def emptied(server: Server) -> None:
    if server.url.startswith("redis"):
        import redis

        redis.Redis.from_url(server.url).flushall()
        return
    import psycopg

    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS cask_challenges, cask_calls, cask_hosts")


def at(seconds: int) -> str:
    return f"2026-11-21T{12 + seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}Z"


def charge(name: str = "*", aside: int = 0, **bounds: Any) -> Charge:
    return Charge(name, name, Budget(**bounds).windows, aside)


def question(name: str = "q1", **changes: Any) -> Challenge:
    return replace(Challenge(name, BINDING, '{"order_id":7}', at(0), at(600)), **changes)


def all_at_once(opener: Opener, replicas: int, each: int, work: Callable[[Keeper, str], Any]) -> list[Any]:
    """The answers of so many calls on each of so many replicas, at the same time."""
    found: list[Any] = []
    barrier = threading.Barrier(replicas)

    def run(keeper: Keeper, number: int) -> None:
        barrier.wait()
        found.extend([work(keeper, f"{number}-{call}") for call in range(each)])

    threads = [threading.Thread(target=run, args=(opener(), number)) for number in range(replicas)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


# ---------------------------------------------------------------- budgets
def test_a_budget_counts_in_a_sliding_window(keeper: Keeper) -> None:
    taken = [keeper.take("shop", str(now), (charge(calls=2, per_seconds=60),), at(now)) for now in (0, 30, 59, 60, 61, 90)]
    assert [row.budget if row else "" for row in taken] == ["", "", "*", "", "*", ""]
    assert [row.retry for row in taken if row] == [1, 29]


def test_the_longer_of_two_windows_holds_too(keeper: Keeper) -> None:
    row = charge(calls=2, per_seconds=60, also=(Window(calls=3, per_seconds=3600),))
    taken = [keeper.take("shop", str(now), (row,), at(now)) for now in (0, 1, 2, 61, 200, 3600)]
    assert [bool(each) for each in taken] == [False, False, True, False, True, False]
    assert taken[2] == Spent("*", 2, None, 60, 58)
    assert taken[4] == Spent("*", 3, None, 3600, 3400)


def test_a_call_that_one_budget_refuses_is_counted_in_none(keeper: Keeper) -> None:
    both = (charge("*", calls=9, per_seconds=60), charge("pay_order", calls=1, per_seconds=60))
    taken = [keeper.take("shop", str(number), both, NOON) for number in range(5)]
    assert [row.budget if row else "" for row in taken] == ["", *["pay_order"] * 4]
    two = (charge("*", calls=2, per_seconds=60),)
    assert [bool(keeper.take("shop", f"later {number}", two, NOON)) for number in range(2)] == [False, True]


def test_budgets_of_other_toolpacks_are_their_own(keeper: Keeper) -> None:
    row = (charge(calls=1, per_seconds=60),)
    assert [bool(keeper.take(name, name, row, NOON)) for name in ("shop", "other", "shop")] == [False, False, True]


def test_tokens_are_set_aside_and_then_counted_as_they_were_taken(keeper: Keeper) -> None:
    row = (charge(aside=4_000, tokens=10_000, per_seconds=60),)
    assert [bool(keeper.take("shop", name, row, at(0))) for name in ("a", "b", "c")] == [False, False, True]
    keeper.took("shop", "a", 100)
    assert keeper.take("shop", "c", row, at(1)) is None
    assert keeper.take("shop", "d", row, at(2)) == Spent("*", None, 10_000, 60, 58), "100 + 4,000 + 4,000 + 4,000 are too many"
    assert keeper.take("shop", "d", row, at(59)) == Spent("*", None, 10_000, 60, 1)
    assert keeper.take("shop", "d", row, at(60)) is None


def test_what_is_said_of_another_packs_call_changes_nothing(keeper: Keeper) -> None:
    row = (charge(aside=4_000, tokens=5_000, per_seconds=60),)
    assert keeper.take("shop", "a", row, at(0)) is None
    keeper.took("other", "a", 0)
    keeper.took("shop", "b", 0)
    assert keeper.take("shop", "b", row, at(1)) is not None


@pytest.mark.feature(80)
def test_what_was_counted_outlives_the_server_that_counted(opener: Opener) -> None:
    row = (charge(calls=1, per_seconds=60, tokens=5_000, aside=4_000),)
    first = opener()
    assert first.take("shop", "a", row, at(0)) is None
    first.close()
    assert opener().take("shop", "b", row, at(59)) == Spent("*", 1, 5_000, 60, 1)


def test_four_replicas_at_once_get_what_the_budget_has(opener: Opener) -> None:
    row = (charge(calls=37, per_seconds=60), charge("r", aside=3_000, tokens=90_000, per_seconds=60))
    found = all_at_once(opener, 4, 25, lambda keeper, call: keeper.take("shop", call, row, NOON))
    assert found.count(None) == 30, "90,000 tokens are thirty answers, and thirty-seven calls are more"


def test_they_get_no_more_where_the_database_keeps_to_one_view_of_itself(opener: Opener, server: Server | None) -> None:
    if server is None or server.url.startswith("redis"):
        pytest.skip("there a transaction has no view of its own")
    import psycopg

    def default(level: str) -> None:
        with psycopg.connect(server.url, autocommit=True) as connection:
            connection.execute(f"ALTER DATABASE postgres SET default_transaction_isolation = '{level}'")

    default("repeatable read")
    row = (charge(calls=37, per_seconds=60),)
    try:
        found = all_at_once(opener, 4, 25, lambda keeper, call: keeper.take("shop", call, row, NOON))
    finally:
        default("read committed")
    assert found.count(None) == 37


def test_a_count_does_not_wait_for_the_disk_and_what_a_person_said_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[sqlite3.Connection] = []
    opened = state._opened

    def kept(path: Path) -> sqlite3.Connection:
        made.append(opened(path))
        return made[-1]

    monkeypatch.setattr(state, "_opened", kept)
    with closing(State(tmp_path / "state" / "confirmations.db")) as keeper:
        levels = []
        for change in (
            lambda: keeper.add(question("q1")),
            lambda: keeper.take("shop", "a", (charge(calls=2, per_seconds=60),), NOON),
            lambda: keeper.took("shop", "a", 3),
            lambda: keeper.settle("q1", before="open", after="granted"),
            lambda: keeper.take("shop", "b", (charge(calls=2, per_seconds=60),), NOON),
            lambda: keeper.failed("a:443", NOON),
        ):
            change()
            levels.append(made[0].execute("PRAGMA synchronous").fetchone()[0])
    assert (len(made), levels) == (1, [2, 1, 1, 2, 1, 2]), "1 is NORMAL and 2 is FULL"


# ---------------------------------------------------------------- challenges
def test_a_challenge_is_found_by_its_id_by_its_call_and_while_it_waits(keeper: Keeper) -> None:
    keeper.add(question("q2", created=at(2)))
    keeper.add(question("q1", created=at(1)))
    keeper.add(question("q3", binding=replace(BINDING, caller="another")))
    assert keeper.find("q2") == question("q2", created=at(2))
    assert keeper.find("q9") is None
    assert [row.id for row in keeper.matching(BINDING, at(3))] == ["q1", "q2"]
    assert [row.id for row in keeper.waiting(at(3))] == ["q3", "q1", "q2"]


def test_an_answer_is_kept_and_what_is_over_is_not_found_for_a_call(keeper: Keeper) -> None:
    for name in ("q1", "q2", "q3"):
        keeper.add(question(name))
    assert keeper.settle("q1", before="open", after="granted", answer='{"signed":1}')
    assert keeper.settle("q2", before="open", after="denied")
    assert keeper.settle("q3", before="open", after="void")
    found = {row.id: (row.state, row.answer) for row in keeper.matching(BINDING, at(1))}
    assert found == {"q1": ("granted", '{"signed":1}'), "q2": ("denied", "")}
    assert keeper.waiting(at(1)) == ()


def test_an_expired_challenge_waits_no_more(keeper: Keeper) -> None:
    keeper.add(question("q1"))
    assert (keeper.waiting(at(600)), keeper.matching(BINDING, at(600))) == ((), ())
    keeper.add(question("q2", created=at(601), expires=at(1201)))
    assert [row.id for row in keeper.waiting(at(602))] == ["q2"]


def test_an_answer_of_one_replica_is_seen_by_another(opener: Opener) -> None:
    one, other = opener(), opener()
    one.add(question())
    assert other.settle("q1", before="open", after="granted", answer="yes")
    assert [row.state for row in one.matching(BINDING, at(1))] == ["granted"]
    assert not one.settle("q1", before="open", after="denied")
    assert not one.settle("q0", before="open", after="denied")


def test_of_four_replicas_one_spends_a_grant(opener: Opener) -> None:
    first = opener()
    for number in range(25):
        first.add(question(f"q{number}", state="granted"))
    found = all_at_once(opener, 4, 25, lambda keeper, call: keeper.settle(f"q{call.split('-')[1]}", before="granted", after="spent"))
    assert (len(found), sum(found)) == (100, 25)


# ---------------------------------------------------------------- hosts
def test_a_host_rests_after_so_many_failures_in_a_row(keeper: Keeper) -> None:
    for _ in range(FAILURES - 1):
        keeper.failed("a:443", at(0))
    assert keeper.resting("a:443", at(0)) == 0
    keeper.failed("a:443", at(1))
    assert (keeper.resting("a:443", at(1)), keeper.resting("b:443", at(1))) == (REST, None)


def test_after_its_rest_one_caller_tries_the_host(opener: Opener) -> None:
    keeper, other = opener(), opener()
    for _ in range(FAILURES):
        keeper.failed("a:443", at(0))
    assert [each.resting("a:443", at(REST)) for each in (other, keeper, other)] == [0, REST, REST]
    other.mended("a:443")
    assert keeper.resting("a:443", at(REST)) is None


def test_a_trial_that_fails_begins_another_rest(keeper: Keeper) -> None:
    for _ in range(FAILURES):
        keeper.failed("a:443", at(0))
    assert keeper.resting("a:443", at(REST)) == 0
    keeper.failed("a:443", at(REST + 2))
    assert keeper.resting("a:443", at(REST + 3)) == REST - 1


def test_failures_of_long_ago_do_not_count(keeper: Keeper, server: Server | None) -> None:
    if server is not None and server.url.startswith("redis"):
        pytest.skip("there the server's own clock forgets them")
    for _ in range(FAILURES - 1):
        keeper.failed("a:443", at(0))
    keeper.failed("a:443", at(FRESH))
    assert keeper.resting("a:443", at(FRESH)) == 0


# ---------------------------------------------------------------- faults
@pytest.mark.parametrize("ask", ["take", "settle", "add", "waiting", "resting"])
def test_a_server_that_is_gone_refuses_and_is_asked_again_when_it_is_back(server: Server | None, opener: Opener, ask: str) -> None:
    if server is None:
        pytest.skip("SQLite is no server")
    asked: dict[str, Callable[[Keeper], Any]] = {
        "take": lambda keeper: keeper.take("shop", "a", (charge(calls=2, per_seconds=60),), at(1)),
        "settle": lambda keeper: keeper.settle("q1", before="open", after="denied"),
        "add": lambda keeper: keeper.add(question("q2")),
        "waiting": lambda keeper: keeper.waiting(at(1)),
        "resting": lambda keeper: keeper.resting("a:443", at(1)),
    }
    keeper = opener()
    assert keeper.take("shop", "first", (charge(calls=2, per_seconds=60),), at(0)) is None
    server.kill()
    with pytest.raises(CaskError) as refused:
        asked[ask](keeper)
    server.up()
    assert refused.value.code == "CASK-R020"
    assert PASSWORD not in f"{refused.value!r} {refused.value.__cause__!r} {refused.value.__context__ if refused.value.__cause__ else ''}"
    asked[ask](keeper)
    left = keeper.take("shop", "c", (charge(calls=2, per_seconds=60),), at(2))
    assert (left is not None) == (ask == "take"), "what was counted before it was killed still is"


def test_a_url_that_leads_nowhere_is_an_error_without_its_password() -> None:
    pytest.importorskip("redis")
    from caskmcp.runtime.state_redis import RedisState

    keeper = RedisState("redis://:hunter2@127.0.0.1:1/0", "env:STATE")
    with pytest.raises(CaskError) as refused:
        keeper.take("shop", "a", (charge(calls=1, per_seconds=60),), NOON)
    assert (refused.value.code, refused.value.place) == ("CASK-R020", "env:STATE")
    assert "hunter2" not in str(refused.value)


# ---------------------------------------------------------------- SQLite alone
def test_a_database_of_an_earlier_version_keeps_what_it_counted(tmp_path: Path) -> None:
    path = tmp_path / "confirmations.db"
    with closing(sqlite3.connect(path)) as old, old:
        old.execute("CREATE TABLE calls (toolpack TEXT NOT NULL, budget TEXT NOT NULL, at INTEGER NOT NULL) STRICT")
        old.execute("INSERT INTO calls VALUES ('shop', '*', strftime('%s', '2026-11-21T12:00:00Z') + 0)")
    with closing(State(path)) as state:
        row = (charge(calls=2, per_seconds=60),)
        assert [bool(state.take("shop", name, row, at(1))) for name in ("a", "b")] == [False, True]


def test_who_only_asks_whether_a_host_rests_leaves_nothing_behind(tmp_path: Path) -> None:
    with closing(State(tmp_path / "state" / "confirmations.db")) as state:
        assert state.resting("a:443", NOON) is None
    assert list(tmp_path.iterdir()) == []
