"""Strict mode: the administrator's pin binds every user of the machine, and no command of a user changes it."""

import json
import os
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from caskmcp.errors import CaskError
from caskmcp.govern import pins, sign
from caskmcp.model.pack import PackFiles
from caskmcp.model.trust import Pin
from caskmcp.ports import World
from caskmcp.store.files import LocalFiles
from caskmcp.workflows import check, gate, here, trust
from tests.support import packs
from tests.support.packs import PIN, U1
from tests.support.world import ScriptedConsole, world

NAME = ("Type `shop` to sign:", "shop")
FOREIGN = packs.root(U1)


def user(tmp_path: Path, *answers: tuple[str, str], files: PackFiles | None = None, uid: int = os.getuid() + 1) -> World:
    """Somebody who is not the administrator, in a project with an approved toolpack."""
    cwd = tmp_path / "project"
    packs.write(files or packs.approved_pack(), cwd / ".caskmcp")
    return replace(world(cwd, console=ScriptedConsole(answers)), uid=uid)


def administered(at: World, pin: Pin = PIN) -> Path:
    """The administrator's pin, as `install` lays it."""
    place = pins.strict_place(at.system, "shop")
    at.files.write(place, json.dumps(pin.model_dump(mode="json", by_alias=True)).encode())
    for path, mode in ((at.system, 0o755), (place.parent, 0o755), (place, 0o644)):
        path.chmod(mode)
    return place


def foreign() -> PackFiles:
    """A toolpack of the same id that U1 made and approved."""
    files = packs.with_roots(packs.pack_files(), sign.sign_root(FOREIGN, U1))
    return packs.approve(files, "tool:r", "tool:x", *packs.SHARED, by=U1)


def refused(call: object) -> CaskError:
    assert callable(call)
    with pytest.raises(CaskError) as caught:
        call()
    return caught.value


# ---------------------------------------------------------------- what it stops
def test_a_pin_that_the_user_rewrote_counts_for_nothing(tmp_path: Path) -> None:
    at = user(tmp_path, files=foreign())
    pins.write(at.files, at.config, packs.pin_of(FOREIGN))
    assert check.run(at, only=("signatures",)).exit == 0, "without strict mode whoever can write the user's configuration decides"
    administered(at)
    report = check.run(at, only=("signatures",))
    assert (report.exit, report.findings[0].code) == (4, "CASK-T002")


def test_the_administrators_root_needs_no_pin_of_the_user(tmp_path: Path) -> None:
    at = user(tmp_path)
    assert check.run(at, only=("signatures",)).findings[0].code == "CASK-T001"
    administered(at)
    assert check.run(at, only=("signatures",)).exit == 0
    assert trust.show(at).summary["trust"] == "pinned by this machine's administrator"
    assert gate.status(at).summary["trust"] == "pinned"


def test_no_command_of_a_user_changes_it(tmp_path: Path) -> None:
    at = user(tmp_path)
    place = administered(at)
    before = place.read_bytes()
    for call in (
        lambda: trust.pin(at, replace=False, accept_older=False),
        lambda: trust.pin(at, replace=True, accept_older=False),
        lambda: trust.init(at, key=None, replace=True),
        lambda: trust.init(at, key=None, replace=False),
    ):
        error = refused(call)
        assert (error.code, error.place) == ("CASK-T005", str(place))
    assert place.read_bytes() == before
    assert pins.stored(at.files, at.config, "shop") is None


def test_a_condition_only_adds_to_it(tmp_path: Path) -> None:
    at = user(tmp_path, files=foreign())
    administered(at)
    other = packs.pin_of(FOREIGN).root
    assert check.run(at, only=("signatures",), trust_pin=other).findings[0].code == "CASK-T002"
    assert check.run(replace(at, environ={"CASK_TRUST_PIN": other}), only=("signatures",)).findings[0].code == "CASK-T002"


def test_no_variable_moves_it(tmp_path: Path) -> None:
    at = user(tmp_path, files=foreign())
    administered(at)
    pins.write(at.files, at.config, packs.pin_of(FOREIGN))
    moved = replace(at, environ={"CASK_SYSTEM": "/nowhere", "XDG_CONFIG_DIRS": "/nowhere", "XDG_CONFIG_HOME": "/nowhere"})
    assert check.run(moved, only=("signatures",)).exit == 4


def test_one_that_the_user_could_write_refuses_everything_until_it_is_mended(tmp_path: Path) -> None:
    at = user(tmp_path)
    place = administered(at)
    place.chmod(0o666)
    error = refused(lambda: here.pin(at, "shop"))
    assert (error.code, error.mend) == ("CASK-T007", f"sudo chmod go-w {place}")


# ---------------------------------------------------------------- setting it up
def test_a_user_is_told_what_the_administrator_types(tmp_path: Path) -> None:
    at = user(tmp_path)
    report = trust.pin(at, replace=False, accept_older=False, system=True)
    assert not at.system.exists()
    first, making, writing = report.lines
    assert first == "Not written: this takes the machine's administrator, who types:"
    assert making == f"sudo install -d -o root -m 0755 {at.system} {at.system / 'trust.d'}"
    assert PIN.root in writing


@pytest.mark.skipif(os.getuid() != 0, reason="`install -o root` is root's")
def test_what_is_printed_does_it(tmp_path: Path) -> None:
    at = user(tmp_path)
    for line in trust.pin(at, replace=False, accept_older=False, system=True).lines[1:]:
        subprocess.run(["/bin/sh", "-c", line.replace("sudo ", "")], check=True)
    assert here.strict(at, "shop") == PIN
    assert check.run(at, only=("signatures",)).exit == 0


def test_the_administrator_writes_it_after_typing_the_name(tmp_path: Path) -> None:
    at = user(tmp_path, NAME, uid=0)
    report = trust.pin(at, replace=False, accept_older=False, system=True)
    assert report.summary["pin"] == str(pins.strict_place(at.system, "shop"))
    assert pins.strict(at.files, at.system, os.getuid() + 1, "shop") == PIN
    assert pins.stored(at.files, at.config, "shop") is None


def test_without_a_terminal_nobody_writes_it(tmp_path: Path) -> None:
    at = replace(user(tmp_path, uid=0), console=ScriptedConsole(interactive=False))
    assert refused(lambda: trust.pin(at, replace=False, accept_older=False, system=True)).code == "CASK-A001"


# ---------------------------------------------------------------- a real second user
def attempted(system: Path) -> str:
    """What a user who tries everything on the pin ends with: the pin that counts, or what could be changed."""
    place = pins.strict_place(system, "shop")
    files = LocalFiles()
    attempts = {
        "write": lambda: place.write_text("{}"),
        "unlink": place.unlink,
        "rename": lambda: place.rename(place.with_name("x")),
        "chmod": lambda: place.chmod(0o666),
        "rename the folder": lambda: place.parent.rename(system / "old"),
        "write as we do": lambda: files.write(place, b"{}"),
        "add": lambda: (place.parent / "other.json").write_text("{}"),
    }
    for name, attempt in attempts.items():
        try:
            attempt()  # type: ignore[no-untyped-call]
        except (OSError, CaskError):
            continue
        return f"could {name}"
    pin = pins.strict(files, system, os.getuid(), "shop")
    return f"{os.getuid()} {pin.root if pin else 'no pin'}"


def as_user(uid: int, call: Callable[[], str]) -> str:
    """What `call` gives in a process of another user: a copy of this one, since that user may not start this Python."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(uid)
            os.setuid(uid)
            os.write(writer, call().encode())
        except BaseException as cause:  # the copy must not go on with the tests
            os.write(writer, repr(cause).encode())
        os._exit(0)
    os.close(writer)
    os.waitpid(child, 0)
    with os.fdopen(reader) as answer:
        return answer.read()


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user; elsewhere the rule on owners is tested by numbers alone")
def test_a_process_of_another_user_cannot_change_it_and_goes_by_it(tmp_path: Path) -> None:
    # Not below pytest's own folder, which other users may not enter.
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        at = replace(user(tmp_path), system=Path(folder) / "caskmcp")
        place = administered(at)
        assert as_user(65534, lambda: attempted(at.system)) == f"65534 {PIN.root}"
        place.chmod(0o666)
        assert as_user(65534, lambda: attempted(at.system)) == "could write", "the test itself can tell a pin that is not kept"
