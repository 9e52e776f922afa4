"""Postman collections of both versions: requests, saved examples, variables, ways to authenticate; other files are refused with their line."""

import json
from typing import Any

import pytest

from caskmcp.compiler.capture.sources.interface import Recorded
from caskmcp.compiler.capture.sources.postman import Postman
from caskmcp.errors import CaskError
from caskmcp.model.exchange import Skipped

V21 = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
V20 = "https://schema.getpostman.com/json/collection/v2.0.0/collection.json"
URL = "https://api.example.com/orders"


def read(*items: Any, schema: str = V21, **more: Any) -> list[Recorded | Skipped]:
    document = {"info": {"name": "c", "schema": schema}, "item": list(items), **more}
    return list(Postman().read([json.dumps(document).encode()]))


def request(**fields: Any) -> Recorded:
    (found,) = read({"name": "r", "request": {"url": URL, **fields}})
    assert isinstance(found, Recorded)
    return found


def bearer(token: str) -> dict[str, Any]:
    return {"type": "bearer", "bearer": [{"key": "token", "value": token}]}


def test_a_request_may_be_nothing_but_its_url() -> None:
    assert read({"request": f"{URL}?page=2"}) == [Recorded("request 0", "GET", URL, query=(("page", "2"),), stated=True)]


def test_the_parts_of_a_url_are_put_together_and_what_is_switched_off_is_left_out() -> None:
    url = {
        "raw": "ignored",
        "protocol": "http",
        "host": ["api", "example", "com"],
        "port": "8080",
        "path": ["orders", ":id", {"type": "string", "value": "items"}],
        "query": [{"key": "a", "value": "x%20y"}, {"key": "b", "value": "1", "disabled": True}, {"key": "c", "value": None}],
        "variable": [{"key": "id", "value": "17"}],
    }
    found = request(url=url)
    assert (found.url, found.query) == ("http://api.example.com:8080/orders/{id=17}/items", (("a", "x y"), ("c", "")))


@pytest.mark.parametrize(
    ("body", "media", "text", "pairs"),
    [
        ({"mode": "raw", "raw": '{"n": {{n}}}', "options": {"raw": {"language": "json"}}}, "application/json", '{"n": null}', None),
        ({"mode": "raw", "raw": "<a/>", "options": {"raw": {"language": "xml"}}}, "application/xml", "<a/>", None),
        ({"mode": "raw", "raw": "text"}, "", "text", None),
        ({"mode": "urlencoded", "urlencoded": [{"key": "a", "value": "1"}]}, "application/x-www-form-urlencoded", None, (("a", "1"),)),
        (
            {"mode": "formdata", "formdata": [{"key": "a", "value": "1"}, {"key": "f", "type": "file", "src": "/x"}]},
            "multipart/form-data",
            None,
            (("a", "1"), ("f", "")),
        ),
        ({"mode": "file", "file": {"src": "/x"}}, "application/octet-stream", None, None),
        (
            {"mode": "graphql", "graphql": {"query": "{ a }", "variables": '{"x": 1}', "operationName": "A"}},
            "application/json",
            '{"query": "{ a }", "variables": {"x": 1}, "operationName": "A"}',
            None,
        ),
        ({"mode": "graphql", "graphql": {"query": "{ a }", "variables": "{{vars}}"}}, "application/json", '{"query": "{ a }"}', None),
    ],
)
def test_bodies_of_all_modes(body: dict[str, Any], media: str, text: str | None, pairs: Any) -> None:
    found = request(method="POST", body=body).request
    assert found is not None
    assert (found.media, found.text, found.pairs) == (media, text, pairs)


@pytest.mark.parametrize("body", [None, {}, {"mode": "raw", "raw": ""}, {"mode": "raw", "raw": "x", "disabled": True}])
def test_no_body_is_none(body: Any) -> None:
    assert request(body=body).request is None


def test_a_header_says_the_media_type_before_the_editor_does() -> None:
    body = {"mode": "raw", "raw": "{}", "options": {"raw": {"language": "json"}}}
    found = request(method="POST", body=body, header=[{"key": "content-type", "value": "application/vnd.api+json"}])
    assert found.request is not None
    assert found.request.media == "application/vnd.api+json"


@pytest.mark.parametrize(
    ("auth", "expected"),
    [
        (bearer("t"), (("bearer", "t"),)),
        ({"type": "basic", "basic": [{"key": "username", "value": "u"}, {"key": "password", "value": "p"}]}, (("basic", "p"),)),
        ({"type": "apikey", "apikey": [{"key": "key", "value": "X-K"}, {"key": "value", "value": "v"}]}, (("header:x-k", "v"),)),
        (
            {"type": "apikey", "apikey": [{"key": "key", "value": "k"}, {"key": "value", "value": "v"}, {"key": "in", "value": "query"}]},
            (("query:k", "v"),),
        ),
        ({"type": "oauth2", "oauth2": [{"key": "accessToken", "value": "t"}]}, (("bearer", "t"),)),
        ({"type": "oauth2", "oauth2": [{"key": "addTokenTo", "value": "queryParams"}]}, (("query:access_token", ""),)),
        ({"type": "awsv4", "awsv4": [{"key": "secretKey", "value": "s"}]}, (("header:authorization", "s"),)),
        ({"type": "basic", "basic": {"username": "u", "password": "p"}}, (("basic", "p"),)),
        ({"type": "noauth"}, ()),
        ({"type": "unheard of"}, ()),
        ({"type": ["odd"]}, ()),
    ],
)
def test_auth_is_a_way_beside_the_request(auth: dict[str, Any], expected: Any) -> None:
    assert request(auth=auth).credentials == expected


def test_folders_hand_down_auth_and_variables_and_the_nearest_wins() -> None:
    inner = {
        "item": [{"request": {"url": "{{base}}/b"}}, {"request": {"url": "{{base}}/c", "auth": {"type": "noauth"}}}],
        "auth": bearer("in"),
    }
    folder = {**inner, "variable": [{"key": "base", "value": "https://b.example.com"}]}
    found = read(
        {"request": {"url": "{{base}}/a"}},
        folder,
        auth=bearer("out"),
        variable=[{"key": "base", "value": "https://a.example.com"}, {"key": "token", "value": "x", "type": "secret"}],
    )
    assert [(row.url, row.credentials) for row in found if isinstance(row, Recorded)] == [
        ("https://a.example.com/a", (("bearer", "out"),)),
        ("https://b.example.com/b", (("bearer", "in"),)),
        ("https://b.example.com/c", ()),
    ]


def test_a_saved_example_is_answered_and_its_request_stands_beside_it_if_it_differs() -> None:
    answer = {"code": 200, "header": [{"key": "Content-Type", "value": "application/json"}], "body": "[]"}
    asked = {"method": "GET", "url": f"{URL}?page=2"}
    same, other = read({"request": asked, "response": [{**answer, "originalRequest": asked}]}), {"method": "GET", "url": URL}
    assert [row.status for row in same if isinstance(row, Recorded)] == [200]
    both = read({"request": other, "response": [{**answer, "originalRequest": asked}, {"name": "no code"}]})
    assert [(row.status, row.query) for row in both if isinstance(row, Recorded)] == [(200, (("page", "2"),)), (0, ())]


def test_an_example_without_its_own_request_takes_the_items_and_its_auth() -> None:
    (found,) = read({"request": {"url": URL, "auth": bearer("t")}, "response": [{"code": 204, "header": None, "body": None}]})
    assert isinstance(found, Recorded)
    assert (found.status, found.url, found.credentials, found.response) == (204, URL, (("bearer", "t"),), None)


def test_headers_of_an_answer_may_be_a_text_and_the_language_stands_in_for_a_type() -> None:
    row = {"code": 200, "header": "ETag: 1\nLink: <x>\nodd", "body": "{}", "_postman_previewlanguage": "json"}
    found = next(row for row in read({"request": URL, "response": [row]}) if isinstance(row, Recorded))
    assert found.response_headers == (("ETag", "1"), ("Link", "<x>"))
    assert found.response is not None
    assert found.response.media == "application/json"


def test_version_2_0_is_read_too() -> None:
    auth = {"type": "bearer", "bearer": {"token": "{{t}}"}}
    found = read({"request": {"url": f"{URL}/:id", "method": "GET", "auth": auth}}, schema=V20, variable=[{"id": "t", "value": "x"}])
    assert [(row.url, row.credentials) for row in found if isinstance(row, Recorded)] == [(f"{URL}/{{id}}", (("bearer", "x"),))]


def test_what_the_api_wraps_is_unwrapped() -> None:
    document = {"collection": {"info": {"schema": V21}, "item": [{"request": URL}]}}
    assert [row.place for row in Postman().read([json.dumps(document).encode()])] == ["request 0"]


def test_scripts_are_told_once_and_empty_ones_are_none() -> None:
    script = [{"listen": "test", "script": {"exec": ["pm.test()"]}}]
    empty = [{"listen": "test", "script": {"exec": [""]}}]
    assert [type(row) for row in read({"request": URL, "event": script}, {"request": URL, "event": script})] == [
        Skipped,
        Recorded,
        Recorded,
    ]
    assert [type(row) for row in read({"request": URL, "event": empty}, event=empty)] == [Recorded]
    assert read({"request": URL}, event=script)[0] == Skipped("scripts", "unsupported")


@pytest.mark.parametrize("item", [None, 7, [], {}, {"request": None}, {"request": {}}, {"request": {"url": 7}}, {"request": {"url": []}}])
def test_an_item_of_the_wrong_type_is_left_out(item: Any) -> None:
    assert read(item, {"request": URL})[0] == Skipped("request 0", "broken", detail="the request has no URL")


@pytest.mark.parametrize(
    ("data", "place", "what"),
    [
        (b'{"info":\n{"schema": "https://schema.getpostman.com/json/collection/v1.0.0/"}}', "line 2", "this is no Postman collection of version 2.0 or 2.1"),
        (b'{"info":\n{"name": "x"}}', "line 1", "this is no Postman collection of version 2.0 or 2.1"),
        (f'{{"info": {{"schema": "{V21}"}},\n\n"item": 7}}'.encode(), "line 3", "`item` has to be a list"),
        (b'{"info":\n]', "line 2", "this is no Postman collection of version 2.0 or 2.1: Expecting value"),
        (b'{"a": 1,\n"a": 2}', None, "this is no Postman collection of version 2.0 or 2.1: the key `a` stands twice"),
        (b"[]", "line 1", "this is no Postman collection of version 2.0 or 2.1: expected an object"),
        (b"\xff", None, "this is no Postman collection of version 2.0 or 2.1: not UTF-8 at byte 0"),
        (b"", "line 1", "this is no Postman collection of version 2.0 or 2.1: expected an object"),
    ],
)  # fmt: skip
def test_another_file_is_refused_with_its_line(data: bytes, place: str | None, what: str) -> None:
    with pytest.raises(CaskError) as caught:
        list(Postman().read([data]))
    assert (caught.value.code, caught.value.place, caught.value.what) == ("CASK-C001", place, what)
    assert caught.value.mend == "in Postman: Export, Collection v2.1"
