"""Requests that nobody answered: they say which operations there are, and claim nothing of what works (ADR 0010)."""

from typing import Any

import pytest

from caskmcp.model.contract import Contract, Evidence
from caskmcp.model.exchange import Declared, DeclaredParameter
from tests.support.traffic import HOST, contract, contracts, everything, exchange, operations, part, parts

COLLECTION = ("collection",)


def asked(line: str, **more: Any) -> Any:
    """A request without an answer: `METHOD PATH[?QUERY]`."""
    return exchange(f"{line} 0", **more)


def wires(found: Contract) -> dict[str, tuple[str, bool, str, tuple[str, ...]]]:
    return {row.wire: (row.location, row.required, row.why, row.evidence.sources) for row in found.parameters}


def test_a_stated_request_is_an_operation_of_low_confidence_that_nobody_saw_succeed() -> None:
    found = contract(asked("GET /orders/7?page=2", headers=(("x-tenant", "acme"),), auth=("bearer",)))
    assert (found.template, found.confidence, found.statuses, found.responses) == ("/orders/{order_id}", "low", {}, ())
    assert found.evidence == Evidence(seen=0, total=0, sources=COLLECTION)
    assert found.auth == ("bearer",)
    assert wires(found) == {
        "order_id": ("path", True, "path", COLLECTION),
        "page": ("query", False, "collection", COLLECTION),
        "x-tenant": ("header", False, "collection", COLLECTION),
    }
    assert {row.wire: row.schema_ for row in found.parameters}["page"] == {"type": "integer"}


def test_many_equal_requests_make_nothing_required_and_nothing_more_certain() -> None:
    found = contract(*(asked("POST /orders", body={"sku": "mug", "quantity": 1}) for _ in range(12)))
    (body,) = found.bodies
    assert (found.confidence, body.required, body.evidence) == ("low", False, Evidence(sources=COLLECTION))
    assert body.schema_ == {"type": "object", "properties": {"quantity": {"type": "integer"}, "sku": {"type": "string"}}}


def test_bodies_of_several_requests_are_one_open_object() -> None:
    found = contract(asked("POST /orders", body={"sku": "mug"}), asked("POST /orders", body={"note": None, "items": [{"id": 1}]}))
    assert found.bodies[0].schema_ == {
        "type": "object",
        "properties": {
            "items": {"type": "array", "items": {"type": "object", "properties": {"id": {"type": "integer"}}}},
            "note": {},
            "sku": {"type": "string"},
        },
    }


def test_a_form_that_a_collection_shows_is_open_too() -> None:
    form = {"media": "application/x-www-form-urlencoded", "kind": "form", "body": [["name", "x"], ["count", "3"]]}
    (body,) = contract(asked("POST /orders", **form)).bodies
    assert (body.kind, body.schema_) == (
        "form",
        {"type": "object", "properties": {"count": {"type": "integer"}, "name": {"type": "string"}}},
    )


def test_traffic_counts_as_if_the_collection_were_not_there() -> None:
    lines = [f"GET /orders/{number}?page={number} 200 {{id: {number}}}" for number in range(1, 5)]
    alone, both = contract(*lines), contract(*lines, asked("GET /orders/9?page=x&state=open"))
    assert both.evidence == Evidence(seen=4, total=4, sources=("collection", "traffic"))
    assert (both.confidence, both.statuses, both.responses) == (alone.confidence, alone.statuses, alone.responses)
    types = {row.wire: (row.schema_, row.evidence) for row in both.parameters if row.location == "query"}
    assert types == {
        "page": ({"type": "integer"}, Evidence(seen=4, total=4, sources=("collection", "traffic"))),
        "state": ({"type": "string"}, Evidence(seen=0, total=4, sources=COLLECTION)),
    }


def test_a_body_that_was_accepted_stays_what_traffic_shows() -> None:
    answered = exchange("POST /orders 201 {id: 1}", body={"sku": "mug"})
    found = contract(answered, asked("POST /orders", body={"sku": "mug", "price": 1}))
    assert [body.schema_ for body in found.bodies] == [
        {"type": "object", "properties": {"sku": {"type": "string", "x-cask-confidence": "low"}}, "additionalProperties": False}
    ]


def test_a_document_speaks_first() -> None:
    page = DeclaredParameter("page", "query", {"type": "integer", "minimum": 1}, required=True)
    document = Declared("GET", "https", HOST, 0, "/orders", operation_id="listOrders", parameters=(page,))
    found = contracts([document], [asked("GET /orders?page=two&state=open")])["GET /orders"]
    assert (found.operation_id, found.evidence.sources, found.confidence) == ("listOrders", ("collection", "spec"), "medium")
    assert [(row.wire, row.required, row.schema_) for row in found.parameters] == [
        ("page", True, {"type": "integer", "minimum": 1}),
        ("state", False, {"type": "string"}),
    ]


def test_a_stated_request_forces_no_template_on_traffic() -> None:
    assert operations(
        ["GET /orders/search 200 []", "GET /orders/1 200 {id: 1, total: 2}", asked("GET /orders/%7Bid%7D", named=((1, "id"),))]
    ) == ["GET /orders/search", "GET /orders/{order_id}"]


def test_stated_requests_are_templated_like_answered_ones() -> None:
    paths = ("/orders/1", "/orders/2/items", "/orders/search", "/users/jane.doe@example.org", "/reports/2026-01-05")
    stated = operations([asked(f"GET {path}") for path in paths])
    answered = operations([f"GET {path} 200 {{id: 1, total: 2}}" for path in paths])
    assert stated == answered
    assert "GET /orders/search" in stated


@pytest.mark.parametrize(
    ("called", "expected"),
    [("id", "/orders/{order_id}"), ("orderNumber", "/orders/{order_number}"), ("0b1c2d3e4f5a6b7c", "/orders/{order_name}")],
)
def test_a_parameter_is_called_as_the_collection_calls_it_if_that_is_a_name(called: str, expected: str) -> None:
    assert contract(asked("GET /orders/%7Bx%7D", named=((1, called),))).template == expected


def test_a_word_that_a_collection_says_is_a_parameter_is_one_only_if_a_value_beside_it_says_so_too() -> None:
    assert operations([asked("GET /orders/open", named=((1, "state"),))]) == ["GET /orders/open"]
    assert operations([asked("GET /orders/x-93b", named=((1, "state"),))]) == ["GET /orders/{state}"]


def test_what_failed_in_traffic_and_is_stated_stays_an_operation_without_success() -> None:
    found = contract("GET /orders/7 404 {error: x}", asked("GET /orders/8"))
    assert (found.statuses, found.evidence) == ({"404": 1}, Evidence(seen=0, total=1, sources=("collection", "traffic")))


def test_nothing_that_a_person_typed_is_left() -> None:
    given = parts(
        [
            asked("PUT /users/jane.doe?state=quarterly-plan", body={"note": "meet Jane at 5", "pin": 4711, "cities": {"Zoltanville": 1}})
            for _ in range(30)
        ]
    )
    written = everything(given)
    assert [word for word in (b"jane", b"Jane", b"quarterly", b"4711", b"Zoltan") if word in written] == []


def test_a_part_of_stated_requests_alone_says_so() -> None:
    made = part(asked("GET /orders"))
    assert (made["kind"], "rows" in made, made["stated"][0]["statuses"]) == ("collection", False, {"0": 1})
    assert part(asked("GET /orders"), "GET /orders 200 []")["kind"] == "traffic"


def test_stated_requests_say_what_kinds_of_data_go_in() -> None:
    found = contract(asked("POST /users", body={"email": "x", "iban": "y"}))
    assert {"money", "pii"} <= set(found.traits)
