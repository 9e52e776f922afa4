"""Bruno: the `.bru` language, folders, and the exported JSON."""

import json
from typing import Any

import pytest

from caskmcp.compiler.capture.sources.bruno import Bruno, bru, packed
from caskmcp.compiler.capture.sources.interface import Recorded
from caskmcp.errors import CaskError
from caskmcp.model.exchange import Skipped

URL = "https://api.example.com/orders"


def read(text: str) -> list[Recorded | Skipped]:
    return list(Bruno().read([text.encode()]))


def only(text: str) -> Recorded:
    (found,) = read(text)
    assert isinstance(found, Recorded)
    return found


def folder(**files: str) -> list[Recorded]:
    named = {name.replace("__", "/") + ".bru": text for name, text in files.items()}
    return [row for row in Bruno().read([packed(named)]) if isinstance(row, Recorded)]


# ---------------------------------------------------------------- the language
def test_pairs_are_switched_off_quoted_annotated_or_several_lines_long() -> None:
    (block,) = bru.parse("""headers {
  X-A: 1
  ~X-B: 2
  "odd: \\"name\\"": 3
  @description("x")
  X-C:
  X-D: '''
    one
      two
  '''
  X-E: '''short'''
  tags: [
    a
  ]
  X-F: a:b
}""")
    assert [tuple(row) for row in bru.pairs(block)] == [
        ("X-A", "1", True),
        ("X-B", "2", False),
        ('odd: "name"', "3", True),
        ("X-C", "", True),
        ("X-D", "one\n  two", True),
        ("X-E", "short", True),
        ("X-F", "a:b", True),
    ]


def test_a_text_block_may_hold_what_looks_like_an_end() -> None:
    (block,) = bru.parse('body:json {\n  {\n    "a": {\n    }\n  }\n}\n')
    assert json.loads(bru.content(block)) == {"a": {}}


def test_a_list_block_holds_names() -> None:
    (block,) = bru.parse("vars:secret [\n  token,\n  ~other\n]")
    assert bru.names(block) == ["token", "other"]


@pytest.mark.parametrize(
    ("text", "place", "what"),
    [
        ("meta {\n  name: x\n}\nget {\n  url: x\n", "line 4", "the block `get` is not closed"),
        ("meta {\n}\nno block\n", "line 3", "expected a block, e.g. `get {`"),
    ],
)
def test_what_is_no_block_is_refused_with_its_line(text: str, place: str, what: str) -> None:
    with pytest.raises(CaskError) as caught:
        read(text)
    assert (caught.value.code, caught.value.place, caught.value.what) == ("CASK-C001", place, what)


# ---------------------------------------------------------------- requests
@pytest.mark.parametrize("method", ["get", "post", "put", "delete", "patch", "options", "head"])
def test_the_method_is_the_name_of_a_block(method: str) -> None:
    found = only(f"{method} {{\n  url: {URL}?page=2\n}}")
    assert (found.method, found.url, found.query, found.status) == (method.upper(), URL, (("page", "2"),), 0)


def test_a_method_of_ones_own_has_a_block_for_all() -> None:
    assert only(f"http {{\n  method: purge\n  url: {URL}\n}}").method == "PURGE"


def test_parameters_of_the_query_are_listed_and_those_of_the_path_have_a_value() -> None:
    text = f"get {{\n  url: {URL}/:id?a=x%20y\n}}\nparams:query {{\n  a: x%20y\n  ~b: 1\n}}\nparams:path {{\n  id: 17\n}}\nheaders {{\n  X-A: 1\n  ~X-B: 2\n}}"
    found = only(text)
    assert (found.url, found.query, found.headers) == (f"{URL}/{{id=17}}", (("a", "x y"),), (("X-A", "1"),))


@pytest.mark.parametrize(
    ("mode", "block", "expected"),
    [
        ("json", 'body:json {\n  {"n": {{n}}}\n}', ("application/json", '{"n": null}', None)),
        ("text", "body:text {\n  a\n    b\n}", ("text/plain", "a\n  b", None)),
        ("xml", "body:xml {\n  <a/>\n}", ("application/xml", "<a/>", None)),
        ("formUrlEncoded", "body:form-urlencoded {\n  a: 1\n  ~b: 2\n}", ("application/x-www-form-urlencoded", None, (("a", "1"),))),
        ("multipartForm", "body:multipart-form {\n  a: 1\n  f: @file(/x)\n}", ("multipart/form-data", None, (("a", "1"), ("f", "")))),
        (
            "graphql",
            'body:graphql {\n  { a }\n}\nbody:graphql:vars {\n  {"x": 1}\n}',
            ("application/json", '{"query": "{ a }", "variables": {"x": 1}}', None),
        ),
        ("file", "body:file {\n  file: @file(/x)\n}", ("application/octet-stream", None, None)),
    ],
)
def test_the_chosen_body_is_sent(mode: str, block: str, expected: Any) -> None:
    found = only(f"post {{\n  url: {URL}\n  body: {mode}\n}}\nbody:text {{\n  another\n}}\n{block}" if mode != "text" else f"post {{\n  url: {URL}\n  body: text\n}}\n{block}")  # fmt: skip
    assert found.request is not None
    assert (found.request.media, found.request.text, found.request.pairs) == expected


def test_a_body_that_is_not_chosen_is_not_sent() -> None:
    assert only(f"post {{\n  url: {URL}\n  body: none\n}}\nbody:text {{\n  another\n}}").request is None


@pytest.mark.parametrize(
    ("mode", "block", "expected"),
    [
        ("bearer", "auth:bearer {\n  token: t\n}", (("bearer", "t"),)),
        ("basic", "auth:basic {\n  username: u\n  password: p\n}", (("basic", "p"),)),
        ("apikey", "auth:apikey {\n  key: X-K\n  value: v\n  placement: header\n}", (("header:x-k", "v"),)),
        ("apikey", "auth:apikey {\n  key: k\n  value: v\n  placement: queryparams\n}", (("query:k", "v"),)),
        ("oauth2", "auth:oauth2 {\n  grant_type: password\n}", (("bearer", ""),)),
        ("none", "auth:bearer {\n  token: t\n}", ()),
    ],
)
def test_the_chosen_way_to_authenticate_counts(mode: str, block: str, expected: Any) -> None:
    assert only(f"get {{\n  url: {URL}\n  auth: {mode}\n}}\n{block}").credentials == expected


def test_a_saved_example_is_answered() -> None:
    found = read(f"""get {{
  url: {URL}/:id
}}

example {{
  name: one
  request: {{
    url: {URL}/:id
    method: GET
    mode: none
    params:path: {{
      id: 17
    }}
  }}
  response: {{
    headers: {{
      Content-Type: application/json
    }}
    status: {{
      code: 200
      text: OK
    }}
    body: {{
      type: json
      content: '''
        {{
          "id": 17
        }}
      '''
    }}
  }}
}}
""")
    first, second = (row for row in found if isinstance(row, Recorded))
    assert (first.url, first.status, second.url, second.status) == (f"{URL}/{{id=17}}", 200, f"{URL}/{{id}}", 0)
    assert first.response is not None
    assert (first.response.media, json.loads(first.response.text or "")) == ("application/json", {"id": 17})


# ---------------------------------------------------------------- folders
def test_a_folder_has_variables_headers_and_auth_from_outside_in() -> None:
    found = folder(
        collection="headers {\n  X-A: 1\n}\nauth {\n  mode: bearer\n}\nauth:bearer {\n  token: t\n}\nvars:pre-request {\n  host: c.example\n  v: 1\n}",
        environments__b="vars {\n  host: b.example\n}",
        environments__a="vars {\n  host: a.example\n}\nvars:secret [\n  key\n]",
        orders__folder="headers {\n  X-B: 2\n}",
        orders__deep__one="get {\n  url: https://{{host}}/v{{v}}/one\n  auth: inherit\n}",
        two="get {\n  url: https://{{host}}/two\n  auth: none\n}",
    )
    assert [(row.url, row.headers, row.credentials) for row in found] == [
        ("https://a.example/v1/one", (("X-A", "1"), ("X-B", "2")), (("bearer", "t"),)),
        ("https://a.example/two", (("X-A", "1"),), ()),
    ]


def test_files_that_hold_no_request_give_nothing() -> None:
    assert folder(collection="meta {\n  name: x\n}", environments__a="vars {\n  a: 1\n}") == []
    assert read("vars {\n  a: 1\n}") == []


# ---------------------------------------------------------------- the export
def test_the_export_is_read_with_its_first_environment() -> None:
    document = {
        "name": "c",
        "version": "1",
        "items": [{"type": "folder", "items": [{"type": "http-request", "request": {"url": "https://{{host}}/a", "method": "GET"}}]}],
        "environments": [
            {"name": "one", "variables": [{"name": "host", "value": "a.example"}, {"name": "t", "value": "x", "enabled": False}]},
            {"name": "two", "variables": [{"name": "host", "value": "b.example"}]},
        ],
    }
    assert only(json.dumps(document)).url == "https://a.example/a"


@pytest.mark.parametrize("kind", ["grpc-request", "ws-request", "grpc"])
def test_other_protocols_are_named_as_left_out(kind: str) -> None:
    document = {"name": "c", "version": "1", "items": [{"type": kind, "request": {"url": "x"}}]}
    assert read(json.dumps(document)) == [Skipped("request 0", "unsupported")]


def test_scripts_are_told_once() -> None:
    text = f"get {{\n  url: {URL}\n}}\nscript:pre-request {{\n  x\n}}\ntests {{\n  y\n}}"
    assert read(text)[0] == Skipped("scripts", "unsupported")
    assert len(read(text)) == 2


@pytest.mark.parametrize("data", ['{"name": "x"}', '{"items": {}}', "{", '{"schema": "caskmcp/bruno-folder/1", "files": {"a.bru": "x"}}'])
def test_another_file_is_refused_with_its_line(data: str) -> None:
    with pytest.raises(CaskError) as caught:
        read(data)
    assert (caught.value.code, caught.value.place) == ("CASK-C001", "line 1")


@pytest.mark.parametrize("item", [7, None, {"request": 7}, {"request": {}}, {"items": 7}, {"request": {"url": 7, "method": 7}}])
def test_items_of_the_wrong_type_break_nothing(item: Any) -> None:
    found = read(json.dumps({"name": "c", "version": "1", "items": [item, {"request": {"url": URL}}]}))
    assert [row.url for row in found if isinstance(row, Recorded)][-1] == URL
