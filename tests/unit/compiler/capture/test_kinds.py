"""A file's kind by its first bytes, else by its name."""

import gzip

import pytest

from caskmcp.compiler.capture.sources.kinds import KINDS, is_document, kind_by_name, kind_of
from caskmcp.compiler.capture.sources.table import SOURCES


@pytest.mark.parametrize(
    ("name", "head", "kind"),
    [
        ("a.txt",      b' \n{ "log" : {"entries": []}}',        "har"),
        ("a.txt",      b'\xef\xbb\xbf{"log":{}}',               "har"),
        ("a.har",      b"anything",                             "har"),
        ("a.bin",      b"\x1f\x8b\x08",                         "har"),
        ("a.HAR.zst",  b"\x28\xb5\x2f\xfd",                     "har"),
        ("a.txt",      b"openapi: 3.0.3\ninfo: {}",             "openapi"),
        ("a.har",      b'{"info": {}, "swagger": "2.0"}',       "openapi"),
        ("a.json",     b'{"x": {"log": 1}}',                    None),
        ("openapi",    b"",                                     None),
        ("a.json",     b'{ "resourceSpans" : [{}]}',            "otel"),
        ("a.otlp.gz",  b"\x1f\x8b\x08",                         "otel"),
        ("a.gz",       gzip.compress(b'{"resourceSpans": []}' + bytes(range(256)) * 999)[:300], "otel"),
        ("access.log", b'1.2.3.4 - - [20/Nov/2025:10:00:00 +0000] "GET / HTTP/1.1" 200 7', "access_log"),
        ("a.log",      b'[2025-11-20T10:00:00.412Z] "GET / HTTP/2" 200 -', "access_log"),
        ("a.jsonl",    b'{"time":"x","request_method":"GET","uri":"/"}', "access_log"),
        ("a.ndjson",   b'{"time": 7.5, "method": "GET", "url": "/a"}', "ndjson"),
        ("a.json",     b'{"type":"Point","metric":"http_reqs","data":{}}', "ndjson"),
        ("a.json",     b'{"tools": [{"method": "GET", "url": "https://x.example"}]}', None),
        ("a.har",      b'{"log":{"x":"{\\"resourceSpans\\":[]}"}', "har"),
    ],
)  # fmt: skip
def test_the_content_decides_before_the_name(name: str, head: bytes, kind: str | None) -> None:
    assert kind_of(name, head) == kind


def test_every_kind_has_a_reader_and_a_way_to_be_known() -> None:
    assert {row.kind for row in KINDS} <= set(SOURCES)
    assert all(row.names or row.head for row in KINDS)
    assert len({row.kind for row in KINDS}) == len(KINDS)


def test_documents_are_not_found_by_their_name() -> None:
    assert kind_by_name("shop.HAR.gz") == "har"
    assert kind_by_name("shop.json") is None
    assert (is_document("openapi"), is_document("har"), is_document("capture")) == (True, False, False)
