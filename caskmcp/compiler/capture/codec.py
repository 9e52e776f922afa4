"""The bytes between capture and normalize: one JSON object a line, compressed the same way on every run.

A line is `{"exchange": {...}}`, `{"declared": {...}}`, `{"proposed": {...}}`, or `{"definitions": {...}}` before the first operation that names them; integers are
exact at any size. Compression is gzip level 1 with time 0 and without a name. Order is the source's; nothing here sorts.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

import msgspec
from isal import isal_zlib

from caskmcp.errors import CaskError
from caskmcp.model.exchange import Declared, Definitions, Exchange, Proposed
from caskmcp.model.shared import Plain, Table

_PIECE: Final = 1 << 16
"""Bytes that are compressed at a time: small calls cost more than they save."""
_GZIP: Final = 16 + isal_zlib.MAX_WBITS


_PRIVATE: Final = Exchange.__struct_fields__[Exchange.__struct_fields__.index("kept") + 1 :]
"""What only the root may know: the last fields of an exchange."""
_END: Final = b"}}\n"


class Line(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """One line: exactly one of the four."""

    exchange: Exchange | None = None
    declared: Declared | None = None
    proposed: Proposed | None = None
    definitions: dict[str, Any] | None = None


_encoder: Final = msgspec.json.Encoder()
_decoder: Final = msgspec.json.Decoder(Line)


def encode_line(item: Exchange | Declared | Proposed) -> bytes:
    """One line with its line end. Raises UnicodeEncodeError for lone surrogates: redaction has to replace them before."""
    if isinstance(item, Exchange):
        return _encoder.encode(Line(exchange=item)) + b"\n"
    return _encoder.encode(Line(declared=item) if isinstance(item, Declared) else Line(proposed=item)) + b"\n"


def with_private(line: bytes, item: Exchange) -> bytes:
    """`encode_line(item)` from the line of the same exchange without what is the key's, which stands last: no body is encoded twice."""
    own = {name: value for name in _PRIVATE if (value := getattr(item, name))}
    return line[: -len(_END)] + b"," + _encoder.encode(own)[1:-1] + _END if own else line


def encode_definitions(rows: dict[str, Any]) -> bytes:
    """One line of definitions, with its line end."""
    return _encoder.encode(Line(definitions=rows)) + b"\n"


def packed(item: Declared, table: Table) -> Declared:
    """The operation with the definitions of its schemas in the table."""
    return _with_schemas(item, table.packed)


def _with_schemas(item: Declared, change: Callable[[Plain], dict[str, Any]]) -> Declared:
    replace = msgspec.structs.replace
    return replace(
        item,
        parameters=tuple(replace(row, schema=change(row.schema)) for row in item.parameters),
        bodies=tuple(replace(row, schema=change(row.schema)) for row in item.bodies),
        responses=tuple(row if row.schema is None else replace(row, schema=change(row.schema)) for row in item.responses),
    )


def decode_line(line: bytes) -> Exchange | Declared | Proposed | Definitions:
    """The record of one line. Raises CaskError CASK-C001 for anything that `encode_line` did not write."""
    try:
        read = _decoder.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as cause:
        raise CaskError("CASK-C001", f"a line of a capture cannot be read: {cause}") from cause
    item = read.exchange or read.declared or read.proposed or (None if read.definitions is None else Definitions(read.definitions))
    if item is None:
        raise CaskError("CASK-C001", "a line of a capture holds neither an exchange nor a declared operation")
    return item


def compress(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Gzip pieces of the lines; equal lines give equal bytes."""
    state = isal_zlib.compressobj(1, isal_zlib.DEFLATED, _GZIP)  # a quarter of the time that zlib's level 1 takes
    held: list[bytes] = []
    size = 0
    for line in lines:
        held.append(line)
        size += len(line)
        if size >= _PIECE:
            yield state.compress(b"".join(held))
            held, size = [], 0
    yield state.compress(b"".join(held)) + state.flush()


def decode_lines(blocks: Iterable[bytes]) -> Iterator[Exchange | Declared | Proposed | Definitions]:
    """The records of a compressed capture, in order. Raises CaskError CASK-C001 for damage and for a cut end."""
    return map(decode_line, lines(blocks))


def decode_whole(blocks: Iterable[bytes]) -> Iterator[Exchange | Declared | Proposed]:
    """As `decode_lines`, with the definitions inside of the operations. Raises CASK-L002 for one that is missing."""
    table = Table()
    for item in decode_lines(blocks):
        if isinstance(item, Definitions):
            table = Table({**table.rows, **item.definitions})
        else:
            yield _with_schemas(item, table.whole) if isinstance(item, Declared) else item


def lines(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """The lines of a compressed capture, as they are. Raises CaskError CASK-C001 for damage and for a cut end."""
    held: list[bytes] = []  # pieces of a line whose end has not come yet; joined once, so that a huge line costs linear time
    for piece in _inflate(blocks):
        if b"\n" not in piece:
            held.append(piece)
            continue
        *whole, rest = b"".join((*held, piece)).split(b"\n")
        held = [rest]
        yield from whole
    if any(held):
        raise CaskError("CASK-C001", "a capture ends in the middle of a line")


def _inflate(blocks: Iterable[bytes]) -> Iterator[bytes]:
    state = isal_zlib.decompressobj(_GZIP)
    try:
        for block in blocks:
            rest, piece = block, b"."
            while rest or piece:
                if state.eof and rest:  # a capture that was made in pieces has a member for each
                    state = isal_zlib.decompressobj(_GZIP)
                piece = b"" if state.eof else state.decompress(rest, _PIECE)
                rest = state.unused_data if state.eof else state.unconsumed_tail
                if piece:
                    yield piece
    except isal_zlib.error as cause:  # type: ignore[misc]  # its types say that this is an instance
        raise CaskError("CASK-C001", "a capture is damaged: it cannot be unpacked") from cause
    if not state.eof:
        raise CaskError("CASK-C001", "a capture is cut off")
