"""The corpus of JSON-RPC and MCP abuses against a real `cask serve` on stdio: still alive, nothing sent, memory bounded, stdout clean.

Cases for HTTP and for the meta server are judged where those live; `OTHERS` says so. Confirmations are granted as `cask confirm grant` does,
with the trust root's own key, so that what is tested is what the server does with a grant.
"""

import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from caskmcp.govern import sign
from caskmcp.model.policy import Budget
from caskmcp.model.statement import Grant
from caskmcp.runtime.state import State
from tests.support import packs
from tests.support.patience import HANGS
from tests.support.serving import META, Project, Served, project
from tests.support.upstream import MODES, Upstream

CORPUS: Final = Path(__file__).parents[2] / "fixtures" / "hostile" / "mcp_abuse.jsonl"
CASES: Final = [json.loads(line) for line in CORPUS.read_text(encoding="utf-8").splitlines()]
OTHERS: Final = {"http": "judged in test_http_abuse.py", "stdio-inspect": "the meta server is another server"}
STDIO: Final = [case for case in CASES if case["transport"] not in OTHERS]
GROWTH: Final = 64 << 20
BUDGET: Final = 12


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream() as running:
        yield running


@pytest.fixture
def shop(tmp_path: Path, upstream: Upstream) -> Project:
    return project(tmp_path, upstream)


def filled(text: str) -> bytes:
    for name, value in {"{{TOOL}}": "r", "{{WRITE}}": "w", "{{BLOCKED}}": "x", "{{META}}": json.dumps(META)}.items():
        text = text.replace(name, value)
    return text.encode()


def lines_of(text: str) -> bytes:
    """A line of the corpus as bytes: literal, or made by its recipe."""
    kind, _, rest = text.partition(":")
    if kind != "GEN":
        return filled(text) + b"\n"
    how, _, amount = rest.partition(":")
    if how == "repeat":
        letter, _, count = amount.rpartition(":")
        return letter.encode() * int(count) + b"\n"
    assert how == "line_of"
    return b"x" * int(amount) + b"\n"


def probe(server: Served) -> None:
    """A valid request is answered."""
    assert server.tools() == ["r", "w"]


# ---------------------------------------------------------------- lines on the wire
WRITTEN: Final = [
    case for case in STDIO if case["family"] in ("parse", "size", "envelope", "name", "arguments") or case["id"] == "mcp-d-0017"
]


@pytest.fixture(scope="module", params=[True, False], ids=["modern", "handshake"])
def long_lived(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One server for every case of its era: what a case breaks, the next one notices."""
    with Upstream() as running, Served(project(tmp_path_factory.mktemp("shop"), running), modern=request.param) as server:
        probe(server)
        yield server


@pytest.mark.parametrize("case", WRITTEN, ids=lambda case: f"{case['id']}-{case['why']}")
def test_an_abusive_line_is_answered_and_harms_nothing(case: dict[str, Any], long_lived: Served) -> None:
    server, before = long_lived, long_lived.memory()
    for text in case["send"]:
        server.write(lines_of(text if server.modern else text.replace(',"_meta":{{META}}', "").replace('"_meta":{{META}}', "")))
    said = server.heard(HANGS)
    probe(server)
    judge(case, said)
    assert server.memory() - before < GROWTH
    assert server.stray == []
    assert server.project.upstream.heard == []


def judge(case: dict[str, Any], said: dict[str, Any] | None) -> None:
    assert said is not None, "every line gets an answer"
    for expected in case["expect"]:
        name, _, codes = expected.partition(":")
        if name == "error" and codes != "any":
            assert str(said["error"]["code"]) in codes.split(",")
        if name == "error":
            assert "error" in said
        if name in ("denied", "denied_or_ignored"):
            assert "error" in said or said["result"]["isError"] is True
        if name == "same_id_or_error":
            assert "error" in said


def test_the_end_of_input_ends_the_server(shop: Project) -> None:
    with Served(shop) as server:
        assert server.process.stdin is not None
        server.process.stdin.close()
        assert server.process.wait(HANGS) == 0
        assert server.stray == []


@pytest.mark.skipif(os.environ.get("CASK_EVERY_CHANGE") != "1", reason="takes twenty seconds of CPU: CASK_EVERY_CHANGE=1 runs it")
def test_a_hundred_thousand_broken_lines_do_not_stall_it(shop: Project, upstream: Upstream) -> None:
    with Served(shop) as server:
        probe(server)
        before = server.memory()
        for _ in range(100):
            server.write(b"junk\n" * 1000)
        server._next = 0
        assert server.answer_to_tools(2 * HANGS) == ["r", "w"]
        assert server.memory() - before < GROWTH
        assert server.errors[-1].startswith("  not served")
    assert upstream.heard == []


# ---------------------------------------------------------------- confirmation
def challenge(server: Served, **arguments: Any) -> str:
    said = server.call("w", **arguments)
    return str(said["_meta"]["dev.caskmcp/error"]["challenge"])


def grant(shop: Project, number: str, **changes: Any) -> None:
    """Grant as a person does, with the confirmer's key."""
    state = State(shop.folder / ".caskmcp" / "state" / "confirmations.db")
    row = state.find(number)
    assert row is not None
    fields = {
        "toolpack": row.binding.toolpack, "challenge": number, "tool": row.binding.tool, "arguments": row.binding.arguments,
        "lock": row.binding.lock, "caller": row.binding.caller, "verdict": "grant", "key": packs.T1.id, "issued_at": row.created,
        "not_after": row.expires,
    }  # fmt: skip
    signed = sign.sign_grant(packs.T1, Grant(**{**fields, **changes}))
    assert state.settle(number, before="open", after="granted", answer=signed.model_dump_json(by_alias=True))
    state.close()


def test_a_write_without_a_grant_is_not_sent(shop: Project, upstream: Upstream) -> None:
    with Served(shop) as server:
        assert server.code("w", order_id=7) == "CASK-R005"
        assert server.code("w", order_id=7) == "CASK-R005"
    assert upstream.heard == []


@pytest.mark.parametrize("token", ["garbage", "", "0" * 24])
def test_a_challenge_is_no_argument(shop: Project, upstream: Upstream, token: str) -> None:
    with Served(shop) as server:
        assert server.code("w", order_id=7, challenge=token) == "CASK-R002"
        assert server.code("w", order_id=7, confirm="yes") == "CASK-R002"
    assert upstream.heard == []


def test_a_grant_is_for_these_arguments_alone(shop: Project, upstream: Upstream) -> None:
    with Served(shop) as server:
        grant(shop, challenge(server, order_id=7))
        assert server.code("w", order_id=8) == "CASK-R005"
        assert upstream.heard == []
        assert server.code("w", order_id=7) == ""
    assert [heard.target for heard in upstream.heard] == ["/orders/7/w"]


def test_a_grant_works_once(shop: Project, upstream: Upstream) -> None:
    with Served(shop) as server:
        grant(shop, challenge(server, order_id=7))
        assert [server.code("w", order_id=7) for _ in range(3)] == ["", "CASK-R005", "CASK-R005"]
    assert len(upstream.heard) == 1


def test_of_ten_uses_at_once_one_goes_through(shop: Project, upstream: Upstream) -> None:
    with Served(shop) as server:
        grant(shop, challenge(server, order_id=7))
        for number in range(1, 11):
            params = {"name": "w", "arguments": {"order_id": 7}, "_meta": META}
            server.send({"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params})
        failed = [server.answer(number)["result"].get("isError", False) for number in range(1, 11)]
    assert sorted(failed) == [False, *[True] * 9]
    assert len(upstream.heard) == 1


def test_a_grant_that_a_stranger_signed_is_refused(shop: Project, upstream: Upstream) -> None:
    with Served(shop) as server:
        number = challenge(server, order_id=7)
        state = State(shop.folder / ".caskmcp" / "state" / "confirmations.db")
        row = state.find(number)
        assert row is not None
        forged = Grant(
            toolpack=row.binding.toolpack, challenge=number, tool="w", arguments=row.binding.arguments, lock=row.binding.lock,
            caller=row.binding.caller, verdict="grant", key=packs.U1.id, issued_at=row.created, not_after=row.expires,
        )  # fmt: skip
        answer = sign.sign_grant(packs.U1, forged).model_dump_json(by_alias=True)
        assert state.settle(number, before="open", after="granted", answer=answer)
        state.close()
        assert server.code("w", order_id=7) == "CASK-R006"
    assert upstream.heard == []


def test_a_grant_does_not_outlive_the_lock_that_it_was_given_under(shop: Project, upstream: Upstream) -> None:
    with Served(shop) as server:
        grant(shop, challenge(server, order_id=7))
        shop.rewrite(packs.approve(shop.files, "tool:r", sequence=2))
        assert server.code("w", order_id=7) == "CASK-R005"
    assert upstream.heard == []


# ---------------------------------------------------------------- budget, upstream, live
def test_a_budget_is_never_exceeded(tmp_path: Path, upstream: Upstream) -> None:
    policy = packs.POLICY.model_copy(update={"budgets": {"*": Budget(calls=BUDGET, per_seconds=600)}})
    with Served(project(tmp_path, upstream, policy=policy)) as server:
        server.tools()
        for number in range(1, 51):
            params = {"name": "r", "arguments": {"order_id": number}, "_meta": META}
            server.send({"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params})
        for number in range(1, 51):
            server.answer(number, 30)
    assert len(upstream.heard) == BUDGET


@pytest.mark.parametrize(
    ("mode", "code"),
    [
        ("big_body", ""), ("zip_bomb_small", ""), ("escape_codes", ""), ("wrong_type", ""), ("picture", ""), ("nothing", ""), ("fine", ""),
        ("chunk_garbage", "CASK-R007"), ("truncated", "CASK-R007"), ("hangs_up", "CASK-R007"), ("zip_garbage", "CASK-R007"), ("odd_coding", "CASK-R007"),
        ("go_elsewhere", "CASK-E005"), ("go_here", "CASK-R008"), ("no_such", "CASK-R008"), ("broken", "CASK-R008"),
    ],
)  # fmt: skip
def test_a_hostile_upstream_harms_neither_server_nor_agent(long_lived: Served, mode: str, code: str) -> None:
    server, upstream = long_lived, long_lived.project.upstream
    upstream.reply = MODES[mode]
    before = server.memory()
    said = server.call("r", order_id=7)
    upstream.heard.clear()
    assert said.get("_meta", {}).get("dev.caskmcp/error", {}).get("code", "") == code
    assert "\x1b" not in json.dumps(said, ensure_ascii=False)
    assert "\u202e" not in json.dumps(said, ensure_ascii=False)
    assert len(json.dumps(said)) < 50_000
    probe(server)
    assert server.memory() - before < GROWTH
    assert server.stray == []


def test_a_slow_upstream_holds_nobody_else_up(shop: Project, upstream: Upstream) -> None:
    upstream.reply = MODES["slow"]
    with Served(shop) as server:
        probe(server)
        server.send(
            {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "r", "arguments": {"order_id": 7}, "_meta": META}}
        )
        probe(server)
        assert "result" in server.answer(1)


def test_a_client_that_goes_away_in_the_middle_of_a_call_leaves_a_record(shop: Project, upstream: Upstream) -> None:
    upstream.reply = MODES["slow"]
    with Served(shop) as server:
        probe(server)
        server.send(
            {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "r", "arguments": {"order_id": 7}, "_meta": META}}
        )
        wait_for(lambda: len(upstream.heard) == 1)
        assert server.process.stdin is not None
        server.process.stdin.close()
        server.process.wait(HANGS)
    assert [(line["tool"], line["code"]) for line in shop.decisions()] in ([("r", "CASK-R007")], [("r", "")])


def test_a_call_that_the_client_cancels_is_stopped_and_on_record(shop: Project, upstream: Upstream) -> None:
    upstream.reply = MODES["slow"]
    with Served(shop, modern=False) as server:
        probe(server)
        server.send({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "r", "arguments": {"order_id": 7}}})
        wait_for(lambda: len(upstream.heard) == 1)
        server.send({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}})
        wait_for(lambda: len(shop.decisions()) == 1)
        probe(server)
    assert shop.decisions()[0]["extra"]["outcome"] == "unknown"


def wait_for(condition: Callable[[], bool], seconds: float = HANGS) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.parametrize("change", ["lock_emptied", "tool_blocked"])
def test_what_was_taken_away_while_serving_is_not_called(shop: Project, upstream: Upstream, change: str) -> None:
    with Served(shop) as server:
        probe(server)
        data = b"" if change == "lock_emptied" else packs.block(shop.files, "tool:r", sequence=9).lock
        shop.pack.lock.write_bytes(data or b"")
        assert server.code("r", order_id=7) == "-32602"
    assert upstream.heard == []


def test_each_case_of_the_corpus_is_run_here_or_elsewhere() -> None:
    families = {case["family"] for case in STDIO}
    assert families == {"parse", "size", "envelope", "name", "arguments", "lifecycle", "confirmation", "budget", "upstream", "live"}
    assert {line for case in STDIO for line in case["send"] if line.startswith("UPSTREAM:")} <= {f"UPSTREAM:{mode}" for mode in MODES}
    assert len(CASES) == 36
