"""Traces that say nothing: a few are left out as any other span, beyond a bound the file is refused, so that no file takes minutes for nothing."""

from collections.abc import Iterator

import pytest

from caskmcp.compiler.capture.sources.otel import Otel
from caskmcp.compiler.capture.sources.otel.span import EMPTY
from caskmcp.errors import CaskError
from caskmcp.model.exchange import Skipped

pytest.importorskip("opentelemetry.proto", reason="needs the extra `otel`")


def varint(number: int) -> bytes:
    return bytes([number]) if number < 0x80 else bytes([number & 0x7F | 0x80]) + varint(number >> 7)


def message(tag: int, content: bytes) -> bytes:
    return bytes([tag]) + varint(len(content)) + content


def protobuf(count: int) -> bytes:
    return message(0x0A, message(0x12, b"\x12\x00" * count))


def json(count: int) -> bytes:
    return b'{"resourceSpans":[{"scopeSpans":[{"spans":[' + b",".join([b"{}"] * count) + b"]}]}]}"


def blocks(data: bytes) -> Iterator[bytes]:
    return (data[at : at + 65_536] for at in range(0, len(data), 65_536))


@pytest.mark.parametrize("written", [protobuf, json])
def test_a_few_spans_that_say_nothing_are_left_out(written: object) -> None:
    found = list(Otel().read(blocks(written(3))))  # type: ignore[operator]
    assert found == [Skipped(f"span {number}", "not http") for number in range(3)]


@pytest.mark.parametrize(("data", "place"), [(protobuf(EMPTY + 1), "byte 200010"), (json(EMPTY + 1), f"span {EMPTY}")])
def test_too_many_spans_that_say_nothing_are_refused(data: bytes, place: str) -> None:
    with pytest.raises(CaskError) as caught:
        sum(1 for _ in Otel().read(blocks(data)))
    assert (caught.value.code, caught.value.exit, caught.value.place) == ("CASK-C005", 3, place)


def test_messages_that_hold_nothing_are_counted_too() -> None:
    with pytest.raises(CaskError, match="CASK-C005"):
        sum(1 for _ in Otel().read(blocks(b"\x0a\x00" * (EMPTY + 1))))


def test_spans_of_a_trace_are_no_such_spans_however_many_there_are() -> None:
    span = message(0x12, message(0x0A, b"\x01" * 16) + message(0x12, b"\x02" * 8))
    data = message(0x0A, message(0x12, span * (EMPTY + 2)))
    assert sum(1 for _ in Otel().read(blocks(data))) == EMPTY + 2
