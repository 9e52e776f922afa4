"""What git tracks, read from its index: against git itself, in every format that it writes."""

import subprocess
from pathlib import Path

import pytest

from caskmcp.errors import CaskError
from caskmcp.store.files import LocalFiles
from caskmcp.store.gitindex import Unknown, names, tracked

FILES = ("a.har", "captures/b.har", "captures/deep/er/c.har", "captures/deep/er/d.har", "spec.yaml", "with space.txt", "ü.txt", "x" * 200)


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", "-c", "user.name=t", "-c", "user.email=t@example.org", *arguments], cwd=folder, check=True, capture_output=True)


def checkout(folder: Path, *options: str) -> Path:
    folder.mkdir(parents=True)
    git(folder, "init", "-q", *options)
    for name in FILES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    return folder


def found(folder: Path) -> list[str]:
    paths = tracked(LocalFiles(), folder)
    assert paths is not None
    return [path.as_posix() for path in paths]


@pytest.mark.parametrize("version", ["2", "4"])
def test_every_tracked_path_is_found(tmp_path: Path, version: str) -> None:
    folder = checkout(tmp_path / "project")
    git(folder, "update-index", "--index-version", version)
    git(folder, "add", ".")
    assert found(folder) == sorted(f"{folder}/{name}" for name in FILES)


def test_an_entry_with_more_flags_makes_version_3(tmp_path: Path) -> None:
    folder = checkout(tmp_path / "project")
    git(folder, "add", "-N", "a.har")
    git(folder, "add", "spec.yaml")
    assert (folder / ".git" / "index").read_bytes()[4:8] == b"\0\0\0\3"
    assert found(folder) == [f"{folder}/a.har", f"{folder}/spec.yaml"]


def test_names_of_sha256_are_longer(tmp_path: Path) -> None:
    folder = checkout(tmp_path / "project", "--object-format=sha256")
    git(folder, "add", ".")
    assert found(folder) == sorted(f"{folder}/{name}" for name in FILES)


def test_the_checkout_is_found_from_a_folder_below_it(tmp_path: Path) -> None:
    folder = checkout(tmp_path / "project")
    git(folder, "add", "a.har")
    assert found(folder / "captures" / "deep") == [f"{folder}/a.har"]


def test_a_worktree_has_an_index_of_its_own(tmp_path: Path) -> None:
    folder = checkout(tmp_path / "project", "--object-format=sha256")
    git(folder, "add", "a.har")
    git(folder, "commit", "-q", "-m", "first")
    git(folder, "worktree", "add", "-q", str(tmp_path / "other"))
    (tmp_path / "other" / "more.har").write_text("x")
    git(tmp_path / "other", "add", "more.har")
    assert found(tmp_path / "other") == [f"{tmp_path}/other/a.har", f"{tmp_path}/other/more.har"]
    assert found(folder) == [f"{folder}/a.har"]


def test_without_a_checkout_nothing_is_known_and_in_a_new_one_nothing_is_tracked(tmp_path: Path) -> None:
    assert tracked(LocalFiles(), tmp_path) is None
    assert tracked(LocalFiles(), checkout(tmp_path / "project")) == ()


def test_a_split_index_is_refused(tmp_path: Path) -> None:
    folder = checkout(tmp_path / "project")
    git(folder, "add", ".")
    git(folder, "update-index", "--split-index")
    with pytest.raises(CaskError) as caught:
        tracked(LocalFiles(), folder)
    assert (caught.value.code, "split" in caught.value.what) == ("CASK-C010", True)


def test_an_index_that_is_cut_off_anywhere_is_refused_or_read_to_its_end(tmp_path: Path) -> None:
    folder = checkout(tmp_path / "project")
    git(folder, "add", "a.har", "spec.yaml")
    data = (folder / ".git" / "index").read_bytes()
    whole = [cut for cut in range(len(data)) if is_whole(data[:cut])]
    assert whole
    assert min(whole) > data.index(b"spec.yaml")


def is_whole(data: bytes) -> bool:
    try:
        return list(names(data)) == ["a.har", "spec.yaml"]
    except Unknown:
        return False


def test_a_git_file_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / ".git").write_text("hello")
    with pytest.raises(CaskError) as caught:
        tracked(LocalFiles(), tmp_path)
    assert caught.value.code == "CASK-C010"
