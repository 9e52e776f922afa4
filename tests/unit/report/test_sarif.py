"""SARIF 2.1.0: what the specification asks of a log, a run, a result and a location, written down from its text (sections in brackets)."""

import json
from typing import Any, Final

import pytest
from jsonschema import Draft202012Validator

from caskmcp.model.finding import Finding, Report, Severity
from caskmcp.report.sarif import SCHEMA, render

TEXT: Final = {
    "type": "object",
    "required": ["text"],
    "properties": {"text": {"type": "string", "minLength": 1}},
    "additionalProperties": False,
}
LOCATION: Final = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "physicalLocation": {  # [3.29]
            "type": "object",
            "required": ["artifactLocation"],
            "additionalProperties": False,
            "properties": {
                "artifactLocation": {
                    "type": "object",
                    "required": ["uri"],
                    "properties": {"uri": {"type": "string", "pattern": "^[A-Za-z0-9._~/%-]+$"}},
                },
                "region": {"type": "object", "required": ["startLine"], "properties": {"startLine": {"type": "integer", "minimum": 1}}},
            },
        },
        "logicalLocations": {  # [3.33]
            "type": "array",
            "items": {"type": "object", "required": ["fullyQualifiedName"], "properties": {"fullyQualifiedName": {"type": "string"}}},
        },
    },
}
RESULT: Final = {  # [3.27]
    "type": "object",
    "required": ["message", "ruleId", "ruleIndex", "level"],
    "additionalProperties": False,
    "properties": {
        "ruleId": {"type": "string"},
        "ruleIndex": {"type": "integer", "minimum": 0},
        "level": {"enum": ["none", "note", "warning", "error"]},
        "message": TEXT,
        "locations": {"type": "array", "items": LOCATION},
        "partialFingerprints": {"type": "object", "additionalProperties": {"type": "string"}},
        "suppressions": {  # [3.35]
            "type": "array",
            "items": {
                "type": "object",
                "required": ["kind"],
                "properties": {"kind": {"enum": ["inSource", "external"]}, "justification": {"type": "string"}},
            },
        },
    },
}
LOG: Final = {  # [3.13], [3.14], [3.19]
    "type": "object",
    "required": ["$schema", "version", "runs"],
    "additionalProperties": False,
    "properties": {
        "$schema": {"const": SCHEMA},
        "version": {"const": "2.1.0"},
        "runs": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["tool", "results"],
                "additionalProperties": False,
                "properties": {
                    "tool": {"type": "object", "required": ["driver"], "properties": {"driver": {"type": "object", "required": ["name"]}}},
                    "automationDetails": {"type": "object", "required": ["id"]},
                    "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
                    "results": {"type": "array", "items": RESULT},
                },
            },
        },
    },
}
REPORT: Final = Report(
    report="lint",
    findings=(
        Finding(
            code="secret",
            severity=Severity.BREAKING,
            subject="tools.json",
            message="a key",
            place="a b/tools.json:7",
            mend="cask build",
            fingerprint="0" * 16,
        ),
        Finding(code="evidence-low", severity=Severity.REVIEW, subject="tool:get\u202eorder", message="low \x1b[2J"),
        Finding(code="enum-of-one", severity=Severity.INFO, subject="", message="one", place="cask.yaml"),
    ),
    tables={
        "suppressed": (
            {"code": "secret", "subject": "policy", "message": "m", "reason": "an example", "fingerprint": "1" * 16, "place": "p.yaml"},
        )
    },
)


def run(report: Report) -> Any:
    log = json.loads(render(report))
    assert list(Draft202012Validator(LOG).iter_errors(log)) == []
    return log["runs"][0]


def test_findings_become_results_with_level_place_and_fingerprint() -> None:
    first, second, third, _ = run(REPORT)["results"]
    assert (first["ruleId"], first["level"], first["message"]["text"]) == ("secret", "error", "a key. Mend: cask build.")
    assert first["locations"][0]["physicalLocation"] == {"artifactLocation": {"uri": "a%20b/tools.json"}, "region": {"startLine": 7}}
    assert first["partialFingerprints"] == {"cask/v1": "0" * 16}
    assert (second["level"], third["level"]) == ("warning", "note")
    assert "partialFingerprints" not in second


def test_rules_are_listed_once_and_each_result_points_at_its_own() -> None:
    found = run(REPORT)
    rules = [row["id"] for row in found["tool"]["driver"]["rules"]]
    assert rules == ["enum-of-one", "evidence-low", "secret"]
    assert [rules[row["ruleIndex"]] for row in found["results"]] == [row["ruleId"] for row in found["results"]]


def test_what_was_accepted_stays_in_the_log_with_its_reason() -> None:
    last = run(REPORT)["results"][-1]
    assert (last["level"], last["suppressions"]) == ("none", [{"kind": "external", "justification": "an example"}])


def test_nothing_hidden_reaches_a_reader_raw() -> None:
    text = render(REPORT)
    assert text.isascii()
    assert "\x1b" not in text
    assert run(REPORT)["results"][1]["locations"][0]["logicalLocations"][0]["fullyQualifiedName"] == "tool:get\\u{202e}order"


def test_a_clean_report_is_a_run_without_results() -> None:
    assert run(Report(report="lint"))["results"] == []


@pytest.mark.parametrize("place", ["", ":4", "a:b:c"])
def test_a_place_that_is_no_path_gives_no_physical_location(place: str) -> None:
    row = Finding(code="secret", severity=Severity.REVIEW, subject="s", message="m", place=place)
    assert "physicalLocation" not in run(Report(report="lint", findings=(row,)))["results"][0]["locations"][0]
