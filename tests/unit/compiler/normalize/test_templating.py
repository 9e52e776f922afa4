"""Templating: every rule both ways, and the paths that are easily taken for something else. Cases lie in tests/cases/normalize."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from caskmcp.compiler.normalize import rules
from caskmcp.compiler.normalize.rules import RULES
from tests.support.traffic import contracts, operations

CASES = Path(__file__).parents[3] / "cases" / "normalize"


def holds(case: dict[str, Any]) -> bool:
    """Whether a case's traffic becomes what it says, with as many exchanges as it says."""
    counts = {name: contract.evidence.total for name, contract in contracts(case["seen"]).items()} if "exchanges" in case else {}
    return operations(case["seen"]) == sorted(case["operations"]) and counts == case.get("exchanges", {})


def load(name: str) -> Any:
    return yaml.safe_load((CASES / name).read_text(encoding="utf-8"))


TEMPLATING = [
    pytest.param(rule, case, id=f"{rule}-{side}-{name}")
    for rule, sides in load("templating.yaml").items()
    for side, cases in sides.items()
    for name, case in cases.items()
]


@pytest.mark.parametrize(("rule", "case"), TEMPLATING)
def test_a_rule_makes_a_parameter_where_it_should_and_nowhere_else(rule: str, case: dict[str, Any]) -> None:
    assert operations(case["seen"]) == sorted(case["operations"])
    assert holds(case)


@pytest.mark.parametrize("row", RULES, ids=lambda row: row.id)
def test_without_a_rule_one_of_its_cases_comes_out_otherwise(row: rules.Rule, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "RULES", tuple(other for other in RULES if other.id != row.id))
    cases = load("templating.yaml")[row.id]["merges"].values()
    assert not all(map(holds, cases))


@pytest.mark.feature(17)
@pytest.mark.parametrize("case", [pytest.param(case, id=name) for name, case in load("traps.yaml").items()])
def test_a_path_that_is_easily_taken_for_something_else_is_not(case: dict[str, Any]) -> None:
    assert operations(case["seen"]) == sorted(case["operations"])


def test_the_order_of_traffic_changes_no_template() -> None:
    for case in load("traps.yaml").values():
        assert operations(reversed(case["seen"])) == sorted(case["operations"])


# ---------------------------------------------------------------- the twelve traps together
TRAPS: dict[str, tuple[list[str], list[str]]] = {
    # trap: traffic, and the operations that it becomes
    "me": (["GET /users/1", "GET /users/2", "GET /users/me"], ["GET /users/me", "GET /users/{user_id}"]),
    "search": (["GET /orders/1", "GET /orders/2", "GET /orders/search?q=x"], ["GET /orders/search", "GET /orders/{order_id}"]),
    "versions": (["GET /v1/carts/1", "GET /v2/carts/1"], ["GET /v1/carts/{cart_id}", "GET /v2/carts/{cart_id}"]),
    "new": (["GET /tickets/1", "GET /tickets/new"], ["GET /tickets/new", "GET /tickets/{ticket_id}"]),
    "a file": (
        ["GET /invoices/1", "GET /invoices/export.csv 200 type text/csv"],
        ["GET /invoices/export.csv", "GET /invoices/{invoice_id}"],
    ),
    "verbs after ids": (
        ["POST /jobs/1/cancel", "POST /jobs/2/archive", "POST /jobs/3/publish"],
        ["POST /jobs/{job_id}/archive", "POST /jobs/{job_id}/cancel", "POST /jobs/{job_id}/publish"],
    ),
    "locales": (["GET /site/en/products", "GET /site/de/products", "GET /site/pt-BR/products"], ["GET /site/{locale}/products"]),
    "tenants": (["GET /shops/acme7/sales", "GET /shops/globex/sales"], ["GET /shops/{shop_name}/sales"]),
    "dates": (["GET /reports/2024-01-31", "GET /reports/2024-02-29"], ["GET /reports/{date}"]),
    "two ids in a row": (["GET /diffs/17/18", "GET /diffs/3/4"], ["GET /diffs/{diff_id}/{diff_id_2}"]),
    "a trailing slash": (
        ["GET /tags", "GET /tags/", "GET /tags/1", "GET /tags/1/"],
        ["GET /tags", "GET /tags/", "GET /tags/{tag_id}", "GET /tags/{tag_id}/"],
    ),
    "matrix parameters": (
        ["GET /maps;area=north/tiles", "GET /maps;area=south/tiles", "GET /maps/tiles"],
        ["GET /maps/tiles", "GET /maps;area={area}/tiles"],
    ),
}


def together() -> list[str]:
    """All of it as one recording, each answer of one and the same form: no shape tells the traps apart."""
    lines = [line for seen, _ in TRAPS.values() for line in seen]
    return [line if " 200 " in line else f"{line} 200 {{id: 1, total: 2}}" for line in lines]


@pytest.mark.feature(17)
def test_twelve_traps_in_one_recording_stay_distinct() -> None:
    assert len(TRAPS) == 12
    wanted = sorted(operation for _, found in TRAPS.values() for operation in found)
    assert operations(together()) == wanted
    assert operations(reversed(together())) == wanted


@pytest.mark.feature(17)
def test_a_locale_is_one_operation_with_the_values_that_were_seen_and_their_evidence() -> None:
    (locale,) = contracts(together())["GET /site/{locale}/products"].parameters
    assert locale.schema_ == {"type": "string", "enum": ["de", "en", "pt-BR"]}
    assert (locale.evidence.seen, locale.evidence.total, locale.evidence.sources) == (3, 3, ("traffic",))


@pytest.mark.feature(19)
@pytest.mark.parametrize(
    ("path", "merged"),
    [
        ("/users/{user}", "GET /users/{user}"),
        ("/orders/{order}", "GET /orders/{order}"),
        ("/{version}/carts/{cart}", "GET /{version}/carts/{cart}"),
        ("/tickets/{ticket}", "GET /tickets/{ticket}"),
        ("/invoices/{invoice}", "GET /invoices/{invoice}"),
        ("/jobs/{job}/{action}", "POST /jobs/{job}/{action}"),
        ("/diffs/{from}/{to}", "GET /diffs/{from}/{to}"),
        ("/maps;area={where}/tiles", "GET /maps;area={where}/tiles"),
    ],
)
def test_a_template_of_the_manifest_wins_over_every_trap(path: str, merged: str) -> None:
    before, found = operations(together()), operations(together(), [path])
    assert merged in found
    assert len(found) < len(before) or set(found) - set(before) == {merged}
