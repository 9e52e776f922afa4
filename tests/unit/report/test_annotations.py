"""Annotations, read back as the runner reads them: name, properties and message of each command."""

import re
from typing import Any, Final

import pytest

from caskmcp.model.finding import Finding, Report, Severity
from caskmcp.report.annotations import render

COMMAND: Final = re.compile(r"::(?P<name>[a-z]+)(?: (?P<properties>[^:]*))?::(?P<message>.*)")


def unescaped(text: str, codes: tuple[str, ...]) -> str:
    """What the runner makes of a value: the codes back to characters, the percent sign last."""
    for code in codes:
        text = text.replace(code, chr(int(code[1:], 16)))
    return text


def read(line: str) -> tuple[str, dict[str, str], str]:
    """A command as the runner takes it apart."""
    found = COMMAND.fullmatch(line)
    assert found, line
    rows = (row.partition("=") for row in (found["properties"] or "").split(",") if row)
    properties = {key: unescaped(value, ("%0D", "%0A", "%3A", "%2C", "%25")) for key, _, value in rows}
    return found["name"], properties, unescaped(found["message"], ("%0D", "%0A", "%25"))


def commands(report: Report) -> list[tuple[str, dict[str, str], str]]:
    return [read(line) for line in render(report).split("\n")]


def finding(**changes: Any) -> Finding:
    return Finding(
        **{"code": "CASK-L003", "severity": Severity.REVIEW, "subject": "tool:a", "message": "a waits", "place": "x/lock.yaml:4"} | changes
    )


def test_a_finding_is_an_annotation_at_its_line() -> None:
    report = Report(report="check", findings=(finding(mend="cask gate allow a"),))
    assert commands(report)[0] == (
        "warning",
        {"file": "x/lock.yaml", "line": "4", "title": "CASK-L003"},
        "a waits · tool:a · run: cask gate allow a",
    )


@pytest.mark.parametrize(
    ("severity", "name"),
    [
        (Severity.INFO, "notice"),
        (Severity.REVIEW, "warning"),
        (Severity.BREAKING, "error"),
        (Severity.INPUT, "error"),
        (Severity.REFUSED, "error"),
    ],
)
def test_a_severity_is_a_kind_of_annotation(severity: Severity, name: str) -> None:
    assert commands(Report(report="check", findings=(finding(severity=severity),)))[0][0] == name


def test_the_worst_comes_first() -> None:
    rows = (finding(), finding(severity=Severity.REFUSED, code="CASK-L004"), finding(severity=Severity.BREAKING, code="CASK-L005"))
    assert [row[1]["title"] for row in commands(Report(report="check", findings=rows))][:3] == ["CASK-L004", "CASK-L005", "CASK-L003"]


@pytest.mark.parametrize("hostile", ["a,b=c:d", "100%", "%0A::error::x", "a\nb", "::warning::x", "x\n::error::y", "##[error]z"])
def test_a_name_or_a_message_stays_in_its_place(hostile: str) -> None:
    lines = commands(Report(report="check", findings=(finding(message=hostile, place=f"{hostile.replace(':', '_')}/f:3"),)))
    assert [name for name, _, _ in lines] == ["warning", "notice"]
    assert set(lines[0][1]) == {"file", "line", "title"}
    assert lines[0][2].startswith(
        hostile.replace("::", "\\u{3a}:", hostile.startswith("::") or "\n::" in hostile).replace("##[", "##\\u{5b}")
    )


def test_what_is_suppressed_is_a_notice_that_says_why() -> None:
    row = finding(severity=Severity.INFO, suppressed="seen (until 2027-01-31)")
    assert commands(Report(report="check", findings=(row,)))[0][:2] == (
        "notice",
        {"file": "x/lock.yaml", "line": "4", "title": "CASK-L003 (suppressed: seen (until 2027-01-31))"},
    )


def test_steps_that_judged_nothing_are_named() -> None:
    steps = ({"step": "lock", "result": "pass"}, {"step": "drift", "result": "not-run"}, {"step": "lint", "result": "skipped"})
    assert [message for _, _, message in commands(Report(report="check", tables={"steps": steps}, summary={"pass": 1}))] == [
        "these steps judged nothing: drift not-run, lint skipped",
        "exit status 0; pass: 1",
    ]
