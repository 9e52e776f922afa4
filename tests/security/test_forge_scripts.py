"""The scripts of `tests/security/forge`, run: which of them get a tool served that nobody approved, and that the docs name exactly these.

With one user nothing succeeds that leaves alone the person's settings and the program. What does succeed is listed in the docs. Where the server, its pin and its program are another user's, nothing succeeds: that needs root, and is tried with `CASK_STRICT=1`.
Each script that is stopped is also judged by a door without the guard that stops it, and is then served.
"""

import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from caskmcp.govern import statements, trust
from caskmcp.govern.statements import Standing
from caskmcp.model.trust import Pin
from tests.support import forge
from tests.support.forge import SCRIPTS, SIGNING, WRITING, Stage, Tried, at_the_door
from tests.support.spoilt import PASSPHRASE
from tests.support.syntax import ROOT

Patch = pytest.MonkeyPatch

DOCS: Final = ROOT / "docs" / "explanation" / "trust-and-limits.md"
HEADING: Final = "## Forgery that succeeds"
STRICT: Final = os.environ.get("CASK_STRICT") == "1"
PTRACE: Final = Path("/proc/sys/kernel/yama/ptrace_scope")


def listed() -> set[str]:
    """The scripts that the docs name as succeeding."""
    section = DOCS.read_text(encoding="utf-8").split(HEADING, 1)[1].split("\n## ", 1)[0]
    return set(re.findall(r"^- `([a-z_]+\.(?:py|sh))`", section, re.M))


# ---------------------------------------------------------------- taking guards out
def no_forgery(patch: Patch) -> None:
    """Neither signature nor key are looked at."""
    patch.setattr(statements, "_forgery", lambda signed, chain: "")


def any_statement(patch: Patch) -> None:
    """A statement counts, whoever made it, whatever it is about, whatever the content is now."""
    patch.setattr(statements, "_problem", lambda signed, subject, toolpack, chain: "")
    patch.setattr(statements, "_weigh", lambda subject, *rest: Standing(subject, "approved"))


def any_root(patch: Patch) -> None:
    """The trust root that the toolpack brings is the accepted one."""
    patch.setattr(trust, "anchor", lambda chain, pin, condition: Pin(toolpack=chain.current.toolpack, root=chain.first))


def any_version(patch: Patch) -> None:
    """A version of the trust root needs no signature."""
    patch.setattr(trust, "_require", lambda *_: None)
    any_statement(patch)


def no_memory(patch: Patch) -> None:
    """Nothing is older than seen."""
    patch.setattr(statements, "older_than_seen", lambda subject, examined, pin: "")


GUARDS: Final[dict[str, Callable[[Patch], None]]] = {
    "edit_lock.py": no_forgery,
    "forged_grant.py": no_forgery,
    "copy_signature.py": no_forgery,
    "own_key.py": any_statement,
    "own_root.py": any_root,
    "symlinked_pack.py": any_root,
    "remove_pin.py": any_root,
    "trust_pin_variable.py": any_root,
    "own_next_version.py": any_version,
    "old_lock.sh": no_memory,
    "other_pack.py": any_statement,
    "rename_tool.py": any_statement,
    "edit_manifest.sh": any_statement,
}
WITHOUT: Final = {
    "type_guesses.py": "the guard is the passphrase: tried with the right one below",
    "yes_pipe.sh": "the guard is the terminal: that a person at one can sign is what the stage was laid out by",
    "project_files.sh": "nothing reads these files, so nothing keeps them out",
    "read_memory.py": "the guard is in the process of the person who signs: tried without it below",
    "path_shim.py": "a client names the program by its absolute path, so the shell's PATH is not asked",
}


# ---------------------------------------------------------------- the stage
@pytest.fixture(scope="module")
def laid(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A base, and the program beside it."""
    folder = forge.base(tmp_path_factory.mktemp("forge") / "base").folder
    forge.program(folder / "install")
    return folder


def judged(made: Stage, name: str, patch: Patch, **more: Any) -> tuple[Tried, str]:
    """What came of a script, and what a door says of the same files whose guard was taken out."""
    tried = forge.run(made, name, **more)
    if name not in GUARDS:
        return tried, ""
    with patch.context() as lax:
        GUARDS[name](lax)
        return tried, at_the_door(made)


def test_there_are_at_least_twelve_and_each_has_a_guard_or_a_reason() -> None:
    assert len(SCRIPTS) >= 16
    assert set(SCRIPTS) == {*GUARDS, *WITHOUT, *listed()}
    assert not listed() & {*GUARDS, *WITHOUT}


@pytest.mark.slow
@pytest.mark.feature(56)
@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_forges_only_if_the_docs_say_so(name: str, laid: Path, tmp_path: Path, monkeypatch: Patch) -> None:
    if name in SIGNING:
        pytest.skip("root may read everything: tried below as another user")
    tried, lax = judged(forge.stage(laid, tmp_path / "stage", own_program=name in WRITING), name, monkeypatch)
    if tried.said.startswith("SKIPPED"):
        pytest.skip(tried.said)
    assert tried.forged == (name in listed()), tried
    assert tried.touched or not tried.forged, "it left settings and program alone"
    assert name not in GUARDS or lax.startswith("FORGED"), lax


@pytest.mark.slow
def test_with_the_right_passphrase_the_guess_is_served(laid: Path, tmp_path: Path) -> None:
    tried = forge.run(forge.stage(laid, tmp_path / "stage", own_program=False), "type_guesses.py", guess=PASSPHRASE)
    assert tried.said == "FORGED: delete_product"


# ---------------------------------------------------------------- a person who signs at that moment
@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="the stage is laid out for another user: run as root")
@pytest.mark.parametrize("name", sorted(SIGNING))
def test_the_memory_of_a_person_who_signs_gives_no_key(name: str, shared: tuple[Path, Path]) -> None:
    tried = forge.run(forge.one_user(shared[1], shared[0] / name, 65534), name, at_the_door)
    assert not tried.forged
    assert tried.touched == frozenset()


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="the stage is laid out for another user: run as root")
def test_without_the_shield_the_key_is_read_from_memory(shared: tuple[Path, Path]) -> None:
    if PTRACE.exists() and PTRACE.read_text().strip() != "0":
        pytest.skip("this machine keeps a user's processes apart by itself")
    made = forge.one_user(shared[1], shared[0] / "open", 65534)
    tried = forge.run(made, "read_memory.py", at_the_door, shielded=False)
    assert tried.said == "FORGED: delete_product"
    assert tried.touched == frozenset(), "nothing else was needed"


# ---------------------------------------------------------------- another user's server
@pytest.fixture(scope="module")
def shared(laid: Path) -> Iterator[tuple[Path, Path]]:
    """A folder that every user may go through, and the base with a program that every user may run."""
    python = forge.open_python()
    if not python:
        pytest.skip("no Python here that other users may run")
    with forge.shared_folder() as folder:
        shutil.copytree(laid, folder / "base", ignore=shutil.ignore_patterns("install"))
        forge.program(folder / "base" / "install", python)
        yield folder, folder / "base"


@pytest.mark.skipif(not STRICT or os.geteuid() != 0, reason="two more users are needed: run as root with CASK_STRICT=1")
@pytest.mark.parametrize("name", SCRIPTS)
def test_in_strict_mode_no_script_forges(name: str, shared: tuple[Path, Path]) -> None:
    made = forge.strict(shared[1], shared[0] / name, 65534, 65533)
    tried = forge.run(made, name, forge.over_the_wire)
    assert tried.said.startswith(("DEFEATED", "SKIPPED")), tried
    assert "program" not in tried.touched


@pytest.mark.skipif(not STRICT or os.geteuid() != 0, reason="two more users are needed: run as root with CASK_STRICT=1")
def test_in_strict_mode_what_was_approved_is_served(shared: tuple[Path, Path]) -> None:
    made = forge.strict(shared[1], shared[0] / "nothing", 65534, 65533)
    assert forge.over_the_wire(made) == f"DEFEATED: served are {', '.join(sorted(forge.KNOWN))}"


@pytest.mark.skipif(not STRICT or os.geteuid() != 0, reason="a mount namespace is needed: run as root with CASK_STRICT=1")
@pytest.mark.parametrize("name", ["edit_pin.py", "old_lock.sh", "own_root.py", "remove_pin.py", "trust_init_replace.py"])
def test_under_a_pin_of_the_administrator_no_trust_root_is_put_in_place_even_by_the_user_of_the_server(
    name: str, shared: tuple[Path, Path]
) -> None:
    made = forge.administered(forge.one_user(shared[1], shared[0] / f"administered-{name}", 65534))
    assert forge.over_the_wire(made) == f"DEFEATED: served are {', '.join(sorted(forge.KNOWN))}"
    tried = forge.run(made, name, forge.over_the_wire)
    assert tried.said.startswith("DEFEATED"), tried
