"""Approved content: read only if it is what its name says; and what changed between two contents."""

from pathlib import Path

import pytest

from caskmcp import canon
from caskmcp.errors import CaskError
from caskmcp.govern import content
from caskmcp.store.files import LocalFiles
from caskmcp.store.layout import Pack

FILES = LocalFiles()


def refused(pack: Pack, digest: str) -> str:
    with pytest.raises(CaskError) as caught:
        content.read(FILES, pack, digest)
    assert caught.value.code == "CASK-L004"
    return caught.value.what.rsplit(" (", maxsplit=1)[0]


@pytest.mark.feature(60)
def test_content_lies_under_its_digest_and_reads_back(tmp_path: Path) -> None:
    pack = Pack(tmp_path)
    digest = content.keep(FILES, pack, {"a": 1, "big": 2**60})
    assert pack.content(digest).name == canon.hexadecimal(digest) + ".json"
    assert content.read(FILES, pack, digest) == {"a": 1, "big": 2**60}


def test_content_that_was_edited_is_refused(tmp_path: Path) -> None:
    pack = Pack(tmp_path)
    digest = content.keep(FILES, pack, {"a": 1})
    pack.content(digest).write_text('{"a": 2}')
    assert refused(pack, digest) == "the approved content was edited"
    pack.content(digest).write_text("{")
    assert refused(pack, digest).startswith("the approved content cannot be read")


def test_content_that_was_reformatted_is_still_the_same(tmp_path: Path) -> None:
    pack = Pack(tmp_path)
    digest = content.keep(FILES, pack, {"a": 1, "b": [2]})
    pack.content(digest).write_text('{"b":[2],\n\n"a":1.0}')
    assert content.read(FILES, pack, digest) == {"a": 1, "b": [2]}


def test_keeping_mends_what_was_edited(tmp_path: Path) -> None:
    pack = Pack(tmp_path)
    digest = content.keep(FILES, pack, {"a": 1})
    pack.content(digest).write_text("{}")
    content.keep(FILES, pack, {"a": 1})
    assert content.read(FILES, pack, digest) == {"a": 1}


def test_content_that_is_missing_or_whose_digest_is_none_is_refused(tmp_path: Path) -> None:
    assert refused(Pack(tmp_path), canon.digest(1)) == "the approved content is missing"
    (tmp_path / "x.json").write_text("{}")
    assert refused(Pack(tmp_path), "../../x") == "the approved content is missing"


@pytest.mark.parametrize(
    ("old", "new", "lines"),
    [
        ({"a": 1}, {"a": 1}, []),
        ({"a": 1}, {"a": 1.0}, []),
        ({"a": 1}, {"a": True}, ["~ a: 1 -> true"]),
        ({"a": {"b": "x", "c": 1}}, {"a": {"b": "y", "d": 2}}, ['~ a.b: "x" -> "y"', "- a.c: 1", "+ a.d: 2"]),
        ({"a": [1, 2]}, {"a": [2, 1]}, ["~ a: [1, 2] -> [2, 1]"]),
        ({"a": {}}, {"a": None}, ["~ a: {} -> null"]),
    ],
)
def test_what_changed_is_told_place_by_place(old: object, new: object, lines: list[str]) -> None:
    assert list(content.changes(old, new)) == lines


def test_a_long_value_is_cut() -> None:
    (line,) = content.changes({"a": "x" * 500}, {"a": "y"})
    assert len(line) < 150
    assert "…" in line
