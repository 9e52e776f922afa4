"""What OpenAPI 3.2 brought is read, or left out by name; older versions do not have it."""

from typing import Any

import pytest

from caskmcp.errors import CaskError
from caskmcp.model.exchange import Declared, Skipped
from tests.unit.compiler.capture.openapi.documents import OK, document, only, rows

pytestmark = pytest.mark.feature(5)


def newest(**fields: Any) -> dict[str, Any]:
    return document(version="3.2.0", **fields)


def whole(schema: Any, media: str = "application/x-www-form-urlencoded", **fields: Any) -> dict[str, Any]:
    return {"name": "all", "in": "querystring", "content": {media: {"schema": schema}}, **fields}


def test_the_method_query_and_methods_of_any_name_are_operations() -> None:
    item = {"query": {"responses": OK}, "additionalOperations": {"COPY": {"responses": OK}, "m-search": {"responses": OK}}}
    assert [row.method for row in rows(newest(item=item)) if isinstance(row, Declared)] == ["GET", "QUERY", "COPY", "m-search"]


def test_a_whole_query_that_is_a_form_is_as_many_parameters() -> None:
    form = {
        "type": "object",
        "required": ["page"],
        "properties": {"page": {"type": "integer", "minimum": 1}, "tags": {"type": "array", "items": {"type": "string"}}},
    }
    row = only(newest(parameters=[whole(form, required=True)]))
    assert [(each.location, each.name, each.required, each.schema) for each in row.parameters] == [
        ("query", "page", True, {"type": "integer", "minimum": 1}),
        ("query", "tags", False, {"type": "array", "items": {"type": "string"}}),
    ]
    assert [each.required for each in only(newest(parameters=[whole(form)])).parameters] == [False, False]


# fmt: off
WHOLES = [
    ("application/json",                  {"type": "object", "properties": {"a": {"type": "string"}}}),
    ("application/x-www-form-urlencoded", {"type": "object", "additionalProperties": {"type": "string"}}),
    ("application/x-www-form-urlencoded", {"type": "object", "properties": {"a": {"type": "object"}}}),
    ("application/x-www-form-urlencoded", {"oneOf": [{"type": "object"}]}),
]
# fmt: on


@pytest.mark.parametrize(("media", "schema"), WHOLES)
def test_another_whole_query_is_left_out_by_name_and_takes_the_operation_with_it_if_it_is_required(media: str, schema: Any) -> None:
    optional = rows(newest(parameters=[whole(schema, media)]))
    assert [row for row in optional if isinstance(row, Skipped)] == [
        Skipped("paths./a.get.parameters.0", "unsupported", detail="`in: querystring`")
    ]
    assert [row.parameters for row in optional if isinstance(row, Declared)] == [()]
    assert rows(newest(parameters=[whole(schema, media, required=True)])) == [
        Skipped("paths./a.get", "unsupported", detail="all: `in: querystring`")
    ]


def test_a_cookie_that_is_written_as_it_is_cannot_be_sent() -> None:
    found = rows(newest(parameters=[{"name": "c", "in": "cookie", "style": "cookie", "schema": {"type": "string"}}]))
    assert found[0] == Skipped("paths./a.get.parameters.0", "unsupported", detail="`style: cookie`")
    assert isinstance(found[1], Declared)
    assert found[1].parameters == ()


def test_reserved_characters_and_empty_values_are_said_not_to_be_special() -> None:
    found = rows(
        newest(parameters=[{"name": "q", "in": "query", "allowReserved": True, "allowEmptyValue": True, "schema": {"type": "string"}}])
    )
    assert [row.place for row in found if isinstance(row, Skipped)] == [
        "paths./a.get.parameters.0.allowReserved",
        "paths./a.get.parameters.0.allowEmptyValue",
    ]


def test_sequences_of_items_are_said_to_be_left_out() -> None:
    part = {"itemSchema": {"type": "object"}, "prefixEncoding": [], "itemEncoding": {}}
    found = rows(newest(requestBody={"content": {"application/jsonl": part}}, responses={"200": {"content": {"text/event-stream": part}}}))
    assert [row.place.rpartition(".")[2] for row in found if isinstance(row, Skipped)] == [
        "itemEncoding",
        "itemSchema",
        "prefixEncoding",
    ] * 2
    (row,) = (row for row in found if isinstance(row, Declared))
    assert [(each.media, each.schema) for each in row.responses] == [("text/event-stream", None)]


def test_named_media_types_are_followed() -> None:
    components = {"mediaTypes": {"M": {"schema": {"type": "string", "maxLength": 3}}}}
    content = {"application/json": {"$ref": "#/components/mediaTypes/M"}}
    row = only(
        newest(components=components, requestBody={"content": content}, parameters=[{"name": "q", "in": "query", "content": content}])
    )
    assert row.bodies[0].schema == {"type": "string", "maxLength": 3}
    assert row.parameters[0].schema["contentSchema"] == {"type": "string", "maxLength": 3}


def test_the_documents_own_address_leads_into_it() -> None:
    reference = "https://api.example.com/doc.json#/components/schemas/A"
    value = newest(
        root={"$self": "https://api.example.com/doc.json"},
        components={"schemas": {"A": {"const": 1}}},
        requestBody={"content": {"application/json": {"schema": {"$ref": reference}}}},
    )
    assert only(value).bodies[0].schema == {"const": 1}


def test_a_default_of_a_discriminator_leads_into_the_definitions() -> None:
    schemas = {
        "A": {"type": "object"},
        "B": {"oneOf": [{"$ref": "#/components/schemas/A"}], "discriminator": {"propertyName": "k", "defaultMapping": "A"}},
    }
    value = newest(components={"schemas": schemas}, requestBody={"content": {"a/b": {"schema": {"$ref": "#/components/schemas/B"}}}})
    assert only(value).bodies[0].schema["discriminator"] == {"propertyName": "k", "defaultMapping": "#/$defs/A"}


def test_examples_as_data_are_examples() -> None:
    row = only(
        newest(
            parameters=[
                {"name": "q", "in": "query", "schema": {"type": "integer"}, "examples": {"a": {"dataValue": 4, "serializedValue": "4"}}}
            ]
        )
    )
    assert row.parameters[0].schema == {"type": "integer", "examples": [4]}


def test_what_says_nothing_of_a_tool_is_taken() -> None:
    schemes = {
        "securitySchemes": {
            "o": {"type": "oauth2", "deprecated": True, "oauth2MetadataUrl": "https://x", "flows": {"deviceAuthorization": {}}}
        }
    }
    value = newest(
        components=schemes,
        root={
            "tags": [{"name": "a", "parent": "b", "kind": "nav"}],
            "servers": [{"url": "https://h.example", "name": "main"}],
            "security": [{"o": []}],
        },
        responses={"200": {"summary": "s"}},
    )
    assert only(value).auth == ("bearer",)


# fmt: off
BROKEN = [
    (newest(parameters=[whole({}), {"name": "q", "in": "query", "schema": {}}]),       "`in: querystring` is the whole query"),
    (newest(parameters=[{"name": "q", "in": "querystring", "schema": {}}]),            "a parameter `in: querystring` needs `content`"),
    (newest(item={"additionalOperations": {"get": {"responses": OK}}}),                "`get` has a field of its own in a path item"),
    (newest(item={"additionalOperations": {"A B": {"responses": OK}}}),                "`A B` is no method"),
    (newest(root={"$self": "https://h.example/a#b"}),                                  "`$self` has to be an address without a fragment"),
    (newest(root={"jsonSchemaDialect": "https://example.com/dialect"}),                "the schema dialect of `jsonSchemaDialect` is not supported"),
    (document(item={"query": {"responses": OK}}),                                      "a path item has no field `query`"),
    (document(item={"additionalOperations": {}}),                                      "a path item has no field `additionalOperations`"),
    (document(parameters=[whole({})]),                                                 "`in: querystring` is none of path"),
    (document(root={"$self": "https://h.example"}),                                    "the document has no field `$self`"),
    (document(components={"mediaTypes": {}}),                                          "`components` has no field `mediaTypes`"),
    (document(responses={"200": {"content": {"a/b": {"itemSchema": {}}}}}),            "a media type has no field `itemSchema`"),
    (document(parameters=[{"name": "c", "in": "cookie", "style": "cookie", "schema": {}}]), "a cookie parameter has no style `cookie`"),
    (document(version="3.0.3", root={"webhooks": {}}),                                 "the document has no field `webhooks`"),
    (document(version="3.0.3", components={"pathItems": {}}),                          "`components` has no field `pathItems`"),
    (document(components={"parameters": {"A": {"name": "a", "schema": {}}}}),          "a parameter needs `in`"),
    (document(components={"requestBodies": {"A": {"content": {"x": {}}}}}),            "`x` is no media type"),
    (document(components={"responses": {"A": {"content": {"a/b": {"schema": 1}}}}}),   "a schema has to be an object"),
    (document(components={"schemas": {"A": {"$schema": "http://json-schema.org/draft-04/schema#"}}}), "the schema dialect of `$schema` is not supported"),
    (document(root={"servers": [{"url": "https://{r}.h", "variables": {"r": {"default": "c", "enum": ["a"]}}}]}), "the default of the server's variable `r` is none of its `enum`"),
]
# fmt: on


@pytest.mark.parametrize(("value", "rule"), BROKEN, ids=[f"{index} {row[1]}" for index, row in enumerate(BROKEN)])
def test_a_broken_rule_is_named_with_its_line(value: Any, rule: str) -> None:
    with pytest.raises(CaskError) as caught:
        rows(value)
    assert caught.value.code == "CASK-C002"
    assert caught.value.what.startswith(rule)
    assert str(caught.value.place).startswith("line ")


def test_an_anchor_is_a_place_like_any_other() -> None:
    value = document(
        components={"schemas": {"A": {"$anchor": "here", "maxLength": 4}}}, requestBody={"content": {"a/b": {"schema": {"$ref": "#here"}}}}
    )
    assert only(value).bodies[0].schema == {"maxLength": 4}
