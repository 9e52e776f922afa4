"""An error is one line, and nothing in it is a command of a terminal or of a CI runner."""

import json

import pytest

from caskmcp.errors import CaskError
from caskmcp.report import error
from caskmcp.report.error import show

HOSTILE = CaskError("CASK-I002", "a\n::error::x ##[error]y \x1b[2J", place="##[error]z.yaml:1", mend="cask ##[error]q")


def test_a_hostile_error_is_one_line_without_a_command(capsys: pytest.CaptureFixture[str]) -> None:
    show(HOSTILE, "text")
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == (
        "error: CASK-I002 a ::error::x ##\\u{5b}error]y \\u{1b}[2J · ##\\u{5b}error]z.yaml:1 · run: cask ##\\u{5b}error]q\n"
    )


def test_its_json_reads_back_as_it_was_and_holds_no_command(capsys: pytest.CaptureFixture[str]) -> None:
    show(HOSTILE, "json")
    shown = capsys.readouterr().out
    assert "##[" not in shown
    assert json.loads(shown)["findings"][0]["place"] == "##[error]z.yaml:1"


def test_without_the_guard_a_runner_would_take_it_for_a_command(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(error, "disarmed", lambda text: text)
    show(HOSTILE, "text")
    assert "##[error]y" in capsys.readouterr().err
