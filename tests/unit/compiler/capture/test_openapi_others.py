"""Operations beside the paths of a document: read like the others; what a call asks for is read again and not believed."""

import json
from typing import Any

import pytest

from caskmcp.errors import CaskError
from tests.support.chain import Chain

TEXT = "query Orders($first: Int!) {\n  orders(first: $first) {\n    id\n  }\n}"
MUTATION = "mutation DeleteOrder($id: ID!) {\n  deleteOrder(id: $id) {\n    id\n  }\n}"


def entry(text: str = TEXT, name: str = "Orders", **call: Any) -> dict[str, Any]:
    said = {"protocol": "graphql", "name": name, "kind": "query", "constants": ["operationName", "query"], "within": ["variables"], **call}
    variables = {"type": "object", "properties": {"first": {"type": "integer"}}, "required": ["first"]}
    rows = {"operationName": {"const": name}, "query": {"const": text}, "variables": variables}
    schema = {"type": "object", "properties": rows, "required": ["operationName", "query", "variables"]}
    operation = {
        "operationId": "list_orders",
        "requestBody": {"required": True, "content": {"application/json": {"schema": schema}}},
        "responses": {"200": {"description": "OK"}},
        "x-cask-call": said,
    }
    return {"path": "/graphql", "method": "POST", "operation": operation}


def document(*entries: Any, **more: Any) -> bytes:
    return json.dumps(
        {
            "openapi": "3.1.0",
            "info": {"title": "shop", "version": "1"},
            "servers": [{"url": "https://api.shop.example"}],
            "paths": {"/ping": {"get": {"operationId": "ping", "responses": {"200": {"description": "OK"}}}}},
            "x-cask-operations": list(entries),
            **more,
        }
    ).encode()


def run(*entries: Any, **more: Any) -> Chain:
    return Chain({"spec": ("openapi", document(*entries, **more))}, hosts=["api.shop.example", "b.shop.example"], id="shop").run("emit")


def tools(chain: Chain) -> dict[str, Any]:
    return {tool["name"]: tool for tool in json.loads(chain.outputs["emit"]["files"]["tools.json"])["tools"]}


def skipped(chain: Chain) -> list[list[Any]]:
    found: list[list[Any]] = json.loads(chain.outputs["capture"]["head"]["spec"])["skipped"]
    return found


def test_a_call_becomes_the_tool_that_it_was() -> None:
    tool = tools(run(entry()))["list_orders"]
    assert tool["request"]["body"]["constants"] == {"operationName": "Orders", "query": TEXT}
    assert tool["request"]["body"]["within"] == ["variables"]
    assert tool["input_schema"]["required"] == ["first"]
    assert (tool["effect"], tool["risk"] in ("safe", "low")) == ("read", True)


def test_what_a_document_claims_of_a_call_is_not_believed() -> None:
    tool = tools(run(entry(MUTATION, "DeleteOrder", kind="query", digest="sha256:0")))["list_orders"]
    assert tool["effect"] == "destructive"
    assert tool["risk"] in ("high", "critical")


@pytest.mark.parametrize(
    "call",
    [
        {"protocol": "mcp"},
        {"protocol": "soap"},
        {"constants": ["operationName"]},
        {"constants": ["operationName", "query", "variables"]},
        {"constants": ["nothing"]},
        {"constants": []},
        {"within": ["input"]},
        {"within": ["variables", "deeper"]},
    ],
)
def test_a_call_that_cannot_be_read_again_is_left_out(call: dict[str, Any]) -> None:
    chain = run(entry(**call))
    assert set(tools(chain)) == {"ping"}
    assert skipped(chain) == [["unsupported", 1]]


def test_a_text_that_is_no_graphql_is_left_out() -> None:
    chain = run(entry("query {{{"))
    assert (set(tools(chain)), skipped(chain)) == ({"ping"}, [["unsupported", 1]])


def test_a_method_of_its_own_and_another_host_are_read() -> None:
    plain = {"responses": {"200": {"description": "OK"}}}
    search = {"path": "/orders", "method": "QUERY", "operation": {"operationId": "search_orders", **plain}}
    other = {
        "path": "/ping",
        "method": "GET",
        "operation": {"operationId": "ping_b", "servers": [{"url": "https://b.shop.example"}], **plain},
    }
    found = tools(run(search, other))
    assert found["search_orders"]["request"]["method"] == "QUERY"
    assert found["ping_b"]["request"]["host"] == "b.shop.example"


def test_methods_of_rpc_lose_only_their_constants() -> None:
    schema = {
        "type": "object",
        "properties": {"action": {"const": "list_orders"}, "page": {"type": "integer"}, "size": {"type": "integer"}},
        "required": ["action", "page"],
    }
    operation = {
        "operationId": "list_orders",
        "requestBody": {"required": True, "content": {"application/json": {"schema": schema}}},
        "responses": {"200": {"description": "OK"}},
        "x-cask-call": {"protocol": "rpc", "name": "list_orders", "constants": ["action"]},
    }
    tool = tools(run({"path": "/api", "method": "POST", "operation": operation}))["list_orders"]
    assert tool["request"]["body"]["constants"] == {"action": "list_orders"}
    assert (sorted(tool["input_schema"]["properties"]), tool["input_schema"]["required"]) == (["page", "size"], ["page"])


@pytest.mark.parametrize(
    "broken",
    [
        7,
        {"path": "/a", "method": "GET"},
        {"path": "a", "method": "GET", "operation": {"responses": {}}},
        {"path": "/a", "method": "G T", "operation": {"responses": {}}},
        {"path": 7, "method": "GET", "operation": {"responses": {}}},
        {"path": "/a", "method": "GET", "operation": []},
        {"path": "/../a", "method": "GET", "operation": {"responses": {}}},
        {"path": "/a", "method": "GET", "operation": {"operationId": "ping", "responses": {}}},
        {"path": "/a", "method": "POST", "operation": {"responses": {}, "x-cask-call": []}},
        {"path": "/a", "method": "POST", "operation": {"responses": {}, "x-cask-call": {"constants": "query"}}},
    ],
)
def test_an_entry_that_is_none_is_refused(broken: Any) -> None:
    with pytest.raises(CaskError) as raised:
        run(broken)
    assert raised.value.code == "CASK-C002"


def test_a_section_that_is_no_list_is_refused() -> None:
    with pytest.raises(CaskError) as raised:
        run(**{"x-cask-operations": {}})
    assert raised.value.code == "CASK-C002"
