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
