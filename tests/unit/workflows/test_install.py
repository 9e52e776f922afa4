"""`cask install`: the door is asked first, old or new is there at every moment, and nothing older, unknown or altered gets in."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from caskmcp.errors import CaskError
from caskmcp.govern import lockfile, pins, sign, trust
from caskmcp.model.finding import Report
from caskmcp.model.pack import PackFiles
from caskmcp.model.trust import Pin
from caskmcp.ports import World
from caskmcp.store import archive, swap
from caskmcp.store.files import LocalFiles
from caskmcp.workflows import bundle, check, install
from tests.support import bundles, packs
from tests.support.bundles import tree
from tests.support.packs import PIN, ROOT, T1, T2, U1
from tests.support.world import NOON, ScriptedConsole, world

NAME = ("Type `shop` to sign:", "shop")
FIRST = str(trust.root_digest(ROOT))
GOOD = packs.approved_pack()
NEWER = packs.approve(GOOD, "tool:r", sequence=5)
PLACE = ".caskmcp/toolpacks/shop"
Patch = pytest.MonkeyPatch


MADE: dict[tuple[bytes | None, tuple[bytes, ...]], bytes] = {}
"""The bundles of packs that were asked for."""


def given(tmp_path: Path, files: PackFiles, name: str = "shop.zip") -> Path:
    """The bundle of a pack, as its maker would write it."""
    path, key = tmp_path / name, (files.lock, files.roots)
    if key not in MADE:
        maker = tmp_path / f"made-{name}"
        MADE[key] = archive.pack(bundles.made(bundles.laid(files, maker)))
        shutil.rmtree(maker)
    path.write_bytes(MADE[key])
    return path


def desk(tmp_path: Path, *answers: tuple[str, str], pin: Pin | None = None, person: bool = False, at: str = NOON) -> World:
    """Somebody else, in an empty project."""
    (tmp_path / "there").mkdir(exist_ok=True)
    here = world(tmp_path / "there", console=ScriptedConsole(answers, interactive=person or bool(answers)), at=at)
    if pin is not None:
        pins.write(here.files, here.config, pin)
    return here


def pinned(here: World) -> Pin | None:
    return pins.stored(here.files, here.config, "shop")


def refused(tmp_path: Path, here: World, path: Path, **more: Any) -> CaskError:
    """The refusal, after which every file is what it was."""
    before = tree(tmp_path)
    with pytest.raises(CaskError) as caught:
        install.run(here, file=str(path), **more)
    assert tree(tmp_path) == before
    assert caught.value.exit in (3, 4)
    return caught.value


# ---------------------------------------------------------------- into an empty root
def test_a_bundle_is_installed_under_the_pin_and_is_what_was_bundled(tmp_path: Path) -> None:
    path, here = given(tmp_path, GOOD), desk(tmp_path)
    report = install.run(here, file=str(path), trust_pin=f"{FIRST}@1")
    assert (report.exit, report.summary["changed"], report.summary["served"], report.summary["withheld"]) == (0, True, 2, 1)
    assert report.summary["trust"] == "given"
    files = tree(here.cwd / PLACE)
    assert files == {name: data for name, data in archive.unpack(path.read_bytes()).items() if name != "bundle.json"}
    assert pinned(here) is None  # a condition is no acceptance
    assert not [name for name in tree(here.cwd / ".caskmcp") if name.startswith(("captures", "baselines", "evidence", "state/keys"))]


def test_what_is_installed_gives_the_same_bundle_again(tmp_path: Path) -> None:
    path, here = given(tmp_path, GOOD), desk(tmp_path)
    install.run(here, file=str(path), trust_pin=FIRST)
    bundle.run(here, out="again.zip")
    assert (here.cwd / "again.zip").read_bytes() == path.read_bytes()


def test_installing_the_same_again_changes_nothing(tmp_path: Path) -> None:
    path, here = given(tmp_path, GOOD), desk(tmp_path, pin=PIN)
    install.run(here, file=str(path))
    before = {name: (here.cwd / name).stat().st_mtime_ns for name in tree(here.cwd)}
    report = install.run(here, file=str(path))
    assert report.summary["changed"] is False
    assert {name: (here.cwd / name).stat().st_mtime_ns for name in tree(here.cwd)} == before


def test_the_steps_of_the_gate_that_need_no_project_pass_there(tmp_path: Path) -> None:
    path, here = given(tmp_path, GOOD), desk(tmp_path, pin=PIN)
    install.run(here, file=str(path))
    report = check.run(here, only=("signatures",))
    assert [row["result"] for row in report.tables["steps"] if row["step"] == "signatures"] == ["pass"]


def test_a_stored_pin_remembers_what_was_installed(tmp_path: Path) -> None:
    here = desk(tmp_path, pin=PIN)
    report = install.run(here, file=str(given(tmp_path, NEWER)))
    assert report.summary["trust"] == "pinned"
    found = pinned(here)
    assert found is not None
    assert found.sequences["tool:r"][T1.id] == 5


def test_who_signed_the_bundle_is_told(tmp_path: Path) -> None:
    pack = bundles.laid(GOOD, tmp_path / "made")
    handed = bundle.bundle.opened(bundles.made(pack))
    rows = (sign.sign_bundle(T1, handed.manifest.signed),)
    path = bundles.put(bundle.bundle.sealed(handed.manifest.signed, dict(handed.members), rows), tmp_path / "signed.zip")
    report = install.run(desk(tmp_path), file=str(path), trust_pin=FIRST)
    assert report.summary["signed_by"] == ["t1"]
    assert "bundle.json" not in tree(tmp_path / "there" / PLACE)


def test_a_bundle_is_installed_under_the_root_that_was_named(tmp_path: Path) -> None:
    here = replace(desk(tmp_path), root="elsewhere")
    install.run(here, file=str(given(tmp_path, GOOD)), trust_pin=FIRST)
    assert "toolpacks/shop/toolpack.yaml" in tree(here.cwd / "elsewhere")


# ---------------------------------------------------------------- the pin
def test_without_a_pin_and_a_terminal_it_is_refused_with_the_digest_and_the_way_to_accept_it(tmp_path: Path) -> None:
    cause = refused(tmp_path, desk(tmp_path), given(tmp_path, GOOD))
    assert (cause.code, cause.exit, cause.mend) == ("CASK-T001", 4, "… --trust-pin PIN")
    assert FIRST in cause.what
    assert "cask trust pin" in cause.what


def test_a_person_at_a_terminal_may_accept_the_trust_root_as_trust_pin_does(tmp_path: Path) -> None:
    here = desk(tmp_path, NAME)
    report = install.run(here, file=str(given(tmp_path, GOOD)))
    assert isinstance(here.console, ScriptedConsole)
    assert FIRST in here.console.text
    assert f"t1 is {T1.id} (ed25519)" in here.console.text
    assert report.summary["trust"] == "pinned"
    assert pinned(here) == PIN.model_copy(
        update={"sequences": {row: {str(T1.id): 1} for row in sorted(("tool:r", "tool:w", *packs.SHARED))}}
    )


def test_a_person_who_types_another_name_accepts_nothing(tmp_path: Path) -> None:
    here = desk(tmp_path, ("Type `shop` to sign:", "no"))
    assert refused(tmp_path, here, given(tmp_path, GOOD)).code == "CASK-A002"


@pytest.mark.parametrize("stored", [PIN.model_copy(update={"root": "sha256:" + "1" * 64}), packs.pin_of(packs.root(U1))])
def test_another_trust_root_than_the_pinned_one_is_refused(tmp_path: Path, stored: Pin) -> None:
    cause = refused(tmp_path, desk(tmp_path, pin=stored, person=True), given(tmp_path, GOOD))
    assert (cause.code, cause.mend) == ("CASK-T002", "ask who gave it to you for another copy")


def test_a_pin_that_is_given_only_adds_to_the_stored_one(tmp_path: Path) -> None:
    path, here = given(tmp_path, GOOD), desk(tmp_path, pin=PIN)
    assert refused(tmp_path, here, path, trust_pin="sha256:" + "1" * 64).code == "CASK-T002"
    assert refused(tmp_path, here, path, trust_pin=f"{FIRST}@2").code == "CASK-T004"
    assert refused(tmp_path, here, path, trust_pin="latest").code == "CASK-T007"
    assert install.run(here, file=str(path), trust_pin=f"{FIRST}@1").summary["changed"] is True


def test_a_forged_trust_root_is_refused_whatever_it_is_pinned_to(tmp_path: Path) -> None:
    forged = packs.with_roots(
        GOOD, sign.sign_root(ROOT, T1).model_copy(update={"signatures": sign.sign_root(packs.root(U1), U1).signatures})
    )
    assert refused(tmp_path, desk(tmp_path, pin=PIN), given(tmp_path, forged)).code == "CASK-T003"


def test_an_expired_trust_root_is_refused(tmp_path: Path) -> None:
    first = packs.root(T1, expires="2026-11-21T11:00:00Z")
    files = packs.approve(packs.with_roots(packs.pack_files(), sign.sign_root(first, T1)), "tool:r", *packs.SHARED)
    path = given(tmp_path, files)
    assert refused(tmp_path, desk(tmp_path, pin=packs.pin_of(first)), path).code == "CASK-T003"
    assert refused(tmp_path, desk(tmp_path, NAME, at=NOON), path, trust_pin=str(trust.root_digest(first))).code == "CASK-T003"


def test_a_statement_that_does_not_hold_refuses_the_whole_bundle(tmp_path: Path) -> None:
    value = packs.lock_value(GOOD)
    value["subjects"]["tool:r"][0]["signature"] = value["subjects"]["tool:w"][0]["signature"]
    cause = refused(tmp_path, desk(tmp_path, pin=PIN), given(tmp_path, packs.edited_lock(GOOD, value)))
    assert (cause.code, cause.place) == ("CASK-L004", "lockfile/caskmcp.lock.yaml")


# ---------------------------------------------------------------- older
def installed(tmp_path: Path, files: PackFiles, *, pin: Pin | None = None) -> World:
    here = desk(tmp_path, pin=pin)
    install.run(here, file=str(given(tmp_path, files, "first.zip")), trust_pin=FIRST)
    return here


def test_a_newer_bundle_takes_the_place_of_the_installed_one(tmp_path: Path) -> None:
    here = installed(tmp_path, GOOD)
    extra = here.cwd / PLACE / "artifact" / "old.txt"
    extra.write_text("of an earlier version")
    report = install.run(here, file=str(given(tmp_path, NEWER)), trust_pin=FIRST)
    assert report.summary["changed"] is True
    assert (here.cwd / PLACE / "lockfile/caskmcp.lock.yaml").read_bytes() == NEWER.lock
    assert not extra.exists()
    assert [path.name for path in (here.cwd / ".caskmcp/toolpacks").iterdir()] == ["shop"]


@pytest.mark.parametrize("pin", [None, PIN])
def test_an_older_bundle_than_the_installed_one_is_refused_pinned_or_not(tmp_path: Path, pin: Pin | None) -> None:
    here = installed(tmp_path, NEWER, pin=pin)
    cause = refused(tmp_path, here, given(tmp_path, GOOD), trust_pin=FIRST)
    assert (cause.code, cause.exit, cause.mend) == ("CASK-T004", 4, "… --accept-older")
    assert "tool:r" in cause.what


def test_without_that_guard_an_older_bundle_would_be_installed(tmp_path: Path, monkeypatch: Patch) -> None:
    here = installed(tmp_path, NEWER)
    monkeypatch.setattr(install, "_newer_here", lambda installed, judged: "")
    install.run(here, file=str(given(tmp_path, GOOD)), trust_pin=FIRST)
    assert (here.cwd / PLACE / "lockfile/caskmcp.lock.yaml").read_bytes() == GOOD.lock


def test_an_older_bundle_than_one_that_was_seen_is_refused_although_nothing_is_installed(tmp_path: Path) -> None:
    seen = PIN.model_copy(update={"sequences": {"tool:r": {str(T1.id): 5}}})
    cause = refused(tmp_path, desk(tmp_path, pin=seen), given(tmp_path, GOOD))
    assert (cause.code, cause.mend) == ("CASK-T004", "… --accept-older")
    shared = PIN.model_copy(update={"sequences": {"policy": {str(T1.id): 5}}})
    assert refused(tmp_path, desk(tmp_path, pin=shared), given(tmp_path, GOOD)).code == "CASK-T004"


def test_an_older_trust_root_is_refused(tmp_path: Path) -> None:
    second = sign.sign_root(packs.root(T1, version=2), T1)
    newer = replace(GOOD, roots=(*GOOD.roots, packs.root_bytes(second)))
    here = installed(tmp_path, newer)
    cause = refused(tmp_path, here, given(tmp_path, GOOD), trust_pin=FIRST)
    assert (cause.code, "version 2 of the trust root is installed, the bundle has 1" in cause.what) == ("CASK-T004", True)
    seen = desk(tmp_path, pin=PIN.model_copy(update={"root_version": 2}))
    assert refused(tmp_path, seen, given(tmp_path, GOOD)).code == "CASK-T004"


def test_what_was_taken_away_here_does_not_come_back_with_a_bundle(tmp_path: Path) -> None:
    here = installed(tmp_path, GOOD)
    lock = here.cwd / PLACE / "lockfile/caskmcp.lock.yaml"
    lock.write_bytes(packs.block(GOOD, "tool:r", sequence=2).lock or b"")
    cause = refused(tmp_path, here, given(tmp_path, GOOD), trust_pin=FIRST)
    assert cause.what == "tool:r: a statement with sequence 2 is installed, the bundle has 1"
    assert install.run(here, file=str(given(tmp_path, NEWER)), trust_pin=FIRST).summary["served"] == 2  # a newer approval ends a block


def test_a_person_may_take_an_older_bundle_and_types_the_name_for_it(tmp_path: Path) -> None:
    installed(tmp_path, NEWER, pin=PIN)
    here = desk(tmp_path, NAME)
    install.run(here, file=str(given(tmp_path, GOOD)), accept_older=True)
    found = pinned(here)
    assert found is not None
    assert found.sequences["tool:r"] == {str(T1.id): 1}
    assert (here.cwd / PLACE / "lockfile/caskmcp.lock.yaml").read_bytes() == GOOD.lock


def test_what_the_administrator_accepted_is_no_user_s_to_lower(tmp_path: Path) -> None:
    here = desk(tmp_path, NAME)
    floor = PIN.model_copy(update={"sequences": {"policy": {str(T1.id): 5}}})
    pins.write_strict(here.files, pins.strict_place(here.system, "shop"), floor)
    here = replace(here, uid=here.uid + 1)  # another user than the one who wrote it
    cause = refused(tmp_path, here, given(tmp_path, GOOD), accept_older=True)
    assert (cause.code, "policy" in cause.what) == ("CASK-T004", True)
    newer = packs.approve(GOOD, "policy", sequence=5)
    silent = replace(here, console=ScriptedConsole(interactive=False))
    assert install.run(silent, file=str(given(tmp_path, newer))).summary["trust"] == "pinned"


def test_nobody_but_a_person_takes_an_older_bundle(tmp_path: Path) -> None:
    here = installed(tmp_path, NEWER, pin=PIN)
    cause = refused(tmp_path, here, given(tmp_path, GOOD), accept_older=True)
    assert (cause.code, cause.exit) == ("CASK-A001", 4)
    other = packs.approved_pack()
    stranger = packs.with_roots(other, sign.sign_root(packs.root(U1), U1))
    assert refused(tmp_path, desk(tmp_path, pin=PIN, person=True), given(tmp_path, stranger), accept_older=True).code == "CASK-T002"


def test_a_toolpack_of_another_trust_root_is_not_replaced(tmp_path: Path) -> None:
    first = packs.root(T2)
    theirs = packs.approve(packs.with_roots(packs.pack_files(), sign.sign_root(first, T2)), "tool:r", by=T2)
    here = desk(tmp_path)
    install.run(here, file=str(given(tmp_path, theirs, "theirs.zip")), trust_pin=str(trust.root_digest(first)))
    cause = refused(tmp_path, here, given(tmp_path, GOOD), trust_pin=FIRST)
    assert (cause.code, cause.mend) == ("CASK-T002", "… --root DIR")


def test_a_damaged_toolpack_is_replaced_by_a_sound_one(tmp_path: Path) -> None:
    here = installed(tmp_path, GOOD)
    (here.cwd / PLACE / "artifact/tools.json").unlink()
    (here.cwd / PLACE / "lockfile/caskmcp.lock.yaml").write_bytes(b"{")
    assert install.run(here, file=str(given(tmp_path, GOOD)), trust_pin=FIRST).summary["changed"] is True
    assert (here.cwd / PLACE / "lockfile/caskmcp.lock.yaml").read_bytes() == GOOD.lock


def test_what_a_kill_left_goes_with_the_next_installation_although_nothing_else_changes(tmp_path: Path) -> None:
    here = installed(tmp_path, GOOD)
    left = swap.beside(here.cwd / PLACE, swap.NEW)
    left.mkdir()
    assert install.run(here, file=str(given(tmp_path, GOOD)), trust_pin=FIRST).summary["changed"] is False
    assert not left.exists()


# ---------------------------------------------------------------- broken and hostile files
@pytest.mark.parametrize("data", [b"", b"PK", b"not a zip at all"])
def test_a_broken_file_is_bad_input(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "broken.zip"
    path.write_bytes(data)
    cause = refused(tmp_path, desk(tmp_path, pin=PIN), path)
    assert (cause.code, cause.exit) == ("CASK-P001", 3)


def test_a_file_that_is_cut_off_anywhere_is_refused(tmp_path: Path) -> None:
    whole = given(tmp_path, GOOD).read_bytes()
    path, here = tmp_path / "cut.zip", desk(tmp_path, pin=PIN)
    for size in range(1, len(whole), len(whole) // 5):
        path.write_bytes(whole[:size])
        with pytest.raises(CaskError):
            install.run(here, file=str(path))
    assert not (here.cwd / ".caskmcp").exists()


def test_a_file_that_is_missing_or_too_large_is_bad_input(tmp_path: Path, monkeypatch: Patch) -> None:
    path, here = given(tmp_path, GOOD), desk(tmp_path, pin=PIN)
    assert refused(tmp_path, here, tmp_path / "nowhere.zip").code == "CASK-I002"
    monkeypatch.setattr(archive, "LIMIT", 1000)
    assert refused(tmp_path, here, path).code == "CASK-C005"


# ---------------------------------------------------------------- old or new
def killed_at(monkeypatch: Patch, name: str, count: int) -> None:
    """End the command right before the n-th call of a function of `swap`."""
    real, calls = getattr(swap, name), []

    def call(*arguments: Any) -> Any:
        calls.append(name)
        if len(calls) == count:
            raise KeyboardInterrupt
        return real(*arguments)

    monkeypatch.setattr(swap, name, call)


def as_the_system_can(monkeypatch: Patch) -> None:
    """Nothing is taken from it."""


def in_two_steps(monkeypatch: Patch) -> None:
    monkeypatch.setattr(swap, "exchange", lambda one, other: False)


@pytest.mark.parametrize(
    ("prepared", "moment"),
    [
        (as_the_system_can, ("exchange", 1)),
        (as_the_system_can, ("_sync", 1)),
        (in_two_steps, ("_rename", 1)),
        (in_two_steps, ("_rename", 2)),
    ],
)
def test_after_a_kill_old_or_new_is_there_at_the_latest_after_the_next_install(
    tmp_path: Path, prepared: Callable[[Patch], None], moment: tuple[str, int]
) -> None:
    here = installed(tmp_path, GOOD)
    old = tree(here.cwd / PLACE)
    with pytest.MonkeyPatch.context() as patch:
        prepared(patch)
        killed_at(patch, *moment)
        with pytest.raises(KeyboardInterrupt):
            install.run(here, file=str(given(tmp_path, NEWER)), trust_pin=FIRST)
    new = {name: data for name, data in archive.unpack((tmp_path / "shop.zip").read_bytes()).items() if name != "bundle.json"}
    assert tree(here.cwd / PLACE) in (old, new, {})
    swap.recover(here.files, here.cwd / PLACE)
    assert tree(here.cwd / PLACE) in (old, new)
    assert [path.name for path in (here.cwd / ".caskmcp/toolpacks").iterdir()] == ["shop"]
    assert isinstance(install.run(here, file=str(tmp_path / "shop.zip"), trust_pin=FIRST), Report)
    assert swap.is_settled(here.files, here.cwd / PLACE)
    assert tree(here.cwd / PLACE) == new


def test_a_disk_that_refuses_leaves_the_old_toolpack_and_nothing_beside_it(tmp_path: Path, monkeypatch: Patch) -> None:
    here = installed(tmp_path, GOOD)
    path, old, real = given(tmp_path, NEWER), tree(here.cwd / PLACE), LocalFiles.write

    def full(self: LocalFiles, path: Path, data: bytes, **how: bool) -> None:
        if path.name == "1.root.json":
            raise CaskError("CASK-W001", "no space left on device", place=str(path), mend="df -h")
        real(self, path, data, **how)

    monkeypatch.setattr(LocalFiles, "write", full)
    with pytest.raises(CaskError, match="CASK-W001 no space left"):
        install.run(here, file=str(path), trust_pin=FIRST)
    assert tree(here.cwd / PLACE) == old
    assert [path.name for path in (here.cwd / ".caskmcp/toolpacks").iterdir()] == ["shop"]


def test_a_kill_in_the_exchange_leaves_no_moment_without_a_toolpack(tmp_path: Path, monkeypatch: Patch) -> None:
    if not swap.exchange(*(bundles.laid(GOOD, tmp_path / name).path for name in ("a", "b"))):
        pytest.skip("this file system cannot exchange two names")
    here = installed(tmp_path, GOOD)
    seen: list[bool] = []
    real = swap.exchange
    monkeypatch.setattr(swap, "_rename", lambda old, new: pytest.fail("a rename leaves such a moment"))
    monkeypatch.setattr(
        swap, "exchange", lambda one, other: (seen.append((here.cwd / PLACE / "toolpack.yaml").exists()), real(one, other))[1]
    )
    install.run(here, file=str(given(tmp_path, NEWER)), trust_pin=FIRST)
    assert seen == [True]
    assert lockfile.read((here.cwd / PLACE / "lockfile/caskmcp.lock.yaml").read_bytes(), "shop").lock.subjects
