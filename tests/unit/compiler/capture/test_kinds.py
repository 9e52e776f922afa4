"""A file's kind by its first bytes, else by its name."""

import gzip

import pytest

from caskmcp.compiler.capture.sources.kinds import KINDS, is_converted, is_document, kind_by_name, kind_of, shows
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
        ("a.bin",      b"2412:9:websocket;0:~8:response;708:6:reason;2:OK,", "flows"),
        ("a.har",      b"2412:9:websocket;0:~7:content;30:openapi: 3.1.0\nopenapi: 3.1.0,", "flows"),
        ("old.dump",   b"1180:8:response,700:6:reason,2:OK,",   "flows"),
        ("a.MITM",     b"",                                     "flows"),
        ("a.flows",    b"anything",                             "flows"),
        ("a.txt",      b"12:30:00 GET /",                       None),
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


def test_what_another_program_reads_is_known_as_such_by_its_first_bytes() -> None:
    assert (is_converted("flows"), is_converted("har"), is_converted("openapi")) == (True, False, False)
    assert (shows("flows", b"2412:9:websocket;"), shows("flows", b"// @flow"), shows("har", b'{"log":')) == (True, False, True)


def test_documents_are_not_found_by_their_name() -> None:
    assert kind_by_name("shop.HAR.gz") == "har"
    assert kind_by_name("shop.json") is None
    assert (is_document("openapi"), is_document("har"), is_document("capture")) == (True, False, False)
