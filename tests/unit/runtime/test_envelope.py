"""What an MCP server answers over HTTP, from the bytes to the agent; and constant headers, which no argument reaches."""

import json
from typing import Any

import pytest

from caskmcp.errors import CaskError
from caskmcp.model.tool import Field_
from caskmcp.runtime.clean import clean
from caskmcp.runtime.envelope import Called, called
from caskmcp.runtime.plan import prepare
from caskmcp.runtime.respond import Answer, Result, respond
from tests.support.calls import tool

JSON = "application/json"
STREAM = "text/event-stream"


def said(result: Any, **more: Any) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": 1, "result": result, **more}).encode()


def text(*parts: str, **more: Any) -> dict[str, Any]:
    return {"content": [{"type": "text", "text": part} for part in parts], **more}


@pytest.mark.parametrize(
    ("body", "media", "found"),
    [
        (said(text("a", structuredContent={"x": 1})), JSON, Called({"x": 1})),
        (said(text("a", structuredContent=[1])), JSON, Called([1])),
        (said(text("a", "b")), JSON, Called({"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]})),
        (
            said({"content": [{"type": "image", "data": "AAAA"}]}),
            JSON,
            Called({"content": [{"type": "image", "omitted": "33 characters"}]}),
        ),
        (said({}), JSON, Called({"content": []})),
        (said(text("no such order", isError=True)), JSON, Called("no such order", failed=True)),
        (said({"resultType": "input_required"}), JSON, Called("it asks for more than one call can give", failed=True)),
        (b'{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"unknown tool"}}', JSON, Called("unknown tool", failed=True)),
        (b"event: message\r\ndata: " + said(text("a", structuredContent={"x": 1})) + b"\r\n\r\n", STREAM, Called({"x": 1})),
        (
            b': ping\n\ndata: {"jsonrpc":"2.0","method":"notifications/progress"}\n\ndata: no json\n\ndata:'
            + said(text("a", structuredContent={"x": 1})).replace(b", ", b",\ndata:"),
            STREAM,
            Called({"x": 1}),
        ),
    ],
)
def test_the_result_is_found_in_the_envelope(body: bytes, media: str, found: Called) -> None:
    assert called(body, media) == found


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{}", b'{"jsonrpc":"2.0","id":1,"result":7}', b'{"jsonrpc":"1.0","result":{}}', b"data: {}\n\n", b"[" * 9000, b"\xff"],
)
@pytest.mark.parametrize("media", [JSON, STREAM, ""])
def test_anything_else_holds_none(body: bytes, media: str) -> None:
    assert called(body, media) is None


def answered(body: bytes, media: str = JSON, status: int = 200) -> Result:
    made = tool()
    wrapped = made.model_copy(update={"response": made.response.model_copy(update={"envelope": "mcp"})})
    return respond(wrapped, Answer(status, (("content-type", media),), body), None, None, clean)


def test_the_agent_gets_what_lies_in_the_envelope_and_failures_as_failures() -> None:
    assert answered(said(text("x", structuredContent={"a": 1}))).structured == {"a": 1}
    failed = answered(said(text("no such order", isError=True)))
    assert (failed.error, failed.structured, failed.untrusted) == ("CASK-R008", None, True)
    assert "no such order" in failed.text


def test_an_answer_without_the_envelope_still_arrives() -> None:
    assert answered(b'{"a":1}').structured == {"a": 1}
    assert answered(b"sign in", "text/html").structured == {"data": "sign in"}
    assert answered(b"no", status=503).error == "CASK-R008"


# ---------------------------------------------------------------- constant headers
def requested(constants: dict[str, str], *fields: Field_, **arguments: Any) -> list[tuple[str, str]]:
    made = tool()
    plan = made.request.model_copy(update={"constants": constants, "headers": fields})
    return list(prepare(made.model_copy(update={"request": plan}), {"order_id": 7, **arguments}).headers)


def test_constant_headers_are_sent_exactly_so() -> None:
    sent = requested({"Mcp-Name": "get_order", "Mcp-Method": "tools/call"})
    assert [row for row in sent if row[0].startswith("Mcp")] == [("Mcp-Method", "tools/call"), ("Mcp-Name", "get_order")]


@pytest.mark.parametrize("name", ["Host", "content-length", "Authorization", "X-HTTP-Method-Override", "a b", "", "x\r\ny"])
def test_no_constant_is_a_header_of_the_framing_or_none(name: str) -> None:
    with pytest.raises(CaskError) as caught:
        requested({name: "x"})
    assert caught.value.code == "CASK-R003"


@pytest.mark.parametrize("value", ["", "a\r\nb", "ä", " x"])
def test_no_constant_header_ends_its_line(value: str) -> None:
    with pytest.raises(CaskError):
        requested({"Mcp-Name": value})


def test_no_argument_takes_the_place_of_a_constant_header() -> None:
    with pytest.raises(CaskError) as caught:
        requested({"Mcp-Name": "get_order"}, Field_(argument="name", wire="mcp-name", style="simple"), name="delete_order")
    assert caught.value.code == "CASK-R003"
