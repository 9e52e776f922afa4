"""Insomnia's files of versions 4 and 5: one tree of requests, environments, template tags that are never run."""

import json
from typing import Any

import pytest

from caskmcp.compiler.capture.sources.insomnia import Insomnia
from caskmcp.compiler.capture.sources.interface import Recorded
from caskmcp.errors import CaskError
from caskmcp.model.exchange import Skipped

URL = "https://api.example.com/orders"


def read(data: Any) -> list[Recorded | Skipped]:
    return list(Insomnia().read([data if isinstance(data, bytes) else json.dumps(data).encode()]))


def four(*resources: Any) -> list[Recorded | Skipped]:
    return read({"_type": "export", "__export_format": 4, "resources": list(resources)})


def row(**more: Any) -> dict[str, Any]:
    return {"_type": "request", "url": URL, "method": "GET", **more}


def only(**more: Any) -> Recorded:
    (found,) = four(row(**more))
    assert isinstance(found, Recorded)
    return found


def folder(name: str, parent: str | None = None, **more: Any) -> dict[str, Any]:
    return {"_type": "request_group", "_id": name, "parentId": parent, **more}


def test_query_headers_and_path_parameters_stand_beside_the_url() -> None:
    found = only(
        url=f"{URL}/:id?a=1",
        pathParameters=[{"name": "id", "value": "17"}],
        parameters=[{"name": "b", "value": "x y"}, {"name": "c", "value": "1", "disabled": True}, {"name": "", "value": "1"}],
        headers=[{"name": "X-Team", "value": "blue"}],
    )
    assert (found.url, found.query, found.headers, found.status) == (
        f"{URL}/{{id=17}}",
        (("a", "1"), ("b", "x y")),
        (("X-Team", "blue"),),
        0,
    )


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"mimeType": "application/json", "text": '{"n": {{ _.n }}}'}, ("application/json", '{"n": null}', None)),
        (
            {"mimeType": "application/x-www-form-urlencoded", "params": [{"name": "a", "value": "1"}, {"name": "b", "disabled": True}]},
            ("application/x-www-form-urlencoded", None, (("a", "1"),)),
        ),
        (
            {"mimeType": "multipart/form-data", "params": [{"name": "f", "type": "file", "fileName": "/x"}]},
            ("multipart/form-data", None, (("f", ""),)),
        ),
        ({"mimeType": "application/graphql", "text": '{"query": "{ a }"}'}, ("application/json", '{"query": "{ a }"}', None)),
        ({"mimeType": "image/png", "fileName": "/x.png"}, ("image/png", None, None)),
    ],
)
def test_bodies(body: dict[str, Any], expected: Any) -> None:
    found = only(method="POST", body=body).request
    assert found is not None
    assert (found.media, found.text, found.pairs) == expected


@pytest.mark.parametrize(
    ("auth", "expected"),
    [
        ({"type": "bearer", "token": "t"}, (("bearer", "t"),)),
        ({"type": "basic", "username": "u", "password": "p"}, (("basic", "p"),)),
        ({"type": "apikey", "key": "X-K", "value": "v", "addTo": "header"}, (("header:x-k", "v"),)),
        ({"type": "apikey", "key": "k", "value": "v", "addTo": "queryParams"}, (("query:k", "v"),)),
        ({"type": "oauth2", "grantType": "x"}, (("bearer", ""),)),
        ({"type": "bearer", "token": "t", "disabled": True}, ()),
        ({"type": "bearer", "token": "{% response 'body', 'req_1' %}"}, (("bearer", ""),)),
        ({}, ()),
    ],
)
def test_auth_is_a_way_beside_the_request(auth: dict[str, Any], expected: Any) -> None:
    assert only(authentication=auth).credentials == expected


def test_the_base_environment_wins_and_others_fill_what_it_lacks() -> None:
    found = four(
        {"_type": "environment", "_id": "sub", "parentId": "base", "data": {"host": "staging.example", "id": "7"}},
        {"_type": "environment", "_id": "base", "parentId": "wrk", "data": {"host": "api.example.com", "v": {"one": 1}}},
        {"_type": "workspace", "_id": "wrk", "parentId": None},
        row(url="https://{{ _.host }}/v{{ _.v.one }}/orders/{{ id }}", parentId="wrk"),
    )
    assert [item.url for item in found if isinstance(item, Recorded)] == ["https://api.example.com/v1/orders/7"]


def test_folders_hand_down_variables_headers_and_auth() -> None:
    found = four(
        row(url="{{ _.base }}/a", parentId="inner"),
        folder("outer", headers=[{"name": "X-A", "value": "1"}], authentication={"type": "bearer", "token": "t"}),
        folder("inner", "outer", environment={"base": "https://in.example"}),
    )
    assert [(item.url, item.headers, item.credentials) for item in found if isinstance(item, Recorded)] == [
        ("https://in.example/a", (("X-A", "1"),), (("bearer", "t"),))
    ]


@pytest.mark.parametrize("tag", ["{% uuid 'v4' %}", "{% response 'body', 'req_1', 'b64::JC5pZA==::46b', 'never', 60 %}"])
def test_a_template_tag_is_a_value_that_is_not_known(tag: str) -> None:
    assert only(url=f"{URL}/{tag}").url == f"{URL}/{{tag}}"


@pytest.mark.parametrize("kind", ["websocket_request", "grpc_request", "socketio_request"])
def test_other_protocols_are_named_as_left_out(kind: str) -> None:
    assert four({"_type": kind, "url": URL}) == [Skipped("request 0", "unsupported")]
    assert four(row(url="wss://api.example.com/live")) == [Skipped("request 0", "unsupported")]


def test_a_request_without_url_is_broken_and_scripts_are_told_once() -> None:
    found = four(row(url=""), row(preRequestScript="x"), row(afterResponseScript="y"))
    assert found[:2] == [Skipped("scripts", "unsupported"), Skipped("request 0", "broken", detail="the request has no URL")]
    assert len(found) == 4


def test_folders_in_a_circle_end() -> None:
    circle = [folder("a", "b"), folder("b", "a"), folder("c", "c"), folder("d"), folder("d"), row(parentId="a"), row(parentId="d"), row()]
    assert len(four(*circle)) == 2


def test_a_file_of_version_5_may_be_a_design_with_a_spec_in_it() -> None:
    data = b"""type: spec.insomnia.rest/5.0
name: x
collection:
  - url: https://api.example.com/orders
    method: GET
  - name: folder
    children:
      - url: https://api.example.com/users
spec:
  contents: |
    openapi: 3.0.0
"""
    assert [row.url for row in read(data) if isinstance(row, Recorded)] == [
        "https://api.example.com/orders",
        "https://api.example.com/users",
    ]


@pytest.mark.parametrize(
    ("data", "place"),
    [
        (b"type: environment.insomnia.rest/5.0\nname: x\n", "line 1"),
        (b"name: x\ntype: collection.insomnia.rest/5.0\ncollection: 7\n", "line 2"),
        (b'{"_type": "export",\n"__export_format": 3, "resources": []}', "line 2"),
        (b'{"_type": "export", "__export_format": 4, "resources": {}}', "line 1"),
        (b"a: *x\n", "line 1"),
        (b"a: 1\nb: [1\n", "line 3"),
    ],
)
def test_another_file_is_refused_with_its_line(data: bytes, place: str) -> None:
    with pytest.raises(CaskError, match="this is no export of Insomnia, version 4 or 5") as caught:
        read(data)
    assert (caught.value.code, caught.value.place) == ("CASK-C001", place)
