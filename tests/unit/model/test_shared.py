"""Definitions written once: packing and unpacking are each other's inverse, keys say what they stand for, and closed tables stay as they are."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caskmcp.errors import CaskError
from caskmcp.model.shared import Table, key_of, refuse_forged

LINE = {"type": "object", "properties": {"sku": {"type": "string"}}}
ORDER = {"type": "object", "properties": {"lines": {"type": "array", "items": {"$ref": "#/$defs/Line"}}}}
TREE = {"type": "object", "properties": {"kids": {"type": "array", "items": {"$ref": "#/$defs/Tree"}}}}


def schema(root: str, **inside: Any) -> dict[str, Any]:
    return {"type": "array", "items": {"$ref": f"#/$defs/{root}"}, "$defs": inside}


def test_a_packed_schema_names_what_it_refers_to_itself_and_the_rows_name_the_rest() -> None:
    table = Table()
    packed = table.packed(schema("Order", Line=LINE, Order=ORDER))
    assert list(packed["$defs"]) == ["Order"]
    order = key_of(packed["$defs"]["Order"])
    assert table.rows[order]["schema"] == ORDER
    (line,) = table.rows[order]["needs"].values()
    assert table.rows[line] == {"schema": LINE}
    assert order.startswith("Order.")
    assert line.startswith("Line.")


def test_what_nothing_refers_to_is_not_carried() -> None:
    table = Table()
    assert table.packed({"type": "string", "$defs": {"Line": LINE}}) == {"type": "string"}
    assert table.rows == {}


def test_schemas_that_hold_the_same_share_one_row_whatever_object_it_is() -> None:
    table = Table()
    first = table.packed(schema("Tree", Tree=TREE))
    second = table.packed(schema("Tree", Tree={**TREE}))
    assert first == second
    assert len(table.rows) == 1


def test_one_name_with_two_meanings_has_two_rows_also_deep_below() -> None:
    table = Table()
    first = table.packed(schema("Order", Line=LINE, Order=ORDER))
    second = table.packed(schema("Order", Line={"type": "string"}, Order=ORDER))
    assert first != second
    assert len(table.rows) == 4
    assert table.whole(first)["$defs"]["Line"] == LINE
    assert table.whole(second)["$defs"]["Line"] == {"type": "string"}


def test_whole_schemas_hold_the_very_same_objects() -> None:
    table = Table()
    packed = [table.packed(schema("Order", Line=LINE, Order=ORDER)) for _ in range(2)]
    one, other = (table.whole(row)["$defs"]["Order"] for row in packed)
    assert one is other


def test_a_closed_table_leaves_what_it_does_not_know_where_it_is() -> None:
    table = Table({})
    given_schema = schema("Tree", Tree=TREE)
    assert table.packed(given_schema) == given_schema
    assert table.rows == {}


def test_a_schema_without_definitions_or_one_that_is_packed_stays_as_it_is() -> None:
    table = Table()
    assert table.packed({"type": "string"}) == {"type": "string"}
    packed = table.packed(schema("Tree", Tree=TREE))
    assert table.packed(packed) == packed
    assert table.whole({"type": "string"}) == {"type": "string"}


def test_a_key_that_is_nowhere_is_refused() -> None:
    with pytest.raises(CaskError) as caught:
        Table({}).whole({"$defs": {"Tree": {"$ref": "#/definitions/Tree.0000000000000000"}}})
    assert caught.value.code == "CASK-L002"


@pytest.mark.parametrize("change", ["schema", "needs", "name", "missing"])
def test_a_row_that_is_not_what_its_key_says_is_refused(change: str) -> None:
    table = Table()
    table.packed(schema("Order", Line=LINE, Order=ORDER))
    refuse_forged(table.rows)
    order = next(key for key in table.rows if key.startswith("Order."))
    line = next(key for key in table.rows if key.startswith("Line."))
    rows = {key: dict(row) for key, row in table.rows.items()}
    if change == "schema":
        rows[line]["schema"] = {"type": "object", "properties": {"sku": {"type": "string"}, "price": {"type": "number"}}}
    elif change == "needs":
        rows[order]["needs"] = {"Other": line}
    elif change == "name":
        rows["Chair" + line.removeprefix("Line")] = rows[line]
    else:
        del rows[line]
    with pytest.raises(CaskError) as caught:
        refuse_forged(rows)
    assert caught.value.code == "CASK-I004"


NAMES = ["A", "B", "C~d", "e/f"]


def _reference(name: str) -> str:
    return "#/$defs/" + name.replace("~", "~0").replace("/", "~1")


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    """A schema over a few definitions that refer to each other in any way, also in rings."""
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, unique=True))

    def node() -> Any:
        kind = draw(st.sampled_from(["leaf", "leaf", "reference", "object"]))
        if kind == "leaf":
            return draw(st.sampled_from([{"type": "string"}, {"type": "integer", "minimum": 1}, {"enum": ["$ref", "#/$defs/A"]}]))
        if kind == "reference":
            return {"$ref": _reference(draw(st.sampled_from(names)))}
        return {"type": "object", "properties": {"x": {"$ref": _reference(draw(st.sampled_from(names)))}, "y": {"type": "null"}}}

    return {"anyOf": [node(), node()], "$defs": {name: draw(st.sampled_from([node(), node(), True])) for name in names}}


@settings(max_examples=150)
@given(st.lists(documents(), min_size=1, max_size=4))
def test_packing_and_unpacking_any_schemas_gives_what_they_reach(schemas: list[dict[str, Any]]) -> None:
    table = Table()
    packed = [table.packed(each) for each in schemas]
    refuse_forged(table.rows)
    again = Table(table.rows)
    for each, small in zip(schemas, packed, strict=True):
        inside = again.whole(small).get("$defs", {})
        assert {**small, "$defs": inside} == {**each, "$defs": {name: each["$defs"][name] for name in inside}}
        reached = _reached(each)
        assert set(inside) == reached


def _reached(schema_: dict[str, Any]) -> set[str]:
    found: set[str] = set()
    waiting: list[Any] = [schema_["anyOf"]]
    while waiting:
        value = waiting.pop()
        if isinstance(value, list):
            waiting += value
        elif isinstance(value, dict):
            name = str(value.get("$ref", "")).removeprefix("#/$defs/").replace("~1", "/").replace("~0", "~")
            if "$ref" in value and name not in found:
                found.add(name)
                waiting.append(schema_["$defs"][name])
            waiting += value.values()
    return found
