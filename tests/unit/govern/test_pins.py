"""Pins: where they lie, what is refused, and that they only rise."""

import os
from pathlib import Path

import pytest

from caskmcp import canon
from caskmcp.errors import CaskError
from caskmcp.govern import pins
from caskmcp.model.trust import Pin, TrustPin
from caskmcp.store.files import LocalFiles
from tests.support import packs
from tests.support.packs import PIN, ROOT, T1, T2, U1

FILES = LocalFiles()
DIGEST = "sha256:" + "ab" * 32


def refused(call: object, *args: object) -> str:
    assert callable(call)
    with pytest.raises(CaskError) as caught:
        call(*args)
    return caught.value.code


# ---------------------------------------------------------------- on disk
def test_a_pin_lies_in_the_users_folder_under_the_toolpacks_id_and_is_private(tmp_path: Path) -> None:
    path = pins.write(FILES, tmp_path, PIN)
    assert path == tmp_path / "pins" / "shop.json"
    assert path.stat().st_mode & 0o777 == 0o600
    assert pins.stored(FILES, tmp_path, "shop") == PIN


def test_without_a_pin_there_is_none(tmp_path: Path) -> None:
    assert pins.stored(FILES, tmp_path, "shop") is None


@pytest.mark.parametrize("data", ["", "{}", "[]", f'{{"schema": "caskmcp/pin/2", "toolpack": "shop", "root": "{DIGEST}"}}', "\x00"])
def test_a_damaged_pin_is_refused_and_not_taken_for_none(tmp_path: Path, data: str) -> None:
    pins.write(FILES, tmp_path, PIN).write_text(data)
    assert refused(pins.stored, FILES, tmp_path, "shop") == "CASK-T007"


def test_a_pin_of_another_toolpack_is_refused(tmp_path: Path) -> None:
    path = pins.write(FILES, tmp_path, PIN)
    path.rename(path.with_name("other.json"))
    assert refused(pins.stored, FILES, tmp_path, "other") == "CASK-T007"


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_a_pin_that_others_can_write_is_refused(tmp_path: Path, mode: int) -> None:
    pins.write(FILES, tmp_path, PIN).chmod(mode)
    assert refused(pins.stored, FILES, tmp_path, "shop") == "CASK-T007"


@pytest.mark.parametrize("toolpack", ["../shop", "", "Shop", "a/b", "a" * 41, "a\n"])
def test_a_toolpack_id_cannot_lead_out_of_the_folder(tmp_path: Path, toolpack: str) -> None:
    assert refused(pins.place, tmp_path, toolpack) == "CASK-I009"


# ---------------------------------------------------------------- sequences only rise
def test_what_was_seen_raises_the_pin(tmp_path: Path) -> None:
    pins.write(FILES, tmp_path, packs.pin_of(ROOT, sequences={"tool:r": {T1.id: 5, T2.id: 1}}))
    pins.remember(FILES, tmp_path, packs.pin_of(ROOT, root_version=2, sequences={"tool:r": {T1.id: 3, T2.id: 4}, "policy": {T1.id: 1}}))
    found = pins.stored(FILES, tmp_path, "shop")
    assert found is not None
    assert found.sequences == {"policy": {T1.id: 1}, "tool:r": {T1.id: 5, T2.id: 4}}
    assert found.root_version == 2


def test_a_pin_never_falls(tmp_path: Path) -> None:
    high = packs.pin_of(ROOT, root_version=3, sequences={"tool:r": {T1.id: 5}})
    path = pins.write(FILES, tmp_path, high)
    before = path.stat()
    pins.remember(FILES, tmp_path, packs.pin_of(ROOT, sequences={"tool:r": {T1.id: 1}}))
    assert pins.stored(FILES, tmp_path, "shop") == high
    assert path.stat().st_ino == before.st_ino, "what says nothing new is not written"


def test_nothing_is_remembered_for_a_root_that_was_not_accepted(tmp_path: Path) -> None:
    pins.remember(FILES, tmp_path, packs.pin_of(ROOT, sequences={"tool:r": {T1.id: 1}}))
    assert pins.stored(FILES, tmp_path, "shop") is None
    pins.write(FILES, tmp_path, PIN)
    pins.remember(FILES, tmp_path, packs.pin_of(packs.root(U1), sequences={"tool:r": {U1.id: 9}}))
    assert pins.stored(FILES, tmp_path, "shop") == PIN


# ---------------------------------------------------------------- conditions
@pytest.mark.parametrize(
    ("option", "variable", "expected"),
    [
        (None, None, None),
        (DIGEST, None, TrustPin(DIGEST, 0)),  # type: ignore[arg-type]
        (None, DIGEST + "@7", TrustPin(DIGEST, 7)),  # type: ignore[arg-type]
        (DIGEST + "@9", DIGEST + "@7", TrustPin(DIGEST, 9)),  # type: ignore[arg-type]
        (DIGEST, DIGEST + "@7", TrustPin(DIGEST, 7)),  # type: ignore[arg-type]
    ],
)
def test_option_and_variable_both_count(option: str | None, variable: str | None, expected: TrustPin | None) -> None:
    assert pins.condition(option, {"CASK_TRUST_PIN": variable} if variable else {}) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sha256:",
        "AB" * 32,
        DIGEST.upper(),
        DIGEST + "@",
        DIGEST + "@-1",
        DIGEST + "@1@2",
        DIGEST + " ",
        DIGEST + "\n",
        DIGEST + "@" + "9" * 16,
        "sha512:" + "ab" * 32,
    ],
)
def test_a_condition_of_another_form_is_refused_and_not_ignored(text: str) -> None:
    assert refused(pins.condition, text, {}) == "CASK-T007"
    assert refused(pins.condition, None, {"CASK_TRUST_PIN": text}) == "CASK-T007"


def test_conditions_that_contradict_each_other_are_refused() -> None:
    assert refused(pins.condition, DIGEST, {"CASK_TRUST_PIN": "sha256:" + "cd" * 32}) == "CASK-T007"


# ---------------------------------------------------------------- strict mode
ME = os.getuid()
ANOTHER = ME + 1
"""Whoever runs the tests is the administrator of these; the commands are another user's."""


def system(tmp_path: Path, pin: Pin = PIN) -> Path:
    """`/etc/caskmcp` with a pin, as `install` makes it."""
    folder = tmp_path / "etc"
    path = pins.strict_place(folder, "shop")
    path.parent.mkdir(parents=True)
    for each in (folder, path.parent):
        each.chmod(0o755)
    path.write_bytes(canon.pretty(pin.model_dump(mode="json", by_alias=True)))
    path.chmod(0o644)
    return folder


def test_a_pin_of_another_user_is_the_administrators(tmp_path: Path) -> None:
    assert pins.strict(FILES, system(tmp_path), ANOTHER, "shop") == PIN
    assert pins.strict_place(Path("/etc/caskmcp"), "shop") == Path("/etc/caskmcp/trust.d/shop.json")


def test_without_one_there_is_none(tmp_path: Path) -> None:
    assert pins.strict(FILES, tmp_path / "etc", ANOTHER, "shop") is None
    assert pins.strict(FILES, system(tmp_path), ANOTHER, "other") is None


def test_where_files_have_no_owners_there_is_no_strict_mode(tmp_path: Path) -> None:
    """Anybody could have laid the file."""
    assert pins.strict(FILES, system(tmp_path), -1, "shop") is None


@pytest.mark.skipif(ME == 0, reason="what belongs to root binds root too")
def test_a_pin_that_the_user_could_have_written_is_refused(tmp_path: Path) -> None:
    assert refused(pins.strict, FILES, system(tmp_path), ME, "shop") == "CASK-T007"


@pytest.mark.skipif(ME != 0, reason="only root can give a file away")
@pytest.mark.parametrize("place", ["", "trust.d", "trust.d/shop.json"])
def test_a_pin_or_a_folder_that_belongs_to_the_user_is_refused(tmp_path: Path, place: str) -> None:
    folder = system(tmp_path)
    os.chown(folder / place, 4321, 4321)
    assert refused(pins.strict, FILES, folder, 4321, "shop") == "CASK-T007"
    assert pins.strict(FILES, folder, 4322, "shop") == PIN


@pytest.mark.parametrize(
    ("place", "mode"),
    [
        ("trust.d/shop.json", 0o664),
        ("trust.d/shop.json", 0o646),
        ("trust.d/shop.json", 0o600),
        ("trust.d", 0o775),
        ("trust.d", 0o757),
        ("trust.d", 0o700),
        ("", 0o777),
        ("", 0o750),
    ],
)
def test_a_pin_that_others_can_write_or_not_see_refuses_and_does_not_fall_back_to_the_users_own(
    tmp_path: Path, place: str, mode: int
) -> None:
    folder = system(tmp_path)
    (folder / place).chmod(mode)
    assert refused(pins.strict, FILES, folder, ANOTHER, "shop") == "CASK-T007"


def test_a_damaged_pin_of_the_administrator_is_refused(tmp_path: Path) -> None:
    folder = system(tmp_path)
    pins.strict_place(folder, "shop").write_text("{}")
    assert refused(pins.strict, FILES, folder, ANOTHER, "shop") == "CASK-T007"


def test_the_administrators_pin_wins_over_the_users(tmp_path: Path) -> None:
    own = packs.pin_of(packs.root(U1), sequences={"tool:r": {U1.id: 9}})
    pins.write(FILES, tmp_path, own)
    assert pins.accepted(FILES, tmp_path, "shop", PIN) == PIN
    assert pins.accepted(FILES, tmp_path, "shop", None) == own


def test_what_the_user_saw_under_the_same_root_still_counts(tmp_path: Path) -> None:
    floor = packs.pin_of(ROOT, sequences={"tool:r": {T1.id: 3, T2.id: 1}})
    pins.write(FILES, tmp_path, packs.pin_of(ROOT, root_version=2, sequences={"tool:r": {T1.id: 2, T2.id: 5}}))
    found = pins.accepted(FILES, tmp_path, "shop", floor)
    assert found == packs.pin_of(ROOT, root_version=2, sequences={"tool:r": {T1.id: 3, T2.id: 5}})


def test_a_damaged_pin_of_the_user_is_no_way_around_the_administrators(tmp_path: Path) -> None:
    pins.write(FILES, tmp_path, PIN).write_text("{}")
    assert pins.accepted(FILES, tmp_path, "shop", PIN) == PIN
    pins.remember(FILES, tmp_path, packs.pin_of(ROOT, sequences={"tool:r": {T1.id: 2}}), PIN)
    assert pins.stored(FILES, tmp_path, "shop") == packs.pin_of(ROOT, sequences={"tool:r": {T1.id: 2}})


def test_under_the_administrators_pin_what_was_seen_is_remembered_without_one_of_the_user(tmp_path: Path) -> None:
    seen = packs.pin_of(ROOT, sequences={"tool:r": {T1.id: 2}})
    pins.remember(FILES, tmp_path, seen, PIN)
    assert pins.stored(FILES, tmp_path, "shop") == seen
    pins.remember(FILES, tmp_path, packs.pin_of(packs.root(U1), sequences={"tool:r": {U1.id: 7}}), PIN)
    assert pins.stored(FILES, tmp_path, "shop") == seen
