"""Schemas of shapes, case by case, and what holds of all of them."""

import copy
from pathlib import Path
from typing import Any

import jsonschema
import jsonschema_rs
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from caskmcp import canon
from caskmcp.compiler.infer.schema import PARTIAL, REQUEST, RESPONSE, Side, schema
from caskmcp.compiler.infer.skeleton import skeletons, structure
from caskmcp.compiler.normalize.node import Node
from caskmcp.compiler.normalize.settle import settle
from caskmcp.compiler.normalize.shape import add
from caskmcp.compiler.normalize.written import plain
from caskmcp.model.observation import Shape
from tests.support.exchanges import values

CASES = yaml.safe_load((Path(__file__).parents[3] / "cases" / "infer" / "schemas.yaml").read_text(encoding="utf-8"))


def shape(found: list[Any]) -> Shape:
    """The settled shape of values, one an exchange."""
    node = Node()
    for serial, value in enumerate(found):
        add(node, value, serial)
    out = [plain(node)]
    settle(out)
    return Shape.model_validate_json(canon.compact(out[0]))


def nodes(found: Any) -> list[dict[str, Any]]:
    """All schemas in a schema."""
    if isinstance(found, list):
        return [node for item in found for node in nodes(item)]
    if not isinstance(found, dict):
        return []
    below = [*found.get("properties", {}).values(), *found.get("anyOf", ())] + [
        found[name] for name in ("items", "additionalProperties") if name in found
    ]
    return [found, *nodes(below)]


@pytest.mark.feature(28)
@pytest.mark.parametrize(
    ("case", "side", "role"),
    [
        pytest.param(case, side, role, id=f"{name}-{role}")
        for name, case in CASES.items()
        for side, role in ((RESPONSE, "answer"), (REQUEST, "request"))
    ],
)
def test_values_give_the_schema_that_is_written_down(case: dict[str, Any], side: Side, role: str) -> None:
    assert schema(shape(case["values"]), side) == case[role]


def test_of_a_partial_request_nothing_is_required() -> None:
    found = schema(shape([{"id": 1, "note": "a b"}] * 9), PARTIAL)
    assert "required" not in found
    assert found["additionalProperties"] is False


def test_nothing_seen_is_any_value() -> None:
    assert schema(Shape(), REQUEST) == {}


def test_skeletons_hold_every_type_and_no_value() -> None:
    found = shape([{"name": "Zoltan Fekete", "pin": 471193, "rows": [1.25, None]}, {"name": None}])
    assert structure(found)["type"] == "object"
    assert "471193" not in str(skeletons(found))
    assert "Zoltan" not in str(skeletons(found))
    assert sorted(structure(found)["properties"]) == ["name", "pin", "rows"]


SLOW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


@SLOW
@given(found=st.lists(values, min_size=1, max_size=8))
def test_every_sample_is_inside_the_schemas_that_it_gave(found: list[Any]) -> None:
    for side in (RESPONSE, REQUEST, PARTIAL):
        made = schema(shape(found), side)
        jsonschema.Draft202012Validator.check_schema(made)
        fast = jsonschema_rs.Draft202012Validator(made, validate_formats=True)
        assert [value for value in found if not fast.is_valid(value)] == []


@SLOW
@given(found=st.lists(values, min_size=1, max_size=8), data=st.data())
def test_the_order_of_samples_does_not_matter(found: list[Any], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(found))
    assert schema(shape(shuffled), RESPONSE) == schema(shape(found), RESPONSE)


@SLOW
@given(found=st.lists(values, min_size=1, max_size=8))
def test_a_type_is_never_a_list_and_an_alternative_never_stands_in_another(found: list[Any]) -> None:
    for node in nodes(schema(shape(found), REQUEST)):
        assert isinstance(node.get("type", ""), str)
        assert [piece for piece in node.get("anyOf", ()) if "anyOf" in piece or not {"type", "$ref"} & piece.keys()] == []
        assert len(node.get("anyOf", (1, 2))) > 1


@SLOW
@given(found=st.lists(values, min_size=1, max_size=8))
def test_the_objects_of_requests_are_closed_unless_their_keys_are_data(found: list[Any]) -> None:
    for node in nodes(schema(shape(found), REQUEST)):
        if "properties" in node:
            assert "additionalProperties" in node


def test_a_schema_is_made_of_its_shape_and_leaves_it_as_it_was() -> None:
    before = shape([{"id": 1, "state": "open"}] * 4)
    after = copy.deepcopy(before)
    schema(before, REQUEST)
    assert before == after
