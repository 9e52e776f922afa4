"""A finished folder takes the place of another one: at once where the system can, and never half."""

import os
from pathlib import Path

import pytest

from caskmcp.errors import CaskError
from caskmcp.store import swap
from caskmcp.store.files import LocalFiles
from caskmcp.store.project import is_plain
from tests.support.bundles import tree

FILES = LocalFiles()


def folder(path: Path, text: str) -> Path:
    path.mkdir(parents=True)
    (path / "a").write_text(text)
    return path


def test_a_folder_takes_a_free_name(tmp_path: Path) -> None:
    swap.swap(FILES, folder(tmp_path / "new", "new"), tmp_path / "place")
    assert tree(tmp_path) == {"place/a": b"new"}


@pytest.mark.parametrize("able", [True, False])
def test_a_folder_takes_the_place_of_another_and_that_one_goes(tmp_path: Path, able: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not able:
        monkeypatch.setattr(swap, "exchange", lambda one, other: False)
    place = folder(tmp_path / "place", "old")
    swap.swap(FILES, folder(tmp_path / "new", "new"), place)
    assert tree(tmp_path) == {"place/a": b"new"}
    assert swap.is_settled(FILES, place)


def test_two_names_are_exchanged_at_once(tmp_path: Path) -> None:
    one, other = folder(tmp_path / "one", "1"), folder(tmp_path / "other", "2")
    if not swap.exchange(one, other):
        pytest.skip("this file system cannot exchange two names")
    assert tree(tmp_path) == {"one/a": b"2", "other/a": b"1"}


def test_a_system_that_cannot_exchange_says_so_and_any_other_refusal_is_the_disks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CaskError, match="CASK-W001"):
        swap.exchange(tmp_path / "nothing", tmp_path / "nowhere")
    monkeypatch.setattr(swap.ctypes, "CDLL", lambda name, use_errno: object())
    assert swap.exchange(tmp_path / "nothing", tmp_path / "nowhere") is False


def test_where_the_second_step_fails_the_old_folder_is_put_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(swap, "exchange", lambda one, other: False)
    place = folder(tmp_path / "place", "old")
    with pytest.raises(CaskError, match="CASK-W001"):
        swap.swap(FILES, tmp_path / "nothing", place)
    assert tree(tmp_path) == {"place/a": b"old"}


@pytest.mark.parametrize(
    ("left", "after"),
    [
        ({".place.old": "old"}, {"place/a": b"old"}),
        ({".place.old": "old", ".place.new": "half"}, {"place/a": b"old"}),
        ({"place": "new", ".place.old": "old"}, {"place/a": b"new"}),
        ({"place": "new", ".place.new": "old"}, {"place/a": b"new"}),
        ({"place": "new"}, {"place/a": b"new"}),
        ({}, {}),
    ],
)
def test_what_a_kill_left_is_put_right(tmp_path: Path, left: dict[str, str], after: dict[str, bytes]) -> None:
    for name, text in left.items():
        folder(tmp_path / name, text)
    swap.recover(FILES, tmp_path / "place")
    assert tree(tmp_path) == after
    assert swap.is_settled(FILES, tmp_path / "place")


def test_a_path_is_plain_if_no_link_stands_on_its_way(tmp_path: Path) -> None:
    inside = folder(tmp_path / "pack" / "artifact", "x")
    (tmp_path / "pack" / "link").symlink_to(inside)
    (inside / "b").symlink_to(inside / "a")
    os.link(inside / "a", inside / "c")
    pack = tmp_path / "pack"
    assert [is_plain(pack, pack / name) for name in ("artifact/a", "artifact/c", "artifact/b", "link/a", "link")] == [
        True,
        True,
        False,
        False,
        False,
    ]
    (tmp_path / "way").symlink_to(pack)
    assert is_plain(tmp_path / "way", tmp_path / "way" / "artifact" / "a")
    assert not is_plain(tmp_path, tmp_path / "way" / "artifact" / "a")
