"""The policy's table: which rules a tool reaches, and what a rule may be."""

import pytest
from pydantic import ValidationError

from caskmcp.model.policy import Match, Policy, Rule
from caskmcp.model.served import served
from caskmcp.model.toolset import Toolsets
from tests.support.calls import GET_ORDER, WIPE

ALLOW = Rule(id="allow", effect="allow", match=Match(risk=("low",)))
LATE = Rule(id="late", effect="deny")
AUDIT = Rule(id="audit", effect="audit", match=Match(effect=("read",)))
HIDE = Rule(id="hide", effect="redact", mask=("pii",))
MORE = Rule(id="more", effect="redact", fields=("note",))


def test_of_each_kind_the_first_rule_that_fits_is_reached_in_the_order_of_the_table() -> None:
    policy = Policy(rules=(HIDE, MORE, ALLOW, AUDIT, LATE))
    assert [rule.id for rule in policy.rules_for(GET_ORDER)] == ["hide", "allow", "audit"]
    assert [rule.id for rule in policy.rules_for(WIPE)] == ["hide", "late"]
    assert policy.verdict_for(WIPE) == LATE
    assert Policy(rules=(HIDE, AUDIT)).verdict_for(GET_ORDER) is None


@pytest.mark.parametrize(
    "row",
    [
        {"effect": "redact"},
        {"effect": "allow", "mask": ("pii",)},
        {"effect": "audit", "fields": ("note",)},
        {"effect": "redact", "mask": ("names",)},
        {"effect": "redact", "fields": ("",)},
        {"effect": "permit"},
        {"effect": "allow", "when": "now"},
    ],
)
def test_a_rule_that_would_do_nothing_or_something_unknown_is_none(row: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Rule.model_validate({"id": "x", **row})


def test_what_was_signed_before_rules_could_mask_keeps_its_form() -> None:
    row = served(GET_ORDER, Policy(rules=(ALLOW,)), Toolsets(toolsets={}))["policy"]
    assert row == [
        {"id": "allow", "effect": "allow", "match": {"tools": [], "risk": ["low"], "effect": [], "methods": [], "hosts": []}, "reason": ""}
    ]
    assert served(GET_ORDER, Policy(rules=(MORE,)), Toolsets(toolsets={}))["policy"][0]["fields"] == ["note"]
