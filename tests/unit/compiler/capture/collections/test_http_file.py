"""`.http` files of JetBrains and Visual Studio Code: requests, variables, and everything that is not sent."""

import pytest

from caskmcp.compiler.capture.sources.http_file import HttpFile
from caskmcp.compiler.capture.sources.interface import Recorded
from caskmcp.errors import CaskError
from caskmcp.model.exchange import Skipped

URL = "https://api.example.com/orders"


def read(text: str) -> list[Recorded | Skipped]:
    return list(HttpFile().read([text.encode()]))


def only(text: str) -> Recorded:
    (found,) = read(text)
    assert isinstance(found, Recorded), found
    return found


@pytest.mark.parametrize(
    ("line", "method", "url"),
    [
        (f"GET {URL}", "GET", URL),
        (f"GET {URL} HTTP/1.1", "GET", URL),
        (f"DELETE   {URL}  HTTP/2", "DELETE", URL),
        (URL, "GET", URL),
        ("POST {{host}}/orders", "POST", "https:///orders"),
        ("{{host}}/orders/{{id}}", "GET", "https:///orders/{id}"),
        ("GET /orders", "GET", "https:///orders"),
        ("GET localhost:8080/orders", "GET", "http://localhost:8080/orders"),
        ("PROPFIND https://api.example.com/dav", "PROPFIND", "https://api.example.com/dav"),
    ],
)
def test_a_request_line(line: str, method: str, url: str) -> None:
    found = only(f"### name\n# note\n// note\n\n{line}\n")
    assert (found.place, found.method, found.url, found.status, found.stated) == ("line 5", method, url, 0, True)


def test_a_url_goes_on_in_lines_that_are_indented() -> None:
    found = only(f"GET {URL}\n    ?page=2\n    &state=open\nX-A: 1\n")
    assert (found.url, found.query, found.headers) == (URL, (("page", "2"), ("state", "open")), (("X-A", "1"),))


def test_headers_end_with_an_empty_line_and_comments_among_them_are_none() -> None:
    found = only(f"POST {URL}\nX-A: 1\n# X-B: 2\n// X-C: 3\nX-D:4\nno header\n\nX-E: 5\n")
    assert found.headers == (("X-A", "1"), ("X-D", "4"))
    assert found.request is not None
    assert found.request.text == "X-E: 5"


def test_variables_are_the_files_own_and_may_stand_below() -> None:
    found = read("@a = {{b}}/x\n\nGET https://{{a}}/y\n###\n@b=api.example.com\nGET https://{{b}}/{{c}}/{{$uuid}}\n")
    assert [row.url for row in found if isinstance(row, Recorded)] == [
        "https://api.example.com/x/y",
        "https://api.example.com/{c}/{%24uuid}",
    ]


def test_what_looks_like_a_variable_in_a_body_is_the_body() -> None:
    found = only(f"POST {URL}\nContent-Type: text/plain\n\n@a = 1\n")
    assert found.request is not None
    assert found.request.text == "@a = 1"


@pytest.mark.parametrize(
    "noise",
    ["> {% client.test() %}", "> {%\n  client.test();\n  GET x\n%}", "<> answer.200.json", ">> out.json", ">>! out.json", "> ./check.js"],
)
def test_scripts_and_recorded_answers_are_no_body(noise: str) -> None:
    found = [row for row in read(f"POST {URL}\nContent-Type: text/plain\n\nbody\n\n{noise}\n") if isinstance(row, Recorded)]
    assert [row.request.text for row in found if row.request] == ["body"]


def test_a_script_before_a_request_is_passed_over_and_told_once() -> None:
    found = read(f"### one\n< {{%\n  request.variables.set('a', 1);\n%}}\nGET {URL}\n### two\n< ./before.js\nGET {URL}\n")
    assert found[0] == Skipped("line 2", "unsupported")
    assert [row.place for row in found[1:]] == ["line 5", "line 8"]


@pytest.mark.parametrize("line", ["< ./body.json", "<@ ./body.json", "<@latin1 ./body.json"])
def test_a_files_content_is_not_read(line: str) -> None:
    found = only(f"POST {URL}\nContent-Type: application/json\n\n{line}\n")
    assert found.request is not None
    assert (found.request.media, found.request.text) == ("application/json", None)


def test_a_form_may_stand_one_field_a_line() -> None:
    found = only(f"POST {URL}\nContent-Type: application/x-www-form-urlencoded\n\na=1\n&b=2\n    &c=3\n")
    assert found.request is not None
    assert found.request.text == "a=1&b=2&c=3"


def test_a_json_body_without_values_stays_readable() -> None:
    found = only(f'POST {URL}\nContent-Type: application/json\n\n{{"n": {{{{n}}}}, "t": "{{{{t}}}}"}}\n')
    assert found.request is not None
    assert found.request.text == '{"n": null, "t": "{{t}}"}'


@pytest.mark.parametrize(
    "head", ["GRAPHQL https://api.example.com/graphql", "POST https://api.example.com/graphql\nX-Request-Type: GraphQL"]
)
def test_graphql_is_json(head: str) -> None:
    found = only(f'{head}\n\nquery A {{ a }}\n\n{{"x": 1}}\n')
    assert (found.method, found.headers) == ("POST", ())
    assert found.request is not None
    assert found.request.text == '{"query": "query A { a }", "variables": {"x": 1}}'


def test_a_curl_command_is_read_as_one() -> None:
    found = only(f"###\n\ncurl -X PUT {URL} \\\n  -H 'X-A: 1' -d a=1\n")
    assert (found.place, found.method, found.headers) == ("line 3", "PUT", (("X-A", "1"),))


@pytest.mark.parametrize("method", ["WEBSOCKET", "GRPC", "RSOCKET"])
def test_other_protocols_are_named_as_left_out(method: str) -> None:
    assert read(f"{method} wss://api.example.com/x") == [Skipped("line 1", "unsupported")]


@pytest.mark.parametrize("line", ["Hello there", "{ }", "!!"])
def test_a_line_that_is_no_request_is_broken(line: str) -> None:
    assert read(f"### x\n{line}") == [Skipped("line 2", "broken", detail="this is no request line")]


def test_empty_parts_give_nothing() -> None:
    assert read("\n###\n# only a note\n###\n@a = 1\n") == []


def test_what_is_no_text_is_refused() -> None:
    with pytest.raises(CaskError, match="not UTF-8") as caught:
        list(HttpFile().read([b"GET x\n\xff"]))
    assert (caught.value.code, caught.value.place) == ("CASK-C001", "byte 6")
