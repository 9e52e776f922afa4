"""From plan and arguments to bytes: what stands on the wire, written down; and what never gets there."""

import json
from typing import Any

import pytest

from caskmcp.errors import CaskError
from caskmcp.model.tool import BodyPlan, Field_, PathPiece, PathSegment, Tool
from caskmcp.runtime.plan import PreparedRequest, authority, prepare
from tests.support.calls import argument, literal, tool


def path_tool(charset: str = "text", max_length: int = 0) -> Tool:
    return tool(segments=(literal("files"), argument("name", charset, max_length)), properties={"name": {}}, required=("name",))


def query_tool(style: Any = "form", explode: bool = True, inner: dict[str, Any] | None = None) -> Tool:
    field = Field_(argument="q", wire="q", style=style, explode=explode)
    return tool(segments=(literal("find"),), query=(field,), properties={"q": {"properties": inner or {}}}, required=())


def body_tool(
    kind: Any = "json", media: str = "application/json", *, whole: bool = False, required: bool = False, **properties: Any
) -> Tool:
    names = properties or {"a": {}, "b": {}}
    fields = () if whole else tuple(Field_(argument=name, wire=name) for name in names)
    plan = BodyPlan(media=media, kind=kind, argument="body" if whole else "", fields=fields, required=required)
    return tool(method="POST", segments=(literal("orders"),), body=plan, properties=names, required=(), effect="write")


def header(request: PreparedRequest, name: str) -> str | None:
    return next((value for key, value in request.headers if key == name), None)


def refused(of: Tool, **arguments: Any) -> str:
    with pytest.raises(CaskError) as error:
        prepare(of, arguments)
    assert error.value.code == "CASK-R003"
    return error.value.what


# ---------------------------------------------------------------- path
@pytest.mark.parametrize(
    ("value", "target"),
    [
        ("report.pdf", b"/files/report.pdf"),
        ("a b", b"/files/a%20b"),
        ("a/b", b"/files/a%2Fb"),
        ("a?b", b"/files/a%3Fb"),
        ("a#b", b"/files/a%23b"),
        ("50%", b"/files/50%25"),
        ("%2e%2e", b"/files/%252e%252e"),
        ("ü", b"/files/%C3%BC"),
        ("...", b"/files/..."),
        ("a:b@c", b"/files/a%3Ab%40c"),
        (7, b"/files/7"),
        (-7, b"/files/-7"),
        (True, b"/files/true"),
        (1.5, b"/files/1.5"),
        (9007199254740995, b"/files/9007199254740995"),
    ],
)
def test_a_text_in_the_path_is_encoded_once(value: Any, target: bytes) -> None:
    assert prepare(path_tool(), {"name": value}).target == target


@pytest.mark.parametrize(
    "value",
    [
        "", ".", "..", "../x", "a/../b", "x/..", "..\\x", "..;a", " .. ", "..;/x", "a/./b", "a\tb", "a\0b", "a\r\nb", "\x7f", "\x85", "\u2028", "\ud800",
        None, [], ["a"], {}, {"a": 1}, float("nan"), pytest.param(10**5000, id="huge"),
    ],
)  # fmt: skip
def test_what_could_leave_the_segment_is_refused(value: Any) -> None:
    refused(path_tool(), name=value)


@pytest.mark.parametrize("value", ["a/b", "a b", "ü", "a%", "a;b", "..", "."])
def test_a_token_takes_unreserved_characters_alone(value: str) -> None:
    refused(path_tool("token"), name=value)


@pytest.mark.parametrize(("value", "target"), [(7, b"/files/7"), (-1, b"/files/-1"), (3.0, b"/files/3"), ("12", b"/files/12")])
def test_an_integer_stands_in_decimal(value: Any, target: bytes) -> None:
    assert prepare(path_tool("integer"), {"name": value}).target == target


@pytest.mark.parametrize("value", ["x", "1.5", "1e3", "0x10", "+1", " 1", "١", 1.5, True])
def test_what_is_no_integer_is_refused_in_its_place(value: Any) -> None:
    refused(path_tool("integer"), name=value)


def test_a_value_longer_than_the_plan_allows_is_refused() -> None:
    assert "1 to 5 characters" in refused(path_tool("text", 5), name="123456")
    refused(path_tool("text"), name="x" * 4097)


def test_a_missing_path_argument_is_refused() -> None:
    refused(path_tool())


def test_several_parameters_share_a_segment() -> None:
    pieces = (PathPiece(argument="a", charset="integer"), PathPiece(text=".."), PathPiece(argument="b", charset="integer"))
    ranged = tool(segments=(literal("range"), PathSegment(pieces=pieces)), properties={"a": {}, "b": {}})
    assert prepare(ranged, {"a": 1, "b": 20}).target == b"/range/1..20"


@pytest.mark.parametrize("text", ["..", ".", "%2e%2e", "a b", "a?b", "a#b", "a\\b", "a\r\nb", "ü", "a%zz", "a/b"])
def test_an_approved_path_is_held_to_the_grammar_as_well(text: str) -> None:
    refused(tool(segments=(literal(text),), properties={}, required=()))


def test_a_literal_stands_as_it_was_approved() -> None:
    assert prepare(tool(segments=(literal("v1"), literal("a%20b"), literal("")), properties={}, required=()), {}).target == b"/v1/a%20b/"


# ---------------------------------------------------------------- query
@pytest.mark.parametrize(
    ("style", "explode", "value", "target"),
    [
        ("form", True, "x&y=1", b"/find?q=x%26y%3D1"),
        ("form", True, "a+b c", b"/find?q=a%2Bb%20c"),
        ("form", True, 7, b"/find?q=7"),
        ("form", True, False, b"/find?q=false"),
        ("form", True, "", b"/find?q="),
        ("form", True, None, b"/find"),
        ("form", True, ["a", "b&c"], b"/find?q=a&q=b%26c"),
        ("form", True, [], b"/find"),
        ("form", False, ["a", "b"], b"/find?q=a,b"),
        ("spaceDelimited", False, ["a", "b"], b"/find?q=a%20b"),
        ("pipeDelimited", False, ["a", "b"], b"/find?q=a%7Cb"),
        ("deepObject", True, {"b": 2, "a": "x y"}, b"/find?q%5Ba%5D=x%20y&q%5Bb%5D=2"),
        ("deepObject", True, {"a": ["1", "2"]}, b"/find?q%5Ba%5D=1&q%5Ba%5D=2"),
        ("form", True, {"a": 1, "b": "2&c=3"}, b"/find?a=1&b=2%26c%3D3"),
        ("form", False, {"a": 1, "b": "2"}, b"/find?q=a,1,b,2"),
    ],
)
def test_each_style_of_a_query_parameter(style: Any, explode: bool, value: Any, target: bytes) -> None:
    assert prepare(query_tool(style, explode, {"a": {}, "b": {}}), {"q": value}).target == target


@pytest.mark.parametrize(
    ("style", "explode", "value"),
    [
        ("form", True, "a\nb"),
        ("form", True, {"injected": 1}),
        ("form", False, ["a,b"]),
        ("pipeDelimited", False, ["a|b"]),
        ("spaceDelimited", False, ["a b"]),
        ("deepObject", True, ["a"]),
        ("deepObject", True, {"made_up": 1}),
        ("deepObject", True, "scalar"),
        ("deepObject", True, {"a": {"deep": 1}}),
        ("form", True, [["nested"]]),
        ("spaceDelimited", False, {"a": 1}),
    ],
)
def test_what_a_style_cannot_say_is_refused(style: Any, explode: bool, value: Any) -> None:
    refused(query_tool(style, explode, {"a": {}, "b": {}}), q=value)


def test_an_object_cannot_fill_the_parameter_of_another_argument() -> None:
    fields = (Field_(argument="filter", wire="filter"), Field_(argument="page", wire="page"))
    both = tool(segments=(), query=fields, properties={"filter": {"properties": {"page": {}}}, "page": {}}, required=())
    assert "another argument" in refused(both, filter={"page": 9})


def test_parameters_stand_in_the_order_of_the_plan_whatever_the_order_of_the_arguments() -> None:
    fields = tuple(Field_(argument=name, wire=name) for name in ("b", "a"))
    both = tool(segments=(), query=fields, properties={"a": {}, "b": {}}, required=())
    assert prepare(both, {"a": 1, "b": 2}).target == prepare(both, {"b": 2, "a": 1}).target == b"/?b=2&a=1"


def test_a_target_longer_than_the_bound_is_refused() -> None:
    refused(query_tool(), q="x" * 40_000)


# ---------------------------------------------------------------- headers and cookies
def header_tool(wire: str = "X-Trace") -> Tool:
    return tool(segments=(), headers=(Field_(argument="h", wire=wire, style="simple"),), properties={"h": {}}, required=())


@pytest.mark.parametrize(("value", "text"), [("abc", "abc"), (7, "7"), (["a", "b"], "a,b"), ("a; b=c", "a; b=c"), ("", "")])
def test_a_header_carries_printable_ascii(value: Any, text: str) -> None:
    assert header(prepare(header_tool(), {"h": value}), "X-Trace") == text


@pytest.mark.parametrize("value", ["x\r\ny: z", "x\ny", "x\0", "ü", " x", "x ", "x\ty", ["a,b", "c"], {"a": 1}, "\x7f"])
def test_a_header_that_could_begin_another_is_refused(value: Any) -> None:
    refused(header_tool(), h=value)


@pytest.mark.parametrize(
    "name",
    [
        "Host",
        "content-length",
        "Transfer-Encoding",
        "Authorization",
        "Cookie",
        "X-HTTP-Method-Override",
        "Forwarded",
        "Content-Type",
        "a b",
        "",
        "x:y",
    ],
)
def test_no_argument_sets_a_header_of_the_framing(name: str) -> None:
    refused(header_tool(name), h="x")


def test_cookies_are_encoded_so_that_none_begins_another() -> None:
    fields = (Field_(argument="theme", wire="theme"), Field_(argument="lang", wire="lang"))
    both = tool(segments=(), cookies=fields, properties={"theme": {}, "lang": {}}, required=())
    assert header(prepare(both, {"theme": "x; y=1", "lang": "de"}), "Cookie") == "theme=x%3B%20y%3D1; lang=de"
    assert header(prepare(both, {"theme": None}), "Cookie") is None


def test_the_fixed_headers_come_from_the_plan_and_us() -> None:
    request = prepare(tool(host="api.example.com", port=8443), {"order_id": 1})
    assert [name for name, _ in request.headers] == ["Host", "User-Agent", "Accept", "Accept-Encoding"]
    assert header(request, "Host") == "api.example.com:8443"
    assert (request.host, request.port, request.scheme) == ("api.example.com", 8443, "https")


def test_the_authority_names_the_port_only_where_it_is_not_the_schemes() -> None:
    assert authority(tool(port=443).request) == authority(tool().request) == "api.example.com"
    assert authority(tool(port=80).request) == "api.example.com:80"


# ---------------------------------------------------------------- bodies
def test_json_keeps_every_digit_of_an_integer_and_the_order_of_the_plan() -> None:
    request = prepare(body_tool(a={}, b={}), {"b": 9007199254740995, "a": "ü"})
    assert request.body == '{"a":"ü","b":9007199254740995}'.encode()
    assert header(request, "Content-Type") == "application/json"
    assert header(request, "Content-Length") == "31"


@pytest.mark.parametrize(
    ("value", "body"),
    [([1, 2], b"[1,2]"), ("x", b'"x"'), (None, b"null"), ({"x": {"y": [True]}}, b'{"x":{"y":[true]}}'), ("a\0b", b'"a\\u0000b"')],
)
def test_a_whole_body_is_the_argument(value: Any, body: bytes) -> None:
    assert prepare(body_tool(whole=True, body={}), {"body": value}).body == body


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "\ud800", pytest.param(10**5000, id="huge")])
def test_what_json_cannot_say_is_refused(value: Any) -> None:
    refused(body_tool(), a=value)


def test_a_body_nobody_gave_is_not_sent_unless_the_plan_asks_for_one() -> None:
    assert prepare(body_tool(), {}).body == b""
    assert header(prepare(body_tool(), {}), "Content-Type") is None
    assert prepare(body_tool(required=True), {}).body == b"{}"


@pytest.mark.parametrize(
    ("arguments", "body"),
    [
        ({"a": "1&b=3"}, b"a=1%26b%3D3"),
        ({"a": "x y"}, b"a=x+y"),
        ({"a": ["1", "2"], "b": True}, b"a=1&a=2&b=true"),
        ({"a": {"k": 1}}, b"a=%7B%22k%22%3A1%7D"),
        ({"a": "line\r\nend"}, b"a=line%0D%0Aend"),
    ],
)
def test_a_form_encodes_each_field(arguments: dict[str, Any], body: bytes) -> None:
    assert prepare(body_tool("form", "application/x-www-form-urlencoded"), arguments).body == body


def test_multipart_has_a_boundary_that_follows_from_the_content() -> None:
    upload = body_tool("multipart", "multipart/form-data", file={"format": "binary"}, label={})
    first, again, other = (prepare(upload, {"file": text, "label": "l"}) for text in ("/etc/hostname", "/etc/hostname", "x"))
    assert first == again
    assert header(first, "Content-Type") != header(other, "Content-Type")
    boundary = str(header(first, "Content-Type")).partition("boundary=")[2]
    assert first.body.decode() == (
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="file"\r\nContent-Type: application/octet-stream\r\n\r\n'
        f'/etc/hostname\r\n--{boundary}\r\nContent-Disposition: form-data; name="label"\r\n\r\nl\r\n--{boundary}--\r\n'
    )


def test_a_multipart_value_cannot_end_its_part() -> None:
    upload = body_tool("multipart", "multipart/form-data")
    known = str(header(prepare(upload, {"a": "x"}), "Content-Type")).partition("boundary=")[2]
    request = prepare(upload, {"a": f"\r\n--{known}--\r\n"})
    boundary = str(header(request, "Content-Type")).partition("boundary=")[2].encode()
    assert request.body.count(b"--" + boundary) == 2


def test_a_text_body_is_utf8() -> None:
    assert prepare(body_tool("text", "text/plain", whole=True, body={}), {"body": "grüß"}).body == "grüß".encode()


@pytest.mark.parametrize(("kind", "whole"), [("form", True), ("multipart", True), ("text", False)])
def test_a_plan_that_contradicts_itself_is_refused(kind: Any, whole: bool) -> None:
    refused(body_tool(kind, "text/plain", whole=whole, body={}), body="x")


@pytest.mark.parametrize(("change", "value"), [("method", "GET /x HTTP/1.1"), ("method", "get"), ("accept", "a\r\nb"), ("accept", "")])
def test_a_plan_whose_fixed_parts_are_none_is_refused(change: str, value: str) -> None:
    of = tool()
    refused(of.model_copy(update={"request": of.request.model_copy(update={change: value})}), order_id=1)


def test_a_body_whose_media_type_is_none_is_refused() -> None:
    refused(body_tool(media="application/json\r\nX: y"), a=1)


def test_the_same_arguments_in_another_order_make_the_same_bytes() -> None:
    values = {"a": {"y": 1, "x": 2}, "b": [3]}
    turned = dict(reversed(list(values.items())))
    assert prepare(body_tool(), values) == prepare(body_tool(), turned)
    assert json.loads(prepare(body_tool(), values).body) == values


# ---------------------------------------------------------------- constants
GRAPHQL = {"operationName": "GetUser", "query": "query GetUser($id: ID!) { user(id: $id) { name } }"}


def pinned_tool(
    constants: dict[str, Any],
    within: tuple[str, ...] = (),
    *wires: str,
    argument: str = "",
    kind: Any = "json",
    media: str = "application/json",
) -> Tool:
    fields = tuple(Field_(argument=f"arg_{wire}", wire=wire) for wire in wires)
    plan = BodyPlan(media=media, kind=kind, argument=argument, fields=fields, constants=constants, within=within)
    names = {field.argument: {} for field in fields} | ({argument: {}} if argument else {})
    return tool(method="POST", segments=(literal("graphql"),), body=plan, properties=names, required=(), effect="write")


@pytest.mark.feature(21)
@pytest.mark.parametrize(
    ("of", "arguments", "body"),
    [
        (pinned_tool(GRAPHQL, ("variables",), "id"), {"arg_id": "7"}, {**GRAPHQL, "variables": {"id": "7"}}),
        (pinned_tool(GRAPHQL, ("variables",), "id"), {}, {**GRAPHQL, "variables": {}}),
        (pinned_tool(GRAPHQL), {}, GRAPHQL),
        (pinned_tool({"method": "a"}, (), "b"), {"arg_b": 1}, {"method": "a", "b": 1}),
        (
            pinned_tool({"method": "a", "id": 1}, ("params",), argument="params"),
            {"params": [1, 2]},
            {"method": "a", "id": 1, "params": [1, 2]},
        ),
        (pinned_tool({"method": "a"}, ("params",), argument="params"), {}, {"method": "a"}),
        (
            pinned_tool({"method": "tools/call", "params": {"name": "pay"}}, ("params", "arguments"), "to"),
            {"arg_to": "x"},
            {"method": "tools/call", "params": {"name": "pay", "arguments": {"to": "x"}}},
        ),
        (pinned_tool({}, ("params", "rows"), argument="rows"), {"rows": [1]}, {"params": {"rows": [1]}}),
    ],
)
def test_constants_are_sent_and_arguments_lie_at_their_place(of: Tool, arguments: dict[str, Any], body: Any) -> None:
    request = prepare(of, arguments)
    assert json.loads(request.body) == body
    assert header(request, "Content-Type") == "application/json"


@pytest.mark.feature(21)
@pytest.mark.parametrize(
    ("of", "arguments", "target"),
    [
        (
            pinned_tool({"operationName": "A", "query": "query A { a }"}, ("variables",), "id", kind="query"),
            {"arg_id": "7&query=x"},
            b"/graphql?operationName=A&query=query%20A%20%7B%20a%20%7D&variables=%7B%22id%22%3A%227%26query%3Dx%22%7D",
        ),
        (pinned_tool({"extensions": {"version": 1}}, kind="query"), {}, b"/graphql?extensions=%7B%22version%22%3A1%7D"),
    ],
)
def test_constants_of_a_query_are_parameters_and_arguments_lie_in_one_of_them(of: Tool, arguments: dict[str, Any], target: bytes) -> None:
    request = prepare(of, arguments)
    assert (request.target, request.body, header(request, "Content-Type")) == (target, b"", None)


def test_a_parameter_of_its_own_never_takes_the_place_of_a_constant_of_the_query() -> None:
    of = pinned_tool({"query": "{ a }"}, kind="query")
    query = (Field_(argument="q", wire="query"),)
    refused(of.model_copy(update={"request": of.request.model_copy(update={"query": query})}), q="{ b }")


def test_constants_of_a_form_stand_before_its_fields() -> None:
    of = pinned_tool({"action": "list orders"}, (), "page", kind="form", media="application/x-www-form-urlencoded")
    assert prepare(of, {"arg_page": 2}).body == b"action=list+orders&page=2"


@pytest.mark.parametrize(
    "plan",
    [
        {"constants": {"a": 1}, "fields": [{"argument": "x", "wire": "a"}]},
        {"constants": {"p": {"a": 1}}, "within": ["p"], "fields": [{"argument": "x", "wire": "a"}]},
        {"constants": {"p": 1}, "within": ["p"], "fields": [{"argument": "x", "wire": "a"}]},
        {"constants": {"p": None}, "within": ["p"]},
        {"constants": {"p": {"q": []}}, "within": ["p", "q"]},
        {"constants": {"p": {}}, "within": ["p"], "argument": "x"},
        {"constants": {"a": 1}, "argument": "x"},
        {"constants": {"a": 1}, "kind": "form"},
        {"constants": {"a": "1"}, "kind": "form", "fields": [{"argument": "x", "wire": "a"}]},
        {"constants": {"a": "1"}, "kind": "multipart"},
        {"constants": {"a": "1"}, "kind": "text", "argument": "x"},
        {"within": ["p"], "kind": "form"},
        {"kind": "query"},
        {"kind": "query", "constants": {"a": 1}, "fields": [{"argument": "x", "wire": "b"}]},
        {"kind": "query", "constants": {"a": 1}, "argument": "x"},
        {"within": list("abcdefghi")},
    ],
)
def test_a_plan_whose_arguments_reach_a_constant_is_none(plan: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"constant|too deep|parameter"):
        BodyPlan.model_validate_json(json.dumps({"media": "application/json", "kind": "json", **plan}))


@pytest.mark.parametrize(
    "of",
    [
        pinned_tool({"a": 1}, (), "b"),
        pinned_tool({"a": "1"}, (), "b", kind="form", media="application/x-www-form-urlencoded"),
    ],
)
def test_a_plan_that_went_around_its_record_still_sends_no_argument_for_a_constant(of: Tool) -> None:
    body = of.request.body
    assert body is not None
    worse = body.model_copy(update={"fields": (Field_(argument="arg_b", wire="a"),)})
    refused(of.model_copy(update={"request": of.request.model_copy(update={"body": worse})}), arg_b=2)
    through = body.model_copy(update={"within": ("a",)})
    if body.kind == "json":
        refused(of.model_copy(update={"request": of.request.model_copy(update={"body": through})}), arg_b=2)


# ---------------------------------------------------------------- what is sent unasked
def test_a_default_is_sent_where_the_argument_is_not_given() -> None:
    fields = (Field_(argument="format", wire="format", default="json"), Field_(argument="q", wire="q"))
    asked = tool(segments=(), query=fields, headers=(Field_(argument="client", wire="x-client", style="simple", default="web"),), properties={"format": {}, "q": {}, "client": {}}, required=())  # fmt: skip
    assert prepare(asked, {"q": "a"}).target == b"/?format=json&q=a"
    assert prepare(asked, {"format": "xml", "client": "app"}).target == b"/?format=xml"
    assert dict(prepare(asked, {}).headers)["x-client"] == "web"
    assert dict(prepare(asked, {"client": "app"}).headers)["x-client"] == "app"


def test_null_takes_a_default_away() -> None:
    asked = tool(segments=(), query=(Field_(argument="format", wire="format", default="json"),), properties={"format": {}}, required=())
    assert prepare(asked, {"format": None}).target == b"/"
