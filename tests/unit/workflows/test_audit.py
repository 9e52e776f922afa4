"""`cask audit verify` and `cask audit query` as commands: what they print, how they exit, and what they say of records that are not whole."""

import json
import shutil
from pathlib import Path

import pytest

from caskmcp import canon
from caskmcp.cli.main import main
from caskmcp.errors import CaskError, Exit
from caskmcp.model.decision import Decision
from caskmcp.model.finding import Report
from caskmcp.runtime.record import entry
from caskmcp.workflows import audit
from caskmcp.workflows.audit import Asked
from tests.support.audited import decided, edit, files, journal, written
from tests.support.syntax import ROOT
from tests.support.world import world

DENIED = Decision(verdict="deny", step="policy", rule="never", code="CASK-R004")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the record of the project in `tmp_path` lies."""
    return tmp_path / ".caskmcp" / "state" / "audit"


def told(report: Report) -> list[tuple[str, str, str]]:
    return [(row.code, row.severity.value, row.place.removeprefix("state/audit/")) for row in report.findings]


# ---------------------------------------------------------------- verify
def test_a_whole_record_is_clean_and_says_how_much_it_holds(tmp_path: Path, folder: Path) -> None:
    one, two = written(folder, 3, seed="one"), written(folder, 2, seed="two")
    report = audit.verify(world(tmp_path))
    assert (report.exit, report.findings) == (Exit.CLEAN, ())
    assert report.summary == {"segments": 2, "decisions": 5, "flaws": 0}
    ends = {path.name: canon.digest_bytes(path.read_bytes().splitlines()[-1]) for path in (one, two)}
    assert {row["segment"]: (row["decisions"], row["state"], row["end"]) for row in report.tables["segments"]} == {
        one.name: (3, "sealed", ends[one.name]),
        two.name: (2, "sealed", ends[two.name]),
    }


def test_a_record_of_the_first_version_of_the_format_still_holds(tmp_path: Path, folder: Path) -> None:
    shutil.copytree(ROOT / "fixtures" / "audit", folder)
    report = audit.verify(world(tmp_path))
    assert (report.exit, report.findings, report.summary["decisions"]) == (Exit.CLEAN, (), 6)
    assert report.tables["segments"][0]["end"] == "sha256:d6e85f6d372e3925bbb683e9d9db1e6777b0735a181c41cbda3968493215ca90"


def test_a_deleted_line_is_named_and_the_exit_says_refused(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(folder, 9)
    monkeypatch.chdir(tmp_path)
    assert main(["audit", "verify"]) == 0
    edit(path, lambda lines: lines[:4] + lines[5:])
    capsys.readouterr()
    assert main(["audit", "verify"]) == 4
    shown = capsys.readouterr().out
    assert f"refused: CASK-S004 1 line is missing before this one · {path.name}:5 · state/audit/{path.name}:5" in shown
    assert "damaged" in shown


def test_each_segment_has_its_first_flaw_named(tmp_path: Path, folder: Path) -> None:
    one, two = written(folder, 5, seed="one"), written(folder, 5, seed="two")
    for path in (one, two):
        edit(path, lambda lines: [*lines[:2], *lines[3:]])
    assert sorted(told(audit.verify(world(tmp_path)))) == sorted(("CASK-S004", "refused", f"{path.name}:3") for path in (one, two))


def test_a_record_without_a_seal_is_no_damage_and_the_limit_is_said(tmp_path: Path, folder: Path) -> None:
    path = written(folder, 2, closed=False)
    report = audit.verify(world(tmp_path))
    assert (report.exit, told(report)) == (Exit.CLEAN, [("CASK-S005", "info", path.name)])
    assert "lines cut from its end show only if a later segment names them" in report.findings[0].message
    assert report.tables["segments"][0]["state"] == "open"


def test_an_incomplete_last_line_is_named_and_is_no_damage(tmp_path: Path, folder: Path) -> None:
    path = written(folder, 2, closed=False)
    path.write_bytes(path.read_bytes() + b'{"at":"20')
    report = audit.verify(world(tmp_path))
    assert (report.exit, told(report)[0]) == (Exit.CLEAN, ("CASK-S005", "info", f"{path.name}:4"))
    assert report.summary["decisions"] == 2


def test_a_record_of_before_the_chain_is_told_and_named_from_then_on(tmp_path: Path, folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "decisions.jsonl").write_bytes(b'{"verdict":"allow"}\n{"verdict":"deny"}\n')
    assert told(audit.verify(world(tmp_path))) == [("CASK-S005", "info", "decisions.jsonl")]
    written(folder, 1)
    (folder / "decisions.jsonl").write_bytes(b'{"verdict":"allow"}\n')
    assert ("CASK-S004", "refused", "decisions.jsonl:2") in told(audit.verify(world(tmp_path)))


def test_a_digest_that_was_noted_elsewhere_has_to_be_there_still(tmp_path: Path, folder: Path) -> None:
    path = written(folder, 3)
    noted = str(audit.verify(world(tmp_path)).tables["segments"][0]["end"])
    assert audit.verify(world(tmp_path), holds=noted).exit == Exit.CLEAN
    path.unlink()
    report = audit.verify(world(tmp_path), holds=noted)
    assert (report.exit, told(report)) == (Exit.REFUSED, [("CASK-S004", "refused", "state/audit")])
    with pytest.raises(CaskError, match="CASK-I010"):
        audit.verify(world(tmp_path), holds="sha256:short")


def test_without_a_record_there_is_nothing_to_say(tmp_path: Path) -> None:
    (tmp_path / ".caskmcp").mkdir()
    assert audit.verify(world(tmp_path)).lines == ("Nothing is on record.",)
    assert audit.query(world(tmp_path), Asked()).lines == ("No decision on record fits.",)


def test_a_record_behind_a_link_is_not_followed(tmp_path: Path, folder: Path) -> None:
    written(tmp_path / "elsewhere", 1)
    folder.parent.mkdir(parents=True)
    folder.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(CaskError, match="CASK-I005"):
        audit.verify(world(tmp_path))


# ---------------------------------------------------------------- query
@pytest.fixture
def busy(tmp_path: Path, folder: Path) -> Path:
    """Four decisions of two servers."""
    one, two = journal(folder, "one"), journal(folder, "two")
    one.append(decided(1, at="2026-11-20T08:00:00Z"), durable=False)
    two.append(decided(2, at="2026-11-21T11:30:00Z", tool="pay_order", decision=DENIED), durable=False)
    one.append(decided(3, at="2026-11-21T11:45:00Z", caller="http:alice", extra={"drift": ["/id"], "phase": "sending"}), durable=False)
    inner = entry(
        DENIED, at="2026-11-21T11:45:00Z", toolpack="shop", lock="l", tool="w", caller="c", arguments="", extra={"call": f"{3:016x}.1"}
    )
    one.append(inner, durable=False)
    return tmp_path


@pytest.mark.parametrize(
    ("asked", "ids"),
    [
        (Asked(), ["1", "2", "3", "3.1"]),
        (Asked(tool="get_order"), ["1", "3"]),
        (Asked(verdict="deny"), ["2", "3.1"]),
        (Asked(caller="http:alice"), ["3"]),
        (Asked(since="2026-11-21"), ["2", "3", "3.1"]),
        (Asked(since="2026-11-21T11:45:00Z"), ["3", "3.1"]),
        (Asked(since="20m"), ["3", "3.1"]),
        (Asked(since="1h"), ["2", "3", "3.1"]),
        (Asked(since="2d", verdict="allow"), ["1", "3"]),
        (Asked(id=f"{3:016x}"), ["3", "3.1"]),
        (Asked(id=f"{3:016x}.1"), ["3.1"]),
        (Asked(id="3"), []),
    ],
)
def test_decisions_are_found_by_each_part_and_come_in_order_of_time(busy: Path, asked: Asked, ids: list[str]) -> None:
    rows = audit.query(world(busy), asked).tables["decisions"]
    assert [row["id"].lstrip("0") for row in rows] == ids


def test_a_row_says_who_asked_what_was_decided_and_where_it_stands(busy: Path, folder: Path) -> None:
    (row,) = audit.query(world(busy), Asked(caller="http:alice")).tables["decisions"]
    assert (row["verdict"], row["step"], row["rule"], row["more"]) == (
        "allow",
        "policy",
        "reads",
        "'drift=['\"'\"'/id'\"'\"']' phase=sending",
    )
    assert row["line"].endswith("-0001.decisions.jsonl:3")
    assert row["line"].split(":")[0] in {path.name for path in files(folder)}


@pytest.mark.parametrize("since", ["yesterday", "2026-13", "0h", "12", "2026-11-21 10:00"])
def test_a_time_that_is_none_is_bad_input(busy: Path, since: str) -> None:
    with pytest.raises(CaskError, match="CASK-I010"):
        audit.query(world(busy), Asked(since=since))


def test_what_is_found_is_printed_as_json(busy: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(busy)
    assert main(["audit", "query", "--tool", "pay_order", "--format", "json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["schema"], [row["code"] for row in shown["decisions"]]) == ("caskmcp/audit-query/1", ["CASK-R004"])


def test_a_line_that_is_none_is_passed_over(busy: Path, folder: Path) -> None:
    for path in files(folder):
        edit(path, lambda lines: [lines[0], b"[]", b'{"verdict', *lines[1:]])
    assert audit.query(world(busy), Asked()).summary == {"decisions": 4}


def test_what_an_agent_chose_is_shown_as_text(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    record = journal(folder)
    record.append(decided(1, tool="x\x1b[2J\nallow"), durable=False)
    monkeypatch.chdir(tmp_path)
    assert main(["audit", "query"]) == 0
    shown = capsys.readouterr().out
    assert "\x1b" not in shown
    assert len(shown.splitlines()) == 3
