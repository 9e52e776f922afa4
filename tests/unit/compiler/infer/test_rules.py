"""Why a schema says what it says: each rule of the table holds where it is said to, and nowhere else."""

from typing import Any

import pytest

from caskmcp.compiler.infer.rules import BY_ID, RULES, Above, presence, reasons
from caskmcp.compiler.infer.schema import PARTIAL, REQUEST, RESPONSE
from caskmcp.compiler.infer.schema import schema as schema_of
from tests.unit.compiler.infer.test_schema import shape

OBJECT = {"type": "object", "properties": {"id": {"type": "integer"}, "note": {"type": "string"}}, "required": ["id"]}


@pytest.mark.parametrize(
    ("name", "side", "seen", "total", "stated", "rule"),
    [
        ("id", "response", 1, 1, False, "always-there"),
        ("id", "request", 3, 3, False, "always-there"),
        ("id", "request", 0, 0, True, "stated-required"),
        ("note", "request", 0, 0, True, "stated-optional"),
        ("note", "request", 2, 5, False, "sometimes-absent"),
        ("note", "request", 2, 2, False, "few-samples"),
        ("note", "request", 0, 5, False, "shared"),
        ("note", "partial", 9, 9, False, "partial"),
        ("note", "partial", 4, 9, False, "sometimes-absent"),
    ],
)
def test_presence_is_told_from_the_schema_and_its_counts(name: str, side: Any, seen: int, total: int, stated: bool, rule: str) -> None:
    assert presence(name, Above(OBJECT, "order", side), seen=seen, total=total, stated=stated) == rule


def test_what_stands_under_a_name_for_anything_is_optional_because_of_that_name() -> None:
    assert presence("team", Above({"type": "object"}, "Labels", "request"), seen=4, total=4, stated=False) == "free-form"


@pytest.mark.parametrize(
    ("schema", "rules"),
    [
        ({"type": "string"}, ("seen-type",)),
        ({"type": "string", "enum": ["open", "paid"]}, ("closed-vocabulary",)),
        ({"type": "string", "format": "uuid"}, ("format",)),
        ({"type": "integer", "minimum": 0}, ("not-negative",)),
        ({"anyOf": [{"type": "string", "format": "date"}, {"type": "null"}]}, ("format", "nullable")),
        ({"anyOf": [{"type": "string"}, {"type": "integer"}]}, ("mixed",)),
        ({}, ("any-value",)),
        ({"type": "object", "additionalProperties": {"type": "integer"}}, ("keys-are-data",)),
        ({"type": "object", "properties": {"id": {}}, "additionalProperties": False}, ("seen-type",)),
        ({"type": "array"}, ("nothing-inside",)),
        ({"type": "object"}, ("nothing-inside",)),
        ({"type": "array", "items": {"type": "string"}}, ("seen-type",)),
    ],
)
def test_what_made_a_type_is_told_from_the_schema(schema: dict[str, Any], rules: tuple[str, ...]) -> None:
    assert reasons(schema, stated=False) == rules
    assert reasons(schema, stated=True) == ("stated",)


def test_the_class_of_a_segment_made_the_format_of_a_path_parameter() -> None:
    assert reasons({"type": "string", "format": "uuid"}, stated=False, segment=True) == ("format", "segment-class")


@pytest.mark.parametrize(("side", "role"), [(REQUEST, "request"), (PARTIAL, "partial"), (RESPONSE, "response")])
def test_the_rules_agree_with_what_inference_wrote(side: Any, role: Any) -> None:
    found = shape([{"id": 1, "note": "a b"}, {"id": 2}, {"id": 3}])
    written = schema_of(found, side)
    rule = presence("id", Above(written, "", role), seen=3, total=3, stated=False)
    assert (BY_ID[rule].decides == "required") == ("id" in written.get("required", []))
    assert presence("note", Above(written, "", role), seen=1, total=3, stated=False) == "sometimes-absent"


def test_every_rule_decides_one_thing_and_says_why() -> None:
    assert {row.decides for row in RULES} == {"required", "optional", "type"}
    assert len(BY_ID) == len(RULES)
    assert [row.id for row in RULES if len(row.why) < 15] == []
    # Those that `parameters` names by itself.
    assert {"path", "absence-refused", "never-from-traffic", "collection", "shared"} <= BY_ID.keys()
