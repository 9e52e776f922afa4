"""The capability diff over served records."""

import copy
import shlex

import pytest

from caskmcp.analyze.diff import RULES, Known, Sides, change_id, diff
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
        ({"policy": {"a": 1}}, {"policy": {"a": 2}}, "shared-broadens", 2),
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


POLICY = {"schema": "caskmcp/policy-defaults/1", "default": "deny", "rules": [], "budgets": {"*": {"calls": 100, "per_seconds": 60}}}
LOCAL = {"schema": "caskmcp/environment/1", "hosts": {"api.example.com": {"url": "http://127.0.0.1:8080", "private": True}}}
RULE = {"id": "a", "effect": "confirm", "match": {}, "reason": "money"}
SHARED = [
    # subject,  approved,                       built,                                                           code,              exit
    ("policy", POLICY, {**POLICY, "default": "allow"}, "shared-differs", 2),
    ("policy", POLICY, {**POLICY, "budgets": {}}, "shared-broadens", 2),
    ("policy", {**POLICY, "budgets": {}}, POLICY, "shared-narrows", 1),
    ("policy", {**POLICY, "rules": [RULE]}, {**POLICY, "rules": [{**RULE, "reason": "orders"}]}, "shared-reworded", 1),
    ("env:local", LOCAL, {**LOCAL, "hosts": {**LOCAL["hosts"], "x.example.com": LOCAL["hosts"]["api.example.com"]}}, "shared-broadens", 2),
]


@pytest.mark.parametrize(("subject", "approved", "built", "code", "status"), SHARED)
def test_shared_content_is_compared_by_what_it_allows(subject, approved, built, code, status):
    report = run({subject: approved}, {subject: built})
    assert ([finding.code for finding in report.findings], report.exit) == ([code], status)


def test_every_rule_has_a_case():
    codes = {row[2] for row in CHANGES} | {row[3] for row in SHARED} | {"tool-added", "tool-removed", "shared-added", "shared-removed"}
    assert codes == set(RULES)


# ---------------------------------------------------------------- each change by itself
WIDER = {**TOOL["input_schema"], "properties": {"order_id": {"type": "number"}}}


def test_each_change_is_a_finding_with_its_own_fingerprint():
    record = {**changed("request.host", "evil.example.com"), "title": "Another"}
    report = run(GET, {"tool:get_order": record})
    assert [(row.code, row.fingerprint) for row in report.findings] == [(row["change"], row["id"]) for row in report.tables["changes"]]
    assert len({row.fingerprint for row in report.findings}) == len(report.findings) == 2


def test_two_places_that_change_alike_have_two_ids():
    before = {**TOOL, "title": "A", "description": "A"}
    report = run({"tool:a": before}, {"tool:a": {**before, "title": "B", "description": "B"}})
    assert len({row["id"] for row in report.tables["changes"]}) == 2


def test_a_change_names_its_place_and_something_that_is_accepted_now():
    (finding,) = run(GET, {"tool:get_order": changed("input_schema", WIDER)}).findings
    assert finding.message.startswith(
        "get_order allows more than what was approved: other arguments are accepted (input_schema.properties.order_id"
    )
    assert '", e.g. {"order_id":' in finding.message.replace("), e.g.", '", e.g.')


def test_a_change_that_narrows_has_no_witness():
    (row,) = run(GET, {"tool:get_order": changed("request.query", [])}).tables["changes"]
    assert (row["change"], row["witness"]) == ("tool-narrows", "")


def test_findings_point_at_the_line_that_is_given_for_the_subject():
    sides = Sides(approved={}, built=GET, places={"tool:get_order": "lock.yaml:41"})
    assert diff(sides, pinned=True).findings[0].place == "lock.yaml:41"


# ---------------------------------------------------------------- in full
def test_old_and_new_texts_are_told_word_by_word():
    (detail,) = run(GET, {"tool:get_order": changed("description", "Returns one paid order.")}).details
    assert detail.words == (("same", "Returns one "), ("new", "paid "), ("same", "order."))
    assert (detail.old, detail.new) == ("Returns one order.", "Returns one paid order.")


def test_a_new_tool_and_a_gone_one_are_told_in_full():
    assert [(row.old, row.new) for row in run({}, GET).details] == [(None, TOOL)]
    assert [(row.old, row.new) for row in run(GET, {}).details] == [(TOOL, None)]


def test_a_row_and_what_stands_behind_it_have_one_id():
    report = run(GET, {"tool:get_order": {**changed("request.host", "evil.example.com"), "title": "Another"}})
    assert [row.id for row in report.details] == [row["id"] for row in report.tables["changes"]]


# ---------------------------------------------------------------- content that is not here
KNOWN = {"tool:get_order": Known("high", "GET api.example.com/orders/{order_id}", "sha256:" + "1" * 64)}


def test_what_is_known_by_its_digest_alone_differs_from_what_was_approved():
    report = diff(Sides(approved=GET, built={"tool:get_order": None}, known=KNOWN), pinned=True)
    (row,) = report.tables["changes"]
    assert (row["change"], row["after"]) == ("tool-differs", "GET api.example.com/orders/{order_id}")
    other = {"tool:get_order": KNOWN["tool:get_order"]._replace(digest="sha256:" + "2" * 64)}
    assert diff(Sides(approved=GET, built={"tool:get_order": None}, known=other), pinned=True).findings[0].fingerprint != row["id"]


def test_a_new_tool_that_is_known_by_its_digest_says_what_the_pending_lock_says():
    (row,) = diff(Sides(approved={}, built={"tool:get_order": None}, known=KNOWN), pinned=True).tables["changes"]
    assert (row["change"], row["risk"], row["after"]) == ("tool-added", "high", "GET api.example.com/orders/{order_id}")


def test_a_tool_that_becomes_a_composite_differs_and_says_what_it_calls():
    plan = {"kind": "chain", "steps": [{"tool": "list_orders"}, {"tool": "read_order"}]}
    report = run(GET, {"tool:get_order": {**TOOL, "composite": plan}})
    assert [(row["change"], row["area"], row["before"]) for row in report.tables["changes"]] == [("tool-differs", "composite", "null")]
    assert report.exit == 2
    new = run({}, {"tool:get_order": {**TOOL, "composite": plan}})
    assert new.tables["changes"][0]["after"] == "read chain of list_orders, read_order"


# ---------------------------------------------------------------- names of strangers in commands
HOSTILE = ["$(id)", "--yes", "a; rm -rf /", "`id`", "b\nB=2", "'x'", "a b"]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_mend_names_a_tool_as_one_word_that_is_no_option(name):
    (finding,) = run({}, {f"tool:{name}": TOOL}).findings
    words = shlex.split(finding.mend)
    assert words[:3] == ["cask", "gate", "allow"]
    assert words[3:] in ([name], [f"tool:{name}"])
    assert not words[3].startswith("-")
