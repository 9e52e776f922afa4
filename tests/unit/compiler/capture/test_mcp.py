"""The source `mcp`: what `capture mcp` wrote becomes operations of one address, and anything else is refused with its line."""

import json
from typing import Any

import pytest

from caskmcp.compiler.capture.sources.kinds import is_document, kind_of
from caskmcp.compiler.capture.sources.mcp import REVISION, Mcp
from caskmcp.errors import CaskError
from caskmcp.model.exchange import Declared, DeclaredBody, Skipped

ORDER = {"type": "object", "properties": {"order_id": {"type": "integer"}}, "required": ["order_id"]}


def surface(*tools: Any, **server: Any) -> bytes:
    said = {"name": "desk", "url": "https://Orders.example:443/mcp"} | server
    return json.dumps({"schema": "caskmcp/mcp-surface/1", "server": said, "tools": list(tools)}).encode()


def read(data: bytes) -> list[Declared | Skipped]:
    return list(Mcp().read([data[:7], data[7:]]))


def tool(name: str = "get_order", schema: Any = ORDER, **more: Any) -> dict[str, Any]:
    return {"name": name, "input_schema": schema} | more


def test_a_tool_is_an_operation_that_pins_its_name() -> None:
    (found,) = read(surface(tool(description="An order.", title="Order", output_schema={"type": "object"})))
    assert isinstance(found, Declared)
    assert (found.method, found.scheme, found.host, found.port, found.path) == ("POST", "https", "orders.example", 0, "/mcp")
    assert (found.operation_id, found.title, found.description, found.body_required) == ("get_order", "Order", "An order.", True)
    assert found.bodies == (DeclaredBody("application/json", ORDER),)
    assert found.call is not None
    assert found.call["within"] == ["params", "arguments"]
    assert found.call["headers"] == {"MCP-Protocol-Version": REVISION, "Mcp-Method": "tools/call", "Mcp-Name": "get_order"}
    constants = found.call["constants"]
    assert (constants["method"], constants["params"]["name"]) == ("tools/call", "get_order")
    assert constants["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"] == REVISION


def test_another_port_and_no_path_are_kept() -> None:
    (found,) = read(surface(tool(), url="http://127.0.0.1:8080"))
    assert isinstance(found, Declared)
    assert (found.scheme, found.host, found.port, found.path) == ("http", "127.0.0.1", 8080, "/")


@pytest.mark.parametrize(
    ("schema", "why"),
    [
        ({"type": "string"}, "its input schema is no object"),
        ({}, "its input schema is no object"),
        ({"type": "object", "properties": [1, 2]}, "its schemas are none of JSON Schema 2020-12"),
        ({"type": "object", "properties": {"a": 1}}, "its schemas are none of JSON Schema 2020-12"),
        ({"type": "object", "properties": {"a": {"properties": [1]}}}, "its schemas are none of JSON Schema 2020-12"),
        ({"type": "object", "required": "a"}, "its schemas are none of JSON Schema 2020-12"),
        ({"type": "object", "required": [1]}, "its schemas are none of JSON Schema 2020-12"),
        ({"type": "object", "properties": {"a": {"$ref": "https://x.example/a"}}}, "a reference of its schemas leads out of them"),
        ({"type": "object", "properties": {"a": {"$ref": "other.json"}}}, "a reference of its schemas leads out of them"),
    ],
)
def test_a_tool_that_cannot_be_offered_is_left_out_and_the_others_stay(schema: Any, why: str) -> None:
    left, kept = read(surface(tool("a", schema), tool("b")))
    assert left == Skipped("tools.0", "unsupported", detail=why)
    assert isinstance(kept, Declared)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"[]",
        b'{"schema": "caskmcp/mcp-surface/1"',
        b"\xff",
        surface(tool()).replace(b"surface/1", b"surface/2"),
        surface(tool(), url="ftp://orders.example/mcp"),
        surface(tool(), url="https://orders.example:99999/mcp"),
        surface(tool(), url="https://[::1/mcp"),
        surface(tool(), url="https://orders.example:0x/mcp"),
        surface(tool(), url="https://user:secret@orders.example/mcp"),
        surface(tool(), url="https://orders.example/mcp?key=secret"),
        surface(tool("")),
        surface(tool("x" * 200)),
        surface(tool(annotations={"readOnlyHint": True})),
        surface({"name": "a"}),
        surface(tool(), tools=1),
        surface(tool(description="x" * 30_000)),
        b'{"a":' * 100 + b"1" + b"}" * 100,
    ],
)
def test_what_is_no_surface_is_refused_with_a_line_and_a_mend_and_not_quoted(data: bytes) -> None:
    with pytest.raises(CaskError) as caught:
        read(data)
    assert caught.value.code == "CASK-C002"
    assert (caught.value.place or "").startswith("line")
    assert caught.value.mend
    assert "secret" not in caught.value.what


def test_the_file_shows_its_kind_and_is_a_document() -> None:
    assert kind_of("a.json", surface(tool())) == "mcp"
    assert kind_of("desk.mcp.json", b"{}") == "mcp"
    assert is_document("mcp")
