"""`suppress:` of the manifest, through `check`, `diff` and `lint` on a real build."""

import json
from functools import cache
from pathlib import Path

import pytest

from caskmcp import text
from caskmcp.errors import CaskError
from caskmcp.model.finding import Finding, Report, Severity
from caskmcp.workflows import build, check, diff, lint
from tests.unit.workflows import test_check, test_gate
from tests.unit.workflows.test_check import codes, results, widened
from tests.unit.workflows.test_gate import Desk

built = test_gate.built
desk = test_gate.desk
approved = test_check.approved

LATER = "2027-01-31"
EARLIER = "2026-11-20"
CHEAP = ("reproducible",)


def accept(desk: Desk, *fingerprints: str, until: str = LATER) -> None:
    """Add suppressions to the manifest."""
    rows = "".join(f"  - {{finding: {row}, reason: rolled out by hand, until: {until}}}\n" for row in fingerprints)
    path = desk.cwd / "cask.yaml"
    path.write_text(test_gate.MANIFEST + "suppress:\n" + rows, encoding="utf-8")


@cache
def broader_once(built: Path) -> Path:
    """A build that allows more than what was approved."""
    folder = built.with_name(f"{built.name}-broader")
    folder.mkdir()
    desk = test_check.copied(test_check.approved_once(built), folder)
    spec = desk.cwd / "shop.yaml"
    spec.write_text(widened(spec.read_text(encoding="utf-8")), encoding="utf-8")
    build.run(desk.world())
    return folder


@pytest.fixture
def broader(built: Path, tmp_path: Path) -> Desk:
    """It, to change."""
    return test_check.copied(broader_once(built), tmp_path)


def broadening(report: Report) -> Finding:
    (row,) = [row for row in report.findings if row.code == "CASK-L005"]
    return row


def run(desk: Desk, **options: object) -> Report:
    return check.run(desk.world(), **{"skip": CHEAP, **options})  # type: ignore[arg-type]


# ---------------------------------------------------------------- what is accepted
def test_every_finding_of_check_diff_and_lint_has_a_fingerprint(broader: Desk) -> None:
    (broader.cwd / "more.har").write_bytes(b"x")
    test_check.tracked(broader, "more.har")
    broader.pack.artifact("openapi.json").write_bytes(b"{}")
    reports = (run(broader), diff.run(broader.world()), lint.run(broader.world()))
    found = [row for report in reports for row in report.findings]
    assert {"CASK-L005", "CASK-L003", "CASK-C011"} <= {row.code for row in found}
    assert [row.code for row in found if len(row.fingerprint) != 16] == []


def test_an_accepted_change_is_information_in_check_and_in_diff_and_is_counted(broader: Desk) -> None:
    fingerprint = broadening(run(broader)).fingerprint
    assert fingerprint in {row["id"] for row in diff.run(broader.world()).tables["changes"]}
    accept(broader, fingerprint)
    report = run(broader)
    assert (broadening(report).severity, broadening(report).suppressed) == (Severity.INFO, f"rolled out by hand (until {LATER})")
    assert report.summary["suppressed"] == 1
    assert results(report)["broadening"] == "pass"
    assert [row.severity for row in diff.run(broader.world()).findings if row.fingerprint == fingerprint] == [Severity.INFO]
    assert diff.run(broader.world()).summary["suppressed"] == 1


def test_accepting_what_is_broader_approves_nothing(broader: Desk) -> None:
    accept(broader, broadening(run(broader)).fingerprint)
    report = run(broader)
    assert results(report)["lock"] == "review"
    assert report.exit == 1


def test_another_change_of_the_same_tool_is_not_accepted(broader: Desk) -> None:
    accept(broader, broadening(run(broader)).fingerprint)
    spec = broader.cwd / "shop.yaml"
    spec.write_text(spec.read_text(encoding="utf-8").replace("refunded]", "refunded, lost]"), encoding="utf-8")
    build.run(broader.world())
    report = run(broader)
    assert (broadening(report).severity, report.exit) == (Severity.BREAKING, 2)


@pytest.mark.feature(70)
def test_an_expired_one_fails_as_before_and_an_unused_one_is_a_finding(broader: Desk) -> None:
    fingerprint = broadening(run(broader)).fingerprint
    accept(broader, fingerprint, until=EARLIER)
    report = run(broader)
    assert broadening(report).message.endswith(f"(its suppression ended on {EARLIER})")
    assert (broadening(report).severity, report.exit) == (Severity.BREAKING, 2)
    assert "suppression-expired" in codes(report)
    accept(broader, fingerprint, "f" * 16)
    whole = run(broader, skip=())
    (unused,) = [row for row in whole.findings if row.code == "suppression-unused"]
    assert (unused.severity, unused.place, unused.subject) == (Severity.REVIEW, "cask.yaml:10", "f" * 16)
    assert results(whole)["suppressions"] == "review"


def test_whether_one_is_used_is_not_said_where_a_step_was_left_out(approved: Desk) -> None:
    accept(approved, "f" * 16)
    report = run(approved)
    assert (codes(report), results(report)["suppressions"], report.exit) == (set(), "not-run", 0)


def test_a_suppression_of_what_only_diff_or_lint_tells_is_used(approved: Desk) -> None:
    spec = approved.cwd / "shop.yaml"
    spec.write_text(spec.read_text(encoding="utf-8").replace("enum: [open, paid]", "enum: [open]"), encoding="utf-8")
    build.run(approved.world())
    (narrower,) = [row for row in diff.run(approved.world()).findings if row.code == "tool-narrows"]
    advice = next(row for row in lint.run(approved.world()).findings if row.severity is Severity.INFO)
    accept(approved, narrower.fingerprint, advice.fingerprint)
    report = run(approved, skip=())
    assert (results(report)["suppressions"], "suppression-unused" in codes(report)) == ("pass", False)
    assert diff.run(approved.world()).exit == 0


# ---------------------------------------------------------------- what cannot be accepted
def test_a_missing_approval_cannot_be_accepted(desk: Desk) -> None:
    pending = {row.fingerprint for row in run(desk).findings if row.code == "CASK-L003"}
    new = {row.fingerprint for row in diff.run(desk.world()).findings}
    assert pending
    assert new
    accept(desk, *sorted(pending | new))
    report = run(desk)
    assert {row.severity for row in report.findings} == {Severity.REVIEW}
    assert {"CASK-L003", "suppression-refused"} == codes(report)
    assert report.exit == diff.run(desk.world()).exit == 1


def test_a_forged_signature_and_an_edited_artifact_cannot_be_accepted(approved: Desk) -> None:
    lock = text.parse_yaml(approved.pack.lock.read_bytes(), "lock").value
    row = lock["subjects"]["tool:get_order"][0]
    row["signature"] = ("A" if row["signature"][0] != "A" else "B") + row["signature"][1:]
    approved.pack.lock.write_bytes(text.dump_yaml(lock))
    approved.pack.artifact("openapi.json").write_bytes(b"{}")
    before = [row for row in run(approved, skip=()).findings if row.severity is Severity.REFUSED]
    assert {"CASK-L004", "CASK-L006"} <= {row.code for row in before}
    accept(approved, *sorted({row.fingerprint for row in before}))
    after = run(approved, skip=())
    assert [row for row in after.findings if row.severity is Severity.REFUSED] == before
    assert after.exit == 4


def test_an_unaccepted_trust_root_cannot_be_accepted_here(approved: Desk) -> None:
    for pin in (approved.folder / "project-config").rglob("pins/*.json"):
        pin.unlink()
    (row,) = run(approved, only=("signatures",), skip=()).findings
    accept(approved, row.fingerprint)
    report = run(approved, only=("signatures",), skip=())
    assert {row.code for row in report.findings} == {"CASK-T001", "suppression-refused"}
    assert report.exit == 4


def test_who_accepts_bytes_of_another_toolchain_has_accepted_no_others(approved: Desk) -> None:
    handoff = text.parse_yaml(approved.pack.toolpack.read_bytes(), "toolpack.yaml").value
    handoff["toolchain"]["digest"] = "sha256:" + "0" * 64
    approved.pack.toolpack.write_bytes(text.dump_yaml(handoff))
    path = approved.pack.artifact("openapi.json")
    path.write_bytes(path.read_bytes() + b"\n")
    (row,) = run(approved, only=("reproducible",), skip=()).findings
    accept(approved, row.fingerprint)
    assert run(approved, only=("reproducible",), skip=()).exit == 0
    path.write_bytes(path.read_bytes() + b" ")
    assert run(approved, only=("reproducible",), skip=()).exit == 1


# ---------------------------------------------------------------- the manifest
def test_suppressions_rebuild_nothing_and_change_no_artifact(approved: Desk) -> None:
    before = {path.name: path.read_bytes() for path in approved.pack.path.rglob("*") if path.is_file()}
    accept(approved, "f" * 16)
    report = build.run(approved.world())
    assert (report.summary["ran"], report.summary["restored"]) == (0, 0)
    assert {path.name: path.read_bytes() for path in approved.pack.path.rglob("*") if path.is_file()} == before
    assert check.run(approved.world(), only=("reproducible",)).exit == 0


WRONG = [
    ("{finding: 0123, reason: two words, until: 2027-01-31}", "finding"),
    ("{finding: 0123456789abcdef, reason: word, until: 2027-01-31}", "reason"),
    ("{finding: 0123456789abcdef, reason: two words, until: 2027-02-30}", "until"),
    ("{finding: 0123456789abcdef, reason: two words, until: 20270131}", "until"),
    ("{finding: 0123456789abcdef, reason: two words}", "until"),
    ("{finding: 0123456789abcdef, until: 2027-01-31}", "reason"),
    ("{finding: 0123456789abcdef, reason: two words, until: 2027-01-31, rule: x}", "rule"),
]


@pytest.mark.parametrize(("row", "named"), WRONG)
def test_a_suppression_of_a_wrong_form_is_refused_with_its_line(desk: Desk, row: str, named: str) -> None:
    (desk.cwd / "cask.yaml").write_text(test_gate.MANIFEST + f"suppress:\n  - {row}\n", encoding="utf-8")
    with pytest.raises(CaskError) as caught:
        diff.run(desk.world())
    assert (caught.value.code, caught.value.place) == ("CASK-I004", "cask.yaml:9")
    assert named in caught.value.what


def test_one_finding_is_not_accepted_twice(desk: Desk) -> None:
    accept(desk, "f" * 16, "f" * 16)
    with pytest.raises(CaskError, match="stands twice"):
        diff.run(desk.world())


def test_a_manifest_that_cannot_be_read_accepts_nothing(broader: Desk) -> None:
    accept(broader, broadening(run(broader)).fingerprint)
    path = broader.cwd / "cask.yaml"
    path.write_text(path.read_text(encoding="utf-8") + "speed: 9\n", encoding="utf-8")
    assert broadening(run(broader)).severity is Severity.BREAKING


def test_the_manifest_of_another_toolpack_accepts_nothing(broader: Desk, tmp_path: Path) -> None:
    fingerprint = broadening(run(broader)).fingerprint
    accept(broader, fingerprint)
    path = broader.cwd / "cask.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("name: shop", "name: other"), encoding="utf-8")
    assert [row.severity for row in diff.run(broader.world()).findings if row.fingerprint == fingerprint] == [Severity.BREAKING]


def test_json_says_what_is_suppressed(broader: Desk) -> None:
    accept(broader, broadening(run(broader)).fingerprint)
    rows = json.loads(json.dumps(run(broader).json_value()))["findings"]
    assert [row["suppressed"] for row in rows if "suppressed" in row] == [f"rolled out by hand (until {LATER})"]
