"""SARIF 2.1.0: each log is valid against the published schema, and says what a reader of logs looks for."""

import json
from pathlib import Path
from typing import Any, Final

import pytest
from jsonschema import Draft4Validator

from caskmcp.model.finding import Finding, Report, Severity
from caskmcp.report.sarif import SCHEMA, located, render

SCHEMA_FILE: Final = Path(__file__).parents[3] / "fixtures" / "sarif" / "sarif-2.1.0-rtm.5.json"
VALIDATOR: Final = Draft4Validator(json.loads(SCHEMA_FILE.read_bytes()))
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
    assert [error.message for error in VALIDATOR.iter_errors(log)] == []
    assert (log["$schema"], log["version"]) == (SCHEMA, "2.1.0")
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


def test_a_log_that_is_not_sarif_is_not_valid() -> None:
    log = json.loads(render(REPORT))
    log["runs"][0]["results"][0]["level"] = "fatal"
    assert [error.validator for error in VALIDATOR.iter_errors(log)] == ["enum"]


def test_steps_that_were_not_run_stand_among_the_notifications() -> None:
    steps = (
        {"step": "lock", "result": "pass"},
        {"step": "lint", "result": "skipped"},
        {"step": "drift", "result": "not-run", "note": "no baseline"},
    )
    (invocation,) = run(Report(report="check", tables={"steps": steps}))["invocations"]
    assert [(row["descriptor"]["id"], row["message"]["text"]) for row in invocation["toolExecutionNotifications"]] == [
        ("step-skipped", "lint: skipped"),
        ("step-not-run", "drift: not-run: no baseline"),
    ]


def test_the_exit_status_is_told() -> None:
    assert run(REPORT)["invocations"] == [{"executionSuccessful": True, "exitCode": 2}]


def test_a_suppressed_finding_says_why() -> None:
    row = Finding(
        code="CASK-L005", severity=Severity.INFO, subject="tool:x", message="m", suppressed="rolled out by hand (until 2027-01-31)"
    )
    (found,) = run(Report(report="check", findings=(row,)))["results"]
    assert (found["level"], found["suppressions"]) == (
        "note",
        [{"kind": "external", "justification": "rolled out by hand (until 2027-01-31)"}],
    )


def test_a_code_of_the_table_of_errors_brings_its_title() -> None:
    row = Finding(code="CASK-L003", severity=Severity.REVIEW, subject="tool:x", message="m")
    (rule,) = run(Report(report="check", findings=(row,)))["tool"]["driver"]["rules"]
    assert rule["shortDescription"] == {"text": "A tool waits for approval"}


def test_a_message_holds_no_link() -> None:
    row = Finding(code="x", severity=Severity.REVIEW, subject="s", message="[a](https://evil.test)")
    assert run(Report(report="check", findings=(row,)))["results"][0]["message"]["text"] == "[a] (https://evil.test)."


@pytest.mark.parametrize(
    ("place", "expected"),
    [("a/b.yaml:41", ("a/b.yaml", 41)), ("cask.yaml", ("cask.yaml", 0)), ("", ("", 0)), ("a:b:c", ("", 0)), ("x.json:0", ("", 0))],
)
def test_a_place_is_a_file_and_a_line(place: str, expected: tuple[str, int]) -> None:
    assert located(place) == expected
