"""The entry point: exit statuses, help, and the two forms of an error."""

import gc
import json
import sys

import pytest

from caskmcp.cli.main import main
from caskmcp.cli.table import ALIASES, COMMANDS


def test_plain_help_shows_the_flagship_alone_and_help_all_everything(capsys):
    assert main(["--help"]) == 0
    brief = capsys.readouterr().out
    assert main(["--help-all"]) == 0
    full = capsys.readouterr().out
    top = [row for row in COMMANDS if " " not in row.name]
    assert all((f"\n  {row.name} " in brief) is row.shown for row in top)
    assert all(f"\n  {row.name} " in full for row in top)


def test_who_calls_the_command_line_keeps_its_own_garbage_collector(capsys):
    before = gc.get_threshold()
    assert main(["--version"]) == 0
    assert gc.get_threshold() == before


def test_a_process_of_our_own_collects_seldom_and_not_at_its_end(capsys, monkeypatch):
    before, frozen = gc.get_threshold(), gc.get_freeze_count()
    monkeypatch.setattr(sys, "argv", ["cask", "--version"])
    try:
        assert main() == 0
        assert gc.get_threshold()[0] > 100_000
        assert gc.get_freeze_count() > frozen
    finally:
        gc.unfreeze()
        gc.set_threshold(*before)


@pytest.mark.parametrize("words", [["nosuch"], ["build", "--nosuch"], ["gate", "nosuch"], ["build", "--jobs", "0"], ["config"], ["mint"]])
def test_a_wrong_command_line_is_bad_input(words, capsys):
    assert main(words) == 3
    assert "CASK-I001" in capsys.readouterr().err


def test_an_error_in_json_form_is_an_object_on_stdout(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["build", "--format", "json"]) == 3
    shown = capsys.readouterr()
    assert json.loads(shown.out)["findings"][0]["code"] == "CASK-I006"
    assert "CASK-I006" in shown.err


@pytest.mark.parametrize("row", [row for row in COMMANDS if row.run], ids=lambda row: row.name)
def test_every_command_has_help_of_its_own(row, capsys):
    assert main([*row.name.split(), "--help"]) == 0
    shown = capsys.readouterr().out
    assert "--root" in shown
    assert "Usage: cask " + row.name in shown


@pytest.mark.parametrize(("old", "new"), ALIASES)
def test_an_earlier_name_is_the_same_command(old, new, capsys):
    assert main([*old.split(), "--help"]) == 0
    assert capsys.readouterr().out


def test_global_options_stand_before_or_after_the_command(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["--root", "x", "build"]) == main(["build", "--root", "x"]) == 3
    first, second = capsys.readouterr().err.splitlines()
    assert first == second


def test_no_command_prints_the_help(capsys):
    assert main([]) == 0
    assert "Usage: cask" in capsys.readouterr().out


def test_the_switch_that_served_without_a_lock_is_gone_and_says_why(capsys):
    assert main(["serve", "--unsafe-no-lockfile"]) == 3
    assert "CASK-I012" in capsys.readouterr().err
    assert main(["serve", "--help"]) == 0
    assert "--unsafe-no-lockfile" not in capsys.readouterr().out
