"""HAR as real tools write it: entries of each exporter's form, odd entries, broken ones, compressed files."""

import base64
import gzip
import json
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from caskmcp.compiler.capture.sources.har import Har
from caskmcp.compiler.capture.sources.interface import Recorded, RecordedBody
from caskmcp.compiler.capture.sources.table import SOURCES, source
from caskmcp.errors import CaskError
from caskmcp.model.exchange import Skipped
from tests.support.capturing import capture, entry, har

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

EXPORTS = Path(__file__).parents[4] / "fixtures" / "captures" / "har"
EXPECTED = json.loads((EXPORTS / "expected.json").read_text(encoding="utf-8"))


def read(data: bytes) -> list[Any]:
    return list(Har().read([data]))


def one(**changes: Any) -> Any:
    (found,) = read(har(entry("https://api.example.com/orders?page=2", **changes)))
    return found


@pytest.mark.parametrize("name", EXPECTED)
def test_an_export_gives_the_reviewed_exchanges(name: str) -> None:
    found = capture((EXPORTS / name).read_bytes(), "api.shop.example")
    rows = json.loads(msgspec.json.encode(found.exchanges))
    assert [{key: value for key, value in row.items() if key != "session"} for row in rows] == EXPECTED[name]["exchanges"]
    assert dict(found.head["skipped"]) == EXPECTED[name]["skipped"]
    assert dict(found.head["hosts"]) == EXPECTED[name]["hosts"]


def test_every_export_has_expected_exchanges() -> None:
    assert sorted(path.name for path in EXPORTS.glob("*.har*")) == sorted(EXPECTED)


def test_an_entry_is_recorded_as_it_stands() -> None:
    found = one(method="POST", headers={"X-Tenant": "acme"}, post=("application/json", "{}"), status=201, response_headers={"ETag": "1"})
    assert found == Recorded(
        "entry 0",
        "POST",
        "https://api.example.com/orders?page=2",
        headers=(("X-Tenant", "acme"),),
        request=RecordedBody("application/json", text="{}"),
        status=201,
        response_headers=(("ETag", "1"),),
        response=RecordedBody("application/json", text='{"ok": true}', size=12),
    )


@pytest.mark.parametrize(
    ("pack", "name"),
    [
        (bytes, "plain"),
        (gzip.compress, "gzip"),
        (zstd.compress, "zstd"),
        (lambda data: b"\xef\xbb\xbf" + data, "mark"),
        (lambda data: data.decode().encode("utf-16"), "utf-16"),
        (lambda data: gzip.compress(b"\xef\xbb\xbf" + data), "both"),
    ],
)
def test_compression_and_marks_are_told_by_the_first_bytes(pack: Any, name: str) -> None:
    assert name
    data = har(entry("https://api.example.com/Ü", answer={"city": "Zürich"}))
    assert read(pack(data)) == read(data)


def test_base64_is_decoded_and_bad_base64_is_a_body_that_is_not_there() -> None:
    good = base64.b64encode(b'{"a":1}').decode()
    assert one(answer=("application/json", good), content={"encoding": "base64"}).response.data == b'{"a":1}'
    bad = one(answer=("application/json", "%%%"), content={"encoding": "base64"})
    assert (bad.response.data, bad.response.text) == (None, None)


@pytest.mark.parametrize(
    ("odd", "expected"),
    [
        ({"headers": {"A": "b", "C": 3, "D": {"no": 1}}}, {"headers": (("A", "b"), ("C", "3"))}),
        ({"headers": None, "cookies": None}, {"headers": (), "cookies": ()}),
        ({"headers": [{"name": "A"}, {"value": "x"}, 7, {"name": "B", "value": None}]}, {"headers": (("A", ""), ("B", ""))}),
        ({"postData": {"mimeType": None, "text": 7, "params": None}}, {"request": RecordedBody("", text="7")}),
        ({"postData": "text"}, {"request": None}),
        ({"queryString": [{"name": "a", "value": 1}]}, {"query": (("a", "1"),)}),
        ({"method": "GET\ud800"}, {"method": "GET?"}),
    ],
)
def test_an_odd_request_is_read_leniently(odd: dict[str, Any], expected: dict[str, Any]) -> None:
    made = entry("https://api.example.com/orders")
    made["request"] |= odd
    (found,) = read(har(made))
    assert {name: getattr(found, name) for name in expected} == expected


@pytest.mark.parametrize(
    ("status", "expected"), [(200.0, 200), ("204", 204), (None, 0), ("x", 0), (1e400, 0), (True, 1), ([], 0)], ids=repr
)
def test_an_odd_status_is_read_leniently(status: Any, expected: int) -> None:
    made = entry("https://api.example.com/orders")
    made["response"] |= {"status": status, "redirectURL": None}
    (found,) = read(har(made))
    assert found.status == expected


def test_nan_lone_surrogates_and_control_characters_do_not_lose_an_entry() -> None:
    data = har(entry("https://api.example.com/a"), entry("https://api.example.com/b"), entry("https://api.example.com/c"))
    data = data.replace(b'"method": "GET"', b'"time": NaN, "method": "GET"', 1)
    data = data.replace(b'{"ok": true}'.replace(b'"', b'\\"'), b"x\\ud800y\x01z", 1)
    found = read(data)
    assert [item.url for item in found] == ["https://api.example.com/a", "https://api.example.com/b", "https://api.example.com/c"]
    assert found[0].response.text == "x?y\x01z"


@pytest.mark.parametrize(
    ("junk", "detail"),
    [
        (None, "the entry is no object"),
        (7, "the entry is no object"),
        ([{}], "the entry is no object"),
        ({}, "the entry has no request"),
        ({"request": []}, "the entry has no request"),
        ({"request": {"method": "GET"}}, "the request has no method or no URL"),
        ({"request": {"method": 7, "url": "https://api.example.com/"}}, "the request has no method or no URL"),
    ],
)
@pytest.mark.parametrize("where", [0, 1, 2])
def test_a_broken_entry_is_left_out_with_its_number_and_what_is_wrong(junk: Any, detail: str, where: int) -> None:
    entries = [entry("https://api.example.com/a"), entry("https://api.example.com/b")]
    entries.insert(where, junk)
    found = read(har(*entries))
    assert found.pop(where) == Skipped(f"entry {where}", "broken", detail=detail)
    assert [item.url for item in found] == ["https://api.example.com/a", "https://api.example.com/b"]


def test_a_missing_response_has_no_status() -> None:
    made = entry("https://api.example.com/a")
    del made["response"]
    (found,) = read(har(made))
    assert (found.status, found.response, found.response_headers) == (0, None, ())


def test_a_redirect_that_only_the_har_names_becomes_a_header() -> None:
    made = entry("https://api.example.com/a", status=302)
    made["response"]["redirectURL"] = "/b"
    (found,) = read(har(made))
    assert found.response_headers == (("location", "/b"),)


def test_a_form_that_stands_only_in_fields_is_kept_and_a_files_content_is_not() -> None:
    made = entry("https://api.example.com/a", "POST")
    made["request"]["postData"] = {
        "mimeType": "multipart/form-data",
        "params": [{"name": "kind", "value": "x"}, {"name": "file", "value": "%PDF", "fileName": "a.pdf"}],
    }
    (found,) = read(har(made))
    assert found.request == RecordedBody("multipart/form-data", pairs=(("kind", "x"), ("file", None)))


def test_a_har_without_entries_is_empty_and_one_without_a_log_is_refused() -> None:
    assert read(b'{"log": {"entries": []}}') == []
    for bad in (b"", b" ", b"{}", b"[]", b"7", b'{"log": {}}', b'{"log": []}', b'{"log": {"entries": {}}}', b"PK\x03\x04", b"<html>"):
        with pytest.raises(CaskError) as caught:
            read(bad)
        assert caught.value.code == "CASK-C001"


def test_each_kind_of_source_can_be_made() -> None:
    assert {kind: source(kind).kind for kind in SOURCES} == {kind: kind for kind in SOURCES}
