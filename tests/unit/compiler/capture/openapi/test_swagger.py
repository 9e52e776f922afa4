"""Swagger 2.0 is read where it stands: places, forms, formats of lists, media types and security in the words of 3.x."""

from pathlib import Path
from typing import Any

import pytest

from caskmcp.compiler.capture.sources.openapi import OpenApi
from caskmcp.errors import CaskError
from caskmcp.model.exchange import Declared, Skipped
from tests.unit.compiler.capture.openapi.documents import rows

FIXTURES = Path(__file__).parents[5] / "fixtures"
pytestmark = pytest.mark.feature(5)


@pytest.fixture(scope="module")
def traps() -> list[Declared | Skipped]:
    return list(OpenApi().read([(FIXTURES / "captures/openapi/traps-2.0.yaml").read_bytes()]))


def operation(name: str, found: list[Declared | Skipped]) -> Declared:
    return next(row for row in found if isinstance(row, Declared) and row.operation_id == name)


def document(**operation: Any) -> dict[str, Any]:
    made = {"responses": {"200": {"description": "ok"}}, **operation}
    return {"swagger": "2.0", "info": {"title": "t", "version": "1"}, "paths": {"/a": {"get": made}}}


def test_every_operation_is_read_at_the_secure_address(traps: list[Declared | Skipped]) -> None:
    found = [(row.method, row.scheme, row.host, row.port, row.path) for row in traps if isinstance(row, Declared)]
    assert found == [
        ("GET", "https", "api.example.com", 0, "/v2/nodes/{id}"),
        ("PUT", "https", "api.example.com", 0, "/v2/nodes/{id}"),
        ("POST", "https", "api.example.com", 0, "/v2/files"),
        ("POST", "https", "api.example.com", 0, "/v2/forms"),
    ]


# fmt: off
PARAMETERS = [
    # name    where     style             explode  schema
    ("id",    "path",   "",               None,    {"type": "string", "pattern": "^[a-z]+$", "minLength": 3}),
    ("page",  "query",  "",               None,    {"type": "integer", "format": "int32", "exclusiveMinimum": 0, "default": 1}),
    ("ids",   "query",  "pipeDelimited",  None,    {"type": "array", "items": {"type": "integer", "maximum": 9}, "maxItems": 5}),
    ("tags",  "query",  "",               False,   {"type": "array", "items": {"type": "string"}}),
    ("both",  "query",  "",               None,    {"type": "array", "items": {"type": "string", "enum": ["a", "b"]}}),
    ("words", "header", "",               None,    {"type": "array", "items": {"type": "string"}}),
    ("maybe", "query",  "",               None,    {"anyOf": [{"type": "string"}, {"type": "null"}]}),
]
# fmt: on


@pytest.mark.parametrize(("name", "where", "style", "explode", "schema"), PARAMETERS, ids=[row[0] for row in PARAMETERS])
def test_each_parameter_has_its_style_and_every_constraint(
    traps: list[Declared | Skipped], name: str, where: str, style: str, explode: bool | None, schema: dict[str, Any]
) -> None:
    (row,) = (row for row in operation("getNode", traps).parameters if row.name == name)
    assert (row.location, row.style, row.explode, row.schema) == (where, style, explode, schema)


def test_a_parameter_that_means_nothing_carries_the_credential_or_cannot_be_sent_is_none(traps: list[Declared | Skipped]) -> None:
    assert [row.name for row in operation("getNode", traps).parameters] == [row[0] for row in PARAMETERS]


def test_a_body_has_each_media_type_that_is_consumed(traps: list[Declared | Skipped]) -> None:
    row = operation("putNode", traps)
    assert [body.media for body in row.bodies] == ["application/json", "application/vnd.node+json"]
    assert row.body_required
    assert row.deprecated
    schema = row.bodies[0].schema
    assert schema["discriminator"] == {"propertyName": "kind"}
    assert schema["required"] == ["kind"]
    assert sorted(schema["properties"]) == ["kind", "next", "weight"]
    assert schema["properties"]["weight"] == {"anyOf": [{"type": "number", "exclusiveMinimum": 0}, {"type": "null"}]}
    assert sorted(schema["$defs"]) == ["Node"]


def test_fields_of_a_form_are_one_body(traps: list[Declared | Skipped]) -> None:
    (upload,) = operation("upload", traps).bodies
    assert upload.media == "multipart/form-data"
    assert upload.schema == {
        "type": "object",
        "properties": {
            "file": {"type": "string", "format": "binary", "description": "The file."},
            "note": {"type": "string", "maxLength": 20},
            "list": {"type": "array", "items": {"type": "string"}},
        },
        "required": ["file"],
    }
    form = operation("sendForm", traps)
    assert [body.media for body in form.bodies] == ["application/x-www-form-urlencoded", "multipart/form-data"]
    assert form.bodies[0].schema["properties"]["amount"] == {"type": "integer", "exclusiveMaximum": 10}
    assert form.body_required


def test_answers_have_each_media_type_that_is_produced(traps: list[Declared | Skipped]) -> None:
    found = [(row.status, row.media, row.schema) for row in operation("getNode", traps).responses]
    assert [row[:2] for row in found] == [("200", "application/json"), ("404", "application/json"), ("default", "")]
    assert found[0][2] is not None
    assert found[0][2]["required"] == ["kind", "id"]
    assert [row.media for row in operation("putNode", traps).responses] == ["application/json", "text/csv"]
    assert operation("upload", traps).responses[0].schema == {"type": "string", "format": "binary"}


def test_security_becomes_words_without_a_value(traps: list[Declared | Skipped]) -> None:
    assert operation("getNode", traps).auth == ("query:Token",)
    assert operation("putNode", traps).auth == ("basic", "bearer", "header:x-key")
    assert operation("upload", traps).auth == ()


def test_what_cannot_be_sent_is_listed_with_its_place_and_why(traps: list[Declared | Skipped]) -> None:
    assert [row for row in traps if isinstance(row, Skipped)] == [
        Skipped("schemes.2", "not http"),
        Skipped("paths./nodes/{id}.get.parameters.3.allowEmptyValue", "unsupported", detail="`allowEmptyValue`"),
        Skipped("paths./nodes/{id}.get.parameters.5", "unsupported", detail="`collectionFormat: tsv` in query"),
        Skipped("paths./lists.post", "unsupported", detail="list: `collectionFormat: tsv` in query"),
    ]


def test_without_a_host_the_manifest_says_where() -> None:
    (row,) = rows(document())
    assert isinstance(row, Declared)
    assert (row.scheme, row.host, row.path) == ("https", "", "/a")


def test_a_document_of_http_alone_stays_with_http() -> None:
    (row,) = rows({**document(), "host": "h.example:8080", "schemes": ["http"]})
    assert isinstance(row, Declared)
    assert (row.scheme, row.host, row.port) == ("http", "h.example", 8080)


# fmt: off
BROKEN = [
    # document                                                                                    rule
    ({**document(), "servers": []},                                                               "the document has no field `servers`"),
    ({**document(), "host": "https://h.example"},                                                 "`host` has to be a name"),
    ({**document(), "host": "h.example:70000"},                                                   "`host` has to be a name"),
    ({**document(), "basePath": "/a?b"},                                                          "`basePath` has to be a path"),
    ({**document(), "schemes": ["ftp"]},                                                          "a scheme is one of http, https, ws and wss"),
    ({"swagger": "2.0"},                                                                          "the document needs `paths`"),
    (document(requestBody={}),                                                                    "an operation has no field `requestBody`"),
    (document(responses=None),                                                                    "`responses` has to be an object"),
    (document(parameters=[{"name": "a", "in": "cookie", "type": "string"}]),                      "`in: cookie` is none of path, query, header"),
    (document(parameters=[{"name": "a", "in": "query", "schema": {}}]),                           "a parameter has no field `schema`"),
    (document(parameters=[{"name": "a", "in": "query"}]),                                         "a parameter needs `type`"),
    (document(parameters=[{"name": "a", "in": "query", "type": "object"}]),                       "a query parameter has no type `object`"),
    (document(parameters=[{"name": "a", "in": "query", "type": "file"}]),                         "a query parameter has no type `file`"),
    (document(parameters=[{"name": "a", "in": "query", "type": "array"}]),                        "a list needs `items`"),
    (document(parameters=[{"name": "a", "in": "query", "type": "array", "items": {"type": "string"}, "collectionFormat": "x"}]), "`x` is none of csv"),
    (document(parameters=[{"name": "a", "in": "query", "type": "string"}] * 2),                   "the query parameter `a` stands twice"),
    (document(parameters=[{"name": "a", "in": "query", "type": "string", "maxLength": "9"}]),     "`maxLength`: expected a whole number"),
    (document(parameters=[{"name": "a", "in": "body"}]),                                          "a body needs `schema`"),
    (document(parameters=[{"name": n, "in": "body", "schema": {}} for n in "ab"]),                "a second body"),
    (document(parameters=[{"name": "a", "in": "body", "schema": {}}, {"name": "b", "in": "formData", "type": "string"}]), "an operation has a body or form fields"),
    (document(parameters=[{"name": "a", "in": "path", "required": True, "type": "string"}]),      "the path parameter `a` is not in `/a`"),
    (document(consumes=["json"]),                                                                 "`json` is no media type"),
    (document(security=[{"k": []}]),                                                              "the security scheme `k` is not declared"),
    ({**document(), "securityDefinitions": {"k": {"type": "http"}}},                              "`http` is no type of security scheme"),
    ({**document(), "securityDefinitions": {"k": {"type": "apiKey", "in": "cookie", "name": "n"}}}, "`in` of an apiKey is header or query"),
    ({**document(), "definitions": {"A": {"type": "file"}}},                                      "`type`: expected one of"),
    ({**document(), "definitions": {"A": {"$ref": "#/definitions/B"}}},                           "the reference `#/definitions/B` leads to nothing"),
    ({**document(), "parameters": {"A": {"name": "a", "in": "query"}}},                           "a parameter needs `type`"),
]
# fmt: on


@pytest.mark.parametrize(("value", "rule"), BROKEN, ids=[f"{index} {row[1]}" for index, row in enumerate(BROKEN)])
def test_a_broken_document_is_refused_whole_by_rule_and_line(value: Any, rule: str) -> None:
    with pytest.raises(CaskError) as caught:
        rows(value)
    assert caught.value.code == "CASK-C002"
    assert caught.value.what.startswith(rule)
    assert str(caught.value.place).startswith("line ")
