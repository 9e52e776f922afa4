"""What a document states reaches the tool: every trap of `fixtures/captures/openapi`, property by property, through the whole compiler."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from caskmcp.workflows import mint
from tests.support.world import world

FIXTURES = Path(__file__).parents[2] / "fixtures"


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("traps") / "project"
    folder.mkdir()
    spec = str(FIXTURES / "captures" / "openapi" / "traps-3.0.yaml")
    mint.run(world(folder), sources=(spec,), hosts=("eu.api.example.com", "files.example.com:8080"), name="traps")
    path = folder / ".caskmcp" / "toolpacks" / "traps" / "artifact" / "tools.json"
    return {tool["name"]: tool for tool in json.loads(path.read_bytes())["tools"]}


def properties(tools: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = tools[name]["input_schema"]["properties"]
    return found


@pytest.mark.feature(4)
def test_each_operation_is_a_tool_under_its_own_name(tools: dict[str, Any]) -> None:
    assert sorted(tools) == ["get_node", "get_range", "replace_node", "upload"]


# fmt: off
SURVIVES = [
    # argument       keyword              value
    ("top",          "minimum",           1),
    ("top",          "exclusiveMaximum",  100),
    ("top",          "default",           10),
    ("ids",          "uniqueItems",       True),
    ("ids",          "maxItems",          5),
    ("X-Request-Class", "enum",           ["batch", "live"]),
    ("node-id",      "format",            "uuid"),
    ("node-id",      "description",       "Which node."),
    ("node-id",      "examples",          ["7b0f6a4e-3b5e-4c0f-9e0e-0a4b6f5f3d11"]),
    ("verbose",      "deprecated",        True),
    ("verbose",      "examples",          [True]),
    ("filter_id",    "anyOf",             [{"type": "integer"}, {"type": "null"}]),
]
# fmt: on


@pytest.mark.feature(4)
@pytest.mark.parametrize(("argument", "keyword", "value"), SURVIVES)
def test_a_constraint_of_a_parameter_reaches_the_tool(tools: dict[str, Any], argument: str, keyword: str, value: Any) -> None:
    assert properties(tools, "get_node")[argument][keyword] == value


# fmt: off
BODY = [
    ("name",     {"type": "string", "minLength": 1, "maxLength": 40, "pattern": "^[a-z]+$"}),
    ("weight",   {"type": "number", "exclusiveMinimum": 0, "multipleOf": 0.5, "default": 1}),
    ("labels",   {"type": "object", "additionalProperties": {"type": "string"}, "minProperties": 1, "maxProperties": 8}),
    ("children", {"type": "array", "items": {"$ref": "#/$defs/Node"}, "minItems": 0, "maxItems": 10}),
    ("parent",   {"anyOf": [{"$ref": "#/$defs/Node"}, {"type": "null"}]}),
    ("color",    {"$ref": "#/$defs/Color"}),
]
# fmt: on


@pytest.mark.feature(4)
@pytest.mark.parametrize(("field", "schema"), BODY, ids=[row[0] for row in BODY])
def test_a_constraint_of_a_body_reaches_the_tool(tools: dict[str, Any], field: str, schema: dict[str, Any]) -> None:
    assert properties(tools, "replace_node")[field] == schema


@pytest.mark.feature(4)
def test_what_the_server_alone_sets_is_no_argument(tools: dict[str, Any]) -> None:
    schema = tools["replace_node"]["input_schema"]
    assert "id" not in schema["properties"]
    assert "id" not in schema["$defs"]["Node"]["properties"]
    assert sorted(schema["required"]) == ["children", "name", "node-id", "secret"]


@pytest.mark.feature(4)
def test_a_recursive_body_is_checked_at_any_depth(tools: dict[str, Any]) -> None:
    validator = jsonschema.Draft202012Validator(tools["replace_node"]["input_schema"])
    node: dict[str, Any] = {"name": "leaf", "secret": "x", "children": []}
    for _ in range(5):
        node = {"name": "node", "secret": "x", "children": [node]}
    call = {"node-id": "7b0f6a4e-3b5e-4c0f-9e0e-0a4b6f5f3d11", **node}
    assert validator.is_valid(call)
    node["children"][0]["children"][0]["children"][0]["name"] = "UPPER"
    assert not validator.is_valid(call)


@pytest.mark.feature(4)
def test_styles_and_wire_names_reach_the_request_plan(tools: dict[str, Any]) -> None:
    plan = {
        row["wire"]: (row["argument"], row.get("style", "form"), row.get("explode", True)) for row in tools["get_node"]["request"]["query"]
    }
    assert plan == {
        "$top": ("top", "form", True),
        "colors": ("colors", "form", False),
        "filter": ("filter", "deepObject", True),
        "filter[id]": ("filter_id", "form", True),
        "ids": ("ids", "pipeDelimited", False),
        "query": ("query", "form", True),
        "verbose": ("verbose", "form", True),
    }


@pytest.mark.feature(4)
def test_several_parameters_of_a_segment_and_a_matrix_are_pieces_of_the_plan(tools: dict[str, Any]) -> None:
    segments = tools["get_range"]["request"]["segments"]
    pieces = [[piece.get("text") or f"<{piece['argument']}>" for piece in segment["pieces"]] for segment in segments]
    assert pieces == [["v2"], ["range"], ["<a>", "..", "<b>"], [";c=", "<c>", ".json"]]


def test_no_prose_of_the_document_hides_a_keyword_of_its_own(tools: dict[str, Any]) -> None:
    assert all(tool["input_schema"]["additionalProperties"] is False for tool in tools.values())
