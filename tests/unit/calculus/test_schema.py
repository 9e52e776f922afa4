"""Containment of schemas: what narrows, what widens, and that the unknown never narrows."""

import pytest

from caskmcp.calculus.schema import compare
from caskmcp.calculus.verdict import Verdict, contained, together

OPEN = {
    "type": "object",
    "additionalProperties": False,
    "properties": {"a": {"type": "integer", "minimum": 1}, "s": {"enum": ["x", "y"]}},
    "required": ["a"],
}


def closed(**properties):
    return {"type": "object", "additionalProperties": False, "properties": properties}


PAIRS = [
    ("equal", OPEN, OPEN),
    ("equal", {"type": "string", "description": "one"}, {"type": "string", "description": "two"}),
    ("narrows", {"type": "integer"}, {"type": "integer", "minimum": 3}),
    ("broadens", {"type": "integer", "minimum": 3}, {"type": "integer"}),
    ("narrows", {"enum": ["x", "y"]}, {"enum": ["x"]}),
    ("broadens", {"enum": ["x"]}, {"enum": ["x", "y"]}),
    ("incomparable", {"enum": ["x"]}, {"enum": ["y"]}),
    ("broadens", closed(a={"type": "string"}), closed(a={"type": "string"}, b={"type": "string"})),
    ("narrows", closed(a={"type": "string"}, b={"type": "string"}), closed(a={"type": "string"})),
    ("narrows", {"type": "string"}, {"type": "string", "maxLength": 3}),
    ("incomparable", {"type": "string"}, {"type": "integer"}),
    ("broadens", {"type": "string", "format": "uuid"}, {"type": "string"}),
    ("equal", closed(title={"type": "string"}), closed(title={"type": "string"})),
    ("narrows", closed(title={"type": "string"}), closed(title={"type": "string", "minLength": 1})),
]


@pytest.mark.feature(63)
@pytest.mark.parametrize(("verdict", "old", "new"), PAIRS)
def test_a_change_of_a_schema_gets_its_verdict(verdict, old, new):
    assert compare(old, new) == verdict


def test_an_edit_below_a_recursive_reference_is_never_taken_for_narrower():
    def tree(extra):
        return {
            "$ref": "#/$defs/n",
            "$defs": {"n": {"type": "object", "properties": {"child": {"$ref": "#/$defs/n"}, **extra}, "additionalProperties": False}},
        }

    assert compare(tree({}), tree({"x": {"type": "string"}})) in (Verdict.BROADENS, Verdict.INCOMPARABLE)
    assert compare(tree({"x": {"type": "string"}}), tree({"x": {"type": "string"}})) == Verdict.EQUAL


def test_a_schema_that_cannot_be_read_is_not_known_to_be_narrower():
    assert compare({"type": "string"}, {"type": 7}) == Verdict.BROADENS
    assert compare({"type": 7}, {"type": "string"}) == Verdict.BROADENS


def test_parts_that_pull_apart_make_an_incomparable_whole():
    assert together([Verdict.NARROWS, Verdict.BROADENS]) == Verdict.INCOMPARABLE
    assert together([Verdict.NARROWS, Verdict.EQUAL]) == Verdict.NARROWS
    assert together([]) == Verdict.EQUAL
    assert contained(False, False) == Verdict.INCOMPARABLE
    assert contained(None, None) == contained(None, True) == contained(False, None) == Verdict.BROADENS
    assert contained(True, None) == Verdict.NARROWS
    assert contained(None, False) == Verdict.INCOMPARABLE
    assert not Verdict.NARROWS.widens
    assert Verdict.INCOMPARABLE.widens


def test_a_schema_that_refers_to_itself_many_times_over_ends():
    node = {"type": "object", "additionalProperties": False, "properties": {f"p{number}": {"$ref": "#/$defs/n"} for number in range(25)}}
    old, new = ({"$ref": "#/$defs/n", "$defs": {"n": {**node, **more}}} for more in ({}, {"minProperties": 1}))
    assert compare(old, new) in (Verdict.BROADENS, Verdict.INCOMPARABLE)
    assert not compare(old, old).widens


LARGE = [
    ("too many values", {"enum": list(range(2_001))}, {"enum": list(range(2_000))}),
    (
        "too many turns",
        {"allOf": [{"not": {"const": number}} for number in range(4)]},
        {"allOf": [{"not": {"const": number}} for number in range(5)]},
    ),
    (
        "too many branches",
        {"allOf": [{"minimum": number} for number in range(9)]},
        {"allOf": [{"minimum": number} for number in range(10)]},
    ),
    ("too large", {"const": "a" * 200_000}, {"const": "a" * 200_000, "type": "string"}),
    ("another base", {"$id": "http://a.test/", "type": "integer"}, {"$id": "http://a.test/", "type": "integer", "minimum": 1}),
]


@pytest.mark.parametrize(("why", "old", "new"), LARGE)
def test_nothing_is_known_of_what_is_beyond_comparing(why, old, new):
    assert compare(old, new).widens, why
    assert compare(old, old) == Verdict.EQUAL


SMALLER = [
    ({"enum": list(range(1_000))}, {"enum": list(range(999))}),
    ({"allOf": [{"not": {"const": number}} for number in range(2)]}, {"allOf": [{"not": {"const": number}} for number in range(3)]}),
    ({"allOf": [{"minimum": number} for number in range(4)]}, {"allOf": [{"minimum": number} for number in range(5)]}),
]


@pytest.mark.parametrize(("old", "new"), SMALLER)
def test_what_is_just_within_is_compared(old, new):
    assert compare(old, new) == Verdict.NARROWS
