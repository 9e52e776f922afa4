"""The record as a server writes it: a chain of lines, segments that are opened, filled and sealed, several servers at once, and crashes."""

import json
import threading
from pathlib import Path

import pytest

from caskmcp import canon
from caskmcp.errors import CaskError
from caskmcp.runtime import record
from caskmcp.store.files import LocalFiles
from tests.support.audited import decided, decisions, files, journal, lines, written


def test_each_line_names_the_digest_of_the_one_before(tmp_path: Path) -> None:
    path = written(tmp_path, 3)
    raw, rows = path.read_bytes().splitlines(), lines(path)
    assert [row["sequence"] for row in rows] == [1, 2, 3, 4, 5]
    assert [row["prev"] for row in rows] == ["", *(canon.digest_bytes(line) for line in raw[:-1])]
    assert [row.get("kind") for row in rows] == ["open", None, None, None, "seal"]


def test_a_line_is_the_decision_and_its_place_in_the_chain(tmp_path: Path) -> None:
    row = lines(written(tmp_path, 1))[1]
    assert row.pop("prev").startswith("sha256:")
    assert row == {
        "sequence": 2, "at": "2026-11-21T12:00:00Z", "toolpack": "shop", "lock": "sha256:0", "tool": "get_order", "caller": "stdio",
        "arguments": "sha256:1", "verdict": "allow", "step": "policy", "rule": "reads", "code": "", "status": 0,
        "extra": {"call": "0000000000000000"},
    }  # fmt: skip


def test_the_seal_says_what_it_is_of(tmp_path: Path) -> None:
    of_shop = journal(tmp_path)
    of_shop.append(decided(1), durable=False)
    of_shop.append(decided(2, toolpack="bank"), durable=True)
    of_shop.close()
    (path,) = files(tmp_path)
    seal = lines(path)[-1]["seal"]
    assert (seal["segment"], seal["toolpacks"], seal["first"], seal["last"]) == (path.name, ["bank", "shop"], 1, 3)
    assert seal["digest"] == canon.digest_bytes(path.read_bytes().splitlines()[2])


def test_nothing_is_written_before_the_first_decision(tmp_path: Path) -> None:
    journal(tmp_path / "audit").close()
    assert not (tmp_path / "audit").exists()


def test_a_line_after_the_seal_begins_a_new_segment_that_follows_the_old_one(tmp_path: Path) -> None:
    of_shop = journal(tmp_path)
    for number in range(2):
        of_shop.append(decided(number), durable=False)
        of_shop.close()
    first, second = files(tmp_path)
    assert (first.name[-20:], second.name[-20:]) == ("0001.decisions.jsonl", "0002.decisions.jsonl")
    opening = lines(second)[0]
    assert (opening["sequence"], opening["prev"]) == (4, canon.digest_bytes(first.read_bytes().splitlines()[-1]))


def test_a_full_segment_is_sealed_and_the_next_one_follows_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record, "LARGEST", 2000)
    written(tmp_path, 12)
    found = files(tmp_path)
    assert len(found) == 3
    assert all(2000 <= path.stat().st_size < 3200 for path in found[:-1])
    assert [lines(path)[-1]["kind"] for path in found] == ["seal"] * 3
    assert [row["sequence"] for path in found for row in lines(path)] == list(range(1, 12 + 2 * 3 + 1))


# ---------------------------------------------------------------- several servers, crashes
def test_servers_at_once_write_apart_and_lose_nothing(tmp_path: Path) -> None:
    servers = [journal(tmp_path, seed) for seed in ("one", "two", "three")]

    def work(server: record.Journal, start: int) -> None:
        for number in range(40):
            server.append(decided(start + number), durable=number % 10 == 0)

    threads = [threading.Thread(target=work, args=(server, start * 100)) for start, server in enumerate((*servers, *servers))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(files(tmp_path)) == 3
    assert len({row["extra"]["call"] for row in decisions(tmp_path)}) == 240
    for path in files(tmp_path):
        assert [row["sequence"] for row in lines(path)] == list(range(1, 82))


def test_an_opening_names_what_was_not_named_as_it_stands(tmp_path: Path) -> None:
    one = written(tmp_path, 2, seed="one")
    two = written(tmp_path, 1, seed="two")
    three = written(tmp_path, 1, seed="three")
    (named,) = lines(two)[0]["before"]
    last = canon.digest_bytes(one.read_bytes().splitlines()[-1])
    assert named == {"segment": one.name, "lines": 4, "digest": last, "size": one.stat().st_size, "torn": False}
    assert [row["segment"] for row in lines(three)[0]["before"]] == [two.name], "the first one was named at its end"


def test_what_has_grown_since_it_was_named_is_named_again(tmp_path: Path) -> None:
    running = journal(tmp_path, "long")
    running.append(decided(1), durable=False)
    (long,) = files(tmp_path)
    second = written(tmp_path, 1, seed="two")
    running.append(decided(2), durable=False)
    third = written(tmp_path, 1, seed="three")
    assert [row["lines"] for path in (second, third) for row in lines(path)[0]["before"] if row["segment"] == long.name] == [2, 3]


def test_an_incomplete_last_line_stays_and_the_next_server_names_it(tmp_path: Path) -> None:
    killed = written(tmp_path, 2, seed="killed", closed=False)
    killed.write_bytes(killed.read_bytes() + b'{"at":"2026')
    after = written(tmp_path, 1, seed="after")
    (named,) = lines(after)[0]["before"]
    assert (named["lines"], named["size"], named["torn"]) == (3, killed.stat().st_size, True)
    assert killed.read_bytes().endswith(b'\n{"at":"2026')


def test_no_segment_takes_the_place_of_another(tmp_path: Path) -> None:
    """Even where randomness repeats itself."""
    first = written(tmp_path, 1)
    before = first.read_bytes()
    second = written(tmp_path, 1)
    assert first != second
    assert first.read_bytes() == before


# ---------------------------------------------------------------- the disk
class Disk(LocalFiles):
    """Counts syncs, and refuses where it is told to."""

    def __init__(self) -> None:
        self.synced = 0
        self.full = False

    def sync(self, path: Path) -> None:
        self.synced += 1
        super().sync(path)

    def append(self, path: Path, line: bytes, *, private: bool = True, durable: bool = True) -> None:
        if self.full:
            raise CaskError("CASK-W001", "no space left", place=str(path))
        super().append(path, line, private=private, durable=durable)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    made = Disk()
    monkeypatch.setattr("tests.support.audited.LocalFiles", lambda: made)
    return made


def test_a_write_is_synced_and_reads_are_in_groups(tmp_path: Path, disk: Disk) -> None:
    of_shop = journal(tmp_path)
    assert of_shop.due is True, "a segment is to be opened"
    for number in range(record.GROUP):
        of_shop.append(decided(number), durable=False)
        assert of_shop.due is (number + 1 == record.GROUP)
    assert disk.synced == 0
    of_shop.append(decided(99), durable=True)
    assert (of_shop.due, disk.synced) == (False, 1)


def test_a_line_that_could_not_be_written_leaves_no_gap(tmp_path: Path, disk: Disk) -> None:
    of_shop = journal(tmp_path)
    of_shop.append(decided(1), durable=False)
    disk.full = True
    with pytest.raises(CaskError, match="CASK-W001"):
        of_shop.append(decided(2), durable=False)
    disk.full = False
    of_shop.append(decided(3), durable=False)
    (path,) = files(tmp_path)
    assert [(row["sequence"], row.get("extra", {}).get("call", "")[-1:]) for row in lines(path)] == [(1, ""), (2, "1"), (3, "3")]


def test_a_key_that_cannot_seal_stops_the_first_line(tmp_path: Path) -> None:
    (tmp_path / "runtime.key").write_bytes(b"k" * 32)
    (tmp_path / "runtime.key").chmod(0o644)
    with pytest.raises(CaskError, match="CASK-K001"):
        journal(tmp_path).append(decided(1), durable=True)
    assert files(tmp_path) == []


def test_everything_in_the_folder_is_private(tmp_path: Path) -> None:
    written(tmp_path / "audit", 1)
    assert {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "audit").iterdir() if path.stat().st_mode & 0o077} == {}
    assert (tmp_path / "audit").stat().st_mode & 0o777 == 0o700


def test_a_line_is_written_in_one_form(tmp_path: Path) -> None:
    raw = written(tmp_path, 1).read_bytes().splitlines()
    assert raw == [json.dumps(json.loads(line), sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode() for line in raw]
