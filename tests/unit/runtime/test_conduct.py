"""The driver: errors of ports reach the table, faults never reach the agent, cancellation leaves a record. Real ports, a real upstream."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest

from caskmcp.errors import CaskError
from caskmcp.model.auth import AuthRule
from caskmcp.model.policy import Budget
from caskmcp.model.project import EnvironmentHost
from caskmcp.runtime import conduct as driver
from caskmcp.runtime.conduct import Hands
from caskmcp.runtime.confirm import Confirmations
from caskmcp.runtime.gateway import Flight, faulted
from caskmcp.runtime.respond import Result
from caskmcp.runtime.state import State
from caskmcp.runtime.surface import Surface
from caskmcp.runtime.upstream import Upstream as Client
from caskmcp.store.credentials import ReferencedCredentials
from tests.support import audited
from tests.support.calls import GET_ORDER, HOST, PAY_ORDER, flight, served
from tests.support.upstream import Upstream
from tests.support.world import CountingEntropy


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream() as running:
        yield running


def hands(folder: Path, **environ: str) -> Hands:
    state = State(folder / "state" / "confirmations.db")
    return Hands(
        state,
        Confirmations(state, CountingEntropy()),
        Client(),
        ReferencedCredentials(environ),
        audited.journal(folder / "state" / "audit"),
    )


def on(upstream: Upstream, *tools: Any, **more: Any) -> Surface:
    return served(*tools, environment={HOST: EnvironmentHost(url=upstream.url, private=True)}, **more)


def conducted(begun: Flight, with_: Hands, log: list[str] | None = None) -> Result:
    async def run() -> Result:
        try:
            return await driver.conduct(begun, with_, (log if log is not None else []).append)
        finally:
            await with_.upstream.aclose()
            with_.state.close()

    return anyio.run(run)


def lines(folder: Path) -> list[dict[str, Any]]:
    return audited.decisions(folder / "state" / "audit")


def test_a_call_goes_from_arguments_to_answer_and_leaves_one_line(tmp_path: Path, upstream: Upstream) -> None:
    result = conducted(flight("get_order", on(upstream, GET_ORDER), order_id=7), hands(tmp_path))
    assert result.error == ""
    assert upstream.heard[0].line == "GET /orders/7 HTTP/1.1"
    assert [(line["tool"], line["verdict"], line["status"]) for line in lines(tmp_path)] == [("get_order", "allow", 200)]


def test_the_record_is_private_and_grows(tmp_path: Path, upstream: Upstream) -> None:
    for number in range(3):
        conducted(flight("get_order", on(upstream, GET_ORDER), order_id=number), hands(tmp_path))
    assert len(lines(tmp_path)) == 3
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "state" / "audit").iterdir()} == {0o600}


def test_a_missing_credential_reaches_the_agent_by_its_code(tmp_path: Path, upstream: Upstream) -> None:
    auth = {HOST: AuthRule.model_validate({"scheme": "bearer", "from": "env:ABSENT"})}
    result = conducted(flight("get_order", on(upstream, GET_ORDER, auth=auth), order_id=7), hands(tmp_path))
    assert result.error == "CASK-R009"
    assert upstream.heard == []


def test_a_credential_is_sent_and_is_nowhere_on_the_disk(tmp_path: Path, upstream: Upstream) -> None:
    auth = {HOST: AuthRule.model_validate({"scheme": "bearer", "from": "env:TOKEN"})}
    result = conducted(flight("get_order", on(upstream, GET_ORDER, auth=auth), order_id=7), hands(tmp_path, TOKEN="tok-1234567"))
    assert upstream.heard[0].header("authorization") == "Bearer tok-1234567"
    assert "tok-1234567" not in repr(result)
    assert all(b"tok-1234567" not in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


def test_a_call_that_asks_waits_and_nothing_is_sent(tmp_path: Path, upstream: Upstream) -> None:
    result = conducted(flight("pay_order", on(upstream, PAY_ORDER), order_id=7, amount=1), hands(tmp_path))
    assert result.error == "CASK-R005"
    assert upstream.heard == []


@pytest.mark.feature(80)
def test_a_budget_holds_across_servers(tmp_path: Path, upstream: Upstream) -> None:
    surface = on(upstream, GET_ORDER, budgets={"*": Budget(calls=2, per_seconds=60)})
    errors = [conducted(flight("get_order", surface, order_id=number), hands(tmp_path)).error for number in range(4)]
    assert errors == ["", "", "CASK-R010", "CASK-R010"]
    assert len(upstream.heard) == 2


def test_a_fault_reaches_the_log_and_the_record_and_never_the_agent(
    tmp_path: Path, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fault(*_: Any) -> Any:
        raise RuntimeError("internal detail /etc/secret")

    monkeypatch.setattr("caskmcp.runtime.gateway.prepare", fault)
    log: list[str] = []
    result = conducted(flight("get_order", on(upstream, GET_ORDER), order_id=7), hands(tmp_path), log)
    assert result.error == "CASK-R011"
    assert "secret" not in repr(result)
    assert "internal detail" not in log[0]
    assert "RuntimeError in test_conduct.py:" in log[0]
    assert [(line["code"], line["extra"]["call"]) for line in lines(tmp_path)] == [("CASK-R011", "c0ffee")]


def test_a_cancelled_read_is_on_record(tmp_path: Path, upstream: Upstream) -> None:
    slow = on(upstream, GET_ORDER.model_copy(update={"request": GET_ORDER.request.model_copy(update={"segments": ()})}))
    upstream.reply = lambda _: (time.sleep(1), b"")[1]
    cancelled(flight("get_order", slow, order_id=7), hands(tmp_path))
    assert [(line["verdict"], line["code"], line["extra"]["outcome"]) for line in lines(tmp_path)] == [("allow", "CASK-R007", "unknown")]


def test_a_cancelled_write_is_on_record_twice_and_its_outcome_unknown(tmp_path: Path, upstream: Upstream) -> None:
    upstream.reply = lambda _: (time.sleep(1), b"")[1]
    calm = PAY_ORDER.model_copy(update={"risk": "medium"})
    cancelled(flight("pay_order", on(upstream, calm), order_id=7, amount=1), hands(tmp_path))
    before, after = lines(tmp_path)
    assert before["extra"]["phase"] == "sending"
    assert after["extra"]["outcome"] == "unknown"


def cancelled(begun: Flight, with_: Hands) -> None:
    """Begin a call and cancel it once the upstream has it."""

    async def run() -> None:
        with anyio.move_on_after(0.4) as scope:
            await driver.conduct(begun, with_, [].append)
        assert scope.cancelled_caught
        await with_.upstream.aclose()
        with_.state.close()

    anyio.run(run)


def test_a_record_that_cannot_be_written_stops_a_write(tmp_path: Path, upstream: Upstream) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "audit").write_text("a file in the folder's place")
    calm = PAY_ORDER.model_copy(update={"risk": "medium"})
    result = conducted(flight("pay_order", on(upstream, calm), order_id=7, amount=1), hands(tmp_path))
    assert result.error in ("CASK-W001", "CASK-I002")
    assert upstream.heard == []


def test_an_upstream_on_an_address_that_was_not_opened_is_never_dialled(tmp_path: Path, upstream: Upstream) -> None:
    surface = served(GET_ORDER, environment={HOST: EnvironmentHost(url=upstream.url)})
    assert conducted(flight("get_order", surface, order_id=7), hands(tmp_path)).error == "CASK-E003"
    assert upstream.heard == []


def test_the_journal_says_where_it_failed(tmp_path: Path) -> None:
    (tmp_path / "audit").write_text("a file in the folder's place")
    with pytest.raises(CaskError) as error:
        audited.journal(tmp_path / "audit").append(faulted(flight("get_order", order_id=1)), durable=False)
    assert error.value.code == "CASK-W001"
