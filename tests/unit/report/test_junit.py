"""JUnit XML, as a public reader of such files understands it."""

from typing import Final

from junitparser import JUnitXml, TestCase

from caskmcp.model.finding import Finding, Report, Severity
from caskmcp.report.junit import render

STEPS: Final = (
    {"step": "lock", "result": "review", "findings": 2, "note": ""},
    {"step": "lint", "result": "pass", "findings": 1, "note": ""},
    {"step": "drift", "result": "not-run", "findings": 0, "note": "no baseline"},
    {"step": "reproducible", "result": "skipped", "findings": 0, "note": ""},
)
PENDING: Final = Finding(
    code="CASK-L003",
    severity=Severity.REVIEW,
    subject="tool:a",
    message='a is <pending> & "waits"',
    place="lock.yaml:4",
    mend="cask gate allow a",
    step="lock",
)
OTHER: Final = Finding(code="CASK-L004", severity=Severity.REFUSED, subject="tool:b", message="b\x00\ufffe\nis invalid", step="lock")
ADVICE: Final = Finding(code="enum-of-one", severity=Severity.INFO, subject="tool:a", message="one value", step="lint")
REPORT: Final = Report(report="check", findings=(PENDING, OTHER, ADVICE), tables={"steps": STEPS})


def cases(report: Report) -> dict[str, TestCase]:
    root = JUnitXml.fromstring(render(report).encode())
    return {case.name: case for suite in root for case in suite}


def test_each_step_is_a_case_and_each_finding_a_failure_of_its_step() -> None:
    found = cases(REPORT)
    assert list(found) == ["lock", "lint", "drift", "reproducible"]
    assert [(row.type, row.message) for row in found["lock"].result] == [
        ("CASK-L003", 'a is <pending> & "waits"'),
        ("CASK-L004", "b\\u{0}\\u{fffe}\nis invalid"),
    ]
    assert found["lock"].classname == "cask.check"


def test_a_failure_tells_severity_place_and_mend() -> None:
    text = cases(REPORT)["lock"].result[0].text
    assert text == 'review: CASK-L003 a is <pending> & "waits" · tool:a · lock.yaml:4 · run: cask gate allow a'


def test_what_was_not_run_is_skipped_with_the_reason_and_never_a_pass() -> None:
    found = cases(REPORT)
    assert [(name, case.is_skipped, [row.message for row in case.result]) for name, case in found.items() if not case.is_passed][1:] == [
        ("drift", True, ["not-run: no baseline"]),
        ("reproducible", True, ["skipped"]),
    ]


def test_advice_is_output_and_no_failure() -> None:
    case = cases(REPORT)["lint"]
    assert (case.is_passed, case.system_out) == (True, "info: enum-of-one one value · tool:a")


def test_the_counts_are_those_of_the_cases() -> None:
    root = JUnitXml.fromstring(render(REPORT).encode())
    assert (root.tests, root.failures, root.errors, root.skipped) == (4, 1, 0, 2)


def test_a_finding_of_no_step_is_a_case_of_its_own() -> None:
    stray = PENDING.model_copy(update={"step": ""})
    found = cases(REPORT.model_copy(update={"findings": (stray,)}))
    assert [row.type for row in found["check"].result] == ["CASK-L003"]


def test_a_report_without_steps_is_one_case() -> None:
    found = cases(Report(report="diff", findings=(PENDING.model_copy(update={"step": ""}),)))
    assert [(name, len(case.result)) for name, case in found.items()] == [("diff", 1)]
    assert [case.is_passed for case in cases(Report(report="diff")).values()] == [True]


def test_the_document_is_ascii() -> None:
    assert render(REPORT).isascii()
