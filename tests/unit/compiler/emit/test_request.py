"""Request plans: a closed grammar that follows from the contract."""

from typing import Any

import pytest

from caskmcp.compiler.emit.arguments import arguments
from caskmcp.compiler.emit.request import accept, charset, max_length, plan, refusal
from caskmcp.model.contract import Contract, Response
from caskmcp.model.tool import BodyPlan, Field_, PathPiece, RequestPlan
from tests.support.contracts import STRING, contract, obj, parameter


def planned(row: Contract) -> RequestPlan:
    return plan(row, arguments(row))


def test_the_origin_and_method_come_from_the_contract() -> None:
    row = planned(contract("get /orders", port=8443, scheme="http"))
    assert (row.method, row.scheme, row.host, row.port) == ("GET", "http", "api.shop.example", 8443)


def test_segments_are_literals_and_arguments() -> None:
    row = planned(contract("GET /größe a/{order_id}..{name}/", paths={"name": STRING}))
    assert [segment.pieces for segment in row.segments] == [
        (PathPiece(text="gr%C3%B6%C3%9Fe%20a"),),
        (
            PathPiece(argument="order_id", charset="integer", max_length=40),
            PathPiece(text=".."),
            PathPiece(argument="name", charset="text", max_length=512),
        ),
        (PathPiece(),),
    ]


def test_the_root_is_one_empty_segment() -> None:
    assert [segment.pieces for segment in planned(contract("GET /")).segments] == [(PathPiece(),)]


@pytest.mark.parametrize(
    ("text", "wire"), [("a:b@c", "a:b@c"), ("a;b", "a;b"), ("50%", "50%25"), ("a?b#c", "a%3Fb%23c"), ("a\\b", "a%5Cb")]
)
def test_literals_are_percent_encoded_once(text: str, wire: str) -> None:
    assert planned(contract(f"GET /{text}")).segments[0].pieces == (PathPiece(text=wire),)


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "integer"}, "integer"),
        ({"type": "boolean"}, "token"),
        ({"type": "string", "format": "uuid"}, "token"),
        ({"type": "string", "format": "date"}, "token"),
        ({"type": "string", "enum": ["en-US", "de_DE"]}, "token"),
        ({"type": "string", "enum": ["en", "a/b"]}, "text"),
        ({"type": "string", "format": "date-time"}, "text"),
        ({"type": "string"}, "text"),
        ({"type": "number"}, "text"),
    ],
)
def test_a_path_argument_has_as_few_characters_as_its_schema_needs(schema: Any, expected: str) -> None:
    assert charset(schema) == expected


def test_a_path_argument_is_bounded() -> None:
    assert [max_length(row) for row in ({"type": "integer"}, {"type": "string"}, {"type": "string", "maxLength": 8})] == [40, 512, 8]


@pytest.mark.parametrize(
    ("style", "explode", "field"),
    [
        ("", None, ("form", True)),
        ("form", False, ("form", False)),
        ("spaceDelimited", None, ("spaceDelimited", False)),
        ("pipeDelimited", True, ("pipeDelimited", True)),
        ("deepObject", None, ("deepObject", True)),
        ("unheard", None, ("form", True)),
    ],
)
def test_query_styles_are_kept(style: str, explode: bool | None, field: Any) -> None:
    row = planned(contract("GET /orders", parameters=[parameter("filter[id]", style=style, explode=explode)]))
    assert row.query == (Field_(argument="filter_id", wire="filter[id]", style=field[0], explode=field[1]),)


def test_headers_and_cookies_have_their_own_places() -> None:
    row = planned(contract("GET /orders", parameters=[parameter("X-Trace", "header"), parameter("theme", "cookie")]))
    assert row.headers == (Field_(argument="X-Trace", wire="X-Trace", style="simple", explode=False),)
    assert row.cookies == (Field_(argument="theme", wire="theme"),)


@pytest.mark.parametrize(
    ("kind", "media", "body", "expected"),
    [
        ("json", "application/json", obj(a=STRING), BodyPlan(media="application/json", kind="json", fields=(Field_(argument="a", wire="a"),))),
        ("json", "application/json", {"type": "array"}, BodyPlan(media="application/json", kind="json", argument="body")),
        ("form", "application/x-www-form-urlencoded", obj(a=STRING), BodyPlan(media="application/x-www-form-urlencoded", kind="form", fields=(Field_(argument="a", wire="a"),))),
        ("multipart", "multipart/form-data", obj(a=STRING), BodyPlan(media="multipart/form-data", kind="multipart", fields=(Field_(argument="a", wire="a"),))),
        ("text", "text/csv", {}, BodyPlan(media="text/csv", kind="text", argument="body")),
        ("binary", "image/png", {}, BodyPlan(media="image/png", kind="text", argument="body")),
        ("json", "application/json\r\nx: y", {"type": "array"}, BodyPlan(media="application/json", kind="json", argument="body")),
        ("json", "application/json", {"type": "object", "additionalProperties": False}, BodyPlan(media="application/json", kind="json")),
    ],
)  # fmt: skip
def test_bodies_are_one_argument_or_fields(kind: str, media: str, body: Any, expected: BodyPlan) -> None:
    assert planned(contract("POST /orders", kind=kind, media=media, body=body)).body == expected


def test_a_required_body_is_sent_even_without_fields() -> None:
    found = planned(contract("POST /orders", body=obj(a=STRING), body_required=True)).body
    assert found is not None
    assert found.required


@pytest.mark.parametrize(
    ("media", "expected"),
    [
        (["application/json", "text/html"], "application/json"),
        (["application/vnd.shop+json"], "application/vnd.shop+json"),
        (["text/csv"], "text/csv"),
        (["text/csv", "text/html"], "*/*"),
        (["text/html\r\nx: y"], "application/json"),
        ([], "application/json"),
    ],
)
def test_json_is_asked_for_where_there_is_any(media: list[str], expected: str) -> None:
    answers = tuple(Response(status="200", media=row) for row in media)
    assert accept(contract("GET /orders", responses=answers)) == expected


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (contract("GET /orders"), ""),
        (contract("TRACE /orders"), "its method is never offered"),
        (contract("CONNECT /"), "its method is never offered"),
        (contract("PROPFIND /orders"), "its method is never offered"),
        (contract("GET /orders", scheme="ws"), "its scheme is not http or https"),
        (contract("GET /orders", host="a b"), "its host is not written as a host"),
        (contract("GET /orders", host="user@host"), "its host is not written as a host"),
        (contract("GET /../orders"), "a segment of its path is `.` or `..`"),
        (contract("GET /./orders"), "a segment of its path is `.` or `..`"),
        (contract("GET /{a}..{b}"), ""),
    ],
)
def test_what_cannot_be_a_tool_is_refused_with_a_reason(row: Contract, reason: str) -> None:
    assert refusal(row) == reason
