"""Boundary inputs: at each edge of the approved schema, and one step over it."""

from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from caskmcp.analyze.verify import boundaries

SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["order_id"],
    "properties": {
        "order_id": {"type": "integer", "minimum": 1},
        "limit": {"type": "integer", "minimum": 1, "maximum": 100, "default": 20},
        "state": {"type": "string", "enum": ["open", "sent"]},
        "name": {"type": "string", "maxLength": 5},
        "day": {"type": "string", "format": "date", "maxLength": 10},
    },
}
WORKING = {"order_id": 7, "state": "open"}


def test_inside_are_the_edges_of_what_may_be_left_out() -> None:
    assert {(row.argument, row.edge, str(row.arguments.get(row.argument))) for row in boundaries.inside(SCHEMA, WORKING)} == {
        ("limit", "default", "20"),
        ("limit", "minimum", "1"),
        ("limit", "maximum", "100"),
        ("name", "maxLength", "aaaaa"),
        ("state", "enum", "sent"),
        ("state", "without", "None"),
    }


def test_outside_is_one_step_over_each_edge() -> None:
    assert {(row.argument, row.edge) for row in boundaries.outside(SCHEMA, WORKING)} >= {
        ("order_id", "missing"),
        ("limit", "below-minimum"),
        ("limit", "above-maximum"),
        ("name", "longer"),
        ("x_not_an_argument", "unknown"),
    }


def test_what_is_inside_fits_the_schema_and_what_is_outside_does_not() -> None:
    validator = Draft202012Validator(SCHEMA)
    assert all(validator.is_valid(row.arguments) for row in boundaries.inside(SCHEMA, WORKING))
    assert not any(validator.is_valid(row.arguments) for row in boundaries.outside(SCHEMA, WORKING))


@settings(max_examples=60)
@given(
    low=st.integers(-9, 9),
    span=st.integers(0, 9),
    long=st.integers(0, 9),
    words=st.lists(st.text(max_size=4), min_size=1, max_size=3, unique=True),
)
def test_that_holds_for_any_bounds(low: int, span: int, long: int, words: list[str]) -> None:
    schema = {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "n": {"type": "integer", "minimum": low, "maximum": low + span},
            "t": {"type": "string", "maxLength": long},
            "w": {"type": "string", "enum": words},
        },
    }
    validator = Draft202012Validator(schema)
    assert all(validator.is_valid(row.arguments) for row in boundaries.inside(schema, {}))
    assert not any(validator.is_valid(row.arguments) for row in boundaries.outside(schema, {}))
