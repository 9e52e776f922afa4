"""Spans of OTLP in protobuf: one `ExportTraceServiceRequest`, or a sequence of them with their lengths before them.

Lengths are varints (what protobuf's own delimited streams have) or four bytes, the highest first (what the collector's file exporter writes);
there a message may be packed with zstd, or be JSON. The outer messages are walked through and never held, so that memory is bounded by
one span; the span itself is read by the library that OpenTelemetry generates (extra `otel`).
Encoding: https://protobuf.dev/programming-guides/encoding/.
"""

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from caskmcp.compiler.capture.inflate import decompressed, text_blocks
from caskmcp.compiler.capture.sources.otel import documents
from caskmcp.compiler.capture.sources.otel.span import EMPTY, Scalar, Span, hollow
from caskmcp.errors import CaskError
from caskmcp.model.exchange import Skipped

try:
    from google.protobuf.message import DecodeError as _DecodeError
    from opentelemetry.proto.trace.v1.trace_pb2 import Span as _Span
except ImportError:  # said by `needed`, when somebody asks for it
    _LIBRARY: tuple[Any, type[Exception]] | None = None
else:
    _LIBRARY = (_Span, _DecodeError)

LARGEST: Final = documents.LARGEST
"""Bytes of one span; a larger one is left out."""
FRAME: Final = 16 << 20
"""Bytes of a message that is packed or JSON, packed and unpacked."""
_SPANS: Final = (frozenset((1,)), frozenset((2, 1000)), frozenset((2,)))
"""Field numbers down to the spans: `resource_spans`, `scope_spans` (before 1.0 `instrumentation_library_spans`), `spans`."""
_MESSAGE: Final = b"\x0a"
"""The tag of `resource_spans`: how a message without a length begins."""
_ZSTD: Final = b"\x28\xb5\x2f\xfd"
_FIXED: Final = {1: 8, 5: 4}
"""Wire type -> bytes of its value."""
_VARINT: Final = 10
"""Bytes of the longest varint."""
_NO_SPAN: Final = Span("", "", "", "", 0, {})


def needed() -> None:
    """Raise CaskError CASK-W002 if the library is not there."""
    _library()


def _library() -> tuple[Any, type[Exception]]:
    if _LIBRARY is None:
        raise CaskError("CASK-W002", "reading OTLP in protobuf needs the extra `otel`", mend="pip install 'caskmcp[otel]'")
    return _LIBRARY


def spans(blocks: Iterator[bytes]) -> Iterator[Span | Skipped]:
    """Each span of a file, as `span 17`.

    Raises CaskError CASK-W002 without the library, CASK-C001 with `byte N` for what is no protobuf, is cut off or holds no span, and
    CASK-C005 beyond `FRAME`.
    """
    needed()
    reader = _Bytes(blocks)
    found = message(reader) if reader.peek(1) == _MESSAGE else _sequence(reader)
    count = 0
    for count, item in enumerate(found, 1):
        yield msgspec.structs.replace(item, place=f"span {count - 1}")
    if not count:
        raise CaskError("CASK-C001", "there is no span in it: this is no OTLP of traces", place="byte 0")


def one_message(data: bytes) -> Iterator[Span | Skipped]:
    """Each span of one message, which may be empty. Raises as `spans`."""
    needed()
    return message(_Bytes(iter((data,))))


class _Bytes:
    """The file, byte by byte or piece by piece."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks = blocks
        self._buffer = bytearray()
        self._used = 0
        self.at = 0
        """Bytes that were taken."""
        self.empty = 0
        """Messages that held nothing."""

    def is_over(self) -> bool:
        """Whether nothing is left."""
        return self._used >= len(self._buffer) and not self.peek(1)

    def peek(self, size: int) -> bytes:
        """The next bytes, fewer at the end."""
        while len(self._buffer) - self._used < size and (block := next(self._blocks, None)) is not None:
            del self._buffer[: self._used]
            self._used = 0
            self._buffer += block
        return bytes(self._buffer[self._used : self._used + size])

    def take(self, size: int) -> bytes:
        """The next bytes, all of them."""
        data = self.peek(size)
        if len(data) < size:
            raise _broken(self.at + len(data))
        self._used += size
        self.at += size
        return data

    def skip(self, size: int) -> None:
        """Pass over bytes without holding them."""
        while size > 0:
            size -= len(self.take(min(size, 1 << 16)))

    def varint(self) -> int:
        """The next varint."""
        used = self._used
        if used < len(self._buffer) and (byte := self._buffer[used]) < 0x80:  # nearly all of them are one byte
            self._used = used + 1
            self.at += 1
            return byte
        value = 0
        for index in range(_VARINT):
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << (7 * index)
            if byte < 0x80:
                return value
        raise _broken(self.at)


def _broken(at: int) -> CaskError:
    return CaskError("CASK-C001", "the traces are no OTLP in protobuf, or are cut off", place=f"byte {at}")


# ---------------------------------------------------------------- messages
def _sequence(reader: _Bytes) -> Iterator[Span | Skipped]:
    """Messages with their lengths. No message has 16 MiB, so that four bytes begin with a zero, which no varint of a length does."""
    in_four = reader.peek(1) == b"\0"
    while reader.peek(1):
        size = int.from_bytes(reader.take(4), "big") if in_four else reader.varint()
        first = reader.peek(min(size, 4))
        if first == _ZSTD or first[:1] == b"{":
            yield from _packed(_held(reader, size))
        else:
            yield from message(reader, reader.at + size)


def _held(reader: _Bytes, size: int) -> bytes:
    if size > FRAME:
        raise CaskError("CASK-C005", f"a message is larger than {FRAME >> 20} MiB", place=f"byte {reader.at}")
    return reader.take(size)


def _packed(data: bytes) -> Iterator[Span | Skipped]:
    inner = _capped(decompressed((data,)))
    if inner[:1] == b"{":
        yield from documents.spans(text_blocks((inner,)))
    else:
        yield from message(_Bytes(iter((inner,))))


def _capped(pieces: Iterator[bytes]) -> bytes:
    held = bytearray()
    for piece in pieces:
        held += piece
        if len(held) > FRAME:
            raise CaskError("CASK-C005", f"a message is larger than {FRAME >> 20} MiB when it is unpacked")
    return bytes(held)


def message(reader: _Bytes, end: int | None = None, fields: tuple[frozenset[int], ...] = _SPANS) -> Iterator[Span | Skipped]:
    """The spans of the message up to byte `end`, or up to the file's end."""
    while reader.at < end if end is not None else not reader.is_over():
        tag = reader.varint()
        number, wire = tag >> 3, tag & 7
        if wire == 0:
            reader.varint()
        elif wire in _FIXED:
            reader.skip(_FIXED[wire])
        elif wire == 2:
            size = reader.varint()
            if end is not None and reader.at + size > end:
                raise _broken(reader.at)
            if number not in fields[0]:
                reader.skip(size)
            elif size:
                yield from _field(reader, size, fields)
            else:
                yield from _hollow(reader, fields)
        else:
            raise _broken(reader.at)
    if end is not None and reader.at != end:
        raise _broken(reader.at)


def _field(reader: _Bytes, size: int, fields: tuple[frozenset[int], ...]) -> Iterator[Span | Skipped]:
    if len(fields) > 1:
        yield from message(reader, reader.at + size, fields[1:])
    elif size > LARGEST:
        reader.skip(size)
        yield Skipped("", "broken", detail=f"the span is larger than {LARGEST >> 20} MiB")
    else:
        yield _span(reader.take(size))


def _hollow(reader: _Bytes, fields: tuple[frozenset[int], ...]) -> Iterator[Span | Skipped]:
    """A message of no bytes: no span of a trace has none, and hundreds of millions fit into a file."""
    reader.empty += 1
    if reader.empty > EMPTY:
        raise hollow(f"byte {reader.at}")
    return iter(() if len(fields) > 1 else (_NO_SPAN,))


# ---------------------------------------------------------------- one span
def _span(data: bytes) -> Span | Skipped:
    span, broken = _library()
    try:
        read = span.FromString(data)
    except broken:
        return Skipped("", "broken", detail="the span is no message of OTLP")  # the library's words are for its own developers
    attributes = {item.key: value for item in read.attributes if (value := _value(item.value)) is not None}
    return Span("", _id(read.trace_id), _id(read.span_id), _id(read.parent_span_id), int(read.kind), attributes)


def _id(data: bytes) -> str:
    return data.hex() if data.strip(b"\0") else ""


def _value(value: Any) -> Scalar | list[Scalar] | None:
    if value.WhichOneof("value") == "array_value":
        return [found for item in value.array_value.values if (found := _scalar(item)) is not None]
    return _scalar(value)


def _scalar(value: Any) -> Scalar | None:
    name = value.WhichOneof("value")
    return getattr(value, name) if name in ("string_value", "bool_value", "int_value", "double_value") else None
