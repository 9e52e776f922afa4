"""What all operations together may carry: every operation arrives, nothing gets stricter, what is missing is named, and no order matters."""

import json
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caskmcp.compiler.capture.sources.openapi import OpenApi, carried, document
from caskmcp.compiler.capture.sources.openapi.reach import Reach
from caskmcp.compiler.capture.sources.openapi.schemas import Direction, Schemas
from caskmcp.errors import CaskError
from caskmcp.model.exchange import Declared, Skipped

REF = "#/components/schemas/"


def ring(operations: int, kinds: int, *, method: str = "get", filler: int = 0) -> dict[str, Any]:
    """Kinds that lead to each other in a ring, each answered (and sent, for `post`) by operations in turn."""
    schemas = {
        f"S{index:03}": {
            "type": "object",
            "properties": {"n": {"const": f"{index:03}"}, "next": {"$ref": f"{REF}S{(index + 1) % kinds:03}"}},
            "title": "x" * filler,
        }
        for index in range(kinds)
    }
    paths: dict[str, Any] = {}
    for index in range(operations):
        content = {"content": {"application/json": {"schema": {"$ref": f"{REF}S{index % kinds:03}"}}}}
        body = {"requestBody": content} if method == "post" else {}
        paths[f"/p{index}"] = {method: {"operationId": f"op{index}", **body, "responses": {"200": {"description": "x", **content}}}}
    return {"openapi": "3.1.0", "info": {"title": "t", "version": "1"}, "paths": paths, "components": {"schemas": schemas}}


def read(value: Any) -> list[Declared | Skipped]:
    return list(OpenApi().read([json.dumps(value).encode()]))


# ---------------------------------------------------------------- the limits
def test_answers_that_are_too_large_together_keep_what_is_nearest_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(carried, "ALL", 6 << 20)
    rows = read(ring(40, 40, filler=10_000))
    named = [row for row in rows if isinstance(row, Skipped)]
    assert len(named) == 40
    assert {(row.reason, row.detail) for row in named} == {("too large", "14 of 40 definitions are kept")}
    assert named[0].place == "paths./p0.get.responses.200"
    declared = [row for row in rows if isinstance(row, Declared)]
    assert len(declared) == 40
    schema = declared[5].responses[0].schema
    assert schema is not None
    assert schema["properties"]["next"] == {"$ref": "#/$defs/S006"}
    assert sorted(schema["$defs"]) == [f"S{index:03}" for index in range(6, 20)]
    assert schema["$defs"]["S019"]["properties"]["next"] == {}


def test_bodies_that_are_too_large_together_keep_what_is_nearest_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(carried, "ALL", 6 << 20)
    value = ring(40, 40, method="post", filler=10_000)
    value["paths"]["/small"] = {
        "post": {"requestBody": {"content": {"application/json": {"schema": {"maxLength": 3}}}}, "responses": {"200": {}}}
    }
    rows = read(value)
    declared = {row.path: row for row in rows if isinstance(row, Declared)}
    assert len(declared) == 41
    assert declared["/small"].bodies[0].schema == {"maxLength": 3}
    assert sorted(declared["/p5"].bodies[0].schema["$defs"]) == [f"S{index:03}" for index in range(6, 15)]
    named = [row for row in rows if isinstance(row, Skipped)]
    assert named[:2] == [
        Skipped("paths./p0.post.requestBody", "too large", detail="9 of 40 definitions are kept"),
        Skipped("paths./p0.post.responses.200", "too large", detail="4 of 40 definitions are kept"),
    ]
    assert len(named) == 80


def test_a_body_that_is_too_large_by_itself_takes_its_operation_with_it() -> None:
    value = ring(1, 1)
    words = {"enum": ["x" * 1000 + str(index) for index in range(9000)]}
    value["paths"]["/large"] = {"post": {"requestBody": {"content": {"application/json": {"schema": words}}}, "responses": {"200": {}}}}
    first, second = read(value)
    assert isinstance(first, Declared)
    assert second == Skipped("paths./large.post", "too large", detail="its body is too large even without what it refers to")
    del value["paths"]["/p0"]
    with pytest.raises(CaskError) as caught:
        read(value)
    assert (caught.value.code, caught.value.mend) == ("CASK-C005", "split the document")
    assert caught.value.what == "the bodies of each operation need more than 4 MiB"


def test_sixty_operations_over_two_hundred_kinds_that_lead_to_each_other_are_whole() -> None:
    rows = read(ring(60, 200, method="post"))
    assert [type(row) for row in rows] == [Declared] * 60
    assert {len(row.bodies[0].schema["$defs"]) for row in rows if isinstance(row, Declared)} == {200}


def test_answers_that_share_what_they_refer_to_are_whole_up_to_a_much_larger_room() -> None:
    rows = read(ring(40, 40, filler=10_000))
    assert {len(row.responses[0].schema["$defs"]) for row in rows if isinstance(row, Declared) and row.responses[0].schema} == {40}
    assert not [row for row in rows if isinstance(row, Skipped)]


def test_an_answer_whose_own_text_is_too_large_has_no_schema_and_is_named() -> None:
    value = ring(1, 1)
    value["paths"]["/p0"]["get"]["responses"]["200"]["content"]["application/json"]["schema"] = {
        "enum": ["x" * 1000 + str(index) for index in range(9000)]
    }
    named, declared = read(value)
    assert named == Skipped("paths./p0.get.responses.200", "too large", detail="its schema is not kept")
    assert isinstance(declared, Declared)
    assert declared.responses[0].schema is None


# fmt: off
SHARES = [
    # sizes              room  share
    ([],                 10,   0),
    ([1, 2, 3],          10,   3),
    ([1, 20, 20],        11,   5),
    ([20, 20],           11,   5),
    ([20],               0,    0),
]
# fmt: on


@pytest.mark.parametrize(("sizes", "room", "share"), SHARES)
def test_those_that_need_less_leave_the_rest_to_the_others(sizes: list[int], room: int, share: int) -> None:
    assert carried._share(sizes, room) == share


@settings(max_examples=15)
@given(st.randoms())
def test_what_is_kept_does_not_depend_on_the_order_of_the_document(order: Any) -> None:
    value = ring(12, 12, filler=80_000)
    shuffled = list(value["paths"].items())
    order.shuffle(shuffled)

    def kept(made: dict[str, Any]) -> dict[str, Any]:
        return {row.operation_id: row.responses[0].schema for row in read(made) if isinstance(row, Declared)}

    assert kept(value) == kept({**value, "paths": dict(shuffled)})


# ---------------------------------------------------------------- cutting
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 3) | st.sampled_from(["", "a", "abc"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "c"]), inner, max_size=3),
    max_leaves=6,
)
NAMES = ("A", "B", "C")
LEAVES = st.sampled_from(
    [{"$ref": f"{REF}{name}"} for name in NAMES]
    + [{"type": "string"}, {"type": "integer", "maximum": 1}, {"minLength": 2}, False, {"const": "a"}]
)
SCHEMAS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(lambda word, parts: {word: parts}, st.sampled_from(["oneOf", "anyOf", "allOf"]), st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda part: {"not": part}, inner),
        st.builds(lambda one, two, three: {"if": one, "then": two, "else": three}, inner, inner, inner),
        st.builds(lambda part: {"properties": {"a": part}, "required": ["a"], "unevaluatedProperties": False}, inner),
        st.builds(lambda part: {"items": part, "maxItems": 2}, inner),
        st.builds(lambda part: {"contains": part, "maxContains": 1}, inner),
    ),
    max_leaves=6,
)


@given(SCHEMAS, SCHEMAS, VALUES, st.integers(0, 2))
def test_a_cut_schema_accepts_whatever_the_whole_one_accepts(schema: Any, other: Any, value: Any, kept: int) -> None:
    parts = {"A": {"type": "object", "properties": {"b": other}}, "B": {"type": ["string", "null"]}, "C": {"items": {"$ref": f"{REF}A"}}}
    document_ = {"openapi": "3.1.0", "info": {}, "paths": {}, "components": {"schemas": {**parts, "Root": {"properties": {"a": schema}}}}}
    schemas = Schemas(document.read([json.dumps(document_).encode()]))
    root = schemas._spec.node(("components", "schemas", "Root"))
    part = schemas.part(root, Direction.RESPONSE)
    room = schemas.size(type(part)(part.root, part.direction)) + sum(
        schemas.size_of(at, part.direction) for at in list(schemas.nearest(part))[:kept]
    )
    cut, _ = carried.nearest(schemas, part, room)
    assert cut is not None
    whole = jsonschema.Draft202012Validator(schemas.completed(part))
    for given_ in (value, {"a": value}):
        if whole.is_valid(given_):
            assert jsonschema.Draft202012Validator(cut).is_valid(given_)


# ---------------------------------------------------------------- reach
@given(st.dictionaries(st.integers(0, 12), st.lists(st.integers(0, 12), max_size=4), max_size=13))
def test_what_a_place_leads_to_is_what_a_plain_search_finds(edges: dict[int, list[int]]) -> None:
    reach = Reach(lambda at: tuple((each,) for each in edges.get(int(at[0]), ())))
    for start in range(13):
        found, waiting = set(), [start]
        while waiting:
            at = waiting.pop()
            if at not in found:
                found.add(at)
                waiting += edges.get(at, [])
        assert {at[0] for at in reach.places(reach.of([(start,)]))} == found


def test_a_chain_may_be_as_long_as_the_document() -> None:
    reach = Reach(lambda at: ((int(at[0]) + 1,),) if int(at[0]) < 20_000 else ())
    assert reach.of([(0,)]).bit_count() == 20_001
