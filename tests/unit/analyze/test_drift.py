"""Drift between two sides: each class of change that the corpus does not show from both sides, and what is no change at all."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from caskmcp.analyze import drift_documents, drift_operations
from caskmcp.analyze.drift import NOT_RUN, View, drift, key, not_run
from caskmcp.analyze.drift_classes import CLASSES
from caskmcp.errors import Exit
from caskmcp.model.artifact import Baseline
from caskmcp.model.exchange import Declared
from caskmcp.model.finding import EXITS, Report, Severity
from caskmcp.model.observation import Group
from tests.support import traffic
from tests.support.traffic import HOST, exchange

Item = Any


def groups(found: Iterable[Item]) -> Mapping[str, Group]:
    merged, _ = traffic.merged(traffic.parts(list(found)))
    return {name: Group.model_validate_json(data) for name, data in merged.items()}


def compared(old: Iterable[Item], new: Iterable[Item], **more: Any) -> Report:
    return drift(View("old", groups(old)), View("new", groups(new)), **more)


def classes(report: Report) -> list[tuple[str, str]]:
    return [(row["class"], row["place"]) for row in report.tables["changes"]]


def orders(answer: str, count: int = 12, query: str = "") -> list[Item]:
    return [f"GET /orders{query} 200 {answer}" for _ in range(count)]


def posted(body: Mapping[str, Any], count: int = 12) -> list[Item]:
    return [exchange("POST /orders 201 {id: 7}", body=dict(body, total=number)) for number in range(count)]


def declared(**fields: Any) -> list[Item]:
    """A document with one operation. body: the schema of a JSON body; answer: that of success."""
    plain: dict[str, Any] = {
        "method": "GET", "scheme": "https", "host": HOST, "port": 0, "path": "/orders",
        "responses": [{"status": "200", "media": "application/json", "schema": fields.pop("answer", {"type": "object"})}],
    }  # fmt: skip
    if (body := fields.pop("body", None)) is not None:
        plain |= {"method": "POST", "bodies": [{"media": "application/json", "schema": body}]}
    return [msgspec.convert(plain | fields, Declared)]


OBJECT: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {"note": {"type": "string"}, "total": {"type": "integer"}},
}


def without(name: str) -> dict[str, Any]:
    return {**OBJECT, "properties": {key: value for key, value in OBJECT["properties"].items() if key != name}}


# ---------------------------------------------------------------- classes that the corpus does not show
@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        (posted({}), posted({"note": "a"}, 12) + posted({}, 4), ("body-field-added", "body /note")),
        (posted({"state": "open"}) + posted({"state": "paid"}), posted({"state": "open"}) + posted({"state": "sent"}), ("request-enum-grown", "body /state")),
        (orders("{id: 7}", query="?state=open") + orders("{id: 7}", query="?state=paid"),
         orders("{id: 7}", query="?state=open") + orders("{id: 7}", query="?state=lost"), ("request-enum-grown", "query state")),
        (orders("{id: 7}", query="?page=2"), orders("{id: 7}", query="?page=last"), ("parameter-type", "query page")),
        (orders("{id: 7}"), [f"GET /orders 200 {{id: 7, '{number}': 1}}" for number in range(12)], ("field-added", "answer 200 /*")),
        (orders("{id: 7}"), [f"GET /orders 200 {{'{number}': 1, '{number}7': 2}}" for number in range(12)], ("field-type", "answer 200")),
        (orders("{id: 7}"), [f"GET /orders 200 {{id: 7, '{number}': a{number}@b.example}}" for number in range(12)], ("pii-appeared", "answer 200 /*")),
        (declared(body=OBJECT), declared(body=without("note")), ("body-field-removed", "body /note")),
        (declared(body=without("note")), declared(body=OBJECT), ("body-field-added", "body /note")),
        (declared(answer={"type": "integer", "maximum": 9}), declared(answer={"type": "integer", "maximum": 99}), ("answer-widened", "answer 200")),
        (declared(answer={"type": "integer", "maximum": 99}), declared(answer={"type": "integer", "maximum": 9}), ("answer-narrowed", "answer 200")),
        (declared(answer={"type": "string", "format": "date"}), declared(answer={"type": "string"}), ("field-format", "answer 200")),
        (declared(answer={"enum": ["a", "b"]}), declared(answer={"enum": ["a", "b", "c"]}), ("enum-grown", "answer 200")),
        (declared(answer=OBJECT), declared(answer=without("note")), ("field-removed", "answer 200 /note")),
        (declared(answer=without("note")), declared(answer=OBJECT), ("field-added", "answer 200 /note")),
        (declared(answer={"type": "object", "properties": {"id": {"type": "integer"}}}), orders("{id: seven}"),
         ("document-disagrees", "answer 200 application/json /id")),
        (orders("{id: 7}"), declared(answer={"type": "object", "properties": {"id": {"type": "string"}}}),
         ("document-disagrees", "answer 200 application/json /id")),
    ],
)  # fmt: skip
def test_a_change_is_of_its_class(old: list[Item], new: list[Item], found: tuple[str, str]) -> None:
    assert classes(compared(old, new)) == [found]


def test_each_severity_has_a_class_and_personal_data_is_never_information() -> None:
    by = {row.id: row.severity for row in CLASSES}
    assert set(by.values()) == {Severity.INFO, Severity.REVIEW, Severity.BREAKING}
    assert (by["enum-grown"], by["pii-appeared"], by["secret-appeared"]) == (Severity.INFO, Severity.REVIEW, Severity.BREAKING)
    assert len(by) == len(CLASSES)


# ---------------------------------------------------------------- personal data
@pytest.mark.feature(65)
@pytest.mark.parametrize("field", ["email: a@b.example", "contact: {mobile: null}", "people: [{first_name: x}]"])
def test_one_sample_of_personal_data_in_a_new_field_is_a_risk(field: str) -> None:
    report = compared(orders("{id: 7}"), orders("{id: 7}", 11) + orders(f"{{id: 7, {field}}}", 1))
    assert [row["class"] for row in report.tables["changes"]] == ["pii-appeared"]
    assert report.exit is Exit.REVIEW


def test_personal_data_that_was_there_before_is_no_news() -> None:
    assert classes(compared(orders("{id: 7, email: a@b.example}"), orders("{id: 8, email: c@d.example}"))) == []


# ---------------------------------------------------------------- what is no change
@pytest.mark.parametrize(
    ("old", "new"),
    [
        (orders("{id: 7, note: a}", 6) + orders("{id: 7}", 6), orders("{id: 7}", 4)),
        (orders("{id: 7}"), orders("{id: 7, note: a}", 1) + orders("{id: 7}", 11)),
        (orders("{id: 7, note: null}"), orders("{id: 7, note: a}")),
        (orders("{price: 7.5}"), orders("{price: 7}")),
        (orders("[]", 6) + orders("[{id: 1}]", 6), orders("[]")),
        (orders("{id: 7}", query="?page=2"), orders("{id: 7}")),
        (orders("{id: 7}"), [*orders("{id: 7}", 1), "GET /orders 500 {error: x}"]),
        (orders("{id: 7}"), [*orders("{id: 7}", 3), "GET /orders 404 {error: x}"]),
        (declared(answer=OBJECT), orders("{note: a, total: 7}")),
        (declared(answer=OBJECT), declared(answer={**OBJECT, "description": "in other words"})),
    ],
)
def test_what_chance_or_wording_explains_is_not_told(old: list[Item], new: list[Item]) -> None:
    report = compared(old, new)
    assert (classes(report), report.exit, report.summary["result"]) == ([], Exit.CLEAN, "none")


def test_what_was_not_called_is_not_gone() -> None:
    report = compared([*orders("{id: 7}"), "GET /customers 200 {id: 7}"], orders("{id: 7}"))
    assert (classes(report), report.summary["compared"], report.summary["not_called"]) == ([], 1, 1)


def test_what_is_too_little_to_tell_is_counted() -> None:
    report = compared(orders("{id: 7, note: a}", 3), orders("{id: 7}", 2))
    assert (classes(report), report.summary["undecided"]) == ([], 1)


def test_operations_that_are_known_by_id_alone_are_no_news() -> None:
    old, new = groups(orders("{id: 7}")), groups([*orders("{id: 7}"), "GET /customers/12 200 {id: 7}"])
    others = (f"GET {HOST}/customers/{{anything}}",)
    assert classes(drift(View("old", old, others=others), View("new", new))) == []
    assert classes(drift(View("old", old), View("new", new))) == [("endpoint-added", "operation")]


GOLDEN = Path(__file__).resolve().parents[2] / "golden" / "storefront" / "artifact" / "baseline.json"


def test_no_operation_of_the_example_differs_from_itself_however_likely() -> None:
    known = Baseline.from_json(GOLDEN.read_bytes(), "baseline.json").operations
    assert len(known) == 22
    for group in known.values():
        assert [*drift_operations.differences(group, group), *drift_documents.differences(group, group)] == []


# ---------------------------------------------------------------- the report
def test_the_worst_change_comes_first_and_decides_the_exit_status() -> None:
    report = compared(orders("{id: 7, total: 1}"), orders("{id: 7, email: a@b.example, more: 1}"))
    assert [row["severity"] for row in report.tables["changes"]] == ["breaking", "review", "info"]
    assert report.exit is Exit.BREAKING
    assert {name: report.summary[name] for name in ("breaking", "review", "info")} == {"breaking": 1, "review": 1, "info": 1}


def test_information_alone_is_clean() -> None:
    report = compared(orders("{id: 7}"), orders("{id: 7, more: 1}"))
    assert (classes(report), report.exit) == ([("field-added", "answer 200 /more")], Exit.CLEAN)


def test_a_fingerprint_stays_the_same_for_the_same_change_in_other_company() -> None:
    one = compared(orders("{id: 7, total: 1}"), orders("{id: 7}"))
    other = compared(orders("{id: 7, total: 1, more: 2}", 40), orders("{id: x}", 40))
    ids = {row["place"]: row["id"] for row in other.tables["changes"]}
    assert ids["answer 200 /total"] == one.tables["changes"][0]["id"]
    assert len(set(ids.values())) == len(ids) == 3
    assert [row.fingerprint for row in one.findings] == [row["id"] for row in one.tables["changes"]]


def test_the_calculus_says_how_answers_stand_to_the_baseline() -> None:
    def verdicts(old: list[Item], new: list[Item]) -> dict[str, str]:
        return {row["class"]: row["verdict"] for row in compared(old, new).tables["changes"]}

    assert verdicts(orders("{id: 7, total: 1}"), orders("{id: 7}")) == {"field-removed": "broadens"}
    assert verdicts(orders("{id: 7}"), orders("{id: x}")) == {"field-type": "incomparable"}
    assert verdicts(declared(answer={"type": "integer"}), declared(answer={"type": ["integer", "null"]})) == {"field-nullable": "broadens"}
    assert compared(orders("{id: 7}"), orders("{id: 8}")).summary["verdict"] == "equal"


def test_a_finding_names_the_tool_its_place_in_the_baseline_and_the_mend() -> None:
    name = f"GET {HOST}/orders"
    old = View("b", groups(orders("{id: 7}")), tools={name: "list_orders"}, places={"list_orders": "b.json:12"})
    (row,) = drift(old, View("new", groups(orders("{id: x}"))), mend="cask capture import x.har").findings
    assert (row.code, row.subject, row.place, row.mend) == ("field-type", "tool:list_orders", "b.json:12", "cask capture import x.har")
    assert row.message == "answer 200 /id: the field is of another kind: integer -> string (12 of 12; before 0 of 12)"


def test_the_report_holds_no_value_of_anybody() -> None:
    report = compared(orders("{id: 7}"), orders("{id: secret-4711, note: my grandmother}", 12))
    assert not {"4711", "grandmother"} & set(json.dumps(report.json_value()).replace("-", " ").replace('"', " ").split())


def test_an_answer_to_a_probe_is_for_review_and_never_breaking() -> None:
    sides = orders("{id: 7, total: 1}"), orders("{id: 7}", 1)
    assert classes(compared(*sides)) == []
    report = compared(*sides, probed=True)
    assert (classes(report), report.exit) == ([("field-removed", "answer 200 /total")], Exit.REVIEW)


def test_nothing_to_measure_from_passes_nowhere() -> None:
    report = not_run("there is no baseline", "cask gate snapshot")
    assert (report.summary["result"], report.exit, report.findings[0].code) == (NOT_RUN, Exit.REVIEW, NOT_RUN)


def test_each_severity_that_drift_uses_has_an_exit_status() -> None:
    assert sorted({int(EXITS[row.severity]) for row in CLASSES}) == [0, 1, 2]


def test_an_operation_is_the_same_whatever_its_parameters_are_called() -> None:
    assert key("GET a.example/x/{id}/{b}..{c}#Name") == "GET a.example/x/{}/{}..{}#Name"
