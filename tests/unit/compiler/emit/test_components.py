"""Definitions of many schemas as the components of one document."""

from typing import Any

import pytest

from caskmcp.compiler.emit.components import Components

S: dict[str, Any] = {"type": "string"}


def test_definitions_move_and_references_follow() -> None:
    components = Components()
    placed = components.place(
        {"items": {"$ref": "#/$defs/A"}, "$defs": {"A": {"properties": {"b": {"$ref": "#/$defs/B"}}}, "B": S, "C": S}}
    )
    assert placed == {"items": {"$ref": "#/components/schemas/A"}}
    assert components.schemas == {"A": {"properties": {"b": {"$ref": "#/components/schemas/B"}}}, "B": S}


def test_one_definition_has_one_name_whatever_else_is_defined_beside_it() -> None:
    components = Components()
    first = components.place({"$ref": "#/$defs/A", "$defs": {"A": S}})
    second = components.place({"$ref": "#/$defs/A", "$defs": {"A": S, "Z": {"type": "null"}}})
    assert first == second
    assert list(components.schemas) == ["A"]


def test_a_definition_that_reaches_another_content_is_another() -> None:
    components = Components()
    outer = {"properties": {"b": {"$ref": "#/$defs/B"}}}
    first = components.place({"$ref": "#/$defs/A", "$defs": {"A": outer, "B": S}})
    second = components.place({"$ref": "#/$defs/A", "$defs": {"A": outer, "B": {"type": "null"}}})
    assert first != second
    assert len(components.schemas) == 4


@pytest.mark.parametrize(("name", "given"), [("A/B", "A_B"), ("a~b", "a_b"), ("Ünï", "_n_"), ("", "Definition")])
def test_names_are_those_that_openapi_takes(name: str, given: str) -> None:
    pointer = name.replace("~", "~0").replace("/", "~1")
    assert Components().place({"$ref": f"#/$defs/{pointer}", "$defs": {name: S}}) == {"$ref": f"#/components/schemas/{given}"}


def test_recursion_ends() -> None:
    components = Components()
    components.place({"$ref": "#/$defs/A", "$defs": {"A": {"items": {"$ref": "#/$defs/A"}}}})
    assert components.schemas == {"A": {"items": {"$ref": "#/components/schemas/A"}}}


@pytest.mark.parametrize("reference", ["#/$defs/none", "#/definitions/A", "https://evil.example"])
def test_a_reference_that_leads_nowhere_is_left_out(reference: str) -> None:
    assert Components().place({"$ref": reference, "type": "object", "$defs": {"A": S}}) == {"type": "object"}


def test_data_is_never_taken_for_a_schema() -> None:
    data = {"const": {"$ref": "#/$defs/A"}, "enum": [{"$ref": "x"}], "default": {"a": [{"$ref": "x"}]}, "examples": [1]}
    assert Components().place({**data, "$defs": {"A": S}}) == {"const": {"$ref": "#/$defs/A"}, "enum": [{"$ref": "x"}], "examples": [1]}


def test_definitions_that_two_operations_carry_alike_get_the_names_that_they_would_get_alone() -> None:
    ring = {"A": {"properties": {"b": {"$ref": "#/$defs/B"}}}, "B": {"properties": {"a": {"$ref": "#/$defs/A"}}}}
    other = {"A": {"type": "integer"}}
    components = Components()
    assert components.place({"$ref": "#/$defs/A", "$defs": ring}) == {"$ref": "#/components/schemas/A"}
    assert components.place({"$ref": "#/$defs/B", "$defs": dict(reversed(ring.items()))}) == {"$ref": "#/components/schemas/B"}
    clash = components.place({"$ref": "#/$defs/A", "$defs": other})["$ref"]
    assert clash not in ("#/components/schemas/A", "#/components/schemas/B")
    assert components.schemas[clash.removeprefix("#/components/schemas/")] == {"type": "integer"}
    assert components.place({"$ref": "#/$defs/A", "$defs": ring}) == {"$ref": "#/components/schemas/A"}
    assert len(components.schemas) == 3
