"""Exchanges as lines of JSON: our own form, and k6's."""

import json
from pathlib import Path
from typing import Any

import pytest

from caskmcp.compiler.capture.sources.interface import Recorded, RecordedBody
from caskmcp.compiler.capture.sources.ndjson import KEYS, Ndjson
from caskmcp.errors import CaskError
from caskmcp.model.exchange import Skipped
from tests.support.capturing import capture

GOOD = {"method": "GET", "url": "https://api.example.com/good", "status": 200}
PAGE = Path(__file__).parents[4] / "docs" / "reference" / "exchanges.md"


def read(*rows: Any) -> list[Any]:
    return list(Ndjson().read(["\n".join(json.dumps(row) for row in rows).encode()]))


def one(**row: Any) -> Any:
    found, _ = read({"method": "POST", "url": "https://api.example.com/orders", "status": 201, **row}, GOOD)
    return found


def test_a_whole_line_is_a_whole_exchange() -> None:
    found = one(
        request_headers={"Content-Type": "application/json", "X-Tenant": ["a", "b"]},
        request_body={"sku": "a"},
        response_headers=[["Content-Type", "application/json"], ["ETag", 1]],
        response_body=[{"id": 17}],
        route="/orders",
        time="2026-11-20T10:00:00Z",
    )
    assert found == Recorded(
        "line 1",
        "POST",
        "https://api.example.com/orders",
        headers=(("Content-Type", "application/json"), ("X-Tenant", "a"), ("X-Tenant", "b")),
        request=RecordedBody("application/json", text='{"sku": "a"}'),
        status=201,
        response_headers=(("Content-Type", "application/json"), ("ETag", "1")),
        response=RecordedBody("application/json", text='[{"id": 17}]'),
        route="/orders",
    )


@pytest.mark.parametrize(
    ("held", "body"),
    [
        ({}, RecordedBody("")),
        ({"response_body": None}, None),
        ({"response_body": ""}, None),
        ({"response_body": "a text"}, RecordedBody("", text="a text")),
        ({"response_body": 7}, RecordedBody("application/json", text="7")),
        ({"response_body": False}, RecordedBody("application/json", text="false")),
        ({"response_body_base64": "eyJhIjoxfQ=="}, RecordedBody("", data=b'{"a":1}')),
    ],
)
def test_a_body_is_text_any_json_or_base64_and_its_absence_says_nothing(held: dict[str, Any], body: RecordedBody | None) -> None:
    assert one(**held).response == body


def test_a_request_without_its_body_is_not_denied_where_there_usually_is_one() -> None:
    assert one().request == RecordedBody("")
    assert one(method="GET").request is None
    assert one(request_body=None).request is None


def test_a_path_alone_means_the_first_party_and_a_route_names_parameters() -> None:
    found = capture(
        json.dumps({"method": "GET", "url": "/orders/17?page=2", "status": 200, "route": "/orders/:id"}).encode(), kind="ndjson"
    )
    assert (found.only.host, found.only.path, found.only.query, found.only.named) == (
        "api.example.com",
        "/orders/17",
        (("page", "2"),),
        ((1, "id"),),
    )


def test_k6_counts_each_request_once() -> None:
    tags = {"method": "GET", "url": "https://api.example.com/orders/17", "status": "200", "name": "order"}
    points = [
        {"metric": metric, "type": "Point", "data": {"value": 1, "tags": tags}} for metric in ("http_reqs", "http_req_duration", "vus")
    ]
    found = read({"type": "Metric", "metric": "http_reqs", "data": {}}, *points, {"metric": "http_reqs", "type": "Point", "data": 7})
    assert [(each.place, each.url, each.status, each.response) for each in found] == [
        ("line 2", "https://api.example.com/orders/17", 200, RecordedBody(""))
    ]


@pytest.mark.parametrize(
    ("row", "detail"),
    [
        ([], "the line is no object"),
        (7, "the line is no object"),
        ({}, "the line has no method or no URL"),
        ({"method": "GET"}, "the line has no method or no URL"),
        ({"method": ["GET"], "url": "/a"}, "the line has no method or no URL"),
        ({"method": "GET", "url": "/a", "request_headers": [7]}, "a header is no pair of name and value"),
        ({"method": "GET", "url": "/a", "response_body_base64": "%%%"}, "a body is not base64"),
    ],
)
def test_a_broken_line_is_left_out_with_what_is_wrong(row: Any, detail: str) -> None:
    first, second = read(row, GOOD)
    assert (first, second.url) == (Skipped("line 1", "broken", detail=detail), GOOD["url"])


def test_a_line_that_is_not_json_repeats_nothing() -> None:
    (first, _) = Ndjson().read([b'{"token": hunter2}\n' + json.dumps(GOOD).encode()])
    assert first == Skipped("line 1", "broken", detail="the line is not JSON")


@pytest.mark.parametrize("data", [b"", b"[]", b"{}\n{}", b"words", b'{"log": {"entries": []}}'])
def test_a_file_without_an_exchange_is_refused(data: bytes) -> None:
    with pytest.raises(CaskError) as caught:
        list(Ndjson().read([data]))
    assert (caught.value.code, caught.value.place) == ("CASK-C001", "line 1")


def test_the_page_of_the_form_names_every_member_and_its_examples_are_read() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert [key for key in KEYS if f"`{key}`" not in text] == []
    example = text.split("```json\n")[1].split("```")[0]
    assert [type(each) for each in Ndjson().read([example.encode()])] == [Recorded] * 3
