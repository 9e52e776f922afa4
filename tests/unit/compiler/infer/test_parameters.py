"""Parameters outside the path: lists in each spelling, texts that only look like lists, values that never changed."""

from typing import Any

import pytest

from caskmcp.compiler.infer.parameters import FEWEST_CONSTANT, delimiter
from caskmcp.model.contract import Contract, Parameter
from caskmcp.model.observation import Seen, Shape
from tests.support.traffic import contract, contracts, exchange


def query(found: Contract, name: str, location: str = "query") -> Parameter:
    return next(row for row in found.parameters if (row.location, row.wire) == (location, name))


def sent(row: Parameter) -> tuple[dict[str, Any], str, bool | None]:
    return row.schema_, row.style, row.explode


TEXT = {"type": "string"}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["id,name", "total"], ({"type": "array", "items": TEXT}, "", False)),
        (["1,2,3", "7"], ({"type": "array", "items": {"type": "integer"}}, "", False)),
        (["1,2.5", "-3,4"], ({"type": "array", "items": {"type": "number"}}, "", False)),
        (["1|2|3"], ({"type": "array", "items": {"type": "integer"}}, "pipeDelimited", False)),
        (["1,b"], ({"type": "array", "items": TEXT}, "", False)),
        (["2026-01-01,2026-02-01"], ({"type": "array", "items": {"type": "string", "format": "date"}}, "", False)),
        (["name"], (TEXT, "", None)),
        (["a,b", "hello, you"], (TEXT, "", None)),
        (["a,b", "hello you"], (TEXT, "", None)),
        (["a,b", "a|b"], (TEXT, "", None)),
        (["a,,b"], (TEXT, "", None)),
        (["a,"], (TEXT, "", None)),
        (["1,2", "1, 2"], (TEXT, "", None)),
        (["52.50", "13.4"], (TEXT, "", None)),
    ],
)
def test_values_with_a_sign_between_their_items_are_lists_if_all_are(values: list[str], expected: Any) -> None:
    found = contract(*(exchange("GET /orders 200 []", query=(("fields", value),)) for value in values))
    assert sent(query(found, "fields")) == expected


def test_the_items_of_lists_have_a_vocabulary_as_other_values_have() -> None:
    found = contract(*["GET /orders?include=owner,items 200 []"] * 3, *["GET /orders?include=owner 200 []"] * 3)
    assert query(found, "include").schema_ == {"type": "array", "items": {"type": "string", "enum": ["items", "owner"]}}


def test_the_cut_of_a_recording_changes_no_list() -> None:
    lines = (
        ["GET /orders?include=owner,items 200 []"] * 3
        + ["GET /orders?include=owner 200 []"] * 3
        + ["GET /orders?q=a,b 200 []", "GET /orders?q=x%20y 200 []"]
    )
    assert contracts(lines[:4], lines[4:]) == contracts(lines[::2], lines[1::2]) == contracts(lines)


def test_a_parameter_that_comes_again_is_a_list_with_or_without_commas() -> None:
    found = contract("GET /orders?tag=red&tag=blue,green 200 []")
    assert sent(query(found, "tag")) == ({"type": "array", "items": TEXT}, "", True)


def test_a_name_with_brackets_at_its_end_is_a_list_though_it_came_once() -> None:
    assert sent(query(contract("GET /orders?ids[]=7 200 []"), "ids[]")) == ({"type": "array", "items": {"type": "integer"}}, "", True)


def test_a_header_may_be_a_list() -> None:
    found = contract(exchange("GET /orders 200 []", headers=(("x-scopes", "read,write"),)))
    assert sent(query(found, "x-scopes", "header")) == ({"type": "array", "items": TEXT}, "", False)


def test_what_redaction_cut_is_neither_a_list_nor_free_text() -> None:
    lines = [exchange("GET /orders 200 []", query=(("to", value),)) for value in ("a@b.example", "user-1@example.com")]
    assert query(contract(*lines), "to").schema_["type"] == "string"


def test_one_kind_of_sign_makes_a_list_and_free_text_unmakes_it() -> None:
    shape = Shape(arrays=1)
    assert delimiter(Seen(seen=1, statuses={}, lists={",": 1}, shape=shape)) == ","
    assert delimiter(Seen(seen=2, statuses={}, lists={",": 1, "|": 1}, shape=shape)) == ""
    assert delimiter(Seen(seen=2, statuses={}, lists={",": 1}, loose=1, shape=shape)) == ""
    assert delimiter(Seen(seen=1, statuses={}, lists={",": 1}, repeated=1, shape=shape)) == ""


# ---------------------------------------------------------------- constants
def constant(*lines: str) -> str:
    return query(contract(*lines), "format").constant


def test_a_value_that_every_success_carried_is_a_constant() -> None:
    assert constant(*["GET /orders?format=json 200 []"] * FEWEST_CONSTANT) == "json"
    assert constant(*["GET /orders?format=json 200 []"] * FEWEST_CONSTANT, "GET /orders 400 {error: x}") == "json"


@pytest.mark.parametrize(
    "lines",
    [
        ["GET /orders?format=json 200 []"] * 2,
        ["GET /orders?format=json 200 []"] * 3 + ["GET /orders 200 []"],
        ["GET /orders?format=json 200 []"] * 3 + ["GET /orders?format=xml 200 []"] * 3,
        ["GET /orders?format=json 200 []"] * 3 + ["GET /orders?format=7 200 []"],
        ["GET /orders?format=zoltan 200 []"] * 3,
        ["GET /orders?format=k-471193 200 []"] * 3,
        ["GET /orders?format=json,xml 200 []"] * 3,
        ["GET /orders?format=json&format=json 200 []"] * 3,
    ],
)
def test_a_value_that_changed_was_absent_or_may_not_be_kept_is_no_constant(lines: list[str]) -> None:
    assert constant(*lines) == ""
