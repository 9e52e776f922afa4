"""The index remembers digests by stat key and never trusts what could have changed unseen."""

import os
import time
from pathlib import Path

import pytest

from caskmcp.store.files import LocalFiles
from caskmcp.store.index import MAGIC, Index

ABC = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
ABD = "sha256:a52d159f262b2c6ddb724a61840befc36eb30c88877a4030b65cbe86298449c9"


class Counting(LocalFiles):
    """The real files, with a count of what was read."""

    def __init__(self) -> None:
        self.reads: list[str] = []

    def chunks(self, path: Path, size: int = 1 << 20, *, low: int = 0, high: int | None = None):  # type: ignore[no-untyped-def]
        self.reads.append(path.name)
        return super().chunks(path, size, low=low, high=high)


@pytest.fixture
def files() -> Counting:
    return Counting()


@pytest.fixture
def one(tmp_path: Path) -> Path:
    path = tmp_path / "one"
    path.write_bytes(b"abc")
    return path


def opened(files: Counting, tmp_path: Path) -> Index:
    return Index(files, tmp_path / "cache" / "index")


def test_a_digest_is_read_once_and_remembered(files: Counting, tmp_path: Path, one: Path) -> None:
    index = opened(files, tmp_path)
    assert [index.digest(one), index.digest(one)] == [ABC, ABC]
    index.save({"n": 1})
    again = opened(files, tmp_path)
    assert again.header == {"n": 1}
    assert again.unchanged()
    assert again.digest(one) == ABC
    assert files.reads == ["one"]


@pytest.mark.parametrize("how", ["content", "content, size and time kept", "time", "another file", "removed"])
def test_a_changed_stat_key_is_looked_at_again(files: Counting, tmp_path: Path, one: Path, how: str) -> None:
    index = opened(files, tmp_path)
    index.digest(one)
    index.save({})
    stat = one.stat()
    if how == "removed":
        one.unlink()
    elif how == "another file":
        (tmp_path / "two").write_bytes(b"abc")
        (tmp_path / "two").replace(one)
    elif how != "time":
        one.write_bytes(b"abd")
    if how in ("time", "content, size and time kept"):
        os.utime(one, ns=(stat.st_atime_ns, stat.st_mtime_ns + (how == "time")))
    again = opened(files, tmp_path)
    assert not again.unchanged()
    assert again.digest(one) == {"time": ABC, "another file": ABC, "removed": None}.get(how, ABD)


def test_a_file_as_new_as_the_index_is_read_again(files: Counting, tmp_path: Path, one: Path) -> None:
    index = opened(files, tmp_path)
    index.digest(one)
    index.save({})
    os.utime(index.path, ns=(0, one.stat().st_ctime_ns))  # as if both had been written in one tick of the clock
    again = opened(files, tmp_path)
    assert not again.unchanged()
    assert again.digest(one) == ABC
    assert files.reads == ["one", "one"]


def test_saving_waits_for_the_tick_in_which_a_file_was_changed_to_pass(files: Counting, tmp_path: Path, one: Path) -> None:
    index = opened(files, tmp_path)
    one.write_bytes(b"abd")
    index.digest(one)
    index.save({})
    assert index.path.stat().st_mtime_ns > one.stat().st_ctime_ns
    assert opened(files, tmp_path).unchanged()


def test_a_new_file_in_a_watched_folder_is_seen(files: Counting, tmp_path: Path) -> None:
    folder = tmp_path / "captures"
    folder.mkdir()
    index = opened(files, tmp_path)
    index.watch(folder)
    index.save({})
    assert opened(files, tmp_path).unchanged()
    time.sleep(0.01)
    (folder / "new.har").write_bytes(b"")
    assert not opened(files, tmp_path).unchanged()


def test_a_file_that_appears_where_nothing_was_is_seen(files: Counting, tmp_path: Path) -> None:
    index = opened(files, tmp_path)
    index.watch(tmp_path / "absent")
    assert index.digest(tmp_path / "absent too") is None
    index.save({})
    assert opened(files, tmp_path).unchanged()
    (tmp_path / "absent too").write_bytes(b"")
    assert not opened(files, tmp_path).unchanged()


def test_watching_a_file_does_not_forget_its_digest(files: Counting, tmp_path: Path, one: Path) -> None:
    index = opened(files, tmp_path)
    index.digest(one)
    index.watch(one)
    index.save({})
    opened(files, tmp_path).digest(one)
    assert files.reads == ["one"]


@pytest.mark.parametrize(
    "damage", [b"", b"cask-index 1\n", MAGIC + b"{}\n1 2 3 4", MAGIC + b"{\nend\n", MAGIC + b"{}\nx\ty\nend\n", b"\xff\xfe"]
)
def test_a_damaged_index_counts_as_none(files: Counting, tmp_path: Path, damage: bytes) -> None:
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "index").write_bytes(damage)
    index = opened(files, tmp_path)
    assert index.before == {}
    assert not index.unchanged()


def test_an_index_without_a_path_says_nothing(files: Counting, tmp_path: Path) -> None:
    opened(files, tmp_path).save({"n": 1})
    assert not opened(files, tmp_path).unchanged()


@pytest.mark.parametrize("name", ["tab\there", "späce x", "end", "\udcff"])
def test_any_name_is_remembered(files: Counting, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(b"abc")
    index = opened(files, tmp_path)
    index.digest(path)
    index.save({})
    assert opened(files, tmp_path).unchanged()
    assert opened(files, tmp_path).before[str(path)].digest == ABC


def test_a_name_with_a_line_end_is_left_to_the_next_build(files: Counting, tmp_path: Path, one: Path) -> None:
    path = tmp_path / "line\nend"
    path.write_bytes(b"abc")
    index = opened(files, tmp_path)
    index.digest(path)
    index.digest(one)
    index.save({})
    assert not opened(files, tmp_path).unchanged()
