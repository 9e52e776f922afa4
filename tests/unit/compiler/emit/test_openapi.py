"""The OpenAPI document: valid, complete, with the strict schemas."""

import json
from typing import Any

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st
from openapi_spec_validator import OpenAPIV31SpecValidator

from caskmcp.compiler.emit.stage import run
from caskmcp.model.contract import Contract, Response
from tests.support.chain import Chain
from tests.support.contracts import INTEGER, STRING, contract, obj, parameter
from tests.support.storefront import SECTIONS, given, storefront
from tests.support.syntax import ROOT


def document(*contracts: Contract, **more: Any) -> Any:
    return json.loads(run(given(contracts, **more))["files"]["openapi.json"])


def errors(found: Any) -> list[str]:
    return [error.message for error in OpenAPIV31SpecValidator(found).iter_errors()]


@pytest.mark.feature(45)
def test_the_storefront_is_a_valid_document_with_every_operation() -> None:
    found = document(*storefront(), **SECTIONS)
    assert errors(found) == []
    operations = [row for item in found["paths"].values() for row in item.values()]
    assert len(operations) == len(storefront())
    assert found["openapi"] == "3.1.0"
    assert found["servers"] == [{"url": "https://api.shop.example"}]


def test_operations_of_another_host_name_their_server() -> None:
    found = document(*storefront())
    assert found["paths"]["/status"]["get"]["servers"] == [{"url": "https://status.shop.example"}]
    assert "servers" not in found["paths"]["/metrics"]["get"]


def test_the_operation_id_is_the_name_of_the_tool() -> None:
    found = document(*storefront(), **SECTIONS)
    assert found["paths"]["/api/v1/products/{slug}"]["get"]["operationId"] == "get_article"
    assert found["paths"]["/metrics"]["get"]["x-cask-left-out"] == "excluded by `tools.exclude`"


def test_what_shares_path_and_method_or_has_another_method_stands_apart() -> None:
    rows = [contract("GET /orders", host=host) for host in ("a.example", "b.example")] + [contract("PROPFIND /orders", host="a.example")]
    found = document(*rows)
    assert errors(found) == []
    assert [(row["path"], row["method"], row["operation"].get("servers")) for row in found["x-cask-operations"]] == [
        ("/orders", "GET", [{"url": "https://b.example"}]),
        ("/orders", "PROPFIND", None),
    ]


def test_methods_of_one_path_have_one_set_of_names() -> None:
    found = document(contract("GET /orders/{order_id}"), contract("DELETE /orders/{id}"))
    assert errors(found) == []
    assert list(found["paths"]) == ["/orders/{id}"]
    assert [row["name"] for row in found["paths"]["/orders/{id}"]["get"]["parameters"]] == ["id"]


def test_parameters_bodies_and_answers_are_as_strict_as_the_contract() -> None:
    answer = obj(["id"], id=INTEGER) | {"additionalProperties": False}
    row = contract(
        "POST /orders/{order_id}",
        parameters=[parameter("filter", schema={"type": "object"}, style="deepObject", explode=True, required=True, description="Which.")],
        body=obj(["a"], a=STRING),
        body_required=True,
        answer=answer,
        statuses={"200": 3, "404": 1, "0": 2},
    )
    found = document(row)
    operation = found["paths"]["/orders/{order_id}"]["post"]
    assert errors(found) == []
    assert operation["parameters"] == [
        {"name": "order_id", "in": "path", "required": True, "schema": INTEGER},
        {
            "name": "filter",
            "in": "query",
            "required": True,
            "description": "Which.",
            "style": "deepObject",
            "explode": True,
            "schema": {"type": "object"},
        },
    ]
    assert operation["requestBody"] == {"required": True, "content": {"application/json": {"schema": obj(["a"], a=STRING)}}}
    assert operation["responses"] == {
        "200": {"description": "OK", "content": {"application/json": {"schema": answer}}},
        "404": {"description": "Not found"},
    }


def test_an_operation_without_a_known_answer_says_so() -> None:
    found = document(contract("GET /orders", seen=0))
    assert found["paths"]["/orders"]["get"]["responses"] == {"default": {"description": "Not known"}}
    assert errors(found) == []


def test_definitions_become_components_once_each() -> None:
    node = {"type": "object", "properties": {"next": {"$ref": "#/$defs/Node"}, "const": {"const": {"$ref": "#/$defs/Node"}}}}
    shared = {"$ref": "#/$defs/Node", "$defs": {"Node": node}}
    other = {"$ref": "#/$defs/Node", "$defs": {"Node": STRING}}
    found = document(contract("GET /a", answer=shared), contract("GET /b", answer=shared), contract("GET /c", answer=other))
    assert errors(found) == []
    names = sorted(found["components"]["schemas"])
    assert len(names) == 2
    assert names[0] == "Node"
    assert found["components"]["schemas"]["Node"]["properties"] == {
        "next": {"$ref": "#/components/schemas/Node"},
        "const": {"const": {"$ref": "#/$defs/Node"}},
    }


def test_authentication_is_told_by_scheme_and_place() -> None:
    found = document(
        contract("GET /a", auth=("bearer", "header:x-api-key"), parameters=[parameter("X-Api-Key", "header")]),
        contract("GET /b", auth=("basic",)),
    )
    assert errors(found) == []
    assert found["components"]["securitySchemes"] == {
        "basic": {"type": "http", "scheme": "basic"},
        "bearer": {"type": "http", "scheme": "bearer"},
        "header_x-api-key": {"type": "apiKey", "in": "header", "name": "x-api-key"},
    }
    assert found["paths"]["/a"]["get"]["security"] == [{"bearer": []}, {"header_x-api-key": []}]
    assert "parameters" not in found["paths"]["/a"]["get"]


def test_an_answer_of_a_document_may_be_a_class_of_statuses() -> None:
    rows = tuple(Response(status=status, media="application/json", schema_=STRING) for status in ("2XX", "default", "odd"))
    found = document(contract("GET /orders", responses=rows, seen=0))
    assert errors(found) == []
    assert sorted(found["paths"]["/orders"]["get"]["responses"]) == ["2XX", "default"]


SEGMENTS = st.sampled_from(["orders", "{id}", "{a}..{b}", "v1", "", "ünï"])


@examples(
    st.lists(
        st.tuples(st.sampled_from(["GET", "POST", "QUERY"]), st.lists(SEGMENTS, max_size=3), st.sampled_from(["a.example", "b.example"])),
        max_size=5,
    )
)
def test_any_set_of_operations_is_a_valid_document(rows: list[tuple[str, list[str], str]]) -> None:
    templates = {
        (method, "/".join(f"{part[:-1]}{index}}}" if part == "{id}" else part for index, part in enumerate(path)), host)
        for method, path, host in rows
    }
    contracts = [contract(f"{method} /{path}", host=host) for method, path, host in sorted(templates) if path.count("{a}") < 2]
    found = document(*contracts)
    assert errors(found) == []
    placed = sum(len(item) for item in found["paths"].values()) + len(found.get("x-cask-operations", []))
    assert placed == len(contracts)


def test_names_of_fields_may_be_those_of_keywords() -> None:
    thing = {"type": "object", "properties": {"default": {"$ref": "#/$defs/Kind"}, "enum": {"default": {"$ref": "data"}, "type": "object"}}}
    found = document(contract("GET /a", answer={"$ref": "#/$defs/Thing", "$defs": {"Thing": thing, "Kind": STRING}}))
    assert errors(found) == []
    assert found["components"]["schemas"]["Thing"]["properties"] == {
        "default": {"$ref": "#/components/schemas/Kind"},
        "enum": {"type": "object"},
    }


def test_a_discriminator_leads_to_the_components() -> None:
    mapping = {"a": "#/$defs/A", "gone": "#/$defs/Gone"}
    schema = {
        "oneOf": [{"$ref": "#/$defs/A"}],
        "discriminator": {"propertyName": "kind", "mapping": mapping},
        "$defs": {"A": obj(kind=STRING)},
    }
    found = document(contract("GET /a", answer=schema))
    shown = found["paths"]["/a"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    assert errors(found) == []
    assert shown["discriminator"] == {"propertyName": "kind", "mapping": {"a": "#/components/schemas/A"}}


@pytest.mark.feature(45)
def test_the_document_of_a_document_gives_the_same_tools_again() -> None:
    source = (ROOT / "fixtures" / "hostile" / "forging" / "openapi.json").read_bytes()
    first = files_of(source)
    assert files_of(first["openapi.json"])["tools.json"] == first["tools.json"]


def files_of(source: bytes) -> dict[str, bytes]:
    chain = Chain({"spec": ("openapi", source)}, hosts=["forge.tinyshop.example"], id="forge")
    return dict(chain.run("emit").outputs["emit"]["files"])
