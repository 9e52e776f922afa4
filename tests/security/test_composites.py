"""Composites as a way around the door or the gateway: what they call is gated like any call, and what was not signed does not run.

The last test takes the gate of the inner calls out and looks whether the others would notice.
"""

import json
from collections.abc import Generator, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client, StdioServerParameters

from caskmcp.govern import keys
from caskmcp.govern.admit import admit
from caskmcp.model.pack import AdmittedPack, PackFiles
from caskmcp.model.policy import Match, Policy, Rule
from caskmcp.model.tool import Tool
from caskmcp.runtime import gateway
from caskmcp.runtime.commands import Record, Resolve, Send, Spend
from caskmcp.runtime.gateway import Flight
from caskmcp.runtime.respond import Result
from caskmcp.store.files import LocalFiles
from tests.support import packs
from tests.support.calls import GET_ORDER, POLICY, PUBLIC, Conversation, answer, flight, served
from tests.support.composites import composite, step, within
from tests.support.packs import PIN, SHARED, R, W
from tests.support.serving import Project, Served, project
from tests.support.terminal import CASK, Terminal
from tests.support.upstream import Heard, Upstream
from tests.support.upstream import answer as reply
from tests.support.world import NOON

Q = packs.tool("q")
CHAIN = {"kind": "chain", "steps": [step("r", order_id="order_id"), step("q", order_id={"step": 1, "at": "/id"})]}
WRITES = {"kind": "chain", "steps": [step("r", order_id="order_id"), step("w", order_id={"step": 1, "at": "/id"}, note="note")]}
NOTE = {"order_id": {"type": "integer"}, "note": {"type": "string"}}
READ_BOTH = within("read_both", CHAIN, R, Q)
READ_WRITE = within("read_write", WRITES, R, W, arguments=NOTE, risk="high", effect="write")


def approved(*tools: Tool) -> PackFiles:
    files = packs.with_roots(packs.pack_files(tools), packs.sign.sign_root(packs.ROOT, packs.T1))
    return packs.approve(files, *(f"tool:{tool.name}" for tool in tools), *SHARED)


def through(files: PackFiles) -> AdmittedPack:
    return admit(files, pin=PIN, condition=None, environment=None, at=NOON)


def why(pack: AdmittedPack, name: str) -> str:
    return next(row.reason for row in pack.withheld if row.subject == f"tool:{name}")


# ---------------------------------------------------------------- the door
def test_a_composite_is_admitted_with_everything_that_it_calls() -> None:
    assert sorted(through(approved(R, Q, READ_BOTH)).tools) == ["q", "r", "read_both"]


def test_a_composite_is_as_little_approved_by_its_tools_as_they_by_it() -> None:
    files = packs.with_roots(packs.pack_files((R, Q, READ_BOTH)), packs.sign.sign_root(packs.ROOT, packs.T1))
    assert sorted(through(packs.approve(files, "tool:r", "tool:q", *SHARED)).tools) == ["q", "r"]
    assert sorted(through(packs.approve(files, "tool:r", "tool:read_both", *SHARED)).tools) == ["r"]


def test_an_edited_plan_takes_the_composite_away_and_nothing_else() -> None:
    def edit(row: dict[str, Any]) -> None:
        row["composite"]["steps"][1]["with"]["order_id"] = {"step": 1, "at": "/other"}

    pack = through(packs.edited_tools(approved(R, Q, READ_BOTH), "read_both", edit))
    assert sorted(pack.tools) == ["q", "r"]


@pytest.mark.parametrize("part", ["tool", "digest"])
def test_another_tool_or_digest_in_the_plan_takes_it_away(part: str) -> None:
    def edit(row: dict[str, Any]) -> None:
        row["composite"]["steps"][1][part] = row["composite"]["steps"][0][part]

    assert sorted(through(packs.edited_tools(approved(R, Q, READ_BOTH), "read_both", edit)).tools) == ["q", "r"]


def test_raised_bounds_take_it_away() -> None:
    edited = packs.edited_tools(approved(R, Q, READ_BOTH), "read_both", lambda row: row["composite"].update(most={"calls": 100}))
    assert sorted(through(edited).tools) == ["q", "r"]


def test_bounds_beyond_the_hard_cap_are_no_record_even_if_signed() -> None:
    edited = packs.edited_tools(approved(R, Q, READ_BOTH), "read_both", lambda row: row["composite"].update(most={"calls": 101}))
    assert sorted(through(edited).tools) == ["q", "r"]


def test_a_block_on_one_inner_tool_takes_the_composite_with_it() -> None:
    pack = through(packs.block(approved(R, Q, READ_BOTH), "tool:q", sequence=9))
    assert sorted(pack.tools) == ["r"]
    assert why(pack, "read_both") == "it calls tool:q, which is not served"


def test_an_inner_tool_that_is_approved_with_another_content_takes_it_away() -> None:
    other = Q.model_copy(update={"description": "Works on one order, differently."})
    pack = through(approved(R, other, READ_BOTH))
    assert sorted(pack.tools) == ["q", "r"]
    assert why(pack, "read_both") == "it calls tool:q, which has another content now"


def test_a_signed_composite_of_a_composite_is_not_served() -> None:
    outer = within(
        "outer", {"kind": "chain", "steps": [step("r", order_id="order_id"), step("read_both", order_id="order_id")]}, R, Q, READ_BOTH
    )
    pack = through(approved(R, Q, READ_BOTH, outer))
    assert sorted(pack.tools) == ["q", "r", "read_both"]


def test_a_signed_composite_with_a_request_of_its_own_is_no_record() -> None:
    edited = packs.edited_tools(approved(R, Q, READ_BOTH), "read_both", lambda row: row.update(request=R.request.plain()))
    assert sorted(through(edited).tools) == ["q", "r"]


# ---------------------------------------------------------------- the gateway
POLICY_WITHOUT_GET = Policy(rules=(Rule(id="not-that", effect="deny", match=Match(tools=("get_order",))), *POLICY.rules))
TWICE = composite("twice", {"kind": "chain", "steps": [step("get_order", order_id="order_id"), step("get_order", order_id="order_id")]})


def sent_against_the_policy() -> tuple[list[Any], list[Any]]:
    """What a composite sends of a tool that the policy denies, and the lines of the record."""
    talk = Conversation({Resolve: (PUBLIC,), Send: answer(), Spend: "", Record: None})
    talk.hold(flight("twice", served(GET_ORDER, TWICE, policy=POLICY_WITHOUT_GET), order_id=7))
    return talk.of(Send), talk.of(Record)


def test_a_composite_sends_nothing_that_the_policy_denies_its_tool() -> None:
    sent, recorded = sent_against_the_policy()
    assert sent == []
    assert [(row.entry.tool, row.entry.verdict) for row in recorded] == [("get_order", "deny"), ("twice", "allow")]


def test_with_the_gate_of_inner_calls_taken_out_that_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Inner calls that go on the composite's own decision: egress and call alone, as a shortcut in the gateway would have it."""

    def shortcut(outer: Flight, number: int, tool: str, arguments: Mapping[str, Any]) -> Generator[Any, Any, Result]:
        found = outer.surface.tools[tool]
        inner = replace(outer, served=found, request=gateway.prepare(found.admitted.tool, arguments))
        for run in (gateway._egress, gateway._call, gateway._response):
            inner = yield from run(inner)
        return inner.result or Result("")

    monkeypatch.setattr(gateway, "_inner", shortcut)
    with pytest.raises(AssertionError):
        test_a_composite_sends_nothing_that_the_policy_denies_its_tool()
    assert len(sent_against_the_policy()[0]) == 2


# ---------------------------------------------------------------- a real server
@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream(reply=lambda heard: reply(json.dumps({"id": 40 + len(_path(heard)), "path": _path(heard)}).encode())) as running:
        yield running


def _path(heard: Heard) -> str:
    return heard.target


def laid_out(folder: Path, upstream: Upstream, *tools: Tool) -> Project:
    shop = project(folder, upstream, *tools)
    shop.rewrite(packs.approve(shop.files, *(f"tool:{tool.name}" for tool in tools)))
    return shop


def test_a_public_client_calls_a_composite_and_a_block_ends_that(tmp_path: Path, upstream: Upstream) -> None:
    shop = laid_out(tmp_path, upstream, R, W, Q, READ_BOTH)
    command, *words = shop.command()
    parameters = StdioServerParameters(command=command, args=words, cwd=shop.folder, env=shop.environ)

    async def run() -> tuple[Any, Any, Any, Any]:
        async with Client(parameters, read_timeout_seconds=20) as client:
            listed = [tool.name for tool in (await client.list_tools()).tools]
            good = await client.call_tool("read_both", {"order_id": 7})
            bad = await client.call_tool("read_both", {"order_id": 7, "at": "/id"})
            shop.rewrite(packs.block(shop.files, "tool:q", sequence=9))
            return listed, good, bad, [tool.name for tool in (await client.list_tools()).tools]

    listed, good, bad, after = anyio.run(run)
    assert listed == ["q", "r", "read_both", "w"]
    assert good.is_error is False
    assert good.structured_content["data"]["path"] == "/orders/51/q"
    assert good.structured_content["calls"] == [{"tool": "r", "outcome": "done"}, {"tool": "q", "outcome": "done"}]
    assert (good.meta or {})["dev.caskmcp/untrusted"] is True
    assert bad.is_error is True
    assert after == ["r", "w"]
    assert [heard.target for heard in upstream.heard] == ["/orders/7/r", "/orders/51/q"]


def test_a_high_tool_within_asks_a_person_and_nothing_of_it_is_sent(tmp_path: Path, upstream: Upstream) -> None:
    policy = packs.POLICY.model_copy(
        update={"rules": (Rule(id="calm-composite", effect="allow", match=Match(tools=("read_write",))), *packs.POLICY.rules)}
    )
    shop = project(tmp_path, upstream, R, W, READ_WRITE, policy=policy)
    shop.rewrite(packs.approve(shop.files, "tool:read_write"))
    with Served(shop) as server:
        said = server.call("read_write", order_id=7, note="a secret note")
    error = said["_meta"]["dev.caskmcp/error"]
    assert (error["code"], error["cause"], error["tool"]) == ("CASK-R012", "CASK-R005", "w")
    assert error["grant"].startswith("cask confirm grant ")
    assert error["calls"] == [{"tool": "r", "outcome": "done"}, {"tool": "w", "outcome": "CASK-R005"}]
    assert "a secret note" not in json.dumps(said)
    assert [heard.line.split(" ")[0] for heard in upstream.heard] == ["GET"]
    rows = [(row["tool"], row["verdict"], row["code"]) for row in shop.decisions()]
    assert rows == [("r", "allow", ""), ("w", "confirm", "CASK-R005"), ("read_write", "allow", "CASK-R012")]


def test_a_grant_for_a_composite_shows_what_it_calls_and_is_none_for_a_call_within(tmp_path: Path, upstream: Upstream) -> None:
    shop = project(tmp_path, upstream, R, W, READ_WRITE)
    shop.rewrite(packs.approve(shop.files, "tool:read_write"))
    keys.save(LocalFiles(), shop.config, packs.T1, "correct horse")
    with Served(shop) as server:
        asked = server.call("read_write", order_id=7, note="x")["_meta"]["dev.caskmcp/error"]
        with Terminal.spawn([*CASK, "confirm", "grant", asked["challenge"]], cwd=shop.folder, env=shop.environ) as person:
            person.expect("Calls:     step 1: r(order_id: argument order_id)").expect(
                "At most:   chain of r, w; 20 calls and 100000 bytes at most"
            )
            person.expect("Passphrase for t1:").send("correct horse")
            assert person.finish().exit == 0
        after = server.call("read_write", order_id=7, note="x")["_meta"]["dev.caskmcp/error"]
    assert (asked["code"], after["code"], after["cause"]) == ("CASK-R005", "CASK-R012", "CASK-R005")
    assert after["challenge"] != asked["challenge"]
    assert [heard.method for heard in upstream.heard] == ["GET"]
