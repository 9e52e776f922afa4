"""The record of which source gave what: one write a build, older ids as long as they are there, never lost to damage in silence."""

import json
from pathlib import Path

import pytest

from caskmcp.errors import CaskError
from caskmcp.store.files import LocalFiles
from caskmcp.store.layout import Root
from caskmcp.workflows.given import Ledger


class Counting(LocalFiles):
    """The real files, with a count of writes."""

    writes = 0

    def write(self, path: Path, data: bytes, *, private: bool = False, durable: bool = True) -> None:
        self.writes += 1
        super().write(path, data, private=private, durable=durable)


def there(kind: str, each: str) -> bool:
    return not each.endswith("gone")


@pytest.fixture
def root(tmp_path: Path) -> Root:
    return Root(tmp_path)


def test_what_is_given_anew_stands_beside_what_was_given_before(root: Root) -> None:
    files = Counting()
    ledger = Ledger(files, root)
    ledger.note({"har a": {"parts": "p1", "captures": "c1", "units": "u1", "blobs": "b1"}}, there)
    ledger.note({"har a": {"parts": "p2", "captures": "c2", "units": "u2", "blobs": "b2"}}, there)
    ledger.note({"har a": {"parts": "p2", "captures": "c2", "units": "u2", "blobs": "b2"}}, there)
    assert files.writes == 2
    again = Ledger(files, root)
    assert again.rows == {"har a": {"parts": ("p1", "p2"), "captures": ("c1", "c2"), "units": ("u2",), "blobs": ("b2",)}}
    assert again.of(["har a", "har b"], "parts") == {"p1", "p2"}
    assert again.present("har a", "parts") == "p2"
    assert again.present("har b", "parts") == ""
    assert again.replaced("captures") == ("c1",)


def test_what_another_source_still_gives_is_not_replaced(root: Root) -> None:
    ledger = Ledger(LocalFiles(), root)
    ledger.note({"har a": {"captures": "c1"}, "har b": {"captures": "c1"}}, there)
    ledger.note({"har a": {"captures": "c2"}}, there)
    assert ledger.replaced("captures") == ()


def test_an_id_that_is_gone_is_forgotten_and_one_that_comes_back_is_the_present_one(root: Root) -> None:
    ledger = Ledger(LocalFiles(), root)
    for part in ("p-gone", "p1", "p2", "p1"):
        ledger.note({"har a": {"parts": part}}, there)
    assert ledger.rows["har a"]["parts"] == ("p2", "p1")


def test_a_part_is_known_by_the_content_that_gave_it_under_any_name(root: Root) -> None:
    ledger = Ledger(LocalFiles(), root)
    ledger.note({"har a": {"parts": "p1", "units": "u1"}, "har b": {"parts": "p2", "units": "u2"}}, there)
    assert ledger.by_content(["u1", "u9"]) == {"p1"}


def test_a_forgotten_id_is_in_no_row(root: Root) -> None:
    ledger = Ledger(LocalFiles(), root)
    ledger.note({"har a": {"parts": "p1"}, "har b": {"parts": "p1"}}, there)
    ledger.forget({"parts": {"p1"}})
    assert Ledger(LocalFiles(), root).rows == {"har a": {"parts": ()}, "har b": {"parts": ()}}
    assert ledger.present("har a", "parts") == ""
    assert ledger.replaced("parts") == ()


@pytest.mark.parametrize(
    "text", ["", "[]", '{"schema": "caskmcp/given/2", "sources": {}}', '{"schema": "caskmcp/given/1", "sources": [1]}']
)
def test_a_damaged_record_is_an_error_with_its_mend(root: Root, text: str) -> None:
    root.given.parent.mkdir()
    root.given.write_text(text)
    with pytest.raises(CaskError, match="CASK-I008") as caught:
        Ledger(LocalFiles(), root)
    assert caught.value.mend == f"rm {root.given}"


def test_the_record_is_private_and_readable(root: Root) -> None:
    Ledger(LocalFiles(), root).note({"har a": {"parts": "p1"}}, there)
    assert root.given.stat().st_mode & 0o777 == 0o600
    assert json.loads(root.given.read_bytes()) == {"schema": "caskmcp/given/1", "sources": {"har a": {"parts": ["p1"]}}}
