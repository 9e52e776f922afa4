"""Whatever an agent passes, the request is a member of the approved grammar or there is none (SPEC promise 6): some 15,000 fuzzed values."""

import json
import re
from itertools import product
from typing import Any, Final
from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caskmcp.errors import CaskError
from caskmcp.model.tool import BodyPlan, Field_, PathPiece, PathSegment
from caskmcp.runtime.arguments import compiled
from caskmcp.runtime.plan import PreparedRequest, prepare
from tests.support.calls import HOST, argument, literal, tool

NASTY: Final = st.sampled_from(
    ["..", ".", "../..", "..\\", "%2e%2e", "%252e", "..;", "..%00", "\0", "\r\n", "\n", " ", "\t", "?", "#", "&", "=", ";", "//evil.test/", "@", ":", "|", ",", "%",
     "http://169.254.169.254/", "\u2025", "\uff0e\uff0e", "\u2028", "\ud800", "\x85", "ü", "😀", "", "+", "[", "]", '"', "'", "\\", "$ref", "__proto__"]
)  # fmt: skip
TEXTS: Final = st.one_of(
    st.text(max_size=30), st.lists(NASTY, max_size=5).map("".join), st.lists(st.one_of(NASTY, st.text(max_size=4)), max_size=6).map("".join)
)
SCALARS: Final = st.one_of(TEXTS, st.integers(), st.floats(), st.booleans(), st.none())
VALUES: Final = st.recursive(
    SCALARS, lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=3)), max_leaves=6
)

UNRESERVED: Final = rb"(?:[A-Za-z0-9._~-]|%[0-9A-F]{2})"
TARGET: Final = re.compile(rb"/v1/files/" + UNRESERVED + rb"+/range/-?[0-9]+\.\.-?[0-9]+(?:\?(?P<query>.*))?")
PAIR: Final = re.compile(rb"(?P<name>q|list|filter%5B(?:a|b)%5D|a|b)=(?:" + UNRESERVED + rb"|,)*")

FREE: Final = tool(
    "free",
    method="POST",
    effect="write",
    segments=(
        literal("v1"),
        literal("files"),
        argument("name"),
        literal("range"),
        PathSegment(
            pieces=(PathPiece(argument="low", charset="integer"), PathPiece(text=".."), PathPiece(argument="high", charset="integer"))
        ),
    ),
    properties={
        "filter": {"properties": {"a": {}, "b": {}}},
        "name": {},
        "low": {},
        "high": {},
        "q": {},
        "list": {},
        "trace": {},
        "theme": {},
        "note": {},
    },
    required=(),
    query=(
        Field_(argument="q", wire="q"),
        Field_(argument="list", wire="list", explode=False),
        Field_(argument="filter", wire="filter", style="deepObject"),
    ),
    headers=(Field_(argument="trace", wire="X-Trace", style="simple"),),
    cookies=(Field_(argument="theme", wire="theme"),),
    body=BodyPlan(media="application/json", kind="json", fields=(Field_(argument="note", wire="note"),)),
)
ARGUMENTS: Final = st.fixed_dictionaries(
    {"name": VALUES, "low": st.one_of(st.integers(), VALUES), "high": st.one_of(st.integers(), VALUES)},
    optional=dict.fromkeys(("q", "list", "filter", "trace", "theme", "note"), VALUES),
)
LIKELY: Final = st.fixed_dictionaries(
    {"name": TEXTS, "low": st.integers(0, 9), "high": st.integers(0, 9)},
    optional={
        "q": TEXTS,
        "list": st.lists(TEXTS, max_size=3),
        "filter": st.dictionaries(st.sampled_from("ab"), TEXTS),
        "trace": TEXTS,
        "theme": TEXTS,
        "note": VALUES,
    },
)

EXAMPLES: Final = settings().max_examples
"""Of the profile: `HYPOTHESIS_PROFILE=search` looks thirty times further."""


def prepared(arguments: dict[str, Any]) -> PreparedRequest | None:
    try:
        return prepare(FREE, arguments)
    except CaskError as no:
        if no.code != "CASK-R003":
            raise
        return None


def within(request: PreparedRequest) -> None:
    """The whole grammar of the plan, said a second time and in another way."""
    assert (request.method, request.scheme, request.host, request.port) == ("POST", "https", HOST, 443)
    target = TARGET.fullmatch(request.target)
    assert target, request.target
    segment = unquote_to_bytes(request.target.split(b"/")[3])
    assert not {part.split(b";")[0].strip() for part in re.split(rb"[/\\]", segment)} & {b".", b".."}
    assert not re.search(rb"[\x00-\x1f\x7f]", segment)
    for pair in (target["query"] or b"").split(b"&") if target["query"] else []:
        assert PAIR.fullmatch(pair), pair
    names = [name for name, _ in request.headers]
    assert set(names) <= {"Host", "User-Agent", "Accept", "Accept-Encoding", "X-Trace", "Cookie", "Content-Type", "Content-Length"}
    assert len(names) == len(set(names))
    assert all(re.fullmatch(r"[\x20-\x7e]*", value) for _, value in request.headers)
    assert dict(request.headers)["Host"] == HOST
    assert re.fullmatch(r"theme=(?:[A-Za-z0-9._~-]|%[0-9A-F]{2})*", dict(request.headers).get("Cookie", "theme="))
    assert not request.body or list(json.loads(request.body)) == ["note"]


@settings(max_examples=6 * EXAMPLES)
@given(ARGUMENTS)
def test_no_value_of_any_type_leaves_the_approved_request(arguments: dict[str, Any]) -> None:
    request = prepared(arguments)
    if request is not None:
        within(request)


@settings(max_examples=5 * EXAMPLES)
@given(LIKELY)
def test_no_text_that_fits_its_type_leaves_the_approved_request(arguments: dict[str, Any]) -> None:
    request = prepared(arguments)
    if request is not None:
        within(request)
        assert prepare(FREE, dict(reversed(list(arguments.items())))) == request


PIECES: Final = (
    "..", ".", "%2e", "%2e%2e", "%252e", "\\", "/", "//", "?", "#", "&", "=", ";", "\0", "\r\n", "\n", "\t", " ", "@", ":", "|", ",", "%", "a", "é", "\u2028",
    "\ud800", "http://evil.test/", "[", "]", "+", "*", "~", "-",
)  # fmt: skip


@pytest.mark.feature(77)
@pytest.mark.parametrize("name", ["name", "q"])
def test_every_way_to_join_three_nasty_pieces_stays_on_the_approved_path(name: str) -> None:
    reached = 0
    for pieces in product(PIECES, repeat=3):
        request = prepared({"name": "n", "low": 1, "high": 2, name: "".join(pieces)})
        if request is not None:
            reached += 1
            assert request.host == HOST
            target = TARGET.fullmatch(request.target)
            assert target, pieces
            assert all(PAIR.fullmatch(pair) for pair in (target["query"] or b"").split(b"&") if pair), pieces
    assert reached > 1_000
    assert len(PIECES) ** 3 > 10_000


PINNED: Final = {"jsonrpc": "2.0", "id": 1, "method": "orders.get", "params": {"name": "fixed"}}
WIRES: Final = st.one_of(TEXTS, st.sampled_from(["jsonrpc", "id", "method", "params", "name", "__proto__", "arguments"]))
WITHIN: Final = st.sampled_from([(), ("params",), ("params", "arguments"), ("variables",), ("method",), ("params", "name")])


@pytest.mark.feature(21)
@settings(max_examples=5 * EXAMPLES)
@given(WITHIN, st.lists(WIRES, max_size=3, unique=True), st.lists(VALUES, min_size=3, max_size=3), st.booleans())
def test_no_argument_changes_a_constant_of_the_body(within: tuple[str, ...], wires: list[str], values: list[Any], whole: bool) -> None:
    """Whatever the plan says and whatever is passed: a request has every constant as approved, and nothing beside them but the arguments."""
    fields = () if whole else tuple(Field_(argument=f"a{index}", wire=wire) for index, wire in enumerate(wires))
    parts = {"media": "application/json", "kind": "json", "argument": "a0" if whole else "", "fields": fields}
    plan = BodyPlan(media="application/json", kind="json").model_copy(update={**parts, "constants": PINNED, "within": within})
    one = FREE.model_copy(update={"request": FREE.request.model_copy(update={"body": plan})})
    arguments = {"name": "n", "low": 1, "high": 2, **{f"a{index}": value for index, value in enumerate(values)}}
    try:
        body = json.loads(prepare(one, arguments).body)
    except CaskError as no:
        if no.code != "CASK-R003":
            raise
        return
    if whole and not within:
        return  # a whole body beside constants is no plan (`tests/unit/runtime/test_plan.py`); the record refuses it
    for name in ("jsonrpc", "id", "method"):
        assert (type(body[name]), body[name]) == (type(PINNED[name]), PINNED[name])
    assert body["params"]["name"] == "fixed"
    place = body
    for name in within[:-1] if whole else within:
        place = place[name]
    given = {within[-1]} if whole else set(wires)
    made = {*within[:1], *within[1:2]} if place is body else {"name", *within}
    assert set(place) <= {*PINNED, *given, *made}
    assert set(body) <= {*PINNED, *within, *(given if place is body else ())}


def test_the_fuzzing_reaches_both_verdicts() -> None:
    assert prepared({"name": "a/b", "low": 1, "high": 2, "q": "x&y", "note": {"a": [1]}}) is not None
    assert prepared({"name": "..", "low": 1, "high": 2}) is None


@settings(max_examples=3 * EXAMPLES)
@given(st.dictionaries(st.one_of(TEXTS, st.sampled_from(["order_id", "host", "url", "method"])), VALUES, max_size=4))
def test_the_closed_check_never_lets_an_undeclared_argument_pass_nor_breaks(arguments: dict[str, Any]) -> None:
    check = compiled(tool())
    try:
        check.refuse(arguments)
    except CaskError as no:
        if no.code != "CASK-R002":
            raise
        return
    assert set(arguments) == {"order_id"}
    assert isinstance(arguments["order_id"], int | float)
