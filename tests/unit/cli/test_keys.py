"""`cask keys …` as it is typed: what works on a pipe, what needs a person whatever flags are given, and what stdout holds."""

import json
from pathlib import Path

import pytest

from caskmcp.cli import keys as commands
from caskmcp.cli.main import main
from caskmcp.govern import keys, sshsig
from caskmcp.store.files import LocalFiles
from tests.support.packs import signer

ALICE = signer("alice")


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The configuration folder of somebody with the key `alice`, without an agent, in an empty folder."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    monkeypatch.chdir(tmp_path)
    keys.save(LocalFiles(), tmp_path / "caskmcp", ALICE, "word")
    return tmp_path / "caskmcp"


@pytest.mark.feature(56)
@pytest.mark.parametrize(
    "line",
    ["keys new bob", "keys new bob --agent", "keys new bob --agent SHA256:x", "keys rotate alice --to bob", "keys rotate alice --to bob --key alice",
     "keys revoke alice", "keys revoke alice --key alice", "keys new bob --format json --plain"],
)  # fmt: skip
def test_without_a_terminal_it_is_refused_before_anything_is_looked_at(line: str, config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = sorted(path.name for path in (config / "keys").iterdir())
    assert main(line.split()) == 4
    assert "CASK-A001" in capsys.readouterr().err
    assert sorted(path.name for path in (config / "keys").iterdir()) == before


def test_keys_export_prints_the_line_alone_so_that_it_can_go_to_a_file(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["keys", "export", "alice"]) == 0
    assert capsys.readouterr().out == (config / "keys" / "alice.pub").read_text()
    assert main(["keys", "export", "alice", "--allowed-signers"]) == 0
    assert capsys.readouterr().out == sshsig.allowed_signer(ALICE.key) + "\n"


def test_keys_export_as_json_holds_the_record_that_a_trust_root_takes(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["keys", "export", "alice", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "schema": "caskmcp/key/1",
        "summary": {"key": "alice", "id": ALICE.id, "fingerprint": sshsig.fingerprint(ALICE.key), "hardware": False},
        "findings": [],
        "key": {"scheme": "ed25519", "public": ALICE.key.public, "name": "alice"},
    }


def test_keys_list_works_on_a_pipe_and_without_a_project(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["keys", "list", "--format", "json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)["keys"]
    assert row == {
        "name": "alice",
        "scheme": "ed25519",
        "hardware": "no",
        "held_by": "file",
        "roles": [],
        "id": ALICE.id,
        "fingerprint": "",
    }


def test_nothing_of_a_private_key_is_printed(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    secret = (config / "keys" / "alice").read_text().splitlines()[1]
    for line in ("keys list", "keys list --format json", "keys export alice", "keys export alice --format json"):
        assert main(line.split()) == 0
        shown = capsys.readouterr()
        assert "PRIVATE" not in shown.out + shown.err
        assert secret not in shown.out + shown.err


@pytest.mark.parametrize("line", ["keys export", "keys rotate alice", "keys revoke", "keys new", "keys export alice bob"])
def test_a_word_too_few_or_too_many_is_bad_input(line: str, config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(line.split()) == 3
    assert "CASK-I001" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "held"),
    [(["alice"], None), (["alice", "--agent"], ""), (["alice", "--agent", "laptop"], "laptop"), (["--agent=laptop", "alice"], "laptop")],
)
def test_an_agents_key_may_be_named_or_be_the_only_one(words: list[str], held: str | None) -> None:
    assert commands.new.make_context("new", words).params["held"] == held
