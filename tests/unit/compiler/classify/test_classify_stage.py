"""The stage `classify`: the surface with scopes, hints and reasons; more signs only ever raise."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caskmcp.compiler.classify.facts import Facts
from caskmcp.compiler.classify.rules import RULES
from caskmcp.compiler.classify.scopes import scope_of
from caskmcp.compiler.classify.stage import EFFECTS, annotations, classify, run, surface
from caskmcp.errors import CaskError
from caskmcp.model.contract import Contract
from caskmcp.model.surface import Surface
from caskmcp.model.tool import TIERS, Annotations
from caskmcp.text import Document
from tests.support.contracts import STRING, Given, contract, obj
from tests.support.storefront import storefront


def test_the_stage_reads_contracts_and_gives_the_surface() -> None:
    plain = {row.id: row.plain() for row in storefront()}
    out = run(Given({"infer.contract": plain, "relate.contracts": {}, "merge.definitions": {}}))
    found = Surface.of(Document("surface", json.loads(bytes(out["surface"])), {}))  # type: ignore[arg-type]
    assert found == surface(storefront())
    assert [row.id for row in found.operations] == sorted(plain)


def test_the_order_of_contracts_does_not_matter() -> None:
    assert surface(storefront()) == surface(reversed(storefront()))


def test_a_contract_that_is_none_is_refused() -> None:
    with pytest.raises(CaskError) as caught:
        run(Given({"infer.contract": {"GET /": {"id": "GET /"}}, "relate.contracts": {}, "merge.definitions": {}}))
    assert caught.value.code == "CASK-I004"


@pytest.mark.feature(49)
@pytest.mark.parametrize(
    ("operation", "hints"),
    [
        ("GET /orders", (True, False, True)),
        ("GET /logout", (False, True, False)),
        ("POST /orders", (False, False, False)),
        ("PUT /orders/{order_id}", (False, False, True)),
        ("PATCH /orders/{order_id}", (False, False, False)),
        ("DELETE /orders/{order_id}", (False, True, True)),
        ("POST /orders/{order_id}/cancel", (False, True, False)),
        ("POST /payments", (False, True, False)),
        ("POST /orders/search", (False, False, False)),
    ],
)
def test_the_hints_follow_from_effect_tier_and_method(operation: str, hints: tuple[bool, bool, bool]) -> None:
    row = classify(contract(operation)).annotations
    assert (row.read_only, row.destructive, row.idempotent) == hints
    assert row.open_world


@pytest.mark.parametrize(
    ("operation", "statuses", "repeatable"),
    [
        ("PUT /counters/{counter_id}", {"200": 3}, True),
        ("PUT /counters/{counter_id}/increment", {"200": 3}, False),
        ("PUT /orders/{order_id}/notify", {"200": 3}, False),
        ("PUT /orders/{order_id}", {"201": 3}, False),
        ("PUT /orders/{order_id}", {"201": 3, "204": 1}, True),
        ("DELETE /orders/{order_id}", {"204": 1, "404": 1}, True),
        ("POST /orders", {"200": 1}, False),
    ],
)
def test_a_change_is_repeatable_by_its_method_unless_words_or_answers_say_otherwise(
    operation: str, statuses: dict[str, int], repeatable: bool
) -> None:
    assert classify(contract(operation, statuses=statuses)).annotations.idempotent is repeatable


@given(st.booleans(), st.sampled_from(EFFECTS), st.sampled_from(TIERS))
def test_what_only_reads_is_never_destructive(repeatable: bool, effect: Any, risk: Any) -> None:
    row: Annotations = annotations(effect, risk, repeatable=repeatable)
    assert row.idempotent or (effect != "read" and not repeatable)
    assert row.read_only == (effect == "read")
    assert not (row.read_only and row.destructive)
    assert row.destructive or effect != "destructive"


# ---------------------------------------------------------------- scopes
@pytest.mark.parametrize(
    ("operation", "scope"),
    [
        ("GET /orders", "orders:read"),
        ("GET /api/v1/orders/{order_id}", "orders:read"),
        ("POST /orders/{order_id}/items", "orders:write"),
        ("DELETE /orders/{order_id}", "orders:write"),
        ("GET /admin/stats", "admin:read"),
        ("POST /login", "login:write"),
        ("POST /search", "search:write"),
        ("GET /api/block_documents", "block_documents:read"),
        ("GET /api", "api:read"),
        ("GET /", "api:read"),
        ("GET /" + "x" * 80, "x" * 40 + ":read"),
    ],
)
def test_a_scope_is_the_first_noun_and_whether_it_changes(operation: str, scope: str) -> None:
    row = contract(operation)
    assert scope_of(Facts(row), classify(row).effect) == scope


def test_a_scope_is_as_sure_as_its_least_sure_operation() -> None:
    rows = (contract("POST /orders", confidence="high"), contract("PUT /orders/{order_id}", confidence="low"))
    scope = surface(rows).scopes["orders:write"]
    assert (scope.confidence, scope.review_required, scope.description) == ("low", False, "Change orders")
    assert scope.tools == tuple(sorted(row.id for row in rows))


@pytest.mark.parametrize(
    ("operation", "confidence", "review"),
    [
        ("POST /payments", "low", True),
        ("POST /payments", "medium", False),
        ("POST /orders", "low", False),
        ("DELETE /users/{user_id}", "low", True),
    ],
)
def test_a_person_has_to_look_where_evidence_is_low_and_risk_high(operation: str, confidence: str, review: bool) -> None:
    (scope,) = surface((contract(operation, confidence=confidence),)).scopes.values()
    assert scope.review_required is review


# ---------------------------------------------------------------- more signs only ever raise
OPERATIONS = st.sampled_from(
    ["GET /orders", "POST /orders", "POST /orders/search", "PUT /orders/{order_id}", "DELETE /orders/{order_id}", "PROPFIND /orders"]
)
FIELDS = st.lists(st.sampled_from(["a", "password", "iban", "roles", "action", "amount"]), unique=True, max_size=3)
TRAITS = st.lists(st.sampled_from(["pii", "money", "credential", "auth", "admin"]), unique=True).map(lambda rows: tuple(sorted(rows)))


def built(operation: str, fields: list[str], traits: tuple[str, ...]) -> Contract:
    return contract(operation, body=obj(**dict.fromkeys(fields, STRING)) if fields else None, traits=traits)


@given(OPERATIONS, FIELDS, FIELDS, TRAITS, TRAITS)
def test_another_field_or_trait_never_lowers_a_tier(
    operation: str, few: list[str], more: list[str], some: tuple[str, ...], others: tuple[str, ...]
) -> None:
    less = classify(built(operation, few, some))
    full = classify(built(operation, sorted({*few, *more}), tuple(sorted({*some, *others}))))
    assert TIERS.index(full.risk) >= TIERS.index(less.risk)
    assert EFFECTS.index(full.effect) >= EFFECTS.index(less.effect)
    assert {row.rule for row in full.reasons} >= {row.rule for row in less.reasons}


SEGMENTS = st.lists(st.sampled_from(["orders", "users", "{id}", "delete", "search", "keys", "api", "v1", "frobnicate", ""]), max_size=4)


@given(st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "ODD"]), SEGMENTS, st.text(max_size=20))
def test_every_operation_has_a_tier_with_evidence_of_our_own_words(method: str, path: list[str], operation_id: str) -> None:
    row = classify(contract(f"{method} /{'/'.join(path)}", operation_id=operation_id))
    assert {reason.rule for reason in row.reasons} <= {rule.id for rule in RULES}
    assert all(reason.evidence.isascii() for reason in row.reasons)
    assert row.risk != "safe" or row.effect == "read"
    assert method in ("GET", "HEAD", "POST") or row.effect != "read"


@given(
    st.text(min_size=1, max_size=12).filter(
        lambda text: text.upper() not in ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE") and " " not in text
    )
)
def test_an_unknown_method_is_high_at_least(method: str) -> None:
    row = classify(contract("GET /orders").model_copy(update={"method": method}))
    assert row.risk in ("high", "critical")
