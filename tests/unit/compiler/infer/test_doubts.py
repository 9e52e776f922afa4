"""Doubts about evidence: each row is found where it is planted and nowhere else, and no doubt widens a tool."""

import json
from typing import Any

import pytest

from caskmcp.compiler.infer.doubts import RULES
from caskmcp.model.contract import Contract
from caskmcp.model.exchange import Body
from tests.support.traffic import Item, contract, exchange

PAGE = Body(media="text/html", kind="text", size=100)
BROKEN = Body(media="application/json", kind="text", size=100)


def doubts(*items: Item) -> list[tuple[str, str, str]]:
    return [(row.rule, row.place, row.seen) for row in contract(*items).doubts]


def lines(*answers: str) -> list[Item]:
    return [f"GET /orders 200 {answer}" for answer in answers]


def test_one_success_is_one_sample() -> None:
    assert doubts("GET /orders 200 {id: 1}") == [("one-sample", "operation", "1 success")]
    assert contract("GET /orders 200 {id: 1}").confidence == "low"
    assert doubts(*lines("{id: 1}", "{id: 2}")) == []


def test_an_api_that_answers_200_to_everything_is_told_by_its_errors() -> None:
    found = lines("{data: {id: 1}, error: null}", "{data: null, error: {code: x y}}", "{data: {id: 2}, error: null}")
    assert doubts(*found) == [("error-in-success", "answer 200 application/json /error", "1 of 3")]


@pytest.mark.parametrize("name", ["errors", "errorMessage", "error_code", "exception"])
def test_an_error_is_told_by_its_name_however_it_is_written(name: str) -> None:
    assert [row[0] for row in doubts(*lines("{id: 1}", f"{{{name}: a b}}"))] == ["error-in-success"]


def test_what_is_never_or_always_there_or_has_real_errors_beside_it_is_no_error_in_success() -> None:
    assert doubts(*lines("{id: 1, error: null}", "{id: 2, error: null}")) == []
    assert doubts(*lines("{id: 1, errors: []}", "{id: 2, errors: []}")) == []
    assert doubts(*lines("{id: 1}", "{error: a b}"), "GET /orders 404 {error: a b}") == []


def test_a_page_among_data_is_told_and_the_schema_of_the_data_stays() -> None:
    found = contract(*lines("{id: 1}", "{id: 2}"), exchange("GET /orders 200", response=PAGE))
    assert [(row.rule, row.place, row.seen) for row in found.doubts] == [("page-among-data", "answer 2xx", "1 of 3")]
    data = next(row for row in found.responses if row.media == "application/json")
    assert data.schema_ == {"type": "object", "properties": {"id": {"type": "integer"}}, "required": ["id"]}


def test_html_that_calls_itself_json_is_an_unreadable_answer_and_no_schema() -> None:
    some = [*lines("{id: 1}", "{id: 2}"), exchange("GET /orders 200", response=BROKEN)]
    assert doubts(*some) == [("unreadable-answer", "answer 200 application/json", "1 of 3")]
    nothing = contract(*[exchange("GET /orders 200", response=BROKEN)] * 2)
    assert (nothing.responses[0].schema_, nothing.unobserved) == (None, ("response",))


@pytest.mark.parametrize(
    ("values", "place"),
    [
        (["1", "a b", "[1]"], "/value"),
        (["{id: 1}", "{id: a b}", "{id: [1]}"], "/value/id"),
        (["[1, a b, true]", "[]"], "/value/*"),
    ],
)
def test_contradictory_types_are_told_where_they_are(values: list[str], place: str) -> None:
    found = doubts(*lines(*(f"{{value: {value}}}" for value in values)))
    assert [(rule, where) for rule, where, _ in found] == [("contradictory-types", f"answer 200 application/json {place}")]


def test_a_number_with_and_without_a_fraction_is_one_kind_and_null_is_none() -> None:
    assert doubts(*lines("{value: 1}", "{value: 1.5}", "{value: null}", "{value: a b}")) == []


def test_contradictory_requests_make_no_tool_that_takes_any_field() -> None:
    found = contract(*(exchange("POST /orders 201", body={"value": value}) for value in (1, "a b", [1], {"id": 1})))
    assert [row.rule for row in found.doubts] == ["contradictory-types"]
    assert found.bodies[0].schema_["additionalProperties"] is False


def test_a_doubt_holds_no_value() -> None:
    secret = "zebra-quartz"
    found: Contract = contract(*lines(f"{{value: {secret}, error: null}}", f"{{value: 1, error: {secret}}}", "{value: [1], error: null}"))
    assert found.doubts
    assert secret not in json.dumps([row.plain() for row in found.doubts])


def test_every_doubt_says_what_it_means_and_what_to_do() -> None:
    ids: list[Any] = [row.id for row in RULES]
    assert ids == sorted(ids)
    assert all(len(row.why) > 20 and row.mend.startswith("cask ") for row in RULES)
