"""FEATURES row 26: what it takes for an input to be required, what is said where it is not, and that answers need one sample alone."""

import json
from typing import Any

import pytest

from caskmcp.compiler.emit.stage import run
from caskmcp.model.contract import Contract
from caskmcp.model.exchange import Declared, DeclaredParameter
from tests.support.storefront import given
from tests.support.traffic import HOST, contract, exchange

LOW = "low"


def posts(count: int) -> Contract:
    return contract(
        *(exchange("POST /orders 201 {id: 1, note: a b}", body={"sku": f"s{number} x", "note": "a b"}) for number in range(count))
    )


def of(found: Contract, wire: str) -> tuple[bool, str, Any]:
    """Whether a parameter is required, why, and its mark in `openapi.json`."""
    row = next(row for row in found.parameters if row.wire == wire)
    document = json.loads(run(given((found,)))["files"]["openapi.json"])  # type: ignore[index, call-overload]
    (operation,) = (item for path in document["paths"].values() for item in path.values())
    (written,) = (item for item in operation["parameters"] if item["name"] == wire)
    assert written.get("required", False) == row.required
    return row.required, row.why, written.get("x-cask-confidence")


@pytest.mark.feature(26)
def test_a_field_of_a_request_is_required_from_three_samples_else_optional_with_low_confidence() -> None:
    for count, needed, mark in ((1, [], LOW), (2, [], LOW), (3, ["note", "sku"], None)):
        schema = posts(count).bodies[0].schema_
        assert schema.get("required", []) == needed
        assert {field.get("x-cask-confidence") for field in schema["properties"].values()} == {mark}


@pytest.mark.feature(26)
def test_a_field_of_an_answer_is_required_in_the_strict_schema_from_the_first() -> None:
    assert posts(1).responses[0].schema_ == {
        "type": "object",
        "properties": {"id": {"type": "integer"}, "note": {"type": "string"}},
        "required": ["id", "note"],
    }


@pytest.mark.feature(26)
@pytest.mark.parametrize("count", [1, 3, 30])
def test_a_query_parameter_or_header_is_never_required_by_being_always_there(count: int) -> None:
    found = contract(*(exchange(f"GET /orders?page={number} 200 []", headers=(("x-team", f"a{number} b"),)) for number in range(count)))
    assert of(found, "page") == (False, "never-from-traffic", LOW)
    assert of(found, "x-team") == (False, "never-from-traffic", LOW)


@pytest.mark.feature(26)
def test_a_query_parameter_is_required_if_its_absence_was_refused_or_a_document_says_so() -> None:
    refused = contract("GET /orders?page=1 200 []", "GET /orders?page=2 200 []", "GET /orders 422 {error: a b}")
    assert of(refused, "page") == (True, "absence-refused", None)
    stated = DeclaredParameter(name="page", location="query", schema={"type": "integer"}, required=True)
    document = Declared(method="GET", scheme="https", host=HOST, port=0, path="/orders", parameters=(stated,))
    assert of(contract(document), "page") == (True, "spec", None)


def test_a_parameter_that_was_absent_in_a_success_needs_no_mark() -> None:
    assert of(contract("GET /orders?page=1 200 []", "GET /orders 200 []"), "page") == (False, "never-from-traffic", None)
