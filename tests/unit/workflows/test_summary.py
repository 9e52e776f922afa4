"""A report added as Markdown to a file that the caller names, by the commands that a CI system runs."""

import json
from pathlib import Path

import pytest

from caskmcp.cli.main import main
from caskmcp.errors import CaskError
from caskmcp.model.finding import Finding, Report, Severity
from caskmcp.workflows.summary import CUT, MOST, WRITTEN, added, known, written
from tests.support.world import world
from tests.unit.workflows import test_gate
from tests.unit.workflows.test_gate import Desk

built = test_gate.built
desk = test_gate.desk

ROW = Finding(code="CASK-L003", severity=Severity.REVIEW, subject="tool:a", message="a waits")
REPORT = Report(report="check", summary={"pass": 1}, findings=(ROW,))


def test_the_report_stands_in_the_file_as_markdown(tmp_path: Path) -> None:
    assert added(world(tmp_path), REPORT, "summary.md") is REPORT
    assert (tmp_path / "summary.md").read_text(encoding="utf-8").startswith("## cask check\n")


def test_what_stood_there_before_stays(tmp_path: Path) -> None:
    (tmp_path / "summary.md").write_text("# Before\n", encoding="utf-8")
    added(world(tmp_path), REPORT, "summary.md")
    added(world(tmp_path), REPORT, str(tmp_path / "summary.md"))
    text = (tmp_path / "summary.md").read_text(encoding="utf-8")
    assert (text.startswith("# Before\n\n## cask check\n"), text.count("## cask check")) == (True, 2)


def test_nothing_is_written_where_no_file_is_named(tmp_path: Path) -> None:
    here = world(tmp_path, environ={"GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md")})
    assert added(here, REPORT, None) is REPORT
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(CaskError) as caught:
        added(world(tmp_path), REPORT, ".")
    assert caught.value.code == "CASK-I010"


def test_what_is_too_long_to_be_shown_is_cut_after_a_line_and_says_so(tmp_path: Path) -> None:
    many = REPORT.model_copy(update={"findings": (ROW.model_copy(update={"message": "x" * 90_000}),) * 15})
    added(world(tmp_path), many, "summary.md")
    data = (tmp_path / "summary.md").read_bytes()
    assert len(data) <= MOST + len(CUT)
    assert data.endswith(CUT.encode())
    assert data.removesuffix(CUT.encode()).endswith(b"|")


def test_a_hidden_character_reaches_no_file(tmp_path: Path) -> None:
    added(world(tmp_path), REPORT.model_copy(update={"lines": ("a\u202eb\x1b[2J",)}), "summary.md")
    assert "\\u{202e}" in (tmp_path / "summary.md").read_text(encoding="utf-8").replace("\\\\", "\\").replace("\\{", "{").replace(
        "\\}", "}"
    )


# ---------------------------------------------------------------- further formats
BEGINS = {"comment": "<!-- cask-check -->\n", "github-md": "## cask check\n", "json": "{\n", "junit": "<?xml ", "sarif": "{\n"}


@pytest.mark.parametrize("how", WRITTEN)
def test_each_further_format_replaces_its_file(how: str, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("before", encoding="utf-8")
    for _ in range(2):
        assert written(world(tmp_path), REPORT, (f"{how}=out",)) is REPORT
        text = (tmp_path / "out").read_text(encoding="utf-8")
        assert text.startswith(BEGINS[how])
        assert "before" not in text


@pytest.mark.parametrize("wrong", ["sarif", "sarif=", "=out", "html=out", "text=out", ""])
def test_a_further_format_without_a_known_name_or_a_file_is_refused_before_any_step(wrong: str) -> None:
    with pytest.raises(CaskError) as caught:
        known(("sarif=out", wrong))
    assert (caught.value.code, caught.value.place) == ("CASK-I001", wrong)


def test_a_folder_takes_no_further_format(tmp_path: Path) -> None:
    with pytest.raises(CaskError) as caught:
        written(world(tmp_path), REPORT, ("sarif=.",))
    assert caught.value.code == "CASK-I010"


# ---------------------------------------------------------------- the commands
def test_check_writes_every_format_in_one_run(desk: Desk, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(desk.cwd)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(desk.folder / "project-config"))
    status = main(["check", "--only", "lock", *(word for how in WRITTEN for word in ("--write", f"{how}=out.{how}"))])
    assert (status, capsys.readouterr().out != "") == (1, True)
    assert {how: (desk.cwd / f"out.{how}").read_text(encoding="utf-8").startswith(BEGINS[how]) for how in WRITTEN} == dict.fromkeys(
        WRITTEN, True
    )


def test_check_annotates_and_adds_its_summary_in_one_run(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(desk.cwd)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(desk.folder / "project-config"))
    status = main(["check", "--skip", "reproducible", "--format", "github", "--summary", "summary.md"])
    lines = capsys.readouterr().out.splitlines()
    assert status == 1
    assert all(line.startswith(("::warning ", "::notice ")) for line in lines)
    assert "reproducible skipped" in lines[-2]
    assert (desk.cwd / "summary.md").read_text(encoding="utf-8").startswith("## cask check")


@pytest.mark.parametrize(("how", "begins"), [("html", "<!doctype html>"), ("sarif", "{"), ("github-md", "## cask diff")])
def test_diff_prints_each_of_its_formats(
    desk: Desk, how: str, begins: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(desk.cwd)
    assert main(["diff", "--format", how]) == 1
    assert capsys.readouterr().out.startswith(begins)


def test_an_error_before_any_step_is_an_error_in_each_format(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for how in ("text", "junit", "github", "sarif"):
        assert main(["check", "--format", how]) == 3
        assert "CASK-I0" in capsys.readouterr().err
    assert main(["check", "--format", "json"]) == 3
    assert json.loads(capsys.readouterr().out)["schema"] == "caskmcp/error/1"
