"""The bounded reader: what is a message passes, what is none is answered at once, and reading goes on."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caskmcp.runtime.lines import Bad, LineReader, Message, parse

CALL = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}


def line(value: Any) -> bytes:
    return json.dumps(value).encode() + b"\n"


def codes(data: bytes, longest: int = 1000) -> list[int]:
    return [said.code if isinstance(said, Bad) else 0 for said in LineReader(longest).feed(data)]


@pytest.mark.parametrize(
    "value",
    [
        CALL,
        {**CALL, "id": "a", "params": {"x": 1}},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": 1, "result": {}},
        {"jsonrpc": "2.0", "id": 1, "error": {"code": 1, "message": "m"}},
    ],
)
def test_a_message_passes_as_it_is(value: dict[str, Any]) -> None:
    assert list(LineReader().feed(line(value))) == [Message(value)]


@pytest.mark.parametrize(
    "data",
    [
        b"not json", b"[", b"{", b'{"a":1,}', b'{"jsonrpc":"2.0","id":3,"method":"a","params":{"y":Infinity}}', b'{"a":NaN}', b"\xff\xfe", b'{"a":1e999}',
        b'{"jsonrpc":"2.0","id":4,"method":"tools/list","method":"tools/call"}', b"[" * 30_000, b'{"a":' * 100 + b"1" + b"}" * 100, b"1" * 5000,
    ],
)  # fmt: skip
def test_what_is_no_json_is_a_parse_error(data: bytes) -> None:
    said = parse(data)
    assert isinstance(said, Bad)
    assert (said.code, said.id) == (-32700, None)


@pytest.mark.parametrize(
    ("value", "known"),
    [
        ([CALL], None), ([], None), (7, None), (None, None), ("x", None), ({}, None), ({"id": 1}, None),
        ({**CALL, "id": {"x": 1}}, None), ({**CALL, "id": None}, None), ({**CALL, "id": True}, None), ({**CALL, "id": 1.5}, None), ({**CALL, "id": [1]}, None),
        ({**CALL, "jsonrpc": "1.0"}, 1), ({**CALL, "method": 7}, 1), ({**CALL, "params": [1]}, 1), ({**CALL, "params": "x"}, 1), ({**CALL, "extra": 1}, 1),
        ({**CALL, "result": {}}, 1), ({"jsonrpc": "2.0", "id": 1}, 1), ({"jsonrpc": "2.0", "id": 1, "result": {}, "error": {}}, 1),
    ],
)  # fmt: skip
def test_what_is_no_message_is_an_invalid_request_with_its_id_where_it_has_one(value: Any, known: Any) -> None:
    said = parse(json.dumps(value).encode())
    assert isinstance(said, Bad)
    assert said.code == -32600
    if known is not None and isinstance(value, dict) and value.get("jsonrpc") == "2.0":
        assert said.id == known


def test_empty_lines_say_nothing() -> None:
    assert codes(b"\n \n\r\n") == []


def test_reading_goes_on_after_each_of_them() -> None:
    assert codes(b"junk\n" + line(CALL) + b"[]\n" + line(CALL)) == [-32700, 0, -32600, 0]


def test_a_line_that_is_too_long_is_answered_once_and_skipped_to_its_end() -> None:
    reader = LineReader(100)
    assert [said.code for said in reader.feed(b"x" * 101) if isinstance(said, Bad)] == [-32600]
    assert list(reader.feed(b"x" * 10_000_000)) == []
    assert list(reader.feed(b"y\n" + line(CALL))) == [Message(CALL)]


def test_the_bound_holds_within_one_piece_as_well() -> None:
    assert codes(b"x" * 200 + b"\n" + line(CALL), longest=100) == [-32600, 0]


def test_no_more_than_the_bound_is_held() -> None:
    reader = LineReader(100)
    for _ in range(1000):
        list(reader.feed(b"x" * 50))
    assert len(reader._rest) <= 100


@given(st.lists(st.sampled_from([line(CALL), b"junk\n", b"\n", b"[1]\n", line({**CALL, "id": "ü"})]), max_size=8), st.integers(1, 40))
def test_how_the_bytes_come_in_pieces_makes_no_difference(lines: list[bytes], size: int) -> None:
    data = b"".join(lines)
    reader = LineReader()
    pieces = [said for start in range(0, len(data), size) for said in reader.feed(data[start : start + size])]
    assert pieces == list(LineReader().feed(data))


@given(st.binary(max_size=300))
def test_no_bytes_break_the_reader(data: bytes) -> None:
    assert all(isinstance(said, Bad | Message) for said in LineReader().feed(data + b"\n"))
