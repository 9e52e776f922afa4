"""The capability diff over served records."""

import copy

import pytest

from caskmcp.analyze.diff import RULES, Sides, change_id, diff
from tests.unit.calculus.test_tools import TOOL, changed

GET = {"tool:get_order": TOOL}


def run(approved, built, pinned=True):
    return diff(Sides(approved=approved, built=built), pinned=pinned)


@pytest.mark.feature(62)
def test_before_the_first_approval_everything_is_new_and_needs_review():
    report = run({}, {**GET, "policy": {"rules": []}})
    assert report.exit == 1
    assert [(row["change"], row["subject"], row["after"]) for row in report.tables["changes"]] == [
        ("shared-added", "policy", ""),
        ("tool-added", "tool:get_order", "read GET api.example.com/orders/{order_id}"),
    ]


def test_a_new_tool_of_a_shared_endpoint_says_what_it_always_sends():
    body = {**TOOL["request"]["body"], "constants": {"method": "orders.get"}}
    report = run({}, {"tool:get_order": changed("request.body", body)})
    assert report.tables["changes"][0]["after"] == 'read GET api.example.com/orders/{order_id} pinning {"method":"orders.get"}'


def test_a_new_tool_says_what_it_sends_unasked_and_that_a_person_lowered_its_risk():
    row = {**TOOL["request"]["query"][0], "wire": "view", "default": "full"}
    record = changed("request.query", [row])
    record["reasons"] = [{"rule": "stated-lower", "evidence": "cask.yaml says safe, read; the rules say high, write: because"}]
    assert run({}, {"tool:get_order": record}).tables["changes"][0]["after"] == (
        'read GET api.example.com/orders/{order_id} sending unasked {"view":"full"}'
        "; cask.yaml says safe, read; the rules say high, write: because"
    )


def test_equal_sides_are_clean():
    report = run(GET, copy.deepcopy(GET))
    assert (report.exit, report.tables["changes"], report.lines) == (0, (), ("Nothing differs from what was approved.",))


CHANGES = [
    # place,             value,                                            code,            exit
    ("request.host", "evil.example.com", "tool-differs", 2),
    ("request.query", [], "tool-narrows", 1),
    ("risk", "safe", "tool-broadens", 2),
    ("description", "Now reads differently.", "tool-reworded", 1),
]


@pytest.mark.feature(63)
@pytest.mark.parametrize(("place", "value", "code", "status"), CHANGES)
def test_a_change_is_named_by_what_it_means(place, value, code, status):
    report = run(GET, {"tool:get_order": changed(place, value)})
    assert [finding.code for finding in report.findings] == [code]
    assert report.exit == status
    assert report.findings[0].mend == "cask gate allow get_order"


def test_a_removed_tool_is_information_alone():
    report = run(GET, {})
    assert ([finding.code for finding in report.findings], report.exit) == (["tool-removed"], 0)


@pytest.mark.parametrize(
    ("approved", "built", "code", "status"),
    [
        ({"policy": {"a": 1}}, {"policy": {"a": 2}}, "shared-changed", 2),
        ({"env:x": {}}, {}, "shared-removed", 0),
        ({}, {"env:x": {}}, "shared-added", 1),
    ],
)
def test_shared_content_is_compared_as_a_whole(approved, built, code, status):
    report = run(approved, built)
    assert ([finding.code for finding in report.findings], report.exit) == ([code], status)


def test_approved_content_that_is_not_here_counts_as_different():
    assert run({"tool:get_order": None}, GET).findings[0].code == "tool-differs"


def test_old_and_new_words_are_shown():
    (row,) = run(GET, {"tool:get_order": changed("description", "Now reads differently.")}).tables["changes"]
    assert (row["before"], row["after"]) == ("Returns one order.", "Now reads differently.")


def test_only_the_part_of_a_schema_that_differs_is_shown():
    wider = changed("input_schema", {**TOOL["input_schema"], "properties": {"order_id": {"type": "number"}}})
    (row,) = run(GET, {"tool:get_order": wider}).tables["changes"]
    assert (row["before"], row["after"]) == ("integer", "number")


def test_a_change_keeps_its_id_whatever_else_changes():
    alone = run(GET, {"tool:get_order": changed("risk", "safe")}).tables["changes"][0]
    record = changed("risk", "safe")
    record["title"] = "Another"
    among = {row["place"]: row for row in run(GET, {"tool:get_order": record}).tables["changes"]}["risk"]
    assert alone["id"] == among["id"] == change_id("tool:get_order", "risk", "low", "safe")
    assert len(alone["id"]) == 16


def test_the_riskiest_and_the_breaking_come_first():
    critical = changed("risk", "critical")
    report = run({}, {"tool:a": TOOL, "tool:b": critical})
    assert [row["subject"] for row in report.tables["changes"]] == ["tool:b", "tool:a"]
    mixed = run(GET, {"tool:get_order": changed("request.host", "x.example.com"), "tool:a": critical})
    assert [row["change"] for row in mixed.tables["changes"]] == ["tool-differs", "tool-added"]


def test_an_unpinned_clone_is_told():
    assert run({}, GET, pinned=False).summary["unpinned"] is True
    assert "unpinned" not in run({}, GET).summary


def test_every_rule_has_a_case():
    codes = {row[2] for row in CHANGES} | {"tool-added", "tool-removed", "shared-added", "shared-changed", "shared-removed"}
    assert codes == set(RULES)


def test_a_tool_that_becomes_a_composite_differs_and_says_what_it_calls():
    plan = {"kind": "chain", "steps": [{"tool": "list_orders"}, {"tool": "read_order"}]}
    report = run(GET, {"tool:get_order": {**TOOL, "composite": plan}})
    assert [(row["change"], row["area"], row["before"]) for row in report.tables["changes"]] == [("tool-differs", "composite", "null")]
    assert report.exit == 2
    new = run({}, {"tool:get_order": {**TOOL, "composite": plan}})
    assert new.tables["changes"][0]["after"] == "read chain of list_orders, read_order"
