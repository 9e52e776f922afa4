"""`cask keys`: a person makes a key, anybody lists them."""

from pathlib import Path

import pytest

from caskmcp.errors import CaskError
from caskmcp.govern import keys as private
from caskmcp.workflows import keys
from tests.support import packs
from tests.support.world import ScriptedConsole, world

ASK = "Passphrase for alice:"


def refused(call: object) -> CaskError:
    assert callable(call)
    with pytest.raises(CaskError) as caught:
        call()
    return caught.value


def test_a_key_is_made_after_its_passphrase_was_typed_twice(tmp_path: Path) -> None:
    here = world(tmp_path, console=ScriptedConsole([(ASK, "word"), (ASK, "word")]))
    report = keys.new(here, name="alice")
    assert report.exit == 0
    assert private.load(here.files, here.config, "alice", "word").id == report.summary["id"]
    assert [row["name"] for row in keys.listing(here).tables["keys"]] == ["alice"]


def test_two_passphrases_that_differ_make_no_key(tmp_path: Path) -> None:
    here = world(tmp_path, console=ScriptedConsole([(ASK, "word"), (ASK, "ward")]))
    assert refused(lambda: keys.new(here, name="alice")).code == "CASK-K002"
    assert not (here.config / "keys").exists()


def test_an_empty_passphrase_makes_no_key(tmp_path: Path) -> None:
    here = world(tmp_path, console=ScriptedConsole([(ASK, ""), (ASK, "")]))
    assert refused(lambda: keys.new(here, name="alice")).code == "CASK-K002"
    assert not (here.config / "keys").exists()


@pytest.mark.feature(56)
def test_without_a_terminal_no_key_is_made_and_nothing_is_asked(tmp_path: Path) -> None:
    console = ScriptedConsole([(ASK, "word"), (ASK, "word")], interactive=False)
    assert refused(lambda: keys.new(world(tmp_path, console=console), name="alice")).code == "CASK-A001"
    assert console.asked == []


def test_the_terminal_is_looked_at_before_the_name(tmp_path: Path) -> None:
    assert refused(lambda: keys.new(world(tmp_path), name="../../etc")).code == "CASK-A001"
    assert refused(lambda: keys.new(world(tmp_path, console=ScriptedConsole()), name="../../etc")).code == "CASK-I009"


def test_a_name_that_is_taken_is_told_before_a_passphrase_is_asked(tmp_path: Path) -> None:
    first = world(tmp_path, console=ScriptedConsole([(ASK, "word"), (ASK, "word")]))
    keys.new(first, name="alice")
    assert refused(lambda: keys.new(world(tmp_path, console=ScriptedConsole()), name="alice")).code == "CASK-K003"


def test_the_public_key_lies_beside_the_state_of_a_project_and_the_private_one_does_not(tmp_path: Path) -> None:
    cwd = tmp_path / "project"
    packs.write(packs.pack_files(), cwd / ".caskmcp")
    here = world(cwd, console=ScriptedConsole([(ASK, "word"), (ASK, "word")]))
    keys.new(here, name="alice")
    assert (cwd / ".caskmcp" / "state" / "keys" / "alice.pub").read_bytes() == (here.config / "keys" / "alice.pub").read_bytes()
    assert [path for path in cwd.rglob("*") if path.is_file() and b"PRIVATE KEY" in path.read_bytes()] == []


def test_a_key_that_others_can_read_is_listed_with_the_mend(tmp_path: Path) -> None:
    here = world(tmp_path, console=ScriptedConsole([(ASK, "word"), (ASK, "word")]))
    keys.new(here, name="alice")
    path = here.config / "keys" / "alice"
    path.chmod(0o644)
    (finding,) = keys.listing(here).findings
    assert (finding.code, finding.mend) == ("CASK-K001", f"chmod 600 {path}")


def test_without_a_key_the_list_says_how_to_make_one(tmp_path: Path) -> None:
    report = keys.listing(world(tmp_path))
    assert (report.exit, report.tables["keys"]) == (0, ())
    assert report.lines == ("No key yet. Make one: cask keys new NAME",)
