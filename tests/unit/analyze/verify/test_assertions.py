"""The closed language of verify.yaml: each question both ways, and everything that it refuses to read."""

from typing import Any

import pytest

from caskmcp.analyze.verify.answers import NOTHING, Answered
from caskmcp.analyze.verify.assertions import equal, failed, select
from caskmcp.errors import CaskError
from caskmcp.model.verification import ASKS, Assertion, VerifyFile
from caskmcp.text import Document

BODY = {
    "id": 7,
    "state": "open",
    "total": 12.5,
    "paid": True,
    "note": None,
    "items": [{"sku": "a", "n": 1}, {"sku": "b", "n": 2}],
    "odd key": 1,
}


def judged(asserted: dict[str, Any], body: Any = BODY, status: int = 200, kept: dict[str, Any] | None = None) -> str:
    row = VerifyFile.of(Document("verify.yaml", {"version": 1, "contracts": [{"tool": "t", "assert": [asserted]}]}, {}))
    return failed(row.contracts[0].asserted[0], Answered("t", {}, status, body), kept)


HOLD: list[dict[str, Any]] = [
    {"status": [200, 201]},
    {"path": "$.id", "is": 7},
    {"path": "$.id", "is": 7.0},
    {"path": "$.note", "is": None},
    {"path": "$.note", "exists": True},
    {"path": "$.gone", "exists": False},
    {"path": "$.state", "is_not": "sent"},
    {"path": "$.items[*].sku", "one_of": ["a", "b"]},
    {"path": "$.items[-1].n", "at_least": 2},
    {"path": "$.total", "at_most": 12.5},
    {"path": "$.state", "at_least": "m"},
    {"path": "$.items", "count": {"at_least": 2, "at_most": 2}},
    {"path": "$.items[*].sku", "count": {"at_most": 2}},
    {"path": "$.gone", "count": {"at_most": 0}},
    {"path": "$['odd key']", "is": 1},
    {"path": "$.items[0]", "is": {"n": 1, "sku": "a"}},
    {"path": "$.items", "schema": {"type": "array", "items": {"required": ["sku"]}}},
]
FAIL: list[tuple[dict[str, Any], str]] = [
    ({"status": [404]}, "status 200, wanted 404"),
    ({"path": "$.id", "is": "7"}, "$.id: another number than is wanted"),
    ({"path": "$.paid", "is": 1}, "$.paid: another truth value than is wanted"),
    ({"path": "$.gone", "exists": True}, "$.gone: is not there"),
    ({"path": "$.id", "exists": False}, "$.id: is there"),
    ({"path": "$.gone", "is_not": "x"}, "$.gone: is not there"),
    ({"path": "$.state", "is_not": "open"}, "$.state: is what it must not be"),
    ({"path": "$.items[*].sku", "one_of": ["a"]}, "$.items[*].sku: a text that is none of the 1 allowed"),
    ({"path": "$.items[*].n", "at_least": 2}, "$.items[*].n: below the least"),
    ({"path": "$.items[*].n", "at_most": 1}, "$.items[*].n: above the most"),
    ({"path": "$.state", "at_least": 1}, "$.state: a text cannot be compared with a number"),
    ({"path": "$.items", "count": {"at_least": 3}}, "$.items: 2 found, wanted at least 3"),
    ({"path": "$.items[5]", "exists": True}, "$.items[5]: is not there"),
    ({"path": "$.items", "schema": {"items": {"required": ["price"]}}}, "$.items: does not fit the schema: required"),
]


@pytest.mark.parametrize("asserted", HOLD, ids=str)
def test_what_holds_says_nothing(asserted: dict[str, Any]) -> None:
    assert judged(asserted) == ""


@pytest.mark.parametrize(("asserted", "told"), FAIL, ids=str)
def test_what_does_not_hold_says_where_and_no_value(asserted: dict[str, Any], told: str) -> None:
    assert judged(asserted) == told


def test_each_question_is_asked_both_ways() -> None:
    asked = ({next(name for name in ASKS if name in row) for row in HOLD}, {next(name for name in ASKS if name in row) for row, _ in FAIL})
    assert asked == (set(ASKS), set(ASKS))


def test_an_answer_without_json_shows_nothing_but_its_status() -> None:
    assert judged({"path": "$", "exists": False}, NOTHING) == "the answer is no JSON"
    assert judged({"status": [204]}, NOTHING, 204) == ""


def test_a_kept_value_stands_where_it_is_named() -> None:
    assert judged({"path": "$.id", "is": {"kept": "order"}}, kept={"order": 7}) == ""
    assert judged({"path": "$.id", "is": {"kept": "order"}}, kept={"order": 8}) == "$.id: another number than is wanted"


@pytest.mark.parametrize(
    "asserted",
    [
        {},
        {"path": "$.id"},
        {"path": "id", "is": 1},
        {"path": "$..id", "is": 1},
        {"path": "$.items[?(@.n>1)]", "exists": True},
        {"path": "$.id", "is": 1, "exists": True},
        {"path": "$.id", "equals": 1},
        {"status": 200},
        {"path": "$", "matches": "(a+)+$"},
        {"path": "$.items", "count": {}},
        {"path": "$.items", "count": {"at_least": 0}},
        {"path": "$.items", "count": None},
        {"path": "$.items", "schema": None},
        {"path": "$.items", "exists": None},
    ],
    ids=str,
)
def test_what_is_no_assertion_is_refused_when_it_is_read(asserted: dict[str, Any]) -> None:
    with pytest.raises(CaskError) as raised:
        judged(asserted)
    assert raised.value.code == "CASK-I004"


def test_a_tool_that_is_expected_for_texts_that_nobody_names_is_refused() -> None:
    page = {"name": "the list", "url": "http://127.0.0.1/", "texts": {"products": "li"}, "expect": {"product": "list_products"}}
    with pytest.raises(CaskError) as raised:
        VerifyFile.of(Document("verify.yaml", {"version": 1, "playbooks": [page]}, {}))
    assert "`expect` names `product`" in raised.value.what


@pytest.mark.parametrize(
    "schema", [{"$ref": "https://elsewhere.example/s.json"}, {"$ref": "file:///etc/passwd"}, {"type": "nothing"}], ids=str
)
def test_a_schema_reads_nothing_from_elsewhere(schema: dict[str, Any]) -> None:
    with pytest.raises(CaskError) as raised:
        judged({"path": "$", "schema": schema})
    assert raised.value.code == "CASK-I004"


def test_a_path_selects_in_the_order_of_the_document() -> None:
    assert select(BODY, "$.items[*].sku") == ["a", "b"]
    assert select({"a": 1, "b": [2]}, "$.*") == [1, [2]]
    assert select([1, [2, 3]], "$[1][-2]") == [2]
    assert select("text", "$[0]") == []


def test_values_are_equal_as_json_says() -> None:
    pairs = [(1, 1.0), ({"a": [1]}, {"a": [1.0]}), (1, True), ([], {}), (None, False)]
    assert [equal(one, other) for one, other in pairs] == [True, True, False, False, False]


def test_an_assertion_says_what_it_asks() -> None:
    row = Assertion.of(Document("x", {"path": "$.a", "is": None}, {}))
    assert (row.asks, row.value) == ("is", None)
