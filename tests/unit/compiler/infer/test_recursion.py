"""Definitions that refer to themselves: where they are made, what they are called, and that they hold for samples of any depth."""

from typing import Any

import jsonschema_rs
import pytest

from caskmcp.compiler.emit.stage import run
from caskmcp.compiler.infer.recursion import called, gathered, refer
from caskmcp.compiler.infer.schema import REQUEST, RESPONSE, schema
from tests.support.storefront import given
from tests.support.traffic import contract, exchange
from tests.unit.compiler.infer.test_schema import shape


def block(depth: int, **more: Any) -> dict[str, Any]:
    """A tree of blocks, each with one below it."""
    return {"id": depth, "text": f"t {depth}", "children": [block(depth - 1, **more)] if depth else [], **more}


@pytest.mark.parametrize("side", [RESPONSE, REQUEST])
def test_a_tree_deeper_than_all_samples_is_described_as_well(side: Any) -> None:
    made = schema(shape([block(2), block(3), block(2)]), side)
    check = jsonschema_rs.Draft202012Validator(made)
    assert check.is_valid(block(40))
    wrong = block(5)
    wrong["children"][0]["children"][0]["id"] = "five"
    assert not check.is_valid(wrong)


def test_a_tree_has_one_definition_however_deep_its_samples_are() -> None:
    shallow, deep = (schema(shape([block(depth)] * 3), RESPONSE) for depth in (2, 9))
    assert shallow == deep
    assert list(deep["$defs"]) == ["Children"]


def test_a_field_that_only_some_levels_have_is_optional_in_the_definition() -> None:
    tree = {"id": 1, "note": "a b", "children": [{"id": 2, "children": [{"id": 3, "note": "c d", "children": []}]}]}
    assert schema(shape([tree]), RESPONSE)["$defs"]["Children"]["required"] == ["children", "id"]


def test_two_trees_of_one_name_are_two_definitions() -> None:
    values = [{"files": block(2), "users": {"id": "x y", "children": [{"id": "z w", "children": []}]}}]
    made = schema(shape(values), RESPONSE)
    assert sorted(made["$defs"]) == ["Children", "Children2"]
    assert jsonschema_rs.Draft202012Validator(made).is_valid(values[0])


def test_definitions_stand_at_the_root_of_every_schema_of_a_contract() -> None:
    found = contract(*(exchange(f"POST /pages 201 {{id: {depth}}}", body={"page": block(depth), "title": "a b"}) for depth in (1, 2, 3)))
    body = found.bodies[0].schema_
    assert list(body["$defs"]) == ["Children"]
    assert "$defs" not in body["properties"]["page"]


@pytest.mark.parametrize("depth", [2, 6])
def test_a_tool_of_a_tree_has_a_finite_schema_with_its_definition(depth: int) -> None:
    found = contract(*(exchange("POST /pages 201 {id: 1}", body={"page": block(depth), "title": f"a {number}"}) for number in range(3)))
    tools = run(given((found,)))["files"]["tools.json"]  # type: ignore[index, call-overload]
    assert b'"$ref": "#/$defs/Children"' in tools
    assert len(tools) < 6000


@pytest.mark.parametrize(
    ("key", "name"), [("children", "Children"), ("sub_folders", "SubFolders"), ("$ref", "Ref"), ("@", "Node"), ("ä", "Node")]
)
def test_a_definition_is_called_by_the_field_that_leads_to_it(key: str, name: str) -> None:
    assert called(key) == name


def test_a_field_that_is_called_like_a_keyword_stays_a_field() -> None:
    schema_ = {"type": "object", "properties": {"$defs": {"type": "string"}, "properties": {"type": "object", "properties": {"id": {}}}}}
    assert gathered(schema_) == schema_


def test_only_arrays_and_objects_refer() -> None:
    assert refer({"anyOf": [{"type": "array"}, {"type": "null"}]}, "A") == {
        "anyOf": [{"type": "array", "items": {"$ref": "#/$defs/A"}}, {"type": "null"}]
    }
    assert refer({"type": "object"}, "A") == {"$ref": "#/$defs/A"}
