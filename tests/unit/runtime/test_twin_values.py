"""Invented values, places inside of values, and what belongs together: the parts that a twin is made of."""

from typing import Any

import jsonschema_rs
import pytest

from caskmcp.runtime.twin import places
from caskmcp.runtime.twin.invent import invent
from caskmcp.runtime.twin.operations import Operation, known
from caskmcp.runtime.twin.resources import resources
from tests.support.contracts import HOST, contract, obj
from tests.support.twin_api import ORDER, U1, asks, contracts, order, recording, said

SCHEMAS: tuple[dict[str, Any], ...] = (
    {"type": "string"},
    {"type": "string", "enum": ["open", "paid"]},
    {"type": "string", "maxLength": 3},
    {"type": "string", "minLength": 40},
    {"type": "integer", "minimum": 5, "maximum": 6},
    {"type": "number"},
    {"type": "boolean"},
    {"type": ["null", "string"]},
    {"type": "array", "items": {"type": "integer"}, "minItems": 3},
    {"anyOf": [{"type": "null"}, {"type": "integer"}]},
    {"const": {"a": 1}},
    ORDER,
    {
        "$ref": "#/$defs/Node",
        "$defs": {"Node": obj(["name"], name={"type": "string"}, next={"anyOf": [{"$ref": "#/$defs/Node"}, {"type": "null"}]})},
    },
)


@pytest.mark.parametrize("schema", SCHEMAS, ids=lambda schema: str(schema)[:40])
@pytest.mark.parametrize("seed", ["one", "two"])
def test_an_invented_value_is_one_that_the_schema_allows_and_always_the_same(schema: dict[str, Any], seed: str) -> None:
    if "$ref" not in schema:  # a thing that holds things of its own kind ends somewhere, with a null that its schema may not have
        jsonschema_rs.Draft202012Validator(schema).validate(invent(schema, seed))
    assert invent(schema, seed) == invent(schema, seed)


@pytest.mark.parametrize(
    ("form", "kind"), [("uuid", str), ("date-time", str), ("date", str), ("email", str), ("uri", str), ("ipv4", str), ("ipv6", str)]
)
def test_a_form_is_kept(form: str, kind: type) -> None:
    schema = {"type": "string", "format": form}
    value = invent(schema, "seed")
    assert isinstance(value, kind)
    jsonschema_rs.Draft202012Validator(schema, validate_formats=True).validate(value)


def test_a_text_is_never_longer_than_a_bound() -> None:
    assert len(invent({"type": "string", "minLength": 10**12}, "seed")) == 1 << 16


def test_an_unknown_schema_invents_nothing() -> None:
    assert invent({"type": "object", "properties": {"a": True, "b": {"anyOf": [True]}}}, "seed") == {"a": None, "b": None}
    assert invent({}, "seed") is None
    assert invent({"type": "null"}, "seed") is None


# ---------------------------------------------------------------- places
def test_a_place_is_read_and_written_without_touching_the_value() -> None:
    value = {"data": {"id": 1, "tags": ["a"]}}
    assert places.at(value, ("data", "id")) == 1
    assert places.at(value, ("data", "no", "such")) is None
    assert places.put(value, ("data", "id"), 2) == {"data": {"id": 2, "tags": ["a"]}}
    assert places.put(None, ("a", "b"), 1) == {"a": {"b": 1}}
    assert value == {"data": {"id": 1, "tags": ["a"]}}


def test_objects_and_lists_are_found_the_outermost_first() -> None:
    value = {"b": {"rows": [1]}, "a": {"x": 1}}
    assert [way for way, _ in places.objects(value)] == [(), ("a",), ("b",)]
    assert list(places.lists(value)) == [(("b", "rows"), [1])]
    assert list(places.lists([{"id": 1}])) == [((), [{"id": 1}])]


def test_only_members_that_fit_are_taken_over() -> None:
    assert places.common({"a": 1, "b": "x", "c": None}, {"a": 2.5, "b": 7, "c": [], "d": 1}) == {"a": 2.5, "b": "x", "c": []}


def test_an_id_is_renamed_wherever_it_can_be_told_from_chance() -> None:
    value = {"id": U1, "link": f"/users/{U1}/x", "n": 12, "s": "12", "t": "a12b"}
    assert places.renamed(value, {U1: "new", "12": "34"}) == {"id": "new", "link": "/users/new/x", "n": 12, "s": "34", "t": "a12b"}


@pytest.mark.parametrize(
    ("old", "taken", "new"),
    [(5, {"1", "9"}, 10), ("7", {"7"}, "8"), (1, set(), 1), (3, {"x"}, 1)],
)
def test_a_number_goes_on_from_the_highest(old: Any, taken: set[str], new: Any) -> None:
    assert places.fresh(old, frozenset(taken), "seed") == new


@pytest.mark.parametrize("old", [U1, "0123456789abcdef01234567", "linen-apron"])
def test_an_id_has_the_form_of_the_old_one_and_is_free(old: str) -> None:
    first = places.fresh(old, frozenset({old}), "seed")
    second = places.fresh(old, frozenset({old, first}), "seed")
    assert len({old, first, second}) == 3
    assert len(first) == len(second)
    assert bool(places.UUID.fullmatch(old)) == bool(places.UUID.fullmatch(first))


# ---------------------------------------------------------------- operations and resources
def test_a_literal_path_is_tried_before_one_with_an_argument() -> None:
    both = known([contract("GET /orders/{order_id}"), contract("GET /orders/latest")], ())
    found = both.find(asks("GET", "/orders/latest"))
    assert found is not None
    assert (found[0].id, found[1]) == (f"GET {HOST}/orders/latest", ())


@pytest.mark.parametrize("path", ["/orders", "/orders/", "/orders/1/2", "/orders/a/b", "//1"])
def test_a_path_that_is_no_member_of_the_template_is_none_of_the_operation(path: str) -> None:
    assert Operation(contract("GET /orders/{order_id}")).arguments(asks("GET", path)) is None


def test_several_arguments_in_one_segment_are_one_text() -> None:
    assert Operation(contract("GET /range/{a}..{b}")).arguments(asks("GET", "/range/1..5")) == ("1..5",)


def test_operations_on_one_kind_of_thing_are_found() -> None:
    rows = {row.label: row for row in resources(known(contracts(), recording()))}
    orders = rows[f"{HOST}/orders/{{}}"]
    assert {role: [each.id.removeprefix(f"{each.contract.method} {HOST}") for each in found] for role, found in orders.roles.items()} == {
        "get": ["/orders/{order_id}"],
        "update": ["/orders/{order_id}"],
        "delete": ["/orders/{order_id}"],
        "list": ["/orders"],
        "create": ["/orders"],
    }
    assert (orders.root, orders.name, list(orders.lists.values())) == ((), "id", [("items",)])
    assert orders.ids == (("1",), ("2",), ("5",))


def test_where_a_thing_and_its_id_stand_is_told_by_what_the_path_had() -> None:
    wrapped = [said("GET", f"/things/{name}", 200, {"data": {"id": 7, "slug": name}}) for name in ("a", "b")]
    (row,) = resources(known([contract("GET /things/{slug}")], wrapped))
    assert (row.root, row.name, row.ids) == (("data",), "slug", (("a",), ("b",)))


def test_a_list_of_other_things_that_only_refer_to_one_is_none_of_its_lists() -> None:
    carts = contract("GET /carts")
    rows = known([*contracts(), carts], [*recording(), said("GET", "/carts", 200, {"rows": [{"order_id": 1, "pieces": 2}]})])
    orders = next(row for row in resources(rows) if row.form == ("orders", "{}"))
    assert carts.id not in orders.lists


def test_an_order_of_the_tests_is_what_its_schema_says() -> None:
    jsonschema_rs.Draft202012Validator(ORDER).validate(order(1))
