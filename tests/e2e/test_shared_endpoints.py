"""A session with GraphQL and JSON-RPC, recorded from a real service: compiled, approved, served, called, and executed by that service again."""

import json
import random
from pathlib import Path
from typing import Any

import anyio
import pytest

from tests.e2e.test_first_hour import Desk, approve_everything
from tests.support import shared_endpoints
from tests.support.chain import Chain
from tests.support.shared_endpoints import HOST, PLANTED, Service
from tests.support.syntax import ROOT

pytestmark = pytest.mark.feature(21)


@pytest.fixture(scope="module")
def entries() -> list[dict[str, Any]]:
    return shared_endpoints.recorded()


def built(*sources: list[dict[str, Any]]) -> Chain:
    files = {f"s{number}": ("har", shared_endpoints.har(rows)) for number, rows in enumerate(sources)}
    return Chain(files, hosts=[HOST], id="shop").run("emit")


def files(chain: Chain) -> dict[str, bytes]:
    return dict(chain.outputs["emit"]["files"])


def tools(chain: Chain) -> list[dict[str, Any]]:
    return json.loads(files(chain)["tools.json"])["tools"]


def test_each_operation_is_one_tool_with_its_text_pinned(entries: list[dict[str, Any]], snapshot: Any) -> None:
    rows = tools(built(entries))
    kept = ("operation", "description", "input_schema", "request", "effect", "risk", "reasons", "scope", "confidence")
    assert {row["name"]: {key: row[key] for key in kept if key in row} for row in rows} == snapshot
    assert json.loads(files(built(entries))["coverage.json"])["left_out"] == {
        f"POST {HOST}/graphql#graphql": "a value is written into its GraphQL text, never answered with data",
        f"POST {HOST}/rpc#jsonrpc": "its method's name may be a value, never answered with data",
    }


def test_the_order_and_the_cut_of_a_recording_change_nothing(entries: list[dict[str, Any]]) -> None:
    whole = files(built(entries))
    shuffled = random.Random(7).sample(entries, len(entries))
    assert files(built(shuffled)) == whole
    parts = files(built(shuffled[:6], shuffled[6:15], shuffled[15:]))
    assert {name for name in whole if parts[name] != whole[name]} <= {"coverage.json"}


def test_a_name_that_was_written_into_a_text_or_a_method_is_in_no_artifact(entries: list[dict[str, Any]]) -> None:
    chain = built(entries)
    everything = b"".join([chain.outputs["merge"]["observations"], chain.outputs["merge"]["coverage"], *files(chain).values()])
    assert PLANTED.lower().encode() not in everything.lower()
    assert b"OrderState" in everything


def test_another_redaction_key_gives_the_same_artifacts(entries: list[dict[str, Any]]) -> None:
    other = Chain({"s0": ("har", shared_endpoints.har(entries))}, hosts=[HOST], id="shop", key=b"another key of the same length ..").run(
        "emit"
    )
    assert files(other) == files(built(entries))


def test_the_committed_recording_is_what_the_service_says_today(entries: list[dict[str, Any]]) -> None:
    committed = json.loads((ROOT / "fixtures" / "captures" / "graphql" / "session.har").read_bytes())
    assert committed["log"]["entries"] == entries


def test_a_clone_without_traffic_builds_the_same_tools(entries: list[dict[str, Any]]) -> None:
    chain = built(entries)
    committed = json.loads(chain.outputs["merge"]["observations"])["parts"]
    clone = Chain({}, hosts=[HOST], id="shop", committed=committed).run("emit")
    assert files(clone)["tools.json"] == files(chain)["tools.json"]


def test_the_document_says_the_whole_body_of_each_call(entries: list[dict[str, Any]]) -> None:
    document = json.loads(files(built(entries))["openapi.json"])
    rows = {row["operation"]["operationId"]: row["operation"] for row in document["x-cask-operations"]}
    body = rows["add_note"]["requestBody"]["content"]["application/json"]["schema"]
    assert body["properties"]["query"]["const"].startswith("mutation AddNote($id: ID!, $note: NoteInput!) {")
    assert (body["required"], sorted(body["properties"])) == (
        ["operationName", "query", "variables"],
        ["operationName", "query", "variables"],
    )
    assert body["properties"]["variables"]["required"] == ["id", "note"]
    assert rows["add_note"]["x-cask-call"]["kind"] == "mutation"
    assert "requestBody" not in rows["get_live"]
    assert rows["get_live"]["x-cask-call"]["query"] == {
        "operationName": "Live",
        "query": "query Live {\n  orders(first: 5) {\n    id\n    state\n  }\n}",
    }


CALLS: list[tuple[str, dict[str, Any], Any]] = [
    # tool, arguments, what the service answers
    ("list_orders", {"first": 1}, {"data": {"orders": [{"id": "1", "total": 2.5}]}}),
    ("get_order", {"id": "7"}, {"data": {"order": {"id": "7", "state": "OPEN", "notes": []}}}),
    ("add_note", {"id": "7", "note": {"text": "new"}}, {"data": {"addNote": {"id": "7", "notes": ["new"]}}}),
    ("get_shop", {}, {"data": {"shop": {"title": "Shop", "currency": "EUR"}}}),
    ("get_orders", {"id": 2}, {"jsonrpc": "2.0", "id": 1, "result": {"id": "2", "state": "OPEN", "total": 5.0, "notes": []}}),
    ("call_orders_sum", {"params": [4, 5]}, {"jsonrpc": "2.0", "id": 1, "result": 9}),
]


@pytest.mark.slow
def test_a_recorded_session_is_called_through_a_real_server(tmp_path: Path, entries: list[dict[str, Any]]) -> None:
    desk = Desk(tmp_path)
    (desk.project / "shop.har").write_bytes(shared_endpoints.har(entries))
    minted = desk.run("mint", "shop.har", "-a", HOST, "--name", "shop")
    assert minted.exit == 0, minted.errors
    with Service() as service:
        manifest = desk.project / "cask.yaml"
        manifest.write_text(
            manifest.read_text() + f'environments: {{local: {{{HOST}: {{url: "http://127.0.0.1:{service.port}", private: true}}}}}}\n'
        )
        assert desk.run("build").exit == 0
        approve_everything(desk)

        async def story(client: Any) -> list[Any]:
            listed = [tool.name for tool in (await client.list_tools()).tools]
            answers = [await client.call_tool(name, arguments) for name, arguments, _ in CALLS]
            other = [
                await client.call_tool("get_order", {"id": "1", "query": "{ find }"}),
                await client.call_tool("get_orders", {"id": 1, "method": "orders.close"}),
                await client.call_tool("get_order", {}),
            ]
            return [listed, answers, other]

        listed, answers, other = anyio.run(desk.agent, story, "--env", "local")
        assert {name for name, _, _ in CALLS} <= set(listed)
        assert [answer.structured_content for answer in answers] == [expected for _, _, expected in CALLS]
        assert [answer.is_error for answer in other] == [True, True, True]
        asked = [body.get("operationName") or body.get("method") for _, _, body in service.heard]
        assert asked == ["Orders", "GetOrder", "AddNote", None, "orders.get", "orders.sum"]
