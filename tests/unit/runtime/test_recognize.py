"""From plain requests to approved tools: which one it is, with which arguments, and what is told as having no place."""

import json
from typing import Any

import pytest

from caskmcp.errors import CaskError
from caskmcp.model.tool import BodyPlan, Field_, PathPiece, PathSegment
from caskmcp.runtime import reread
from caskmcp.runtime.arguments import compiled
from caskmcp.runtime.plan import prepare
from caskmcp.runtime.recognize import NONE, Received, recognized
from caskmcp.runtime.reread import BEYOND
from caskmcp.text import parse_json
from tests.support.calls import GET_ORDER, HOST, PAY_ORDER, argument, literal, served, tool

JSON = (("Content-Type", "application/json"),)
TEXT = {"type": "string"}


def asked(target: str, *tools: Any, method: str = "GET", headers: Any = (), body: bytes = b"", host: str = HOST) -> tuple[str, Any]:
    return recognized(served(*tools).listed, Received(method, host, target, tuple(headers), body))


def test_a_request_is_the_tool_of_its_method_host_and_path() -> None:
    assert asked("/orders/7") == ("get_order", {"order_id": 7})
    assert asked("/orders/7", method="POST", headers=JSON, body=b'{"amount":3}') == ("pay_order", {"order_id": 7, "amount": 3})
    assert asked("/orders/7", method="DELETE") == ("wipe", {"order_id": 7})


@pytest.mark.parametrize(
    ("target", "more"),
    [
        ("/orders", {}),
        ("/orders/", {}),
        ("/orders/7/", {}),
        ("//orders/7", {}),
        ("/Orders/7", {}),
        ("/orders/7", {"method": "PUT"}),
        ("/orders/7", {"method": "get"}),
        ("/orders/7", {"host": "evil.test"}),
        ("/orders/7", {"host": f"{HOST}:8443"}),
        ("/orders/%ff", {}),
        ("orders/7", {}),
        ("http://api.example.com/orders/7", {}),
        ("/orders/7?" + "a" * 40_000, {}),
    ],
)
def test_a_request_of_no_tool_is_none(target: str, more: dict[str, Any]) -> None:
    assert asked(target, **more) == (NONE, {})


@pytest.mark.parametrize(
    ("target", "more"),
    [
        ("/orders/7?admin=1", {}),
        ("/orders/7", {"headers": (("X-HTTP-Method-Override", "DELETE"),)}),
        ("/orders/7", {"headers": (("Cookie", "session=1"),)}),
        ("/orders/7", {"body": b"{}"}),
        ("/orders/7", {"method": "POST", "headers": JSON, "body": b'{"amount":3,"admin":true}'}),
        ("/orders/7", {"method": "POST", "headers": JSON, "body": b"[1]"}),
        ("/orders/7", {"method": "POST", "headers": (("Content-Type", "text/plain"),), "body": b'{"amount":3}'}),
        ("/orders/7", {"method": "POST", "body": b'{"amount":3}'}),
    ],
)
def test_what_a_tool_has_no_place_for_is_an_argument_that_no_tool_takes(target: str, more: dict[str, Any]) -> None:
    name, found = asked(target, **more)
    row = served().tools[name]
    assert found[BEYOND] is True
    with pytest.raises(CaskError) as no:
        row.check.refuse(found)
    assert no.value.code == "CASK-R002"


def test_headers_of_the_connection_are_not_the_tools_business() -> None:
    own = (("User-Agent", "curl/8"), ("Accept", "*/*"), ("Authorization", "Bearer cask"), ("Connection", "close"), ("Host", "127.0.0.1:1"))
    assert asked("/orders/7", headers=own) == ("get_order", {"order_id": 7})


def test_a_value_of_another_type_stays_a_text_for_the_closed_check() -> None:
    assert asked("/orders/seven") == ("get_order", {"order_id": "seven"})
    assert asked("/orders/" + "9" * 3000) == ("get_order", {"order_id": "9" * 3000})


def test_of_two_tools_the_one_with_more_fixed_text_is_meant() -> None:
    by_id = tool("by_id", segments=(literal("users"), argument("user_id", "text")), properties={"user_id": TEXT}, required=("user_id",))
    me = tool("me", segments=(literal("users"), literal("me")), properties={}, required=())
    assert asked("/users/me", by_id, me) == ("me", {})
    assert asked("/users/you", by_id, me) == ("by_id", {"user_id": "you"})


def test_of_two_tools_the_one_that_holds_the_whole_request_is_meant() -> None:
    plain = tool("plain", segments=(literal("orders"),), properties={}, required=())
    query = (Field_(argument="state", wire="state"),)
    filtered = tool("filtered", segments=(literal("orders"),), properties={"state": TEXT}, required=("state",), query=query)
    assert asked("/orders", filtered, plain) == ("plain", {})
    assert asked("/orders?state=open", filtered, plain) == ("filtered", {"state": "open"})


def test_an_argument_in_a_segment_ends_at_the_next_fixed_text() -> None:
    pieces = (PathPiece(argument="low", charset="token"), PathPiece(text=".."), PathPiece(argument="high", charset="token"))
    compare = tool("compare", segments=(PathSegment(pieces=pieces),), properties={"low": TEXT, "high": TEXT}, required=("low", "high"))
    assert asked("/v1..v2", compare) == ("compare", {"low": "v1", "high": "v2"})
    assert asked("/v1", compare) == (NONE, {})
    assert asked("/..v2", compare) == (NONE, {})
    page = PathSegment(pieces=(PathPiece(argument="name", charset="token"), PathPiece(text=".json")))
    named = tool("named", segments=(page,), properties={"name": TEXT}, required=("name",))
    assert asked("/a.json.json", named) == ("named", {"name": "a.json"})
    assert asked("/a.xml", named) == (NONE, {})


@pytest.mark.parametrize(
    ("field", "schema", "query", "value"),
    [
        (Field_(argument="a", wire="q"), TEXT, "q=a+b%20c", "a b c"),
        (Field_(argument="a", wire="q"), {"type": "boolean"}, "q=true", True),
        (Field_(argument="a", wire="q"), {"type": "number"}, "q=2.50", 2.5),
        (Field_(argument="a", wire="q"), {"anyOf": [{"type": "integer"}, {"type": "null"}]}, "q=7", 7),
        (Field_(argument="a", wire="q[]"), {"type": "array", "items": {"type": "integer"}}, "q%5B%5D=1&q[]=2", [1, 2]),
        (Field_(argument="a", wire="q", explode=False), {"type": "array", "items": TEXT}, "q=x,y%20z", ["x", "y z"]),
        (Field_(argument="a", wire="q", style="pipeDelimited", explode=False), {"type": "array", "items": TEXT}, "q=x%7Cy", ["x", "y"]),
        (Field_(argument="a", wire="q", style="spaceDelimited", explode=False), {"type": "array", "items": TEXT}, "q=x%20y", ["x", "y"]),
        (
            Field_(argument="a", wire="q", style="deepObject"),
            {"type": "object", "additionalProperties": False, "properties": {"low": {"type": "integer"}, "tags": {"type": "array", "items": TEXT}}},
            "q[low]=3&q[tags]=x&q[tags]=y",
            {"low": 3, "tags": ["x", "y"]},
        ),
        (
            Field_(argument="a", wire="q", explode=False),
            {"type": "object", "additionalProperties": False, "properties": {"low": {"type": "integer"}}},
            "q=low,3",
            {"low": 3},
        ),
    ],
)  # fmt: skip
def test_each_style_of_a_parameter_is_read(field: Field_, schema: dict[str, Any], query: str, value: Any) -> None:
    listing = tool("listing", segments=(literal("orders"),), properties={"a": schema}, required=(), query=(field,))
    assert asked(f"/orders?{query}", listing) == ("listing", {"a": value})


def test_headers_and_cookies_that_are_arguments_are_read_and_constants_are_held_against_the_plan() -> None:
    row = tool(
        segments=(literal("orders"),),
        properties={"trace": {"type": "integer"}, "tenant": TEXT},
        required=(),
        headers=(Field_(argument="trace", wire="X-Trace", style="simple"),),
        cookies=(Field_(argument="tenant", wire="tenant"),),
    )
    row = row.model_copy(update={"request": row.request.model_copy(update={"constants": {"X-Version": "2"}})})
    headers = (("x-trace", "7"), ("Cookie", "tenant=a%20b"), ("X-Version", "2"))
    assert asked("/orders", row, headers=headers) == ("get_order", {"trace": 7, "tenant": "a b"})
    assert asked("/orders", row) == ("get_order", {})
    assert asked("/orders", row, headers=(("X-Version", "3"),)) == (NONE, {})


def test_a_header_that_is_said_twice_has_no_place() -> None:
    row = tool(segments=(literal("o"),), properties={"t": TEXT}, required=(), headers=(Field_(argument="t", wire="T", style="simple"),))
    assert BEYOND in asked("/o", row, headers=(("T", "1"), ("T", "2")))[1]
    field = Field_(argument="t", wire="Accept-Language", style="simple")  # one that ends here where no tool takes it
    words = tool(segments=(literal("o"),), properties={"t": TEXT}, required=(), headers=(field,))
    assert asked("/o", words, headers=(("Accept-Language", "en"),))[1] == {"t": "en"}
    assert BEYOND in asked("/o", words, headers=(("Accept-Language", "en"), ("accept-language", "de")))[1]


SHARED = BodyPlan(
    media="application/json",
    kind="json",
    fields=(Field_(argument="order_id", wire="id"),),
    constants={"query": "query Order($id: ID!) { order(id: $id) { id } }"},
    within=("variables",),
)


def test_of_the_tools_of_a_shared_endpoint_the_one_whose_constants_stand_in_the_body_is_meant() -> None:
    other = SHARED.model_copy(update={"constants": {"query": "mutation Wipe { wipe }"}})
    tools = [
        tool(name, method="POST", segments=(literal("graphql"),), properties={"order_id": TEXT}, required=(), body=body)
        for name, body in (("order", SHARED), ("wipe_all", other))
    ]
    body = {"query": SHARED.constants["query"], "variables": {"id": "7"}}
    assert asked("/graphql", *tools, method="POST", headers=JSON, body=json.dumps(body).encode()) == ("order", {"order_id": "7"})
    third = json.dumps({**body, "query": "query { secrets }"}).encode()
    assert asked("/graphql", *tools, method="POST", headers=JSON, body=third) == (NONE, {})
    more = json.dumps({**body, "operationName": "Wipe"}).encode()
    assert BEYOND in asked("/graphql", *tools, method="POST", headers=JSON, body=more)[1]
    assert asked("/graphql", *tools, method="POST", headers=JSON) == (NONE, {})


@pytest.mark.parametrize("kind", ["form", "multipart"])
def test_forms_are_read_by_their_fields(kind: Any) -> None:
    media = {"form": "application/x-www-form-urlencoded", "multipart": "multipart/form-data"}[kind]
    fields = (Field_(argument="note", wire="note"), Field_(argument="tags", wire="tags"))
    row = tool(
        "file", method="POST", segments=(literal("files"),), required=(), body=BodyPlan(media=media, kind=kind, fields=fields),
        properties={"note": TEXT, "tags": {"type": "array", "items": {"type": "integer"}}},
    )  # fmt: skip
    given = {"note": "é & b", "tags": [1, 2]}
    made = prepare(row, given)
    assert asked("/files", row, method="POST", headers=made.headers, body=made.body) == ("file", given)
    assert asked("/files", row, method="POST", headers=made.headers, body=made.body[:-9] + b"\xff\xff") == (NONE, {})


@pytest.mark.parametrize(
    "body", [b"{", b'{"amount":1,"amount":2}', b"\xff", b'{"amount":NaN}', b"[" * 70 + b"]" * 70, b'{"amount":' + b"9" * 9000 + b"}"]
)
def test_a_body_that_is_no_plain_json_never_reaches_a_call(body: bytes) -> None:
    name, found = asked("/orders/7", method="POST", headers=JSON, body=body)
    assert name == NONE or refused(found)


def refused(found: dict[str, Any]) -> bool:
    try:
        compiled(PAY_ORDER).refuse(found)
        prepare(PAY_ORDER, found)
    except CaskError:
        return True
    return False


def test_a_whole_body_is_one_argument() -> None:
    plan = BodyPlan(media="application/json", kind="json", argument="body")
    row = tool("put_all", method="PUT", segments=(literal("all"),), properties={"body": {"type": "array"}}, required=("body",), body=plan)
    assert asked("/all", row, method="PUT", headers=JSON, body=b"[1,2]") == ("put_all", {"body": [1, 2]})
    text = BodyPlan(media="text/plain", kind="text", argument="body")
    words = tool("say", method="PUT", segments=(literal("all"),), properties={"body": TEXT}, required=("body",), body=text)
    assert asked("/all", words, method="PUT", headers=(("Content-Type", "text/plain; charset=utf-8"),), body=b"a") == ("say", {"body": "a"})


@pytest.mark.parametrize(
    "headers",
    [
        (("Content-Type", "text/plain; charset=iso-8859-1"),),
        (("Content-Type", 'text/plain;CHARSET="UTF-16"'),),
        (("Content-Type", "text/plain"), ("Content-Type", "application/json")),
    ],
)
def test_a_body_that_says_to_be_read_in_another_way_has_no_place(headers: Any) -> None:
    text = BodyPlan(media="text/plain", kind="text", argument="body")
    words = tool("say", method="PUT", segments=(literal("all"),), properties={"body": TEXT}, required=("body",), body=text)
    assert BEYOND in asked("/all", words, method="PUT", headers=headers, body=b"\xc3\xa9")[1]


PART = b'Content-Disposition: form-data; name="note"\r\n'


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (PART, "file"),
        (PART + b"Content-Type: text/plain; charset=utf-8\r\n", "file"),
        (PART + b"Content-Type: text/plain; charset=utf-16\r\n", NONE),
        (PART + b"Content-Transfer-Encoding: base64\r\n", NONE),
        (PART + PART, NONE),
        (b'X-A: content-disposition: a; name="note"\r\nContent-Disposition: form-data; name="other"\r\n', NONE),
        (b'Content-Type: content-disposition: a; name="note"\r\n', NONE),
    ],
)
def test_a_part_of_a_form_has_one_name_and_no_header_that_is_dropped(head: bytes, name: str) -> None:
    plan = BodyPlan(media="multipart/form-data", kind="multipart", fields=(Field_(argument="note", wire="note"),))
    row = tool("file", method="POST", segments=(literal("files"),), required=(), body=plan, properties={"note": TEXT})
    headers = (("Content-Type", "multipart/form-data; boundary=b"),)
    body = b"--b\r\n" + head + b"\r\nx\r\n--b--\r\n"
    assert asked("/files", row, method="POST", headers=headers, body=body) == (name, {} if name == NONE else {"note": "x"})


def test_a_body_is_read_once_however_many_tools_share_the_endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []

    def counted(data: bytes, name: str, limit: int) -> Any:
        read.append(limit)
        return parse_json(data, name, limit=limit)

    monkeypatch.setattr(reread, "parse_json", counted)
    tools = [
        tool(f"t{number}", method="POST", segments=(literal("graphql"),), properties={"order_id": TEXT}, required=(),
             body=SHARED.model_copy(update={"constants": {"query": f"query {number}"}}))
        for number in range(50)
    ]  # fmt: skip
    for body in (b'{"query":"none"}', b'{"query":'):
        read.clear()
        assert asked("/graphql", *tools, method="POST", headers=JSON, body=body) == (NONE, {})
        assert len(read) == 1


def test_a_get_of_a_shared_endpoint_is_read_by_its_parameters() -> None:
    body = BodyPlan(media="application/json", kind="query", fields=SHARED.fields, constants=SHARED.constants, within=SHARED.within)
    row = tool("order", segments=(literal("graphql"),), properties={"order_id": TEXT}, required=(), body=body)
    made = prepare(row, {"order_id": "7"})
    assert asked(made.target.decode(), row) == ("order", {"order_id": "7"})
    assert asked(made.target.decode().replace("Order", "Other", 1), row) == (NONE, {})


def test_a_composite_and_a_tool_outside_the_toolset_are_never_meant() -> None:
    on = served(GET_ORDER, PAY_ORDER, toolset="support", toolsets={"support": ("pay_order",)})
    assert recognized(on.listed, Received("GET", HOST, "/orders/7")) == (NONE, {})
