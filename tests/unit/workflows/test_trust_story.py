"""`cask trust`: version 1 is made and pinned by a person; another root, or an older lock, takes a person and the typed name."""

from dataclasses import replace
from pathlib import Path

import pytest

from caskmcp.errors import CaskError
from caskmcp.govern import keys as private
from caskmcp.govern import pins, sign
from caskmcp.model.pack import PackFiles
from caskmcp.model.trust import Pin
from caskmcp.ports import World
from caskmcp.store.files import LocalFiles
from caskmcp.workflows import trust
from tests.support import packs
from tests.support.packs import PIN, ROOT, T1, U1
from tests.support.world import ScriptedConsole, world

PASS = ("Passphrase for alice:", "word")
NAME = ("Type `shop` to sign:", "shop")


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A configuration folder with the key `alice`; each test takes a copy of the key."""
    folder = tmp_path_factory.mktemp("keys")
    private.save(LocalFiles(), folder, packs.signer("alice"), "word")
    return folder


def person(
    tmp_path: Path, *answers: tuple[str, str], files: PackFiles | None = None, config: Path | None = None, interactive: bool = True
) -> World:
    """A person in a project with a toolpack, whose configuration folder holds alice's key if one is given."""
    cwd = tmp_path / "project"
    if files is not None:
        packs.write(files, cwd / ".caskmcp")
    here = world(cwd, console=ScriptedConsole(answers, interactive=interactive))
    if config is not None:
        for name in ("alice", "alice.pub"):
            here.files.write(here.config / "keys" / name, (config / "keys" / name).read_bytes(), private=True)
    return here


def refused(call: object) -> CaskError:
    assert callable(call)
    with pytest.raises(CaskError) as caught:
        call()
    return caught.value


def pinned(here: World) -> Pin | None:
    return pins.stored(here.files, here.config, "shop")


# ---------------------------------------------------------------- init
def test_init_makes_version_1_and_pins_it(tmp_path: Path, config: Path) -> None:
    here = person(tmp_path, PASS, files=packs.pack_files(), config=config)
    report = trust.init(here, key="alice", replace=False)
    assert report.exit == 0
    pin = pinned(here)
    assert pin is not None
    assert pin.root == report.summary["root"]
    shown = trust.show(here)
    assert (shown.summary["version"], shown.summary["trust"]) == (1, "pinned")
    assert [(row["role"], row["threshold"], row["keys"]) for row in shown.tables["roles"]] == [
        ("root", 1, ["alice"]),
        ("approver", 1, ["alice"]),
        ("confirmer", 1, ["alice"]),
    ]


def test_init_takes_the_only_key_where_none_is_named(tmp_path: Path, config: Path) -> None:
    here = person(tmp_path, PASS, files=packs.pack_files(), config=config)
    assert trust.init(here, key=None, replace=False).summary["key"] == "alice"


def test_init_without_a_key_names_the_mend(tmp_path: Path) -> None:
    here = person(tmp_path, files=packs.pack_files())
    assert refused(lambda: trust.init(here, key=None, replace=False)).code == "CASK-K004"
    assert refused(lambda: trust.init(here, key="alice", replace=False)).mend == "cask keys new alice"


def test_a_wrong_passphrase_leaves_nothing_behind(tmp_path: Path, config: Path) -> None:
    here = person(tmp_path, ("Passphrase for alice:", "ward"), files=packs.pack_files(), config=config)
    assert refused(lambda: trust.init(here, key="alice", replace=False)).code == "CASK-K002"
    assert pinned(here) is None
    assert refused(lambda: trust.show(here)).code == "CASK-T006"


def test_init_refuses_where_a_pin_stands_and_names_both_mends(tmp_path: Path, config: Path) -> None:
    here = person(tmp_path, files=packs.pack_files(), config=config)
    pins.write(here.files, here.config, PIN)
    error = refused(lambda: trust.init(here, key="alice", replace=False))
    assert error.code == "CASK-T005"
    assert "another `name:`" in error.what
    assert "trust init --replace" in error.what


def test_init_refuses_where_the_toolpack_brings_a_root(tmp_path: Path, config: Path) -> None:
    here = person(tmp_path, files=packs.approved_pack(), config=config)
    assert refused(lambda: trust.init(here, key="alice", replace=False)).mend == "cask trust pin"


def test_replace_takes_the_typed_name_and_gives_up_every_version(tmp_path: Path, config: Path) -> None:
    files = packs.with_roots(packs.approved_pack(), sign.sign_root(ROOT, T1), sign.sign_root(packs.root(T1, version=2), T1))
    here = person(tmp_path, PASS, NAME, files=files, config=config)
    pins.write(here.files, here.config, packs.pin_of(ROOT, root_version=2, sequences={"tool:r": {T1.id: 4}}))
    report = trust.init(here, key="alice", replace=True)
    assert trust.show(here).summary["trust"] == "pinned"
    assert trust.show(here).summary["version"] == 1
    pin = pinned(here)
    assert pin is not None
    assert (pin.root, pin.root_version, pin.sequences) == (report.summary["root"], 1, {"tool:r": {T1.id: 4}})


def test_replace_with_another_name_typed_changes_nothing(tmp_path: Path, config: Path) -> None:
    here = person(tmp_path, PASS, ("Type `shop` to sign:", "shops"), files=packs.approved_pack(), config=config)
    pins.write(here.files, here.config, PIN)
    assert refused(lambda: trust.init(here, key="alice", replace=True)).code == "CASK-A002"
    assert pinned(here) == PIN
    assert trust.show(here).summary["root"] == PIN.root


# ---------------------------------------------------------------- pin
def test_a_clone_asks_once(tmp_path: Path) -> None:
    here = person(tmp_path, files=packs.approved_pack())
    assert trust.show(here).summary["trust"] == "unpinned"
    report = trust.pin(here, replace=False, accept_older=False)
    assert report.summary["root"] == PIN.root
    assert trust.show(here).summary["trust"] == "pinned"
    pin = pinned(here)
    assert pin is not None
    assert pin.sequences["tool:r"] == {T1.id: 1}


def test_pinning_shows_the_digest_and_who_holds_it(tmp_path: Path) -> None:
    here = person(tmp_path, files=packs.approved_pack())
    trust.pin(here, replace=False, accept_older=False)
    assert isinstance(here.console, ScriptedConsole)
    assert PIN.root in here.console.text
    assert "approver: 1 of t1" in here.console.text


def test_pinning_shows_the_id_of_each_key_since_a_name_is_anybodys(tmp_path: Path) -> None:
    here = person(tmp_path, files=packs.approved_pack())
    trust.pin(here, replace=False, accept_older=False)
    assert isinstance(here.console, ScriptedConsole)
    assert f"{T1.key.name} is {T1.id}" in here.console.text


def test_pinning_again_only_raises_what_was_seen(tmp_path: Path) -> None:
    here = person(tmp_path, files=packs.approved_pack())
    pins.write(here.files, here.config, packs.pin_of(ROOT, sequences={"tool:r": {T1.id: 9}}))
    trust.pin(here, replace=False, accept_older=False)
    pin = pinned(here)
    assert pin is not None
    assert pin.sequences["tool:r"] == {T1.id: 9}
    assert pin.sequences["tool:w"] == {T1.id: 1}


def test_another_root_is_refused_until_a_person_replaces_the_pin(tmp_path: Path) -> None:
    stranger = packs.root(U1)
    files = packs.with_roots(packs.pack_files(), sign.sign_root(stranger, U1))
    here = person(tmp_path, NAME, files=files)
    pins.write(here.files, here.config, PIN)
    for flags in ({"replace": False, "accept_older": False}, {"replace": False, "accept_older": True}):
        assert refused(lambda flags=flags: trust.pin(here, **flags)).code == "CASK-T002"  # type: ignore[misc]
        assert pinned(here) == PIN
    trust.pin(here, replace=True, accept_older=False)
    pin = pinned(here)
    assert pin is not None
    assert pin.root == packs.pin_of(stranger).root


def test_an_older_lock_is_accepted_by_a_person_who_types_the_name(tmp_path: Path) -> None:
    here = person(tmp_path, NAME, files=packs.approved_pack())
    pins.write(here.files, here.config, packs.pin_of(ROOT, root_version=2, sequences={"tool:r": {T1.id: 9}}))
    assert refused(lambda: trust.pin(here, replace=False, accept_older=False)).code == "CASK-T004"
    trust.pin(here, replace=False, accept_older=True)
    pin = pinned(here)
    assert pin is not None
    assert (pin.root_version, pin.sequences["tool:r"]) == (1, {T1.id: 1})


def test_a_damaged_pin_is_replaced_by_a_person_alone(tmp_path: Path) -> None:
    here = person(tmp_path, NAME, files=packs.approved_pack())
    pins.write(here.files, here.config, PIN).write_text("{")
    assert refused(lambda: trust.pin(here, replace=False, accept_older=False)).code == "CASK-T007"
    trust.pin(here, replace=True, accept_older=False)
    pin = pinned(here)
    assert pin is not None
    assert pin.root == PIN.root


def test_a_forged_root_is_not_pinned(tmp_path: Path) -> None:
    files = packs.with_roots(packs.pack_files(), sign.sign_root(ROOT, U1))
    here = person(tmp_path, NAME, files=files)
    assert refused(lambda: trust.pin(here, replace=True, accept_older=False)).code == "CASK-T003"
    assert pinned(here) is None


def test_an_expired_root_is_not_pinned(tmp_path: Path) -> None:
    ended = packs.root(T1, expires="2026-11-21T11:00:00Z")
    here = person(tmp_path, files=packs.with_roots(packs.pack_files(), sign.sign_root(ended, T1)))
    assert refused(lambda: trust.pin(here, replace=False, accept_older=False)).code == "CASK-T003"


# ---------------------------------------------------------------- without a terminal
@pytest.mark.feature(56)
def test_without_a_terminal_nothing_is_made_or_accepted_whatever_flags_are_given(tmp_path: Path, config: Path) -> None:
    here = person(tmp_path, PASS, NAME, files=packs.approved_pack(), config=config, interactive=False)
    here = replace(here, environ={"CASK_TRUST_PIN": PIN.root, "CI": "1"})
    for call in (
        lambda: trust.init(here, key="alice", replace=True),
        lambda: trust.init(here, key="nobody", replace=False),
        lambda: trust.pin(here, replace=False, accept_older=False),
        lambda: trust.pin(here, replace=True, accept_older=True),
    ):
        assert refused(call).code == "CASK-A001"
    assert pinned(here) is None
    assert trust.show(here).summary["root"] == PIN.root
