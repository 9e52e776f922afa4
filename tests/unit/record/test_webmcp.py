"""What pages offered becomes a document: bounded, value-free where somebody could have typed, in a fixed order; what is no offer is counted."""

import json
from typing import Any

import pytest

from caskmcp.model.discovery import Discovery, Link, PageTool
from caskmcp.record.frames import Offered
from caskmcp.record.webmcp import LARGEST, cut, discovery, offers, written
from caskmcp.record.webmcp_page import origin_of

SITE = "https://shop.example"


def offered(name: Any = "find", origin: str = SITE, **more: Any) -> Offered:
    return Offered(origin, json.dumps({"how": "imperative", "name": name, "title": "", "description": "Finds.", "schema": {}} | more))


def schema_of(schema: Any) -> Any:
    (tool,) = offers([offered(schema=schema)]).tools
    return tool.input_schema


def test_a_tool_is_taken_in_the_page_s_words() -> None:
    found = offers([offered(title="Find", schema={"type": "object"}, how="declarative")])
    assert found == (
        (PageTool(origin=SITE, name="find", title="Find", description="Finds.", input_schema={"type": "object"}, how="declarative"),),
        (),
    )


def test_tools_stand_in_a_fixed_order_and_the_last_definition_of_each_counts() -> None:
    some = [
        offered("b"),
        offered("a"),
        offered("b", description="Other."),
        offered("a", how="declarative"),
        offered("a", origin="https://a.example"),
    ]
    found = [(tool.origin, tool.name, tool.how, tool.description) for tool in offers(some).tools]
    assert found == [
        ("https://a.example", "a", "imperative", "Finds."),
        (SITE, "a", "declarative", "Finds."),
        (SITE, "a", "imperative", "Finds."),
        (SITE, "b", "imperative", "Other."),
    ]


@pytest.mark.parametrize(
    ("offer", "reason"),
    [
        (Offered("", "{}"), "of no site"),
        (Offered(SITE, "[" * 900), "unreadable"),
        (Offered(SITE, "no json"), "unreadable"),
        (Offered(SITE, "[]"), "unreadable"),
        (Offered(SITE, "{}"), "unreadable"),
        (Offered(SITE, '{"name": "a", "name": "b"}'), "unreadable"),
        (offered(name=7), "unreadable"),
        (offered(name=""), "unreadable"),
        (offered(description=["x"]), "unreadable"),
        (offered(how="by force"), "unreadable"),
        (offered(schema="all of it"), "unreadable"),
        (offered(schema={"a": json.loads("[" * 40 + "]" * 40)}), "unreadable"),
        (offered(origin="https://shop.example/path"), "unreadable"),
        (offered(description="x" * LARGEST), "too large"),
    ],
)
def test_what_is_no_offer_is_counted(offer: Offered, reason: str) -> None:
    assert offers([offer, offered()])[1] == ((reason, 1),)


def test_there_is_an_end_to_what_is_taken() -> None:
    found = offers(offered(f"t{number}") for number in range(1003))
    assert (len(found.tools), found.left_out) == (1000, (("too many", 3),))


def test_values_that_somebody_may_have_typed_are_not_taken() -> None:
    city = {"type": "string", "default": "Zurich", "examples": ["Bern"], "example": "Chur", "enum": ["ZRH", "BRN"], "description": "Where"}
    assert schema_of({"type": "object", "properties": {"city": city}}) == {
        "type": "object",
        "properties": {"city": {"type": "string", "enum": ["ZRH", "BRN"], "description": "Where"}},
    }


def test_a_property_may_be_called_as_a_keyword_is() -> None:
    given = {"type": "object", "properties": {"default": {"type": "string"}, "examples": {"type": "integer"}, "const": {"const": 1}}}
    assert schema_of(given) == given


@pytest.mark.parametrize("name", ["password", "api_key", "session_id"])
def test_what_a_credential_may_be_is_not_taken(name: str) -> None:
    found = schema_of({"properties": {name: {"const": "hunter2", "enum": ["hunter2"], "type": "string"}}})
    assert found == {"properties": {name: {"type": "string"}}}


def test_secrets_and_personal_data_are_cut_wherever_they_stand() -> None:
    token = "ghp_" + "a1B2c3D4e5" * 3 + "f6G7h8"
    found = offers([offered(title=f"of {token}", description="ask ada@real-mail.org", schema={"x": {"description": token}, token: 1})])
    said = found.tools[0].model_dump_json()
    assert token not in said
    assert "ada@real-mail.org" not in said
    assert " removed]" in said


def test_hidden_signs_are_shown_and_half_a_character_is_replaced() -> None:
    assert cut("a\u200bb", 99) == "a\\u{200b}b"
    (tool,) = offers([Offered(SITE, '{"name": "a", "description": "\\ud800"}')]).tools
    assert tool.description == "?"
    assert len(cut("x" * 99, 10)) == 10


def test_the_document_keeps_no_query_and_reads_back_as_it_was_written() -> None:
    link = Link(document="/.well-known/mcp.json", kind="mcp", url="https://shop.example/mcp")
    found = discovery("https://ada:pw@Shop.example/app?token=x#y", offers([offered()]).tools, [link])
    assert found.page == "https://shop.example/app"
    assert Discovery.from_json(written(found), "d") == found
    assert written(found) == written(found.model_copy())
    assert b"token" not in written(found)


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://Shop.example/x?y", "https://shop.example"),
        ("http://127.0.0.1:8080/", "http://127.0.0.1:8080"),
        ("https://ada:pw@shop.example/", "https://shop.example"),
        ("about:blank", ""),
        ("data:text/html,x", ""),
        ("http://[::1", ""),
        ("", ""),
    ],
)
def test_whose_a_document_is(url: str, origin: str) -> None:
    assert origin_of(url) == origin
