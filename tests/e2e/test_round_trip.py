"""Every recorded request can be made again by its tool: the same method, path, query, headers and body, whatever form they have."""

import gzip
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from tests.support.capturing import entry, har
from tests.support.reference_traffic import API, Traffic
from tests.support.reference_traffic import har as reference
from tests.support.round_trip import Found, measured
from tests.support.syntax import ROOT

HOST = "https://api.example.com"
FIXTURES = ROOT / "fixtures"
SHARED = Path(os.environ.get("CASK_SHARED", "/nonexistent"))

# fmt: off
FORMS: dict[str, tuple[dict[str, Any], ...]] = {
    "a list as a parameter that comes again":      ({"url": "/orders?tag=red&tag=blue&page=1"}, {"url": "/orders?tag=red&page=2"}),
    "a list in brackets":                          ({"url": "/orders?ids[]=1&ids[]=7"}, {"url": "/orders?ids[]=7"}),
    "a list with commas":                          ({"url": "/orders?fields=id,name,total"}, {"url": "/orders?fields=id"}),
    "a list with bars":                            ({"url": "/orders?ids=1|2|3"}, {"url": "/orders?ids=4"}),
    "figures with commas":                         ({"url": "/places?bbox=1,2.5,-3,4"}, {"url": "/places?bbox=1,2,3,4"}),
    "a text with commas":                          ({"url": "/search?q=red%20shoes,%20size%207"}, {"url": "/search?q=a,b"}),
    "a deep object":                               ({"url": "/orders?filter[state]=open&filter[total][gte]=10"}, {"url": "/orders?filter[state]=closed"}),
    "numbered items":                              ({"url": "/lookup?items[0]=ab&items[1]=cd"},),
    "JSON in the query":                           ({"url": "/lookup?where=%7B%22a%22%3A1%7D"},),
    "an empty value, a flag, a date with an offset": ({"url": "/reports?empty=&flag=true&since=2026-01-01T00:00:00%2B02:00"},),
    "text with every sign in the path":            ({"url": "/files/a%2Fb%20c%3Fd%25.pdf"}, {"url": "/files/%C3%BC@b+c.pdf"}),
    "matrix parameters":                           ({"url": "/maps;area=north/tiles;zoom=3"}, {"url": "/maps;area=south/tiles;zoom=4"}),
    "headers of the application":                  ({"url": "/teams", "headers": {"X-Team": "blue", "Accept-Language": "de"}},),
    "a form":                                      ({"url": "/forms", "method": "POST", "post": ("application/x-www-form-urlencoded", "remember=on&note=a+b%26c&tag=x&tag=y&count=3")},),
    "a multipart form with a file": ({"url": "/upload", "method": "POST", "post": ("multipart/form-data; boundary=xx",
        '--xx\r\nContent-Disposition: form-data; name="title"\r\n\r\nT 1\r\n--xx\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\nContent-Type: text/plain\r\n\r\nhello\r\n--xx--\r\n')},),
    "text":                                        ({"url": "/raw", "method": "PUT", "post": ("text/plain", "line 1\nline 2")},),
    "JSON with a list at its root":                ({"url": "/bulk", "method": "POST", "post": ("application/json", '[{"id": 1}, {"id": 2}]')},),
    "JSON with big and exact figures":             ({"url": "/big", "method": "POST", "post": ("application/json", '{"id": 12345678901234567890123, "ratio": 1.0}')},),
    "an empty object":                             ({"url": "/orders/filter", "method": "POST", "post": ("application/json", "{}")}, {"url": "/orders/filter", "method": "POST", "post": ("application/json", '{"limit": 3}')}),
    "an object with keys that are data":           ({"url": "/scores", "method": "PUT", "post": ("application/json", '{"title": "x", "k-471193": 3}')}, {"url": "/scores", "method": "PUT", "post": ("application/json", '{"title": "x", "k-581193": 3}')}),
    "a body of a DELETE":                          ({"url": "/tags/7", "method": "DELETE", "post": ("application/json", '{"reason": "x y"}')},),
    "names with a limit":                          ({"url": "/jobs", "method": "POST", "post": ("application/json", '{"max_runs": 3, "start_time": "2026-01-01T00:00:00Z"}')},),
}
# fmt: on


def recorded(requests: Iterable[dict[str, Any]]) -> bytes:
    """Each request three times."""
    rows = [dict(row) for row in requests for _ in range(3)]
    return har(*(entry(HOST + row.pop("url"), row.pop("method", "GET"), answer={"id": 1, "size": 2}, **row) for row in rows))


def told(found: Found) -> tuple[int, dict[str, int]]:
    return found.total, dict(found.lost)


@pytest.mark.feature(20)
@pytest.mark.feature(91)
@pytest.mark.parametrize("form", sorted(FORMS))
def test_a_request_of_any_form_is_made_again(form: str) -> None:
    found = measured("har", recorded(FORMS[form]), ["api.example.com"])
    assert told(found) == (3 * len(FORMS[form]), {})


def test_all_forms_at_once_are_made_again() -> None:
    found = measured("har", recorded(row for rows in FORMS.values() for row in rows), ["api.example.com"])
    assert told(found) == (3 * sum(map(len, FORMS.values())), {})


EXPORTS = {
    "projects/storefront/captures/morning.har": 73,
    "captures/har/charles.har": 2,
    "captures/har/chrome.har": 3,
    "captures/har/firefox.har": 2,
    "captures/har/insomnia.har": 1,
    "captures/har/mitmproxy.har": 4,
    "captures/har/postman.har": 4,
    "captures/har/safari.har": 3,
    "captures/flows/demo.har": 34,
    "captures/flows/odd.har": 8,
    "captures/graphql/session.har": 17,
    "captures/twins/session.har": 10,
    "captures/collections/shop.har": 9,
}


@pytest.mark.feature(20)
@pytest.mark.feature(91)
@pytest.mark.parametrize("name", sorted(EXPORTS))
def test_each_answered_request_of_a_recording_is_made_again(name: str) -> None:
    assert told(measured("har", (FIXTURES / name).read_bytes(), ["api.shop.example"])) == (EXPORTS[name], {})


def test_the_reference_recording_is_made_again() -> None:
    found = measured("har", reference(Traffic().entries(412)), [API])
    assert found.lost == {}
    assert found.total > 300
    assert found.spelled == found.equal


def test_a_parameter_that_the_compiler_loses_is_found_out() -> None:
    """The name of a query parameter that may be somebody's data is kept nowhere, so its requests cannot be made again."""
    found = measured("har", recorded([{"url": "/orders?filter[zoltan]=1"}, {"url": "/orders?page=1"}]), ["api.example.com"])
    assert told(found) == (6, {"list_orders: query filter[zoltan]: no argument": 3})


def test_a_request_without_a_tool_counts_as_lost() -> None:
    found = measured("har", recorded([{"url": "/orders/7"}]), ["api.example.com"], tools={"exclude": ["GET /orders/{order_id}"]})
    assert (found.share, dict(found.lost)) == (0.0, {": no tool": 3})


# ---------------------------------------------------------------- real applications
REAL = {
    "prefect": (1018, {}),
    # An upload of CSV instead of JSON: a tool sends one kind of body.
    "labelstudio": (525, {"import_project: the body is no JSON": 2}),
}


@pytest.mark.slow
@pytest.mark.skipif(not (SHARED / "truth").is_dir(), reason="CASK_SHARED names no folder with recordings of real applications")
@pytest.mark.parametrize("application", sorted(REAL))
def test_the_requests_of_a_real_application_are_made_again_but_for_the_named_ones(application: str) -> None:
    data = gzip.decompress((SHARED / "truth" / application / "recording_a.har.gz").read_bytes())
    found = measured("har", data, [f"{application}.truth.test"])
    assert told(found) == REAL[application]
    assert found.share >= 0.995


@pytest.mark.skipif(not (SHARED / "hars").is_dir(), reason="CASK_SHARED names no folder with exports of real recorders")
def test_a_public_export_is_made_again() -> None:
    data = (SHARED / "hars" / "firefox.har").read_bytes()
    hosts = {row["request"]["url"].split("/")[2] for row in json.loads(data)["log"]["entries"]}
    assert told(measured("har", data, sorted(hosts))) == (2, {})
