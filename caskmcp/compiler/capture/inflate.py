"""From the bytes on the disk to UTF-8 text: compression by magic bytes, byte order marks, and a proof that all of it is UTF-8.

Works block by block in bounded memory. It leaves it to the source to say what the text means. Sizes are bounded by `TOTAL`, so that a
small file cannot become an endless one.
"""

import codecs
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from caskmcp.errors import CaskError

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

PIECE: Final = 1 << 20
"""Bytes that come out at a time, at most."""
_SLICE: Final = 1 << 14
"""Bytes that are proved to be UTF-8 at a time: the text that is thrown away has to stay in the processor's cache."""
TOTAL: Final = 16 << 30
"""Bytes that a file may have once it is decompressed."""

_GZIP: Final = b"\x1f\x8b"
_ZSTD: Final = b"\x28\xb5\x2f\xfd"
# Longest first: the mark of UTF-32 begins with that of UTF-16.
_MARKS: Final = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def text_blocks(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """UTF-8 bytes without a byte order mark. A block may end inside a character.

    Raises CaskError CASK-C001 with `byte N` (counted after decompression) for what is not UTF-8 and for damaged or cut-off
    compression, and CASK-C005 beyond `TOTAL`.
    """
    plain = _bounded(decompressed(blocks))
    first = _filled(plain, 4)
    mark, encoding = next(((mark, name) for mark, name in _MARKS if first.startswith(mark)), (b"", "utf-8"))
    rest = _chain(first[len(mark) :], plain)
    return _checked(rest, len(mark)) if encoding == "utf-8" else _recoded(rest, encoding)


def decompressed(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """The bytes without gzip or zstd, which are told by their magic bytes, not by a file's name."""
    pieces = iter(blocks)
    first = _filled(pieces, 4)
    rest = _chain(first, pieces)
    if first.startswith(_GZIP):
        return _unpacked(rest, _Gunzip, zlib.error)
    if first.startswith(_ZSTD):
        return _unpacked(rest, zstd.ZstdDecompressor, zstd.ZstdError)
    return rest


def _filled(pieces: Iterator[bytes], size: int) -> bytes:
    held = b""
    for piece in pieces:
        held += piece
        if len(held) >= size:
            break
    return held


def _chain(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    if first:
        yield first
    yield from rest


def _bounded(pieces: Iterator[bytes]) -> Iterator[bytes]:
    total = 0
    for piece in pieces:
        total += len(piece)
        if total > TOTAL:
            raise CaskError("CASK-C005", f"the recording is larger than {TOTAL >> 30} GiB")
        yield piece


class _Gunzip:
    """zlib's decompressor under the names of zstd's, so that one loop serves both."""

    def __init__(self) -> None:
        self._state = zlib.decompressobj(16 + zlib.MAX_WBITS)
        self._full = False

    def decompress(self, data: bytes, max_length: int) -> bytes:
        piece = self._state.decompress(self._state.unconsumed_tail + data, max_length)
        self._full = len(piece) == max_length  # zlib may hold back output that did not fit although all input is taken
        return piece

    @property
    def needs_input(self) -> bool:
        return not self._full and not self._state.unconsumed_tail

    @property
    def eof(self) -> bool:
        return self._state.eof

    @property
    def unused_data(self) -> bytes:
        return self._state.unused_data


def _unpacked(pieces: Iterator[bytes], make: Callable[[], Any], damage: type[Exception]) -> Iterator[bytes]:
    state = make()
    try:
        for piece in pieces:
            data, more = piece, True
            while more:
                if state.eof:  # several members in one file are one stream (RFC 1952 section 2.2, RFC 8878 section 3)
                    state = make()
                yield state.decompress(data, PIECE)
                data = state.unused_data if state.eof else b""
                more = bool(data) or not (state.eof or state.needs_input)
    except damage as cause:
        raise CaskError("CASK-C001", f"the compressed recording is damaged: {cause}") from cause
    if not state.eof:
        raise CaskError("CASK-C001", "the compressed recording is cut off")


def _checked(pieces: Iterator[bytes], skipped: int) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder("utf-8")()
    offset, pending = skipped, 0
    for piece in pieces:
        if pending or not piece.isascii():
            for low in range(0, len(piece), _SLICE):
                _decode(decoder, piece[low : low + _SLICE], offset + low - pending, final=False)
                pending = len(decoder.getstate()[0])
        offset += len(piece)
        yield piece
    _decode(decoder, b"", offset - pending, final=True)


def _recoded(pieces: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(encoding)()
    offset = 2
    for piece in pieces:
        yield _decode(decoder, piece, offset, final=False).encode("utf-8")
        offset += len(piece)
    _decode(decoder, b"", offset, final=True)


def _decode(decoder: codecs.IncrementalDecoder, piece: bytes, offset: int, *, final: bool) -> str:
    try:
        return decoder.decode(piece, final)
    except UnicodeDecodeError as cause:
        raise CaskError("CASK-C001", f"the recording is not {cause.encoding.upper()}", place=f"byte {offset + cause.start}") from cause
