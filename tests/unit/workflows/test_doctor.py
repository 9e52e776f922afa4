"""The doctor names what is wrong once, with the command that mends it, and calls nothing well that it did not see."""

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from caskmcp.govern import keys, pins, sign
from caskmcp.model.finding import Report, Severity
from caskmcp.store import installed, room
from caskmcp.store.installed import Library
from caskmcp.store.layout import Root
from caskmcp.workflows import doctor, mint
from tests.support import packs
from tests.support.recordings import har
from tests.support.world import world

NOON_SECONDS = 1_795_262_400
"""`tests.support.world.NOON` in seconds."""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("built") / "project"
    folder.mkdir()
    (folder.parent / "shop.har").write_bytes(har("https://api.shop.example/orders", answer={"id": 1}))
    mint.run(world(folder), sources=("../shop.har",), hosts=("api.shop.example",), name="shop")
    for path in folder.rglob("exchanges.ndjson.gz"):
        os.utime(path, (NOON_SECONDS, NOON_SECONDS))  # as old as the clock of these tests says, whatever the machine's own
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


# ---------------------------------------------------------------- the disk, what was recorded, and who else is here
@pytest.mark.feature(114)
def test_a_disk_without_room_and_one_that_may_not_be_written_are_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "at", lambda path: (3 << 20, False))
    report = run(folder)
    root = folder / ".caskmcp"
    assert [each for each in told(report) if each[0] == "disk"] == [
        ("disk", "CASK-W001", "cask state gc"),
        ("disk", "CASK-W001", f"ls -ld {root}"),
    ]
    assert row(report, "disk") == {"check": "disk", "result": "look", "found": "3 MiB free"}


def test_room_is_looked_for_where_the_root_would_be_made(tmp_path: Path) -> None:
    free, writable = room.at(tmp_path / "not" / "yet")
    assert (free > 0, writable) == (True, True)


def test_an_old_recording_is_news_with_its_age(folder: Path) -> None:
    (capture,) = Root(folder / ".caskmcp").captures.iterdir()
    os.utime(capture / "exchanges.ndjson.gz", (NOON_SECONDS - 181 * 86_400,) * 2)
    report = run(folder)
    (finding,) = (each for each in report.findings if each.subject == "captures")
    assert (finding.code, finding.severity, finding.mend) == ("capture-old", Severity.INFO, "cask capture list")
    assert finding.message.endswith("is 181 days old")
    assert row(report, "captures")["result"] == "ok"


def test_a_lock_that_a_process_holds_is_told_with_the_process(folder: Path) -> None:
    lock = Root(folder / ".caskmcp").lock
    with world(folder).files.lock(lock, 0):
        report = run(folder)
        assert row(report, "locks")["found"] == f"root held by {os.getpid()}"
        assert ("locks", "CASK-B003", "cask state unlock") in told(report)
    assert row(run(folder), "locks")["found"] == "root free"


def entry(folder: Path, **other: object) -> dict[str, object]:
    pack = folder / ".caskmcp/toolpacks/shop/toolpack.yaml"
    return {"command": sys.executable, "args": ["serve", "--toolpack", str(pack), "--root", str(folder / ".caskmcp")]} | other


def clients(folder: Path, servers: object) -> list[tuple[str, str]]:
    """What is told of `.mcp.json` with these servers: message and mend."""
    (folder / ".mcp.json").write_text(json.dumps({"mcpServers": servers}), encoding="utf-8")
    return [(each.message, each.mend) for each in run(folder).findings if each.subject == "clients"]


@pytest.mark.feature(114)
def test_a_client_that_starts_what_is_not_there_is_told_with_the_command(folder: Path) -> None:
    install = "cask config --client claude-code --install"
    nowhere = ["serve", "--toolpack", "/nowhere/toolpack.yaml", "--root", str(folder)]
    assert clients(folder, {"shop": entry(folder)}) == []
    assert clients(folder, {"shop": entry(folder, command="/nowhere/cask")}) == [
        ("Claude Code starts `shop` with /nowhere/cask, which is not there", install)
    ]
    assert clients(folder, {"shop": entry(folder, args=nowhere)}) == [
        ("Claude Code starts `shop` with /nowhere/toolpack.yaml, which is not there", install)
    ]
    assert clients(folder, {"other": entry(folder, args=nowhere)}) == [
        ("Claude Code starts `other` with /nowhere/toolpack.yaml, which is not there", "edit .mcp.json")
    ]


def test_servers_that_are_not_ours_and_files_of_other_forms_are_left_alone(folder: Path) -> None:
    assert clients(folder, {"files": {"command": "/nowhere/files", "args": ["/tmp"]}, "odd": 3, "list": []}) == []
    assert clients(folder, [1, 2]) == []
    (folder / ".mcp.json").write_text("{ // a comment\n}", encoding="utf-8")
    (finding,) = (each for each in run(folder).findings if each.subject == "clients")
    assert (finding.severity, finding.place) == (Severity.INFO, ".mcp.json")


@pytest.mark.feature(114)
def test_a_plugin_of_another_version_than_the_manifests_is_told(folder: Path) -> None:
    with (folder / "cask.yaml").open("a", encoding="utf-8") as file:
        file.write("plugins: [cask-not-there==1.2]\n")
    assert ("extras", "CASK-W002", "python -m pip install cask-not-there==1.2") in told(run(folder))
