"""A large recording is read in pieces: each entry once, the same account as of the whole, and no guess where to cut goes unproved."""

import gzip
import json
from collections.abc import Iterator
from typing import Any

import pytest

from caskmcp.compiler.capture import pieces, stage
from caskmcp.compiler.capture.codec import lines
from caskmcp.compiler.pipeline import Gave
from caskmcp.errors import CaskError
from tests.support.capturing import KEY, Given, entry, har

HOST = "https://api.example.com"


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces, "SIZE", 2000)
    monkeypatch.setattr(pieces, "LOOK", 1500)


def given(data: bytes, kind: str = "har") -> Given:
    return Given(data, ["api.example.com"], kind, {"profile": "strict"}, KEY, 1 << 20)


def orders(count: int) -> list[dict[str, Any]]:
    return [entry(f"{HOST}/orders/{number}", answer={"id": number, "note": "x" * (number % 7 * 60)}) for number in range(count)]


def whole(data: bytes) -> tuple[list[bytes], dict[str, Any]]:
    outputs = stage.run(given(data))
    found = list(lines(blocks(outputs["exchanges"])))
    return found, json.loads(b"".join(blocks(outputs["head"])))


def in_pieces(data: bytes) -> tuple[list[bytes], dict[str, Any]]:
    inputs = given(data)
    gave = []
    for piece in pieces.PIECES.cut(inputs, 1):
        outputs, note = pieces.PIECES.work(inputs, piece)
        packed = b"".join(blocks(outputs["exchanges"]))
        gave.append(Gave(lambda _, packed=packed: iter([packed]), note()))  # type: ignore[misc]
    outputs = pieces.PIECES.join(inputs, gave)
    packed = b"".join(blocks(outputs["exchanges"]))
    assert len(gave) > 1
    head = json.loads(b"".join(blocks(outputs["head"])))
    assert sum(head.pop("members")) == len(packed)
    return list(lines([packed])), head


def blocks(output: Any) -> Iterator[bytes]:
    return iter([output] if isinstance(output, bytes) else output)


SHAPES = {
    "plain": har(*orders(60)),
    "indented": json.dumps(json.loads(har(*orders(60))), indent=2).encode(),
    "with a byte order mark": b"\xef\xbb\xbf" + har(*orders(60)),
    "with something behind the list": har(*orders(60))[:-2] + b', "comment": {"entries": [1]}}, "other": [2]}',
    "with third parties": har(*(row for number in range(40) for row in (*orders(1), entry(f"https://cdn{number}.example.net/a.js")))),
    "with broken entries": har(
        *orders(20), {"startedDateTime": 1, "request": 7}, *orders(20), {"startedDateTime": "", "request": {}}, *orders(9)
    ),
    "with lists that look like it": har(
        *(entry(f"{HOST}/a/{number}", answer={"ok": 1}, _x=[{"startedDateTime": 1}, {"startedDateTime": 2}]) for number in range(40))
    ),
}


@pytest.mark.parametrize("name", sorted(SHAPES))
def test_pieces_give_the_lines_and_the_account_of_the_whole(name: str) -> None:
    try:
        found = in_pieces(SHAPES[name])
    except CaskError:
        assert name == "with lists that look like it"  # then the file is read as a whole
        return
    assert found == whole(SHAPES[name])


def test_a_cut_inside_of_an_entry_is_never_taken_for_a_good_one() -> None:
    data = SHAPES["with lists that look like it"]
    inside = data.index(b', {"startedDateTime": 2}', 2000)
    for span in (pieces.Span(0, inside, True, False), pieces.Span(inside + 2, len(data), False, True)):
        outputs, _ = pieces.work(given(data), span)
        with pytest.raises(CaskError, match="CASK-C001"):
            list(blocks(outputs["exchanges"]))


def test_a_cut_in_another_list_that_looks_like_the_entries_is_never_taken_for_a_good_one() -> None:
    left_out = json.dumps([entry(f"{HOST}/hidden/{number}") for number in range(40)])
    data = har(*orders(4))[:-2] + b', "_left": ' + left_out.encode() + b"}}"
    spans = pieces.cut(given(data), 2)
    assert len(spans) > 2
    outputs, _ = pieces.work(given(data), spans[0])
    with pytest.raises(CaskError, match="something stands behind"):
        list(blocks(outputs["exchanges"]))
    assert not any(b"/hidden/" in line for line in whole(data)[0])


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (har(*orders(5)), "har"),
        (gzip.compress(har(*orders(400))), "har"),
        (har(*orders(60)).decode().encode("utf-16"), "har"),
        (har(*orders(60)), "openapi"),
        (b'{"log": {"entries": [' + b"1, " * 3000 + b"1]}}", "har"),
        (b"x" * 9000, "har"),
    ],
)
def test_what_is_small_or_no_plain_recording_is_read_as_a_whole(data: bytes, kind: str) -> None:
    assert len(pieces.cut(given(data, kind), 8)) < 2


def test_an_entry_that_is_larger_than_a_piece_stays_whole() -> None:
    data = har(*orders(30), entry(f"{HOST}/big", answer={"text": "y" * 20_000}), *orders(30))
    assert in_pieces(data) == whole(data)


def test_the_number_of_processes_cuts_no_file_elsewhere() -> None:
    assert pieces.cut(given(SHAPES["plain"]), 1) == pieces.cut(given(SHAPES["plain"]), 3)
