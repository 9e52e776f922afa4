"""Commands that only tell: they work on pipes, in text and in JSON, before anything is approved."""

import json
from pathlib import Path

import pytest

from tests.support.terminal import CASK, ROOT, Terminal, environment, reviewer, without_terminal

RECORDING = ROOT / "caskmcp" / "workflows" / "demo" / "recording.har"


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    return environment(tmp_path / "home")


@pytest.fixture
def project(tmp_path: Path, env: dict[str, str]) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    done = without_terminal([*CASK, "mint", str(RECORDING), "-a", "api.shop.example"], cwd=folder, env=env)
    assert done.exit == 0, done.errors
    return folder


@pytest.mark.parametrize("command", [["gate", "list"], ["keys", "list"], ["capture", "list"], ["confirm", "list"], ["gate", "status"]])
def test_a_list_is_told_on_pipes_as_text_and_as_one_json_object(command: list[str], project: Path, env: dict[str, str]) -> None:
    text = without_terminal([*CASK, *command], cwd=project, env=env)
    machine = without_terminal([*CASK, *command, "--format", "json"], cwd=project, env=env)
    assert (text.exit, machine.exit) == (0, 0), text.errors + machine.errors
    assert "\x1b" not in text.transcript
    assert json.loads(machine.transcript)["schema"].startswith("caskmcp/")


def test_a_key_is_listed_by_name_and_id_and_never_by_its_private_part(project: Path, env: dict[str, str]) -> None:
    with Terminal.spawn([*CASK, "keys", "new", "alice"], project, env) as person:
        assert person.converse(reviewer("a long passphrase", "")).exit == 0
    listed = without_terminal([*CASK, "keys", "list", "--format", "json"], cwd=project, env=env)
    assert '"alice"' in listed.transcript
    assert "PRIVATE" not in listed.transcript


def test_every_command_that_adds_refuses_a_pipe_and_leaves_everything_as_it_was(project: Path, env: dict[str, str]) -> None:
    before = {path: path.read_bytes() for path in sorted(project.rglob("*")) if path.is_file()}
    adding = (
        ["gate", "allow", "--all", "--reason", "x"],
        ["gate", "snapshot"],
        ["keys", "new", "mallory"],
        ["trust", "init", "--key", "mallory"],
        ["trust", "pin"],
    )
    for command in adding:
        done = without_terminal([*CASK, *command], cwd=project, env={**env, "CI": "true", "TERM": "dumb"})
        assert (command, done.exit) == (command, 4), done.errors
    assert {path: path.read_bytes() for path in sorted(project.rglob("*")) if path.is_file()} == before
