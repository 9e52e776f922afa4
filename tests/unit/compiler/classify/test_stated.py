"""What a person states in the manifest: it wins over the rules, keeps their words beside it, and says which way it goes."""

from typing import Any

import pytest

from caskmcp.compiler.classify import stated
from caskmcp.compiler.classify.stage import classify
from caskmcp.errors import CaskError
from caskmcp.model.project import Project, Stated
from caskmcp.model.scope import Boundary, OwnScopes
from caskmcp.text import Document
from tests.support.contracts import contract

SEARCH = contract("POST /orders/search")


def say(tier: str, effect: str | None = None, reason: str = "reads only, says the handbook") -> Stated:
    return Stated.model_validate({"tier": tier, "effect": effect, "reason": reason})


def test_a_search_by_post_is_lowered_by_a_person_and_by_nobody_else() -> None:
    before = classify(SEARCH)
    after = stated.restated(before, say("low", "read"), SEARCH)
    assert (before.risk, before.effect, before.scope) == ("medium", "write", "orders:write")
    assert (after.risk, after.effect, after.scope) == ("low", "read", "orders:read")
    assert (after.annotations.read_only, after.annotations.destructive, after.annotations.idempotent) == (True, False, True)


def test_the_statement_is_the_first_reason_and_the_rules_stay_behind_it() -> None:
    before = classify(SEARCH)
    after = stated.restated(before, say("low", "read"), SEARCH)
    assert after.reasons[0].rule == "stated-lower"
    assert after.reasons[0].evidence == ("cask.yaml says low, read; the rules say medium, write: reads only, says the handbook")
    assert after.reasons[1:] == before.reasons


@pytest.mark.parametrize(
    ("operation", "tier", "effect", "rule"),
    [
        ("GET /orders", "high", None, "stated-higher"),
        ("GET /orders", "safe", None, "stated-higher"),
        ("GET /orders", "high", "destructive", "stated-higher"),
        ("POST /orders", "low", None, "stated-lower"),
        ("DELETE /orders/{order_id}", "critical", "write", "stated-lower"),
        ("DELETE /orders/{order_id}", "critical", None, "stated-higher"),
    ],
)
def test_a_lower_tier_or_a_lighter_effect_is_a_lowering(operation: str, tier: str, effect: str | None, rule: str) -> None:
    row = contract(operation)
    assert stated.restated(classify(row), say(tier, effect), row).reasons[0].rule == rule


def test_a_tool_that_a_person_judged_is_no_longer_uncertain() -> None:
    row = contract("POST /orders/{order_id}/frobnicate", confidence="low")
    assert classify(row).confidence == "low"
    assert stated.restated(classify(row), say("medium"), row).confidence == "high"


@pytest.mark.parametrize(("tier", "effect"), [("medium", "destructive"), ("safe", "destructive"), ("safe", "write")])
def test_no_person_can_call_what_changes_safe_or_what_destroys_less_than_high(tier: str, effect: str) -> None:
    document = {"version": 1, "hosts": ["a.example"], "tools": {"risk": {"x": {"tier": tier, "effect": effect, "reason": "y"}}}}
    with pytest.raises(CaskError) as caught:
        Project.of(Document("cask.yaml", document, {}))
    assert caught.value.code == "CASK-I004"
    assert f"what is {effect} is at least" in caught.value.what


def test_a_statement_without_a_reason_is_refused() -> None:
    document = {"version": 1, "hosts": ["a.example"], "tools": {"risk": {"x": {"tier": "low", "reason": ""}}}}
    with pytest.raises(CaskError) as caught:
        Project.of(Document("cask.yaml", document, {}))
    assert caught.value.code == "CASK-I004"


# ---------------------------------------------------------------- scopes
def scopes(**rows: tuple[str, ...]) -> dict[str, Boundary]:
    return {name: Boundary(description=f"About {name}", tools=tools) for name, tools in rows.items()}


def test_a_tool_is_at_home_in_the_scope_that_holds_it() -> None:
    assert stated.homes(scopes(orders=("get_order", "list_orders"), users=("get_user",))) == {
        "get_order": "orders",
        "list_orders": "orders",
        "get_user": "users",
    }


def test_a_tool_in_two_scopes_is_named_and_one_that_is_listed_twice_in_one_is_not() -> None:
    assert stated.twice(scopes(a=("x", "x"), b=("y",))) == ()
    assert stated.twice(scopes(a=("x", "y"), b=("y", "x"))) == ("x", "y")


def test_the_digest_of_a_scope_binds_its_name_and_its_words_and_not_its_other_tools() -> None:
    one, more = Boundary(description="Read orders", tools=("a",)), Boundary(description="Read orders", tools=("a", "b"))
    other = Boundary(description="Read all orders", tools=("a",))
    assert stated.digest("orders", one) == stated.digest("orders", more)
    assert len({stated.digest("orders", one), stated.digest("orders", other), stated.digest("order", one)}) == 3


@pytest.mark.parametrize("name", ["", "Orders", "orders read", "-orders", "x" * 61])
def test_a_scope_has_a_plain_name(name: str) -> None:
    rows: dict[str, Any] = {"version": 1, "scopes": {name: {"description": "x"}}}
    with pytest.raises(CaskError) as caught:
        OwnScopes.of(Document("scopes.yaml", rows, {}))
    assert caught.value.code == "CASK-I004"
