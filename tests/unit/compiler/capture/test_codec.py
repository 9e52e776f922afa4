"""Lines between capture and normalize: what goes in comes out, the same bytes each time, and damage is an error."""

import gzip

import msgspec
import pytest

from caskmcp.compiler.capture.codec import compress, decode_line, decode_lines, encode_line, with_private
from caskmcp.errors import CaskError
from caskmcp.model.exchange import Body, Declared, Exchange

ORDER = Exchange(
    "GET",
    "https",
    "api.example.com",
    0,
    "/orders/7",
    query=(("page", "2"), ("page", "3")),
    status=200,
    response=Body("application/json", "json", {"total": 2**70, "lines": [None, True, 1.5]}, 41),
)
DECLARED = Declared("GET", "https", "api.example.com", 0, "/orders/{order_id}", operation_id="getOrder")


def pieces(*items: Exchange | Declared) -> list[bytes]:
    return list(compress(encode_line(item) for item in items))


def test_an_exchange_and_a_declared_operation_come_back_as_they_went_in() -> None:
    assert list(decode_lines(pieces(ORDER, DECLARED, ORDER))) == [ORDER, DECLARED, ORDER]


def test_an_integer_beyond_64_bits_stays_exact() -> None:
    (back,) = decode_lines(pieces(ORDER))
    assert isinstance(back, Exchange)
    assert back.response is not None
    assert back.response.value["total"] == 1180591620717411303424


def test_a_line_says_what_it_is() -> None:
    assert encode_line(DECLARED).startswith(b'{"declared":{"method":"GET"')
    assert encode_line(ORDER).startswith(b'{"exchange":{"method":"GET"')
    assert encode_line(ORDER).endswith(b"}\n")


def test_the_same_lines_give_the_same_bytes_without_a_time_or_a_name() -> None:
    first = b"".join(pieces(ORDER, DECLARED))
    assert first == b"".join(pieces(ORDER, DECLARED))
    assert first[:8] == b"\x1f\x8b\x08\x00\x00\x00\x00\x00"
    assert gzip.decompress(first).count(b"\n") == 2


def test_an_empty_capture_is_a_valid_file_without_lines() -> None:
    assert list(decode_lines(pieces())) == []


@pytest.mark.parametrize("size", [1, 7, 100_000])
def test_blocks_of_any_size_give_the_same_records(size: int) -> None:
    data = b"".join(pieces(*[ORDER] * 500))
    blocks = [data[at : at + size] for at in range(0, len(data), size)]
    assert list(decode_lines(blocks)) == [ORDER] * 500


def test_a_cut_or_damaged_capture_is_an_error() -> None:
    data = b"".join(pieces(ORDER))
    for bad in (data[:-4], data[:20], b"", b"not gzip at all", data[:30] + b"\xff\xff\xff" + data[33:]):
        with pytest.raises(CaskError) as caught:
            list(decode_lines([bad]))
        assert caught.value.code == "CASK-C001"


@pytest.mark.parametrize("line", [b"", b"{}", b'{"exchange": 7}', b"[1]", b'{"exchange":', b"\xff"])
def test_a_line_of_another_form_is_an_error(line: bytes) -> None:
    with pytest.raises(CaskError) as caught:
        decode_line(line)
    assert caught.value.code == "CASK-C001"


def test_a_line_without_its_end_is_an_error() -> None:
    with pytest.raises(CaskError) as caught:
        list(decode_lines(compress([encode_line(ORDER)[:-1]])))
    assert caught.value.code == "CASK-C001"


def test_what_is_the_roots_own_is_put_behind_the_line_as_if_all_were_encoded_at_once() -> None:
    linked = msgspec.structs.replace(ORDER, links=(("query.q", "ab" * 32), ('response.body.\\"', "cd" * 32)))
    assert with_private(encode_line(ORDER), linked) == encode_line(linked)
    assert with_private(encode_line(ORDER), ORDER) == encode_line(ORDER)
