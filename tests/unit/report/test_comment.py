"""The comment on a pull request: its mark, its bounds, and what it says of what it leaves out."""

import pytest

from caskmcp.model.finding import Finding, Report, Severity
from caskmcp.report import comment
from caskmcp.report.comment import MARK, MOST, render

WAITS = Finding(
    code="CASK-L003", severity=Severity.REVIEW, subject="tool:a", message="a waits for a review", place="lock.yaml:3", step="lock"
)
BROAD = Finding(code="tool-broadens", severity=Severity.BREAKING, subject="tool:b", message="b allows more", step="broadening")
STEPS = ({"step": "lock", "result": "review", "note": ""}, {"step": "drift", "result": "not-run", "note": "there is no baseline"})


def report(*findings: Finding) -> Report:
    return Report(report="check", summary={"pass": 1}, findings=findings, tables={"steps": STEPS}, lines=("prose",))


def test_it_reads_as_it_was_reviewed() -> None:
    assert render(report(WAITS, BROAD)) == (
        "<!-- cask-check -->\n"
        "## cask check\n"
        "\n"
        "Breaking \\(exit status 2\\).\n"
        "\n"
        "### steps\n"
        "\n"
        "| step | result | note |\n"
        "| --- | --- | --- |\n"
        "| lock | review |  |\n"
        "| drift | not\\-run | there is no baseline |\n"
        "\n"
        "### findings\n"
        "\n"
        "| severity | code | subject | finding | place |\n"
        "| --- | --- | --- | --- | --- |\n"
        "| breaking | tool\\-broadens | tool\\:b | b allows more |  |\n"
        "| review | CASK\\-L003 | tool\\:a | a waits for a review | lock.yaml\\:3 |\n"
        "\n"
        "pass: **1**"
    )


@pytest.mark.parametrize(
    ("severity", "said"),
    [
        (Severity.INFO, "Clean \\(exit status 0\\)."),
        (Severity.REVIEW, "Needs review \\(exit status 1\\)."),
        (Severity.BREAKING, "Breaking \\(exit status 2\\)."),
        (Severity.INPUT, "Bad input \\(exit status 3\\)."),
        (Severity.REFUSED, "Refused \\(exit status 4\\)."),
    ],
)
def test_the_verdict_is_said_in_words(severity: Severity, said: str) -> None:
    assert said in render(report(WAITS.model_copy(update={"severity": severity}))).split("\n")


@pytest.mark.parametrize("hostile", ["x", "@" * 500, "\U000e0041" * 500, "é" * 500, "|" * 500, MARK * 30])
def test_it_ends_within_what_a_comment_may_hold_and_counts_what_was_cut(hostile: str) -> None:
    rows = (*(WAITS.model_copy(update={"subject": f"tool:{n}", "message": hostile, "place": hostile}) for n in range(2_000)), BROAD)
    shown = render(report(*rows))
    assert len(shown.encode()) < MOST
    count = shown.count("\n| review | ") + 1
    assert 3 < count < 2_001
    assert f"Shown are {count} of 2001 findings, the worst first" in shown
    assert shown.index("b allows more") < shown.index("\n| review | ")
    longer = comment._with(report(*rows), sorted(rows, key=lambda row: row is not BROAD), count + 1)
    assert len(longer.encode()) >= MOST


def test_hostile_notes_of_every_step_leave_room() -> None:
    rows = tuple({"step": f"s{n}", "result": "not-run", "note": "@" * 900} for n in range(12))
    shown = render(report(BROAD).model_copy(update={"tables": {"steps": rows}}))
    assert len(shown.encode()) < MOST
    assert "b allows more" in shown


def test_a_long_text_is_clipped_and_ends_with_a_mark() -> None:
    shown = render(report(WAITS.model_copy(update={"message": "y" * 301})))
    assert f"| {'y' * 300}… |" in shown
    assert f"| {'y' * 300} |" in render(report(WAITS.model_copy(update={"message": "y" * 300})))


def test_the_mark_stands_once_and_first_whatever_strangers_write() -> None:
    shown = render(report(WAITS.model_copy(update={"message": MARK, "subject": f"{MARK}\n{MARK}"})))
    assert shown.startswith(f"{MARK}\n")
    assert shown.count(MARK) == 1


def test_without_the_escaping_a_stranger_writes_the_mark(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comment.markdown, "escape", lambda text: text)
    assert render(report(WAITS.model_copy(update={"message": MARK}))).count(MARK) == 2


def test_the_same_report_gives_the_same_bytes() -> None:
    assert render(report(WAITS, BROAD)) == render(report(WAITS, BROAD))
