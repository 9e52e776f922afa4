"""Blobs, receipts and journals: what is damaged counts as absent, and is never taken for the real thing."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from caskmcp.canon import Digest
from caskmcp.errors import CaskError
from caskmcp.store import journal
from caskmcp.store.blobs import BlobLost, Blobs
from caskmcp.store.files import LocalFiles
from caskmcp.store.receipts import Receipts

ABC = Digest("sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")  # FIPS 180-2, appendix B.1
KEY = Digest("sha256:" + "1" * 64)


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    return Blobs(LocalFiles(), tmp_path / "blobs", tmp_path / "tmp")


@pytest.fixture
def receipts(tmp_path: Path) -> Receipts:
    return Receipts(LocalFiles(), tmp_path / "receipts")


def test_a_blob_lies_under_its_digest_and_is_private(blobs: Blobs) -> None:
    assert blobs.put(b"abc") == ABC
    assert blobs.path(ABC).relative_to(blobs.folder).as_posix() == f"ba/{ABC[9:]}"
    assert blobs.get(ABC) == b"abc"
    assert (blobs.path(ABC).stat().st_mode & 0o777, blobs.folder.stat().st_mode & 0o777) == (0o600, 0o700)


def test_pieces_give_the_same_blob_as_the_whole(blobs: Blobs) -> None:
    assert blobs.put(iter([b"a", b"", b"bc"])) == ABC
    assert list(blobs.chunks(ABC)) == [b"abc"]
    assert os.listdir(blobs.temporary) == []


def test_pieces_that_break_off_leave_nothing(blobs: Blobs) -> None:
    def pieces() -> Iterator[bytes]:
        yield b"a"
        raise RuntimeError("the source broke")

    with pytest.raises(RuntimeError, match="the source broke"):
        blobs.put(pieces())
    assert os.listdir(blobs.temporary) == []
    assert not blobs.folder.exists()


def test_a_missing_blob_is_lost(blobs: Blobs) -> None:
    assert not blobs.has(ABC)
    with pytest.raises(BlobLost):
        blobs.get(ABC)


@pytest.mark.parametrize("damage", [b"", b"ab", b"abd", b"abc "])
def test_a_damaged_blob_is_lost_before_a_byte_of_it_is_given_out(blobs: Blobs, damage: bytes) -> None:
    blobs.put(b"abc")
    blobs.path(ABC).write_bytes(damage)
    with pytest.raises(BlobLost) as caught:
        blobs.chunks(ABC)
    assert caught.value.digest == ABC
    blobs.remove(ABC)
    assert not blobs.has(ABC)


def test_putting_a_blob_again_mends_it(blobs: Blobs) -> None:
    blobs.put(b"abc")
    blobs.path(ABC).write_bytes(b"damaged")
    blobs.put(b"abc")
    assert blobs.get(ABC) == b"abc"


def test_a_folder_in_the_place_of_a_blob_counts_as_lost(blobs: Blobs) -> None:
    blobs.path(ABC).mkdir(parents=True)
    with pytest.raises(BlobLost):
        blobs.get(ABC)


def test_a_receipt_comes_back_as_it_was(receipts: Receipts) -> None:
    receipts.put(KEY, {"part": ABC, "files": {"tools.json": ABC}})
    assert receipts.get(KEY) == {"part": ABC, "files": {"tools.json": ABC}}
    assert receipts.path(KEY).read_bytes() == (
        b'{"key":"' + KEY.encode() + b'","outputs":{"files":{"tools.json":"' + ABC.encode() + b'"},"part":"' + ABC.encode() + b'"},'
        b'"schema":"caskmcp/receipt/1"}\n'
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        '{"schema": "caskmcp/receipt/2", "key": "KEY", "outputs": {}}',
        '{"schema": "caskmcp/receipt/1", "key": "other", "outputs": {}}',
        '{"schema": "caskmcp/receipt/1", "key": "KEY", "outputs": []}',
        '{"schema": "caskmcp/receipt/1", "key": "KEY", "outputs": {"a": "no digest"}}',
        '{"schema": "caskmcp/receipt/1", "key": "KEY", "outputs": {"a": {"b": 1}}}',
        "[" * 100_000,
    ],
)
def test_a_receipt_that_is_not_whole_counts_as_absent(receipts: Receipts, text: str) -> None:
    receipts.put(KEY, {})
    receipts.path(KEY).write_text(text.replace("KEY", KEY))
    assert receipts.get(KEY) is None


def test_an_absent_receipt_is_none(receipts: Receipts) -> None:
    assert receipts.get(KEY) is None


def test_a_journal_gives_back_its_lines_and_tells_of_a_torn_one(tmp_path: Path) -> None:
    path = tmp_path / "audit" / "a.jsonl"
    assert list(journal.entries(LocalFiles(), path)) == []
    assert journal.append(LocalFiles(), path, {"b": 1, "a": "ä\n"}) == '{"a":"ä\\n","b":1}'.encode()
    journal.append(LocalFiles(), path, {"n": 2})
    path.write_bytes(path.read_bytes() + b'{"n":')
    first, second, third = journal.entries(LocalFiles(), path)
    assert (first.number, first.value("a"), first.torn) == (1, {"b": 1, "a": "ä\n"}, False)
    assert (second.number, second.value("a"), second.torn) == (2, {"n": 2}, False)
    assert (third.number, third.line, third.torn) == (3, b'{"n":', True)
    with pytest.raises(CaskError, match=r"CASK-I003 .* · a:3"):
        third.value("a")


def test_the_next_append_to_a_journal_cuts_the_torn_line(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"n":1}\n{"n":')
    journal.append(LocalFiles(), path, {"n": 3})
    assert [entry.line for entry in journal.entries(LocalFiles(), path)] == [b'{"n":1}', b'{"n":3}']
