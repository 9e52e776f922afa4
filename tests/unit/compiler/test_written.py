"""Big artifacts have the bytes that the standard library would write."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caskmcp import canon
from caskmcp.compiler.written import pretty

SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(st.characters(codec="utf-8"))
)
VALUES = st.recursive(SCALARS, lambda below: st.lists(below) | st.dictionaries(st.text(st.characters(codec="utf-8")), below), max_leaves=20)


def test_an_artifact_is_indented_by_two_sorted_and_ends_with_a_newline() -> None:
    assert pretty({"b": [1, {}], "a": "é", "c": []}) == '{\n  "a": "é",\n  "b": [\n    1,\n    {}\n  ],\n  "c": []\n}\n'.encode()


@given(VALUES)
def test_any_value_is_written_as_the_standard_library_would(value: object) -> None:
    assert pretty(value) == canon.pretty(value)


@pytest.mark.parametrize("value", [10**40, -(2**63) - 1, 1e16, 1e-7, 5e-324, 0.1, '\u2028\x7f\\"', [[[]], {"": {}}]])
def test_odd_values_are_written_as_the_standard_library_would(value: object) -> None:
    assert pretty({"a": value}) == canon.pretty({"a": value})


def test_a_figure_that_is_no_json_is_refused() -> None:
    with pytest.raises(ValueError, match="JSON"):
        pretty([float("nan")])
