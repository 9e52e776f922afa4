"""`cask check`: each step of the gate passes on a sound project and fails on what it is there for."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from caskmcp import text
from caskmcp.errors import CaskError
from caskmcp.govern import admit
from caskmcp.load import load
from caskmcp.model.finding import Finding, Report, Severity
from caskmcp.report.formats import FORMATS
from caskmcp.store.files import LocalFiles
from caskmcp.workflows import build, check, diff
from caskmcp.workflows.bench import Bench
from caskmcp.workflows.check import STEPS, Step
from tests.unit.workflows import test_gate
from tests.unit.workflows.test_gate import NAME, PASS, Desk

built = test_gate.built
desk = test_gate.desk


@cache
def approved_once(built: Path) -> Path:
    """The project with everything approved: what `--all` approves, and then each of the rest. Made once a build."""
    folder = built.with_name(f"{built.name}-approved")
    for name in ("project", "project-config"):
        shutil.copytree(built / name, folder / name)
    desk = Desk(folder)
    waiting = [name for name, status in desk.status().items() if status == "pending"]
    critical = [row["id"] for row in test_gate.gate.status(desk.world()).tables["tools"] if row["risk"] == "critical"]
    answers = (PASS, NAME, *((f"Type `{name}` to sign:", name) for name in critical))
    desk.allow(*waiting, answers=answers, reason="reviewed")
    return folder


def copied(folder: Path, tmp_path: Path) -> Desk:
    """A desk of one's own."""
    for name in ("project", "project-config"):
        shutil.copytree(folder / name, tmp_path / name)
    return Desk(tmp_path)


@pytest.fixture
def approved(built: Path, tmp_path: Path) -> Desk:
    """Everything is approved."""
    return copied(approved_once(built), tmp_path)


def run(desk: Desk, **options: object) -> Report:
    return check.run(desk.world(), **options)  # type: ignore[arg-type]


def results(report: Report) -> dict[str, str]:
    return {row["step"]: row["result"] for row in report.tables["steps"]}


def codes(report: Report) -> set[str]:
    return {finding.code for finding in report.findings}


@pytest.mark.feature(67)
def test_a_built_and_approved_project_passes_every_step(approved: Desk) -> None:
    report = run(approved)
    assert results(report) == {
        "manifest": "pass",
        "reproducible": "pass",
        "schemas": "pass",
        "lock": "pass",
        "signatures": "pass",
        "broadening": "pass",
        "lint": "pass",
        "budgets": "not-run",
        "contracts": "not-run",
        "drift": "not-run",
        "private": "pass",
    }
    assert report.exit == 0


def test_tools_that_wait_for_a_person_are_a_review(desk: Desk) -> None:
    report = run(desk)
    assert results(report)["lock"] == "review"
    assert codes(report) == {"CASK-L003"}
    assert report.exit == 1


@pytest.mark.feature(72)
@pytest.mark.parametrize("name", ["tools.json", "openapi.json", "policy.yaml"])
def test_reproducible_names_an_artifact_that_these_inputs_do_not_give(approved: Desk, name: str) -> None:
    path = approved.pack.artifact(name)
    path.write_bytes(path.read_bytes() + b"\n")
    report = run(approved, only=("reproducible",))
    assert [(finding.code, finding.subject, finding.mend) for finding in report.findings] == [("CASK-L006", name, "cask build")]
    assert report.exit == 4


@pytest.mark.feature(72)
def test_reproducible_derives_in_a_clean_place_and_believes_no_cache(approved: Desk) -> None:
    """An artifact is replaced with the blob behind it, as who owns the cache could; what is derived again differs, and nothing is written."""
    path = approved.pack.artifact("openapi.json")
    data = path.read_bytes()
    blobs = [row for row in (approved.cwd / ".caskmcp" / "cache").rglob("*") if row.is_file() and row.read_bytes() == data]
    assert blobs
    for row in (path, *blobs):
        row.chmod(0o600)
        row.write_bytes(data.replace(b"Shop", b"Evil") if b"Shop" in data else data + b"\n")
    before = approved.tree()
    report = run(approved, only=("reproducible",))
    assert [(row.code, row.subject) for row in report.findings] == [("CASK-L006", "openapi.json")]
    assert approved.tree() == before


def test_reproducible_names_an_artifact_that_is_missing_and_one_too_many(approved: Desk) -> None:
    approved.pack.artifact("openapi.json").unlink()
    approved.pack.artifact("extra.json").write_bytes(b"{}")
    assert {finding.message for finding in run(approved, only=("reproducible",)).findings} == {
        "openapi.json is missing",
        "extra.json is not made by these inputs",
    }


def test_reproducible_tells_another_toolchain_from_tampering(approved: Desk) -> None:
    handoff = text.parse_yaml(approved.pack.toolpack.read_bytes(), "toolpack.yaml").value
    handoff["toolchain"]["digest"] = "sha256:" + "0" * 64
    approved.pack.toolpack.write_bytes(text.dump_yaml(handoff))
    path = approved.pack.artifact("openapi.json")
    path.write_bytes(path.read_bytes() + b"\n")
    report = run(approved, only=("reproducible",))
    assert (codes(report), report.exit) == ({"CASK-L007"}, 1)


def test_another_toolchain_that_gives_the_same_bytes_is_no_finding(approved: Desk) -> None:
    handoff = text.parse_yaml(approved.pack.toolpack.read_bytes(), "toolpack.yaml").value
    handoff["toolchain"]["digest"] = "sha256:" + "0" * 64
    approved.pack.toolpack.write_bytes(text.dump_yaml(handoff))
    assert run(approved, only=("reproducible",)).findings == ()


def test_a_changed_source_that_was_not_built_is_found(approved: Desk) -> None:
    spec = approved.cwd / "shop.yaml"
    spec.write_text(spec.read_text(encoding="utf-8").replace("open, paid", "open"), encoding="utf-8")
    report = run(approved, only=("reproducible",))
    assert "CASK-L006" in codes(report)


def test_schemas_name_an_artifact_that_does_not_have_its_published_form(approved: Desk) -> None:
    path = approved.pack.artifact("toolsets.yaml")
    path.write_bytes(path.read_bytes().replace(b"toolsets:", b"toolset:"))
    report = run(approved, only=("schemas",))
    assert [(finding.code, finding.subject) for finding in report.findings] == [("CASK-L010", "toolsets.yaml")]
    assert report.exit == 4


def test_signatures_refuse_a_flipped_signature_and_name_its_subject(approved: Desk) -> None:
    lock = text.parse_yaml(approved.pack.lock.read_bytes(), "lock").value
    row = lock["subjects"]["tool:get_order"][0]
    row["signature"] = ("A" if row["signature"][0] != "A" else "B") + row["signature"][1:]
    approved.pack.lock.write_bytes(text.dump_yaml(lock))
    report = run(approved, only=("signatures",))
    assert [(finding.code, finding.subject) for finding in report.findings] == [("CASK-L004", "tool:get_order")]
    assert report.exit == 4


def test_an_unpinned_machine_is_refused_with_the_mend(approved: Desk) -> None:
    for pin in (approved.folder / "project-config").rglob("pins/*.json"):
        pin.unlink()
    report = run(approved, only=("signatures",))
    assert [(finding.code, finding.mend) for finding in report.findings] == [("CASK-T001", "cask trust pin")]
    assert report.exit == 4


@pytest.mark.feature(63)
def test_broadening_finds_a_tool_that_takes_more_than_was_approved(approved: Desk) -> None:
    spec = approved.cwd / "shop.yaml"
    spec.write_text(widened(spec.read_text(encoding="utf-8")), encoding="utf-8")
    build.run(approved.world())
    report = run(approved, only=("broadening",))
    assert codes(report) == {"CASK-L005"}
    assert report.exit == 2


def widened(spec: str) -> str:
    """The spec with one more value in an enumeration."""
    before = "enum: [open, paid]"
    assert before in spec
    return spec.replace(before, "enum: [open, paid, refunded]")


def test_a_narrower_tool_is_no_broadening(approved: Desk) -> None:
    spec = approved.cwd / "shop.yaml"
    spec.write_text(spec.read_text(encoding="utf-8").replace("enum: [open, paid]", "enum: [open]"), encoding="utf-8")
    build.run(approved.world())
    assert run(approved, only=("broadening",)).findings == ()
    assert {row["change"] for row in diff.run(approved.world()).tables["changes"]} == {"tool-narrows"}


def test_a_manifest_that_cannot_be_read_is_bad_input_and_the_other_steps_still_speak(approved: Desk) -> None:
    (approved.cwd / "cask.yaml").write_text("version: 1\nhosts: [a.example]\nspeed: 9\n", encoding="utf-8")
    report = run(approved)
    assert results(report)["manifest"] == "fail"
    assert results(report)["signatures"] == "pass"
    assert "CASK-I004" in codes(report)


def test_a_step_that_is_left_out_is_shown_as_skipped_and_never_as_a_pass(approved: Desk) -> None:
    report = run(approved, skip=("reproducible",))
    assert results(report)["reproducible"] == "skipped"
    assert (report.summary["pass"], report.summary["skipped"]) == (7, 1)


def test_an_unknown_step_is_named_with_the_known_ones(approved: Desk) -> None:
    with pytest.raises(CaskError) as caught:
        run(approved, only=("reproduceable",))
    assert caught.value.code == "CASK-I010"
    assert all(step.name in caught.value.what for step in STEPS)


def test_check_changes_nothing(approved: Desk) -> None:
    before = {name: data for name, data in approved.tree().items() if "/cache/" not in name}
    run(approved)
    assert {name: data for name, data in approved.tree().items() if "/cache/" not in name} == before


def test_a_disk_that_refuses_ends_the_command_and_is_no_finding(approved: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> bytes:
        raise CaskError("CASK-W001", "the disk refuses", place=str(Path("tools.json")))

    monkeypatch.setattr(LocalFiles, "read", refuse)
    with pytest.raises(CaskError) as caught:
        run(approved)
    assert caught.value.code == "CASK-W001"


# ---------------------------------------------------------------- private
def tracked(desk: Desk, *names: str) -> None:
    for arguments in (("init", "-q"), ("add", "-f", *names)):
        subprocess.run(["git", *arguments], cwd=desk.cwd, check=True, capture_output=True)


def test_a_raw_recording_that_git_tracks_is_a_finding(desk: Desk) -> None:
    (desk.cwd / "more.har.gz").write_bytes(b"x")
    tracked(desk, "cask.yaml", "more.har.gz", ".caskmcp/state/redaction.key")
    report = run(desk, only=("private",))
    assert [(finding.code, finding.subject) for finding in report.findings] == [
        ("CASK-C011", ".caskmcp/state/redaction.key"),
        ("CASK-C011", "more.har.gz"),
    ]
    assert [finding.mend for finding in report.findings] == ["git rm --cached .caskmcp/state/redaction.key", "git rm --cached more.har.gz"]
    assert report.exit == 1


@pytest.mark.parametrize("how", ["text", "json", "sarif", "junit", "github", "github-md"])
def test_a_recording_whose_name_is_no_text_is_shown_in_each_format(desk: Desk, how: str) -> None:
    (desk.cwd / os.fsdecode(b"a\xff.har")).write_bytes(b"x")
    tracked(desk, ".")
    report = run(desk, only=("private",))
    assert [row.subject for row in report.findings if row.subject.endswith(".har")] == ["a\udcff.har"]
    assert load(FORMATS[how])(report).encode()


def test_what_git_does_not_track_is_none(desk: Desk) -> None:
    (desk.cwd / "more.har").write_bytes(b"x")
    tracked(desk, "cask.yaml", ".caskmcp/toolpacks")
    assert run(desk, only=("private",)).findings == ()


def test_an_index_that_cannot_be_read_never_passes(desk: Desk) -> None:
    tracked(desk, "cask.yaml")
    (desk.cwd / ".git" / "index").write_bytes(b"DIRC\0\0\0\x09")
    report = run(desk, only=("private",))
    assert (codes(report), report.exit) == ({"CASK-C010"}, 3)


# ---------------------------------------------------------------- the table
def test_the_steps_stand_in_the_order_of_the_gate() -> None:
    assert [step.name for step in STEPS] == [
        "manifest",
        "reproducible",
        "schemas",
        "lock",
        "signatures",
        "broadening",
        "drift",
        "lint",
        "budgets",
        "contracts",
        "private",
    ]


def test_what_has_nothing_to_look_at_is_not_run_with_the_reason_and_never_a_pass(approved: Desk) -> None:
    report = run(approved, skip=("reproducible",))
    notes = {row["step"]: row["note"] for row in report.tables["steps"] if row["result"] == "not-run"}
    assert notes == {
        "drift": "no baseline yet: cask gate snapshot",
        "budgets": "no `tools.budget` in cask.yaml",
        "contracts": "no verify.yaml",
    }
    assert report.summary["not-run"] == 3


def test_contracts_that_no_run_verified_are_a_review_and_no_pass(approved: Desk) -> None:
    (approved.cwd / "verify.yaml").write_text("version: 1\n", encoding="utf-8")
    report = run(approved, only=("contracts",))
    assert (results(report)["contracts"], codes(report), report.exit) == ("review", {"contracts-unverified"}, 1)


def budgeted(desk: Desk, tools: int) -> Desk:
    (desk.cwd / "cask.yaml").write_text(test_gate.MANIFEST + f"tools: {{budget: {{tools: {tools}, tokens: 20000}}}}\n", encoding="utf-8")
    return desk


def test_a_surface_within_its_budget_passes_and_one_beyond_it_is_told_by_that_step_alone(approved: Desk) -> None:
    assert results(run(budgeted(approved, 5), skip=("reproducible",)))["budgets"] == "pass"
    report = run(budgeted(approved, 2), skip=("reproducible",))
    assert (results(report)["budgets"], results(report)["lint"]) == ("review", "pass")
    assert [(row.code, row.step) for row in report.findings] == [("budget-exceeded", "budgets")]


def test_what_several_steps_run_into_is_told_once(approved: Desk) -> None:
    approved.pack.lock.write_bytes(b"{")
    report = run(approved, skip=("reproducible",))
    assert [row.code for row in report.findings].count("CASK-L001") == 1
    assert {results(report)[name] for name in ("lock", "signatures", "broadening")} == {"fail"}


def test_what_a_step_found_before_an_error_is_told_too(approved: Desk) -> None:
    def half(bench: Bench) -> Iterator[Finding]:
        yield Finding(code="x", severity=Severity.REVIEW, subject="s", message="m")
        raise CaskError("CASK-L002", "the rest cannot be read", place="tools.json")

    here = approved.world()
    ran = check._ran(Step("half", half), Bench(here, approved.pack, None, here.clock.now()))
    assert ([row.code for row in ran.findings], ran.ended) == (["x", "CASK-L002"], True)


EXITS = [
    ((), 0),
    (("review",), 1),
    (("review", "breaking"), 2),
    (("breaking", "input", "review"), 3),
    (("input", "refused", "breaking"), 4),
]


@pytest.mark.parametrize(("severities", "status"), EXITS)
def test_the_worst_finding_gives_the_exit_status(severities: tuple[str, ...], status: int) -> None:
    found = tuple(Finding(code="x", severity=Severity(row), subject="s", message="m") for row in severities)
    assert Report(report="check", findings=found).exit == status


@pytest.mark.feature(67)
def test_each_exit_status_of_the_gate_has_its_cause(approved: Desk) -> None:
    skip = ("reproducible",)
    assert run(approved, skip=skip).exit == 0
    spec = approved.cwd / "shop.yaml"
    words = spec.read_text(encoding="utf-8")
    spec.write_text(words.replace("Get one order", "Get an order"), encoding="utf-8")
    build.run(approved.world())
    assert run(approved, skip=skip).exit == 1
    spec.write_text(widened(words), encoding="utf-8")
    build.run(approved.world())
    assert run(approved, skip=skip).exit == 2
    manifest = approved.cwd / "cask.yaml"
    manifest.write_text(manifest.read_text(encoding="utf-8") + "speed: 9\n", encoding="utf-8")
    assert run(approved, skip=skip).exit == 3
    approved.pack.lock.write_bytes(b"{")
    assert run(approved, skip=skip).exit == 4


def test_the_toolpack_is_judged_once_for_all_steps(approved: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[str] = []
    real = admit.look
    monkeypatch.setattr(admit, "look", lambda files, **more: looks.append(files.id) or real(files, **more))
    run(approved, skip=("reproducible",))
    assert looks == ["shop"]
