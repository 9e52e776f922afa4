"""The doctor names what is wrong once, with the command that mends it, and calls nothing well that it did not see."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from caskmcp.govern import keys, pins, sign
from caskmcp.model.finding import Report, Severity
from caskmcp.store import installed
from caskmcp.store.installed import Library
from caskmcp.store.layout import Root
from caskmcp.workflows import doctor, mint
from tests.support import packs
from tests.support.recordings import har
from tests.support.world import world


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("built") / "project"
    folder.mkdir()
    (folder.parent / "shop.har").write_bytes(har("https://api.shop.example/orders", answer={"id": 1}))
    mint.run(world(folder), sources=("../shop.har",), hosts=("api.shop.example",), name="shop")
    return folder


@pytest.fixture
def folder(tmp_path: Path, built: Path) -> Path:
    return Path(shutil.copytree(built, tmp_path / "project"))


def run(folder: Path, **more: Any) -> Report:
    return doctor.run(world(folder, **more))


def row(report: Report, check: str) -> dict[str, Any]:
    return next(each for each in report.tables["checks"] if each["check"] == check)


def told(report: Report) -> list[tuple[str, str, str]]:
    return [(each.subject, each.code, each.mend) for each in report.findings]


NO_ROOT = ("pin", "CASK-T006", "cask trust init --key NAME")


# ---------------------------------------------------------------- well
@pytest.mark.feature(114)
def test_a_built_project_is_well_and_lacks_a_trust_root_only(folder: Path) -> None:
    report = run(folder)
    assert told(report) == [NO_ROOT]
    assert report.exit == 0
    assert [(each["check"], each["result"]) for each in report.tables["checks"] if each["check"] not in ("libraries",)] == [
        ("python", "ok"),
        ("mcp", "ok"),
        ("extras", "ok"),
        ("disk", "ok"),
        ("manifest", "ok"),
        ("captures", "ok"),
        ("git", "ok"),
        ("root", "ok"),
        ("keys", "ok"),
        ("toolpack", "ok"),
        ("pin", "ok"),
        ("clock", "ok"),
        ("locks", "ok"),
        ("clients", "ok"),
    ]
    assert row(report, "manifest")["found"] == "shop, 1 sources"
    assert row(report, "toolpack")["found"] == "shop, 1 tools"


def test_what_is_not_there_is_not_run_and_no_pass(tmp_path: Path) -> None:
    report = run(tmp_path)
    assert [each["check"] for each in report.tables["checks"] if each["result"] == "not-run"][-5:] == [
        "extras",
        "captures",
        "git",
        "root",
        "pin",
    ]
    assert told(report) == [("manifest", "CASK-I006", "cask init -a HOST")]


# ---------------------------------------------------------------- the machine
def test_an_old_python_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installed, "python", lambda: (3, 10, 4))
    report = run(folder)
    assert report.findings[0].message == "Python 3.10.4 is too old: 3.11 or newer is needed"
    assert report.exit == 3


@pytest.mark.feature(114)
def test_a_library_out_of_range_and_a_missing_one_are_told_with_the_command(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = (Library("click", ">=8.3,<9", "", "8.1.0"), Library("doit", ">=0.37,<0.38", "", ""), Library("textual", ">=8", "tui", ""))
    monkeypatch.setattr(installed, "libraries", lambda: (*rows, Library("rich", ">=15,<16", "", "15.1")))
    report = run(folder)
    assert row(report, "libraries") == {"check": "libraries", "result": "look", "found": "1 of 3 in range"}
    assert [(each.message, each.mend) for each in report.findings[:2]] == [
        ("click 8.1.0 is not in the range >=8.3,<9", "python -m pip install 'click>=8.3,<9'"),
        ("doit is not installed", "python -m pip install 'doit>=0.37,<0.38'"),
    ]
    assert report.exit == 1


@pytest.mark.feature(114)
@pytest.mark.parametrize(("found", "message"), [("1.30.0", "mcp 1.30.0 is here, the server needs 2.x"), ("", "mcp is not installed")])
def test_another_major_version_of_mcp_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch, found: str, message: str) -> None:
    monkeypatch.setattr(installed, "libraries", lambda: ())  # as in a checkout that is not installed
    monkeypatch.setattr(installed, "version", lambda name: found if name == "mcp" else "1")
    report = run(folder)
    assert (report.findings[0].subject, report.findings[0].message) == ("mcp", message)
    assert report.findings[0].mend == "python -m pip install 'mcp>=2.3,<3'"


@pytest.mark.feature(114)
def test_a_missing_extra_that_the_manifest_needs_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (folder / "cask.yaml").open("a", encoding="utf-8") as file:
        file.write("auth: {api.shop.example: {scheme: bearer, from: keyring:shop}}\n")
    monkeypatch.setattr(installed, "version", lambda name: "2.3.0" if name == "mcp" else "")
    assert ("extras", "CASK-W002", "python -m pip install 'caskmcp[keyring]'") in told(run(folder))
    monkeypatch.setattr(installed, "version", lambda name: "2.3.0" if name == "mcp" else "25.7")
    assert row(run(folder), "extras")["found"] == "keyring 25.7"


# ---------------------------------------------------------------- the project
@pytest.mark.feature(114)
def test_a_wrong_working_directory_is_told_with_the_right_one(folder: Path) -> None:
    assert told(run(folder.parent)) == [("manifest", "CASK-I006", "cd project")]


def test_a_broken_manifest_is_told_once_with_its_line(folder: Path) -> None:
    (folder / "cask.yaml").write_text("version: 1\nhosts: [api.shop.example]\nhost: x\n", encoding="utf-8")
    report = run(folder)
    assert [(each.code, each.place) for each in report.findings if each.subject == "manifest"] == [("CASK-I004", "cask.yaml:3")]
    assert len([each for each in report.findings if each.code == "CASK-I004"]) == 1
    assert report.exit == 3


def test_a_source_without_a_file_is_told(folder: Path) -> None:
    shutil.rmtree(folder / ".caskmcp" / "captures")
    report = run(folder)
    assert [(each.code, each.place) for each in report.findings if each.subject == "manifest"] == [("CASK-C004", "cask.yaml:6")]


def test_git_lines_that_were_taken_out_are_told(folder: Path) -> None:
    (folder / ".gitignore").write_text(".caskmcp/captures/\n*.har\n", encoding="utf-8")
    report = run(folder)
    (finding,) = (each for each in report.findings if each.subject == "git")
    assert finding.message.startswith(".gitignore lacks: .caskmcp/state/, .caskmcp/cache/, .caskmcp/evidence/, *.har.gz")
    assert (finding.mend, report.exit) == ("cask init", 1)


@pytest.mark.feature(114)
def test_what_others_may_read_is_told_with_the_command(folder: Path) -> None:
    root = Root(folder / ".caskmcp")
    (capture,) = root.captures.iterdir()
    root.redaction_key.chmod(0o644)
    root.state.chmod(0o755)
    (capture / "exchanges.ndjson.gz").chmod(0o640)
    assert [each for each in told(run(folder)) if each[0] == "root"] == [
        ("root", "CASK-K001", f"chmod 700 {root.state}"),
        ("root", "CASK-K001", f"chmod 600 {capture / 'exchanges.ndjson.gz'}"),
        ("root", "CASK-K001", f"chmod 600 {root.redaction_key}"),
    ]


# ---------------------------------------------------------------- approving and serving
@pytest.mark.feature(114)
def test_a_key_that_others_may_read_is_told(folder: Path) -> None:
    here = world(folder)
    where = keys.save(here.files, here.config, sign.generate(here.entropy, "alice"), "correct horse")
    assert row(run(folder), "keys") == {"check": "keys", "result": "ok", "found": "alice"}
    where.private.chmod(0o644)
    assert ("keys", "CASK-K001", f"chmod 600 {where.private}") in told(run(folder))


def test_a_project_without_a_build_is_told_to_build(tmp_path: Path) -> None:
    (tmp_path / "cask.yaml").write_text("version: 1\nhosts: [a.example]\n", encoding="utf-8")
    assert ("toolpack", "CASK-I011", "cask build") in told(run(tmp_path))


def test_a_damaged_artifact_is_told_once(folder: Path) -> None:
    (folder / ".caskmcp/toolpacks/shop/artifact/policy.yaml").unlink()
    report = run(folder)
    assert [(each.subject, each.code) for each in report.findings] == [("toolpack", "CASK-L002")]
    assert (row(report, "toolpack")["result"], row(report, "pin")["result"]) == ("look", "not-run")


def rooted(folder: Path) -> str:
    """Give the toolpack a trust root; returns its digest."""
    place = Root(folder / ".caskmcp").pack("shop").trust_root(1)
    place.parent.mkdir()
    place.write_bytes(packs.root_bytes(sign.sign_root(packs.ROOT, packs.T1)))
    return packs.PIN.root


def test_a_trust_root_that_nobody_accepted_here_is_told(folder: Path) -> None:
    rooted(folder)
    report = run(folder)
    (finding,) = report.findings
    assert (finding.subject, finding.code, finding.severity) == ("pin", "CASK-T001", Severity.REVIEW)
    assert "cask trust pin" in finding.mend


def test_an_accepted_trust_root_is_well(folder: Path) -> None:
    digest = rooted(folder)
    here = world(folder)
    pins.write(here.files, here.config, packs.PIN)
    report = run(folder)
    assert (report.findings, row(report, "pin")["found"]) == ((), "version 1, pinned")
    assert told(run(folder, environ={"CASK_TRUST_PIN": digest})) == []


def test_a_damaged_trust_root_is_refused_and_told_once(folder: Path) -> None:
    rooted(folder)
    Root(folder / ".caskmcp").pack("shop").trust_root(1).write_text("{}", encoding="utf-8")
    report = run(folder)
    assert [(each.subject, each.code) for each in report.findings] == [("pin", "CASK-T003")]
    assert report.exit == 4


@pytest.mark.feature(114)
def test_a_clock_behind_what_was_signed_is_told(folder: Path) -> None:
    rooted(folder)
    here = world(folder)
    pins.write(here.files, here.config, packs.PIN)
    report = run(folder, at="2019-01-01T00:00:00Z")
    assert told(report) == [("clock", "clock", "date")]
    assert report.findings[0].message == f"the clock says 2019-01-01T00:00:00Z, but the trust root was signed at {packs.EARLIER}"


def test_every_check_has_a_name_of_its_own() -> None:
    names = [check.name for check in doctor.CHECKS]
    assert sorted(names) == sorted(set(names))
    assert names == [
        *("python", "libraries", "mcp", "extras", "disk", "manifest", "captures", "git", "root"),
        *("keys", "toolpack", "pin", "clock", "locks", "clients"),
    ]
