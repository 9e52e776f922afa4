"""Sequences in one body: NDJSON, JSON text sequences, server-sent events."""

import gzip
import json
from typing import Any

import pytest

from caskmcp.compiler.capture import streams
from caskmcp.compiler.capture.bodies import body, parse
from caskmcp.compiler.capture.sources.interface import RecordedBody
from caskmcp.model.exchange import Body
from tests.support.capturing import capture, entry, har

NDJSON = "application/x-ndjson"
EVENTS = "text/event-stream"


@pytest.mark.parametrize(
    "media",
    ["application/x-ndjson", "application/ndjson", "application/jsonl", "application/json-seq", "application/geo+json-seq", "text/event-stream",
     "application/vnd.elasticsearch+ndjson"],
)  # fmt: skip
def test_a_media_type_of_sequences_is_known(media: str) -> None:
    assert streams.is_stream(media)


@pytest.mark.parametrize("media", ["application/json", "text/plain", "application/geo+json", "text/event", ""])
def test_another_media_type_is_none(media: str) -> None:
    assert not streams.is_stream(media)
    assert streams.items('{"a":1}\n', media, parse) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"id":1}\n{"id":2}\n', [{"id": 1}, {"id": 2}]),
        ('{"id":1}\r\n\r\n[2]\r\n', [{"id": 1}, [2]]),
        ('{"id":1}\n{"id":2', [{"id": 1}]),
        ("1\ntrue\nnull\n", [1, True, None]),
        ("", []),
        ('{"id":1}\nnot json\n{"id":2}\n', None),
        ("plain words", None),
        ('{"a":1,"a":2}\n{"a":3}\n', None),
    ],
)
def test_each_line_is_an_item(text: str, expected: Any) -> None:
    assert streams.items(text, NDJSON, parse) == expected


def test_each_record_of_a_json_sequence_is_an_item() -> None:
    assert streams.items('\x1e{"id":1}\n\x1e{\n"id":2}\n', "application/json-seq", parse) == [{"id": 1}, {"id": 2}]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('data: {"a":1}\n\ndata: {"a":2}\n\n', [{"data": {"a": 1}}, {"data": {"a": 2}}]),
        ('event: delta\nid: 7\ndata:{"a":1}\n\n', [{"event": "delta", "id": "7", "data": {"a": 1}}]),
        (": keep-alive\n\nretry: 10\n\ndata: x\n\n", [{"data": "x"}]),
        ('data: {"a":\ndata: 1}\n\n', [{"data": {"a": 1}}]),
        ("data: [DONE]\n\n", [{"data": "[DONE]"}]),
        ('\ufeffdata: {"a":1}\r\n\r\ndata: cut off', [{"data": {"a": 1}}]),
        ("data: first\rdata: second\r\r", [{"data": "first\nsecond"}]),
        ("unknown: x\n\n", []),
    ],
)
def test_each_event_is_an_object_of_its_fields(text: str, expected: Any) -> None:
    assert streams.items(text, EVENTS, parse) == expected


def test_a_sequence_that_is_too_long_is_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "MOST", 3)
    assert streams.items("1\n2\n3\n4\n", NDJSON, parse) is None
    assert streams.items("data: 1\n\n" * 4, EVENTS, parse) is None
    assert streams.items("data: 1\n\n" * 3, EVENTS, parse) == [{"data": "1"}] * 3


def test_a_body_keeps_its_media_type_and_says_that_it_is_a_sequence() -> None:
    assert body(RecordedBody(f"{NDJSON}; charset=utf-8", text='{"id":1}\n')) == Body(NDJSON, "stream", [{"id": 1}], 9)
    assert body(RecordedBody(NDJSON, data=gzip.compress(b'{"id":1}\n')), "gzip") == Body(NDJSON, "stream", [{"id": 1}], 9)
    assert body(RecordedBody(NDJSON, text="no lines of JSON")) == Body(NDJSON, "text", size=16)


def test_a_single_line_of_json_is_still_a_sequence() -> None:
    found = body(RecordedBody(EVENTS, text='data: {"id":1}\n\n'))
    assert found is not None
    assert (found.kind, found.value) == ("stream", [{"data": {"id": 1}}])


@pytest.mark.feature(14)
def test_secrets_in_lines_and_events_are_cut() -> None:
    lines = "".join(json.dumps({"id": at, "password": f"hunter-{at}-secret"}) + "\n" for at in range(3))
    events = (
        "".join(f'event: user\ndata: {{"email": "ana.{at}@corp.example.org"}}\n\n' for at in range(3))
        + "data: mail bob@corp.example.org\n\n"
    )
    found = capture(
        har(
            entry("https://api.example.com/export", answer=(NDJSON, lines)),
            entry("https://api.example.com/live", answer=(EVENTS, events)),
            entry("https://api.example.com/bulk", "POST", post=(NDJSON, lines)),
        )
    )
    assert [item.response.kind for item in found.exchanges if item.response] == ["stream", "stream", "json"]
    assert b"hunter" not in found.written
    assert b"corp.example.org" not in found.written
