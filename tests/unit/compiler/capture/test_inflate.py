"""From bytes on the disk to UTF-8: compression, marks, and where the bytes are not what they should be."""

import gzip
import sys
from collections.abc import Callable, Iterator

import pytest

from caskmcp.compiler.capture import inflate
from caskmcp.compiler.capture.inflate import text_blocks
from caskmcp.errors import CaskError

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

TEXT = ('{"städte": ["Zürich", "東京", "🦙"]}' * 500).encode()
SIZES = [1, 3, 1000, 1 << 20]


def pieces(data: bytes, size: int) -> Iterator[bytes]:
    return (data[at : at + size] for at in range(0, len(data), size))


def text(data: bytes, size: int = 1000) -> bytes:
    return b"".join(text_blocks(pieces(data, size)))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("pack", [bytes, gzip.compress, zstd.compress], ids=["plain", "gzip", "zstd"])
def test_text_comes_out_whatever_the_blocks(pack: Callable[[bytes], bytes], size: int) -> None:
    assert text(pack(TEXT), size) == TEXT


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-be", "utf-32"])
def test_a_mark_says_the_encoding(encoding: str, size: int) -> None:
    mark = b"\xfe\xff" if encoding == "utf-16-be" else b""
    assert text(mark + TEXT.decode().encode(encoding), size) == TEXT


@pytest.mark.parametrize("pack", [gzip.compress, zstd.compress], ids=["gzip", "zstd"])
def test_several_members_are_one_text(pack: Callable[[bytes], bytes]) -> None:
    assert text(pack(TEXT) + pack(b"") + pack(b" end"), 7) == TEXT + b" end"


@pytest.mark.parametrize("pack", [gzip.compress, zstd.compress], ids=["gzip", "zstd"])
def test_cut_or_damaged_compression_is_an_error(pack: Callable[[bytes], bytes]) -> None:
    packed = pack(TEXT)
    for bad in (packed[:-1], packed[: len(packed) // 2], packed[:5], packed[:20] + b"\0\xff\0\xff" + packed[24:], packed + b"junk"):
        with pytest.raises(CaskError) as caught:
            text(bad)
        assert caught.value.code == "CASK-C001"


@pytest.mark.parametrize("size", [1, 2, 5, 1000])
@pytest.mark.parametrize(
    ("data", "offset"),
    [
        (b"abc\xffdef", 3),
        (b"\xef\xbb\xbfab\xff", 5),
        ("é".encode() * 3 + b"\xc3", 6),
        (b"ab" + "🦙".encode()[:3] + b"x", 2),
        (b"a" * 4999 + b"\x80", 4999),
    ],
)
def test_what_is_not_utf8_is_named_by_its_byte(data: bytes, offset: int, size: int) -> None:
    with pytest.raises(CaskError) as caught:
        text(data, size)
    assert str(caught.value) == f"CASK-C001 the recording is not UTF-8 · byte {offset}"


def test_half_a_character_of_utf16_is_an_error() -> None:
    with pytest.raises(CaskError) as caught:
        text("ab".encode("utf-16")[:-1])
    assert caught.value.code == "CASK-C001"


def test_a_bomb_comes_out_in_small_pieces_and_ends_at_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inflate, "TOTAL", 20 << 20)
    bomb = gzip.compress(b"0" * (64 << 20), 1)
    sizes: list[int] = []
    with pytest.raises(CaskError) as caught:
        sizes.extend(map(len, text_blocks([bomb])))
    assert caught.value.code == "CASK-C005"
    assert max(sizes) <= inflate.PIECE
    assert sum(sizes) <= 20 << 20


def test_nothing_is_nothing() -> None:
    assert text(b"") == b""
    assert text(b"\xef\xbb\xbf") == b""


@pytest.mark.parametrize("size", [1000, 1 << 14, (1 << 14) + 1, 1 << 20])
@pytest.mark.parametrize("place", [0, 16_382, 16_383, 16_384, 16_385, 32_768, 40_000])
def test_a_byte_that_is_no_text_is_named_wherever_the_slices_end(place: int, size: int) -> None:
    data = bytearray("é".encode() * 25_000)
    place -= place % 2  # where a character begins
    data[place] = 0xFF
    with pytest.raises(CaskError) as caught:
        text(bytes(data), size)
    assert (caught.value.code, caught.value.place) == ("CASK-C001", f"byte {place}")


@pytest.mark.parametrize("shift", [0, 1, 2, 3])
def test_a_character_that_spans_two_slices_is_text(shift: int) -> None:
    data = b"a" * shift + "🦙".encode() * 10_000
    assert text(data, 1 << 20) == data
    with pytest.raises(CaskError, match="is not UTF-8"):
        text(data[:-1], 1 << 20)
