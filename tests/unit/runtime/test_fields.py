"""Which fields came and went: twenty benign changes of an answer all reach the agent, each leaves an event, and nothing that was approved changes."""

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from caskmcp.runtime.commands import Record, Resolve, Send
from caskmcp.runtime.fields import differing
from tests.support.calls import PUBLIC, Conversation, answer, flight, served, tool

EXPECTED: dict[str, Any] = {
    "type": "object",
    "properties": {
        "orders": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "id": {"type": "integer"},
                    "status": {"type": "string"},
                    "total": {"type": "number"},
                    "paid": {"type": "boolean"},
                    "note": {"anyOf": [{"type": "string"}, {"type": "null"}]},
                    "customer": {"type": "object", "properties": {"id": {"type": "integer"}, "name": {"type": "string"}}},
                    "tags": {"type": "array", "items": {"type": "string"}},
                },
            },
        },
        "total": {"type": "integer"},
        "next": {"type": "string"},
    },
    "not": {"required": ["data"]},
}
ORDER: dict[str, Any] = {
    "id": 7, "status": "open", "total": 12.5, "paid": True, "note": None, "customer": {"id": 3, "name": "Ada"}, "tags": ["new"],
}  # fmt: skip
BODY: dict[str, Any] = {"orders": [ORDER, {**ORDER, "id": 8}], "total": 2, "next": "abc"}


def first(change: Callable[[dict[str, Any]], Any]) -> Callable[[], Any]:
    def changed() -> Any:
        body = copy.deepcopy(BODY)
        change(body["orders"][0])
        return body

    return changed


def top(**more: Any) -> Callable[[], Any]:
    return lambda: {key: value for key, value in {**copy.deepcopy(BODY), **more}.items() if value is not ...}


# fmt: off
MUTATIONS: list[tuple[str, Callable[[], Any], str]] = [
    # what changed                      the answer                                            the event
    ("a new field at the top",          top(currency="EUR"),                                  "added currency"),
    ("a new object at the top",         top(meta={"took": 3}),                                "added meta"),
    ("a new list at the top",           top(warnings=[]),                                     "added warnings"),
    ("a new field of an item",          first(lambda row: row.update(tax=2.5)),               "added orders[].tax"),
    ("a new field in an item's object", first(lambda row: row["customer"].update(vip=True)),  "added orders[].customer.vip"),
    ("a new field that is null",        first(lambda row: row.update(closed_at=None)),        "added orders[].closed_at"),
    ("a new field in another spelling", first(lambda row: row.update(shippedAt="x")),         "added orders[].shippedAt"),
    ("a field at the top that is gone", top(next=...),                                        "absent next"),
    ("a number at the top that is gone", top(total=...),                                      "absent total"),
    ("a list that is gone",             top(orders=...),                                      "absent orders"),
    ("a field of an item that is gone", first(lambda row: row.pop("note")),                   "absent orders[].note"),
    ("an inner field that is gone",     first(lambda row: row["customer"].pop("name")),       "absent orders[].customer.name"),
    ("an object that is gone",          first(lambda row: row.pop("customer")),               "absent orders[].customer"),
    ("a number that is a text",         first(lambda row: row.update(id="7")),                "orders/0/id: type"),
    ("a text that is a number",         first(lambda row: row.update(status=3)),              "orders/0/status: type"),
    ("a text that is null",             first(lambda row: row.update(status=None)),           "orders/0/status: type"),
    ("an integer that is a fraction",   top(total=2.5),                                       "total: type"),
    ("an object that is a text",        first(lambda row: row.update(customer="Ada")),        "orders/0/customer: type"),
    ("a list that is an object",        top(orders={"7": ORDER}),                             "orders: type"),
    ("a list in place of the object",   lambda: copy.deepcopy(BODY["orders"]),                "/: not"),
]
# fmt: on
LIST = tool("list_orders", segments=(), properties={}, required=(), expected=EXPECTED, output={"type": "object"})


def held(body: Any) -> tuple[Any, Any]:
    talk = Conversation({Resolve: (PUBLIC,), Send: answer(json.dumps(body).encode()), Record: None})
    result = talk.hold(flight("list_orders", served(LIST)))
    return result, talk.of(Record)[-1].entry


def test_an_answer_as_it_was_leaves_no_event() -> None:
    result, entry = held(BODY)
    assert (result.structured, entry.extra) == (BODY, {"call": "c0ffee"})


@pytest.mark.feature(32)
@pytest.mark.parametrize(("mutated", "event"), [row[1:] for row in MUTATIONS], ids=[row[0].replace(" ", "-") for row in MUTATIONS])
def test_each_of_twenty_benign_changes_reaches_the_agent_and_leaves_an_event(mutated: Callable[[], Any], event: str) -> None:
    before = served(LIST).tools["list_orders"].admitted.digest
    body = mutated()
    result, entry = held(body)
    assert (result.error, result.unfit) == ("", False)
    assert result.structured == (body if isinstance(body, dict) else {"data": body})
    assert event in [*entry.extra.get("drift", ()), *entry.extra.get("fields", ())]
    assert served(LIST).tools["list_orders"].admitted.digest == before


def test_there_are_twenty_of_them() -> None:
    assert len(MUTATIONS) == len({row[2] for row in MUTATIONS}) + 1 == 20  # a status may be a number or null: one event for both


@pytest.mark.parametrize("name", ["ord_1234", "a" * 39 + "!", "ada@example.com", "two words", "x" * 41, "\x1b[31m", "2026", ""])
def test_a_key_that_may_be_data_is_not_repeated(name: str) -> None:
    assert differing(EXPECTED, {**BODY, name: 1}) == ("added …",)


@pytest.mark.parametrize("name", ["tax", "line2", "shipped_at", "X-Rate", "a1b"])
def test_a_key_that_is_a_plain_word_is_named(name: str) -> None:
    assert differing(EXPECTED, {**BODY, name: 1}) == (f"added {name}",)


def test_what_may_be_several_things_is_held_against_each() -> None:
    either = {"anyOf": [{"type": "object", "properties": {"id": {}, "a": {}}}, {"type": "object", "properties": {"id": {}, "b": {}}}]}
    assert differing(either, {"id": 1, "b": 2}) == ()
    assert differing(either, {"c": 2}) == ("absent id", "added c")


@pytest.mark.parametrize("value", [None, 7, [], [1], {}, {"x": [[[]]]}])
def test_where_no_fields_are_known_none_are_missed(value: Any) -> None:
    assert differing(None, value) == differing({"type": "object"}, value) == ()


def test_a_long_answer_tells_twelve_places_and_looks_at_fifty_items() -> None:
    many = {**BODY, **{f"new_{'abcdefghijklmnopqrstuvwxyz'[number]}": 1 for number in range(26)}}
    assert len(differing(EXPECTED, many)) == 12
    late = {**BODY, "orders": [ORDER] * 50 + [{**ORDER, "tax": 1}]}
    assert differing(EXPECTED, late) == ()
