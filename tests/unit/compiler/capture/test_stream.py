"""The block stream: what it finds, what it refuses and with which byte. That it reads what `json.loads` reads is a property."""

import json
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from caskmcp.compiler.capture import stream
from caskmcp.compiler.capture.stream import Broken, elements
from caskmcp.errors import CaskError


class Item(msgspec.Struct):
    n: int


def read(data: bytes, *, block: int = 64, typed: Any = Any, path: tuple[str, ...] = ("log", "entries")) -> list[Any]:
    pieces: Iterator[bytes] = (data[at : at + block] for at in range(0, len(data), block))
    return [value for _, value in elements(pieces, path, msgspec.json.Decoder(list[typed]).decode, block=block)]


def refusal(data: bytes, block: int = 64) -> str:
    with pytest.raises(CaskError) as caught:
        read(data, block=block)
    return str(caught.value)


@pytest.mark.parametrize(
    "data",
    [
        b'{"log":{"entries":[{"n":1},{"n":2}]}}',
        b'{"entries":[9],"log":{"x":{"entries":[8]},"entries":[{"n":1},{"n":2}],"pages":[{"entries":[7]}]},"z":[1]}',
        b'{"log":{"comment":"\\"entries\\":[{","entries":[{"n":1} , {"n":2}]}}',
        b'{"l\\u006fg":{"entr\\u0069es":[{"n":1},{"n":2}]}}',
        b' \n{ "log" : { "entries" : [ {"n":1}\n,\n{"n":2} ] } } \n',
    ],
)
@pytest.mark.parametrize("block", [1, 5, 1000])
def test_the_array_is_found_by_its_path_alone(data: bytes, block: int) -> None:
    assert read(data, block=block) == [{"n": 1}, {"n": 2}]


def test_another_path_can_be_asked_for() -> None:
    assert read(b'{"items":[1,2]}', path=("items",)) == [1, 2]


@pytest.mark.parametrize("block", [1, 16, 1000])
def test_an_element_of_another_type_is_broken_and_the_others_are_read(block: int) -> None:
    found = read(b'{"log":{"entries":[{"n":1},{"n":"x"},null,{"n":4}, [ ] ,{"n":6}]}}', block=block, typed=Item)
    assert found == [Item(1), Broken(b'{"n":"x"}'), Broken(b"null"), Item(4), Broken(b"[ ]"), Item(6)]


def test_an_element_that_only_a_lenient_reader_takes_is_broken() -> None:
    found = read(b'{"log":{"entries":[{"n":1},{"n":NaN},{"n":2}]}}', block=1000, typed=Item)
    assert found == [Item(1), Broken(b'{"n":NaN}'), Item(2)]


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"", "the recording is empty · byte 0"),
        (b"  ", "the recording is empty · byte 0"),
        (b"[]", "there is no `log`"),
        (b'{"log":1}', "there is no `log.entries`"),
        (b'{"log":{"entries":3}}', "`log.entries` is not a list"),
        (b'{"log":{"entries":{}}}', "`log.entries` is not a list"),
        (b'{"log":{"entries":[]},"log":{}}', "`log` stands 2 times"),
        (b'{"log":{"entries":[1],"entries":[2]}}', "`log.entries` stands 2 times"),
        (b'{"log":{"entries":[1,]}}', "the recording is not JSON: Expecting value · byte 21"),
        (b'{"log":{"entries":[,1]}}', "the recording is not JSON: Expecting value · byte 19"),
        (b'{"log":{"entries":[1 2]}}', "the recording is not JSON: Extra data · byte 21"),
        (b'{"log":{"entries":[{"n":1}}]}}', "the recording is not JSON: a stray `}` · byte 26"),
        (b'{"log":{"entries":[1]}} x', "the recording is not JSON: Extra data · byte 24"),
        (b'{"log":{"entries":[1]}', "the recording is not JSON: Expecting ',' delimiter · byte 22"),
        (b'{"log":{"entries":[{"n":1},{"n"', "the recording is cut off or is not JSON · byte 31"),
        (b'{"log" {"entries":[]}}', "the recording is not JSON: Expecting ':' delimiter · byte 7"),
    ],
)
def test_what_is_not_such_a_document_is_refused_with_the_byte(data: bytes, what: str) -> None:
    assert refusal(data) == refusal(data, 1) == f"CASK-C001 {what}"


def test_a_comma_with_nothing_behind_it_is_refused_at_every_block_size() -> None:
    data = b'{"log":{"entries":[' + b",".join(b'{"n":%d}' % number for number in range(40)) + b",]}}"
    for block in range(1, 80):
        assert refusal(data, block).startswith("CASK-C001 the recording is not JSON")


def test_what_is_nested_too_deeply_is_refused() -> None:
    deep = b"[" * 100_000
    assert refusal(b'{"log":{"x":' + deep).startswith("CASK-C005 the recording is nested deeper than 500 levels")
    assert refusal(b'{"log":{"entries":[' + deep + b"]" * 100_000 + b"]}}", 1 << 20).startswith(
        "CASK-C005 the recording is nested too deeply"
    )
    assert refusal(b'{"log":{"entries":[1],"x":' + deep + b"]" * 100_000 + b"}}", 1 << 20).startswith("CASK-C005")


def test_an_element_beyond_the_limit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "ELEMENT", 1000)
    small = {"log": {"entries": [{"t": "x" * 400}] * 10}}
    assert len(read(json.dumps(small).encode())) == 10
    large = {"log": {"entries": [{"t": "x" * 5000}]}}
    assert refusal(json.dumps(large).encode()).startswith("CASK-C005 an entry")


def test_a_number_with_thousands_of_digits_is_refused_and_does_not_crash() -> None:
    data = b'{"log":{"entries":[NaN,' + b"7" * 5000 + b"]}}"
    assert refusal(data, 1 << 20).startswith("CASK-C005 a number in the recording is too long")
