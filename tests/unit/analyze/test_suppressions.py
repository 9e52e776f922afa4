"""What people accept for a while, applied to findings: nothing disappears, and not everything can be accepted."""

from typing import Any

import pytest

from caskmcp.analyze.suppressions import Stated, applied, may_be_accepted, of_suppressions
from caskmcp.model.finding import Finding, Severity
from caskmcp.model.suppression import SuppressedFinding

TODAY = "2026-11-21"
ID = "0123456789abcdef"


def finding(**changes: Any) -> Finding:
    fields: dict[str, Any] = {
        "code": "CASK-L005",
        "severity": Severity.BREAKING,
        "subject": "tool:a",
        "message": "a is broader",
        "place": "lock.yaml:4",
        "mend": "cask gate allow a",
        "fingerprint": ID,
    }
    return Finding(**{**fields, **changes})


def stated(until: str = "2027-01-31", fingerprint: str = ID) -> tuple[Stated, ...]:
    return (Stated(SuppressedFinding(finding=fingerprint, reason="rolled out by hand", until=until), "cask.yaml:9"),)


def told(*rows: Finding, said: tuple[Stated, ...] = (), today: str = TODAY, whole: bool = True) -> list[tuple[str, str]]:
    return [(row.code, row.message) for row in of_suppressions(rows, said, today, whole=whole)]


def test_an_accepted_finding_stays_as_information_with_the_reason() -> None:
    (row,) = applied([finding()], stated(), TODAY)
    assert (row.severity, row.suppressed, row.message, row.mend) == (
        Severity.INFO,
        "rolled out by hand (until 2027-01-31)",
        "a is broader",
        "",
    )


@pytest.mark.parametrize(("until", "holds"), [("2026-11-20", False), ("2026-11-21", True), ("2026-11-22", True)])
def test_a_suppression_holds_through_its_last_day(until: str, holds: bool) -> None:
    (row,) = applied([finding()], stated(until), TODAY)
    assert (row.severity is Severity.INFO) == holds


def test_what_has_expired_fails_as_before_and_says_so() -> None:
    (row,) = applied([finding()], stated("2026-11-20"), TODAY)
    assert (row.severity, row.message) == (Severity.BREAKING, "a is broader (its suppression ended on 2026-11-20)")
    assert told(finding(), said=stated("2026-11-20")) == [
        ("suppression-expired", "the suppression of CASK-L005 on tool:a ended on 2026-11-20")
    ]


def test_another_finding_is_not_accepted() -> None:
    rows = (finding(fingerprint="f" * 16), finding(fingerprint=""))
    assert applied(rows, stated(), TODAY) == rows


def test_one_that_matches_nothing_is_a_finding_at_its_line() -> None:
    (row,) = of_suppressions([], stated(), TODAY, whole=True)
    assert (row.code, row.severity, row.place, row.subject) == ("suppression-unused", Severity.REVIEW, "cask.yaml:9", ID)
    assert row.message == f"the suppression of {ID} matches no finding"


def test_nothing_is_called_unused_where_not_everything_was_asked() -> None:
    assert told(said=stated(), whole=False) == []
    assert told(finding(), said=stated("2026-11-20"), whole=False) != []


def test_a_used_one_is_no_finding() -> None:
    assert told(finding(), said=stated()) == []


NEVER = [
    *(
        {"code": code, "severity": Severity.REFUSED}
        for code in ("CASK-L001", "CASK-L002", "CASK-L004", "CASK-L006", "CASK-T001", "CASK-T002", "CASK-T004")
    ),
    {"code": "CASK-I004", "severity": Severity.INPUT},
    *({"code": code, "severity": Severity.REVIEW} for code in ("CASK-L003", "CASK-L008", "CASK-L009", "tool-added", "shared-added")),
]


@pytest.mark.parametrize("changes", NEVER, ids=lambda row: row["code"])
def test_what_is_refused_and_what_waits_for_an_approval_is_accepted_by_nobody(changes: dict[str, Any]) -> None:
    row = finding(**changes)
    assert not may_be_accepted(row)
    assert applied([row], stated(), TODAY) == (row,)
    assert told(row, said=stated()) == [("suppression-refused", f"{row.code} on tool:a cannot be suppressed")]


@pytest.mark.parametrize(
    ("code", "severity"),
    [("CASK-L005", Severity.BREAKING), ("CASK-L007", Severity.REVIEW), ("CASK-C011", Severity.REVIEW), ("tool-reworded", Severity.REVIEW)],
)
def test_opinions_can_be_accepted(code: str, severity: Severity) -> None:
    assert may_be_accepted(finding(code=code, severity=severity))


# ---------------------------------------------------------------- fingerprints
def test_a_fingerprint_does_not_depend_on_words_lines_or_folders() -> None:
    row = finding(fingerprint="")
    again = row.model_copy(update={"message": "other words", "place": "sub/lock.yaml:99", "severity": Severity.REVIEW})
    assert row.identified().fingerprint == again.identified().fingerprint
    assert len(row.identified().fingerprint) == 16


@pytest.mark.parametrize("change", [{"code": "CASK-L003"}, {"subject": "tool:b"}, {"place": "other.yaml"}])
def test_a_fingerprint_tells_findings_apart(change: dict[str, str]) -> None:
    row = finding(fingerprint="")
    assert row.identified().fingerprint != row.model_copy(update=change).identified().fingerprint


def test_what_is_held_is_part_of_a_fingerprint() -> None:
    row = finding(fingerprint="")
    assert row.identified("a").fingerprint != row.identified("b").fingerprint


def test_a_fingerprint_that_is_there_stays() -> None:
    assert finding().identified("a").fingerprint == ID


def test_a_name_that_is_no_text_has_a_fingerprint_too() -> None:
    row = finding(fingerprint="", subject="a\udcff.har", place="a\udcff.har").identified()
    assert len(row.fingerprint) == 16
    assert row.fingerprint != finding(fingerprint="", subject="a\udcfe.har", place="a\udcfe.har").identified().fingerprint
