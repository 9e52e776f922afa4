"""OTLP files: JSON in every layout, protobuf in every framing; hostile ones end with a place and without a word of theirs."""

import gzip
import json
import struct
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from caskmcp.compiler.capture.sources.interface import Recorded
from caskmcp.compiler.capture.sources.kinds import kind_of
from caskmcp.compiler.capture.sources.otel import Otel, documents, messages
from caskmcp.errors import CaskError
from caskmcp.model.exchange import Skipped
from tests.support import otlp
from tests.support.otlp import served, span
from tests.support.syntax import ROOT

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

needs_protobuf = pytest.mark.skipif(messages._LIBRARY is None, reason="reading protobuf needs the extra: pip install 'caskmcp[otel]'")
ORDER = span(1, served("GET", "/orders/17", route="/orders/{id}"))
OTHER = span(2, served("GET", "/orders/18", route="/orders/{id}"))
PATHS = ["https://api.example.com/orders/17", "https://api.example.com/orders/18"]


def read(data: bytes, block: int = 1 << 20) -> list[Any]:
    return list(Otel().read(data[at : at + block] for at in range(0, len(data), block)))


def urls(data: bytes, block: int = 1 << 20) -> list[str]:
    return sorted(each.url for each in read(data, block) if isinstance(each, Recorded))


def frames(*parts: bytes) -> bytes:
    """As the collector's file exporter writes protobuf: four bytes with the length before each message."""
    return b"".join(struct.pack(">I", len(part)) + part for part in parts)


def delimited(*parts: bytes) -> bytes:
    return b"".join(otlp.varint(len(part)) + part for part in parts)


WRAPPED = json.dumps({"batches": [{"scopeSpans": [{"spans": [ORDER]}]}, {"instrumentationLibrarySpans": [{"spans": [OTHER]}]}]}).encode()
LAYOUTS = {
    "one document": otlp.document(ORDER, OTHER),
    "indented": json.dumps(otlp.request(ORDER, OTHER), indent=4).encode(),
    "a line each": otlp.lines([ORDER], [OTHER]),
    "no last line end": otlp.lines([ORDER], [OTHER])[:-1],
    "empty lines": otlp.lines([ORDER]) + b"\r\n\n" + otlp.lines([OTHER]),
    "one after the other": json.dumps(otlp.request(ORDER), indent=1).encode() + b"  " + otlp.document(OTHER),
    "a list": b"[" + otlp.document(ORDER) + b"," + otlp.document(OTHER) + b"]",
    "Tempo": WRAPPED,
    "Tempo 2": b'{"trace": ' + otlp.document(ORDER, OTHER) + b"}",
    "names of the message": WRAPPED.replace(b"batches", b"resource_spans")
    .replace(b"scopeSpans", b"scope_spans")
    .replace(b"traceId", b"trace_id"),
    "other signals beside": otlp.lines([ORDER, OTHER]) + b'{"resourceLogs":[]}\n',
    "a mark": b"\xef\xbb\xbf" + otlp.document(ORDER, OTHER),
    "UTF-16": otlp.document(ORDER, OTHER).decode().encode("utf-16"),
    "gzip": gzip.compress(otlp.document(ORDER, OTHER)),
    "zstd": zstd.compress(otlp.lines([ORDER], [OTHER])),
}
MESSAGES = {
    "one message": otlp.message(ORDER, OTHER),
    "two messages, which are one": otlp.message(ORDER) + otlp.message(OTHER),
    "varints": delimited(otlp.message(ORDER), otlp.message(OTHER)),
    "four bytes": frames(otlp.message(ORDER), otlp.message(OTHER)),
    "four bytes, packed": frames(zstd.compress(otlp.message(ORDER)), zstd.compress(otlp.message(OTHER))),
    "four bytes, packed JSON": frames(zstd.compress(otlp.document(ORDER)), zstd.compress(otlp.document(OTHER))),
    "four bytes, JSON": frames(otlp.document(ORDER), otlp.document(OTHER)),
    "gzip": gzip.compress(otlp.message(ORDER, OTHER)),
    "unknown fields": otlp.field(9, 7) + otlp.varint(8 << 3 | 1) + bytes(8) + otlp.varint(8 << 3 | 5) + bytes(4) + otlp.field(7, "x") + otlp.message(ORDER, OTHER),
}  # fmt: skip


@pytest.mark.parametrize("name", LAYOUTS)
@pytest.mark.parametrize("block", [1 << 20, 7])
def test_json_is_read_in_every_layout(name: str, block: int) -> None:
    assert urls(LAYOUTS[name], block) == PATHS


@needs_protobuf
@pytest.mark.parametrize("name", MESSAGES)
@pytest.mark.parametrize("block", [1 << 20, 7])
def test_protobuf_is_read_in_every_framing(name: str, block: int) -> None:
    data = MESSAGES[name] if name != "unknown fields" else delimited(MESSAGES[name])
    assert urls(data, block) == PATHS


@needs_protobuf
def test_protobuf_says_the_same_as_json() -> None:
    spans = [ORDER, span(3, served("POST", "/a", http__request__header__a=["x", "y"], http__response__body__size=7, flag=True), parent=9)]
    assert read(otlp.message(*spans)) == read(otlp.document(*spans))


@pytest.mark.parametrize("name", LAYOUTS)
def test_traces_are_known_by_how_they_begin(name: str) -> None:
    packed = name in ("gzip", "zstd", "UTF-16")
    assert kind_of("traces.otlp.json" if packed else "traces.json", LAYOUTS[name]) == "otel"


@pytest.mark.parametrize("name", MESSAGES)
def test_protobuf_is_known_by_how_it_begins(name: str) -> None:
    odd = name in ("four bytes, packed", "four bytes, packed JSON", "four bytes, JSON", "gzip", "unknown fields")
    assert kind_of("traces.otlp.pb" if odd else "traces", MESSAGES[name]) == "otel"


def test_kinds_written_as_words_and_ids_in_capitals_are_understood() -> None:
    server = {**ORDER, "kind": "SPAN_KIND_SERVER", "parentSpanId": "000000000000000A", "traceId": otlp.TRACE.upper()}
    client = span(10, otlp.called("GET", PATHS[0]), kind="SPAN_KIND_CLIENT")
    assert urls(otlp.document(server, client)) == PATHS[:1]


def test_other_signals_and_other_spans_are_left_out_with_the_reason() -> None:
    data = otlp.lines([ORDER, span(3, {"db.system": "x"}, kind=3)]) + b'{"resourceMetrics":[]}\n'
    assert [each for each in read(data) if isinstance(each, Skipped)] == [Skipped("span 1", "not http"), Skipped("line 2", "not http")]


@pytest.mark.parametrize(
    ("odd", "expected"),
    [
        ({"attributes": 7}, Skipped("span 0", "broken", detail="the attributes of the span are no list")),
        ({"attributes": None}, Skipped("span 0", "not http")),
        ({"attributes": [7, {}, {"key": 1}, {"key": "http.method"}, {"key": "http.method", "value": {"kvlistValue": {"values": []}}}]}, Skipped("span 0", "not http")),
        ({"kind": [2]}, Skipped("span 0", "not http")),
        ({"kind": "SPAN_KIND_NEW"}, Skipped("span 0", "not http")),
        ({"traceId": 7, "spanId": None, "parentSpanId": {}}, PATHS[0]),
        ({"events": [{"attributes": [{"key": "http.method", "value": {"stringValue": "PUT"}}]}]}, PATHS[0]),
    ],
)  # fmt: skip
def test_a_span_of_odd_types_is_left_out_or_read_and_never_ends_the_reading(odd: dict[str, Any], expected: Any) -> None:
    first, *_ = read(otlp.document({**ORDER, **odd}, 7, None, []))
    assert (first.url if isinstance(first, Recorded) else first) == expected


def test_a_span_that_is_too_large_is_left_out_and_the_next_one_is_read() -> None:
    huge = span(3, served("GET", "/a", note="x" * documents.LARGEST))
    assert [type(each) for each in read(otlp.document(huge, ORDER))] == [Skipped, Recorded]
    many = {**ORDER, "attributes": [{}] * 20_000}
    assert read(otlp.document(many))[0].reason == "broken"


@needs_protobuf
def test_a_message_of_a_span_that_is_too_large_or_broken_is_left_out_and_the_next_one_is_read() -> None:
    huge = span(3, served("GET", "/a", note="x" * messages.LARGEST))
    assert [type(each) for each in read(otlp.message(huge, ORDER))] == [Skipped, Recorded]
    broken = otlp.field(1, otlp.field(2, otlp.field(2, b"\xff\xff") + otlp.field(2, otlp._span(ORDER))))
    first, second = read(broken)
    assert (first, second.url) == (Skipped("span 0", "broken", detail="the span is no message of OTLP"), PATHS[0])


SECRET = "hunter2-in-the-file"
BROKEN = {
    "nothing": (b"", "CASK-C001", "line 1"),
    "blank": (b" \n ", "CASK-C001", "line 2"),
    "no object": (b"[]", "CASK-C001", "line 1"),
    "a HAR": (b'{"log": {"entries": []}}', "CASK-C001", "line 1"),
    "cut off": (otlp.lines([ORDER]) + otlp.document(OTHER)[:-9], "CASK-C001", "line 2"),
    "a secret where none belongs": (b'{"resourceSpans": [\n"' + SECRET.encode() + b'" "x"]}', "CASK-C001", "line 2"),
    "not UTF-8": (otlp.document(ORDER) + b"\xff", "CASK-C001", f"byte {len(otlp.document(ORDER))}"),
    "a long number": (b'{"resourceSpans":[{"scopeSpans":[{"spans":[{"kind":' + b"9" * 9000 + b"}]}]}]}", "CASK-C001", "line 1"),
    "deep lists": (b'{"resourceSpans":' + b"[" * 100_000, "CASK-C005", "line 1"),
    "deep names": (b'{"resourceSpans":' + b'{"a":' * 100_000, "CASK-C005", "line 1"),
    "a deep span": (otlp.document({**ORDER, "attributes": ["DEEP"]}).replace(b'"DEEP"', b"[" * 5000 + b"]" * 5000), "CASK-C005", "line 1"),
    "a deep field that nobody reads": (otlp.document({**ORDER, "x": "DEEP"}).replace(b'"DEEP"', b"[" * 5000 + b"]" * 5000), "CASK-C005", "line 1"),
}  # fmt: skip
BROKEN_MESSAGES = {
    "a cut": (otlp.message(ORDER)[:100], "CASK-C001", "byte 100"),
    "a length beyond the end": (b"\x0a\xff\xff\xff\xff\x0f", "CASK-C001", "byte 6"),
    "a length beyond its message": (b"\x0a\x04\x12\x40ab", "CASK-C001", "byte 4"),
    "an endless varint": (b"\xff" * 40, "CASK-C001", "byte 10"),
    "no traces": (b"\x0a\x00", "CASK-C001", "byte 0"),
    "a frame that is cut": (frames(otlp.message(ORDER))[:-1], "CASK-C001", f"byte {len(otlp.message(ORDER)) + 3}"),
    "a frame of nothing": (b"\0\0", "CASK-C001", "byte 2"),
    "a frame that unpacks to too much": (frames(zstd.compress(bytes(messages.FRAME + 1))), "CASK-C005", None),
    "a page": (b"<html>" + SECRET.encode(), "CASK-C001", None),
    "a deep message": (b"\x0a\xff\x01" * 500, "CASK-C001", None),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_broken_ends_with_a_place_and_without_its_words(name: str) -> None:
    data, code, place = BROKEN[name]
    with pytest.raises(CaskError) as caught:
        read(data)
    assert (caught.value.code, caught.value.place) == (code, place)
    assert SECRET not in f"{caught.value} {caught.value.__cause__}"


@needs_protobuf
@pytest.mark.parametrize("name", BROKEN_MESSAGES)
def test_protobuf_that_is_broken_ends_with_a_place_and_without_its_words(name: str) -> None:
    data, code, place = BROKEN_MESSAGES[name]
    with pytest.raises(CaskError) as caught:
        read(data)
    assert caught.value.code == code
    assert place is None or caught.value.place == place
    assert SECRET not in f"{caught.value} {caught.value.__cause__}"


@needs_protobuf
def test_every_cut_of_a_message_ends_well_or_with_an_error_of_ours() -> None:
    whole = frames(otlp.message(ORDER), otlp.message(OTHER))
    for cut in range(len(whole)):
        try:
            read(whole[:cut])
        except CaskError as error:
            assert error.code == "CASK-C001"  # noqa: PT017 - some cuts end between two messages


def test_an_endless_text_is_refused_before_it_is_held() -> None:
    given = 0

    def blocks() -> Iterator[bytes]:
        nonlocal given
        yield b'{"resourceSpans":[{"x":"'
        while True:
            given += 1 << 20
            yield b"a" * (1 << 20)

    with pytest.raises(CaskError) as caught:
        list(Otel().read(blocks()))
    assert (caught.value.code, given <= 2 * documents.LONGEST) == ("CASK-C005", True)


def test_a_bomb_of_gzip_is_refused_as_it_unpacks() -> None:
    bomb = gzip.compress(b'{"resourceSpans":[' + b" " * (64 << 20) + b"]}")
    with pytest.raises(CaskError) as caught:
        read(bomb)
    assert (len(bomb) < 1 << 17, caught.value.code) == (True, "CASK-C005")


def test_without_the_library_protobuf_names_the_extra_and_json_needs_none() -> None:
    code = (
        "import sys; sys.modules['opentelemetry.proto'] = None\n"
        "from caskmcp.compiler.capture.sources.otel import Otel\n"
        "from caskmcp.errors import CaskError\n"
        f"print(len(list(Otel().read([{otlp.document(ORDER)!r}]))))\n"
        f"try: list(Otel().read([{otlp.message(ORDER)!r}]))\n"
        "except CaskError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "1\nCASK-W002 reading OTLP in protobuf needs the extra `otel` · pip install 'caskmcp[otel]'\n"
