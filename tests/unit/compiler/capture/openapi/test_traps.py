"""The documents with every trap that importers fall into, read operation by operation against what is written here."""

from pathlib import Path
from typing import Any

import jsonschema
import pytest

from caskmcp.compiler.capture.sources.openapi import OpenApi
from caskmcp.model.exchange import Declared, DeclaredParameter, Skipped

FIXTURES = Path(__file__).parents[5] / "fixtures"


def read(name: str) -> list[Declared | Skipped]:
    return list(OpenApi().read([(FIXTURES / name).read_bytes()]))


def operation(name: str, rows: list[Declared | Skipped]) -> Declared:
    return next(row for row in rows if isinstance(row, Declared) and row.operation_id == name)


@pytest.fixture(scope="module")
def traps() -> list[Declared | Skipped]:
    return read("captures/openapi/traps-3.0.yaml")


def parameter(name: str, rows: list[Declared | Skipped], of: str = "getNode") -> DeclaredParameter:
    return next(row for row in operation(of, rows).parameters if row.name == name)


# ---------------------------------------------------------------- where
@pytest.mark.feature(4)
def test_the_servers_variables_give_host_and_base_path(traps: list[Declared | Skipped]) -> None:
    row = operation("getNode", traps)
    assert (row.method, row.scheme, row.host, row.port, row.path) == ("GET", "https", "eu.api.example.com", 0, "/v2/nodes/{node-id}")


def test_an_operations_own_server_wins(traps: list[Declared | Skipped]) -> None:
    row = operation("upload", traps)
    assert (row.scheme, row.host, row.port, row.path) == ("http", "files.example.com", 8080, "/uploads")


@pytest.mark.feature(4)
def test_several_parameters_in_one_segment_and_matrix_style_are_text_of_the_template(traps: list[Declared | Skipped]) -> None:
    row = operation("getRange", traps)
    assert row.path == "/v2/range/{a}..{b}/;c={c}.json"
    assert [(item.name, item.required, item.style, item.explode) for item in row.parameters] == [
        ("a", True, "", None),
        ("b", True, "", None),
        ("c", True, "", None),
    ]


# ---------------------------------------------------------------- parameters
def test_parameters_keep_their_unusual_names_and_their_order(traps: list[Declared | Skipped]) -> None:
    names = [(row.location, row.name) for row in operation("getNode", traps).parameters]
    assert names == [
        ("path", "node-id"),
        ("query", "verbose"),
        ("query", "filter[id]"),
        ("query", "filter"),
        ("query", "$top"),
        ("query", "ids"),
        ("query", "colors"),
        ("query", "query"),
        ("header", "X-Request-Class"),
        ("cookie", "theme"),
    ]


def test_a_shared_parameter_is_resolved_with_its_schema(traps: list[Declared | Skipped]) -> None:
    assert parameter("node-id", traps) == DeclaredParameter(
        name="node-id",
        location="path",
        schema={"type": "string", "format": "uuid", "examples": ["7b0f6a4e-3b5e-4c0f-9e0e-0a4b6f5f3d11"]},
        required=True,
        description="Which node.",
    )


def test_the_operations_parameter_wins_over_the_path_items(traps: list[Declared | Skipped]) -> None:
    here = parameter("verbose", traps)
    assert here.schema == {"type": "boolean", "deprecated": True, "examples": [True]}
    assert here.description == "Say more."
    assert parameter("verbose", traps, of="replaceNode").schema == {"type": "string"}


# fmt: off
STYLES = [
    # name        style            explode  schema
    ("filter[id]", "",              None,    {"anyOf": [{"type": "integer"}, {"type": "null"}]}),
    ("filter",     "deepObject",    True,    {"type": "object", "properties": {"from": {"type": "string", "format": "date"},
                                                                               "to": {"type": "string", "format": "date"}}}),
    ("$top",       "",              None,    {"type": "integer", "minimum": 1, "exclusiveMaximum": 100, "default": 10}),
    ("ids",        "pipeDelimited", None,    {"type": "array", "items": {"type": "integer"}, "uniqueItems": True, "maxItems": 5}),
    ("colors",     "",              False,   {"type": "array", "items": {"$ref": "#/$defs/Color"}, "$defs": {
                                              "Color": {"anyOf": [{"type": "string", "enum": ["red", "green"]}, {"type": "null"}]}}}),
    ("query",      "",              None,    {"type": "string", "contentMediaType": "application/json",
                                              "contentSchema": {"type": "object", "properties": {"a": {"type": "integer"}}}}),
    ("X-Request-Class", "",         None,    {"type": "string", "enum": ["batch", "live"]}),
    ("theme",      "",              None,    {"type": "string"}),
]
# fmt: on


@pytest.mark.feature(4)
@pytest.mark.parametrize(("name", "style", "explode", "schema"), STYLES, ids=[row[0] for row in STYLES])
def test_style_explode_and_schema_survive(
    traps: list[Declared | Skipped], name: str, style: str, explode: bool | None, schema: dict[str, Any]
) -> None:
    row = parameter(name, traps)
    assert (row.style, row.explode, row.schema) == (style, explode, schema)


# ---------------------------------------------------------------- bodies and answers
def test_what_is_read_only_leaves_the_request_and_what_is_write_only_the_answer(traps: list[Declared | Skipped]) -> None:
    (body,) = operation("replaceNode", traps).bodies
    answer = operation("getNode", traps).responses[0].schema or {}
    assert sorted(body.schema["properties"]) == ["children", "color", "labels", "name", "parent", "secret", "shape", "weight"]
    assert body.schema["required"] == ["name", "secret", "children"]
    assert sorted(answer["properties"]) == ["children", "color", "id", "labels", "name", "parent", "shape", "weight"]
    assert answer["required"] == ["id", "name", "children"]
    assert body.schema["$defs"]["Node"]["required"] == ["name", "secret", "children"]


def test_recursion_ends_in_a_definition_and_instances_of_any_depth_are_checked(traps: list[Declared | Skipped]) -> None:
    schema = operation("replaceNode", traps).bodies[0].schema
    assert sorted(schema["$defs"]) == ["Circle", "Color", "Node", "Shape", "Square"]
    validator = jsonschema.Draft202012Validator(schema)
    leaf = {"name": "b", "secret": "x", "children": []}
    assert validator.is_valid({"name": "a", "secret": "x", "children": [leaf], "parent": None})
    assert not validator.is_valid({"name": "a", "secret": "x", "children": [{**leaf, "children": [{"name": "UPPER"}]}]})


def test_the_discriminator_stays_and_its_mapping_leads_into_the_definitions(traps: list[Declared | Skipped]) -> None:
    shape = operation("replaceNode", traps).bodies[0].schema["$defs"]["Shape"]
    assert shape == {
        "oneOf": [{"$ref": "#/$defs/Circle"}, {"$ref": "#/$defs/Square"}],
        "discriminator": {"propertyName": "kind", "mapping": {"round": "#/$defs/Circle", "square": "#/$defs/Square"}},
    }


def test_each_media_type_of_a_body_stands_for_itself(traps: list[Declared | Skipped]) -> None:
    row = operation("upload", traps)
    assert row.body_required
    assert [body.media for body in row.bodies] == ["multipart/form-data", "application/x-www-form-urlencoded"]
    assert row.bodies[0].schema["properties"]["file"] == {"type": "string", "format": "binary"}


def test_statuses_ranges_and_default_are_kept_with_their_media_types(traps: list[Declared | Skipped]) -> None:
    assert [(row.status, row.media) for row in operation("getNode", traps).responses] == [
        ("200", "application/json"),
        ("404", ""),
        ("default", "application/problem+json"),
    ]
    assert [(row.status, row.media, row.schema) for row in operation("getRange", traps).responses] == [("2XX", "text/csv", None)]


# ---------------------------------------------------------------- the rest
def test_security_becomes_words_without_a_value(traps: list[Declared | Skipped]) -> None:
    assert operation("getNode", traps).auth == ("bearer",)
    assert operation("replaceNode", traps).auth == ("bearer", "cookie:sid", "header:x-api-key")
    assert operation("getRange", traps).auth == ()


def test_titles_tags_and_deprecation_are_kept(traps: list[Declared | Skipped]) -> None:
    row = operation("getNode", traps)
    assert (row.title, row.tags, row.deprecated) == ("Nodes of a tree", ("nodes",), False)
    assert operation("replaceNode", traps).deprecated


def test_what_cannot_be_a_tool_is_listed_with_its_place(traps: list[Declared | Skipped]) -> None:
    assert [(row.place, row.reason, row.detail) for row in traps if isinstance(row, Skipped)] == [
        ("components.securitySchemes.tls", "unsupported", "`mutualTLS`"),
        ("paths./uploads.servers.1", "not http", ""),
        ("paths./uploads.post.callbacks.onDone", "unsupported", "a callback"),
        ("paths./uploads.post.requestBody.content.multipart/form-data.encoding", "unsupported", "`encoding`"),
        ("paths./uploads.post.responses.201.links.self", "unsupported", "a link"),
    ]


# ---------------------------------------------------------------- 3.1
@pytest.mark.feature(4)
def test_every_keyword_of_3_1_is_kept_word_for_word() -> None:
    (row, webhook) = read("captures/openapi/traps-3.1.json")
    assert isinstance(row, Declared)
    assert (row.host, row.path, row.operation_id) == ("", "/api/things", "makeThing")
    assert webhook == Skipped("webhooks.thingMade", "unsupported", detail="a webhook")
    thing = row.bodies[0].schema["$defs"]["Thing"]
    assert thing == {
        "type": "object",
        "properties": {
            "name": {"type": ["string", "null"], "examples": ["a", "b"]},
            "kind": {"const": "thing"},
            "pair": {"type": "array", "prefixItems": [{"type": "integer"}, {"type": "string"}], "items": False},
            "score": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 10},
            "next": {"$ref": "#/$defs/Thing", "deprecated": True},
            "default": {"$ref": "#/$defs/components_schemas_Thing_properties_kind"},
            "example": {"default": {"$ref": "no reference, but data"}},
        },
        "if": {"required": ["name"]},
        "then": {"required": ["kind"]},
        "dependentRequired": {"pair": ["kind"]},
        "patternProperties": {"^x_": {"type": "string"}},
        "propertyNames": {"maxLength": 20},
        "unevaluatedProperties": False,
    }


def test_a_root_reference_shows_what_it_leads_to_with_its_own_description() -> None:
    row = read("captures/openapi/traps-3.1.json")[0]
    assert isinstance(row, Declared)
    assert row.bodies[0].schema["type"] == "object"
    assert row.bodies[0].schema["description"] == "What to make"
    assert row.responses[0].schema == {}


def test_the_forging_document_is_read_with_every_bound() -> None:
    rows = read("hostile/forging/openapi.json")
    assert [row.operation_id for row in rows if isinstance(row, Declared)] == [
        "listPosts",
        "getFile",
        "getRange",
        "createOrder",
        "postForm",
        "upload",
    ]
    order = operation("createOrder", rows)
    assert order.path == "/v1/orders"
    assert order.bodies[0].schema["properties"]["sku"] == {"type": "string", "pattern": "^[A-Z]{3}-[0-9]{3}$"}
    assert order.bodies[0].schema["properties"]["count"] == {"type": "integer", "minimum": 1, "maximum": 100}
    assert order.bodies[0].schema["additionalProperties"] is False
    assert operation("getRange", rows).path == "/v1/range/{a}..{b}"


def test_reading_twice_gives_the_same(traps: list[Declared | Skipped]) -> None:
    assert read("captures/openapi/traps-3.0.yaml") == traps


def test_the_blocks_of_a_file_may_be_of_any_size() -> None:
    data = (FIXTURES / "captures/openapi/traps-3.0.yaml").read_bytes()
    assert list(OpenApi().read(data[at : at + 7] for at in range(0, len(data), 7))) == read("captures/openapi/traps-3.0.yaml")
