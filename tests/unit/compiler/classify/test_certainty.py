"""How sure the compiler is, as a number with its reason."""

import pytest

from caskmcp.compiler.classify.certainty import DOUBTS, EVIDENCE, UNSURE, certainty
from caskmcp.compiler.classify.facts import Facts
from caskmcp.compiler.classify.rules import RULES
from caskmcp.compiler.classify.stage import classify, surface
from tests.support.contracts import contract


@pytest.mark.parametrize(
    ("operation", "evidence", "percent", "why"),
    [
        ("GET /orders", "high", 90, ""),
        ("GET /orders", "medium", 60, "medium evidence"),
        ("GET /orders", "low", 30, "low evidence"),
        ("POST /orders/search", "high", 50, "rule unproven-search"),
        ("POST /orders/{order_id}/frobnicate", "high", 30, "rule unknown-action"),
        ("POST /orders/{order_id}/frobnicate", "low", 30, "low evidence"),
        ("POST /graphql", "high", 40, "rule execution"),
        ("PROPFIND /files", "high", 20, "rule unknown-method"),
        ("POST /{id}", "high", 20, "rule no-words"),
        ("POST /payments/{payment_id}/refund", "high", 90, ""),
        ("POST /payments/{payment_id}/refund", "medium", 60, "medium evidence"),
    ],
)
def test_the_weakest_sign_decides_and_is_named(operation: str, evidence: str, percent: int, why: str) -> None:
    row = classify(contract(operation, confidence=evidence))
    assert (row.certainty, row.doubt) == (percent, why)


def test_more_of_the_same_traffic_changes_no_number() -> None:
    few, many = (classify(contract("POST /orders", seen=seen)) for seen in (5, 5000))
    assert few.certainty == many.certainty == 60


def test_each_doubt_is_a_rule_that_there_is() -> None:
    assert set(DOUBTS) <= {rule.id for rule in RULES}


def test_a_doubt_never_makes_anything_surer() -> None:
    facts = Facts(contract("POST /orders", confidence="low"))
    assert certainty(facts, [(rule, "critical") for rule in DOUBTS]).percent <= certainty(facts, ()).percent == EVIDENCE["low"]


def test_a_scope_is_as_certain_as_its_least_certain_tool_and_names_it() -> None:
    rows = (contract("POST /orders", confidence="high"), contract("POST /orders/{order_id}/frobnicate", confidence="high"))
    scope = surface(rows).scopes["orders:write"]
    assert (scope.certainty, scope.confidence, scope.review_required) == (30, "low", True)
    assert scope.why == "POST api.shop.example/orders/{order_id}/frobnicate: rule unknown-action"


@pytest.mark.parametrize(
    ("operation", "review"),
    [
        ("POST /orders/{order_id}/frobnicate", True),
        ("POST /graphql", True),
        ("POST /orders/search", False),
        ("DELETE /orders/{order_id}", False),
    ],
)
def test_what_costs_much_and_is_not_certain_is_reviewed(operation: str, review: bool) -> None:
    row = classify(contract(operation, confidence="high"))
    assert (row.certainty < UNSURE and row.risk in ("high", "critical")) is review
    (scope,) = surface((contract(operation, confidence="high"),)).scopes.values()
    assert scope.review_required is review
