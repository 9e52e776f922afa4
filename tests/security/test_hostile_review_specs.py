"""What a hostile reader found in documents: definitions that refer to each other until the builder falls over."""

import json

import pytest

from tests.support.chain import Chain
from tests.support.patience import soon

HOST = "api.example.com"


def document(definitions: dict[str, object]) -> bytes:
    schema = {"$ref": "#/components/schemas/D0"}
    content = {"application/json": {"schema": schema}}
    answers = {"200": {"description": "ok", "content": content}}
    return json.dumps(
        {
            "openapi": "3.1.0",
            "info": {"title": "x", "version": "1"},
            "servers": [{"url": f"https://{HOST}"}],
            "paths": {"/orders": {"post": {"operationId": "make", "requestBody": {"content": content}, "responses": answers}}},
            "components": {"schemas": definitions},
        }
    ).encode()


def definition(*to: int) -> dict[str, object]:
    return {"type": "object", "properties": {f"p{number}": {"$ref": f"#/components/schemas/D{number}"} for number in to}}


CHAIN = {f"D{number}": definition(number + 1) for number in range(600)} | {"D600": {"type": "string"}}
RING = {f"D{number}": definition(*((number * 7 + step) % 120 for step in range(20))) for number in range(120)}


@pytest.mark.parametrize("definitions", [CHAIN, RING], ids=["a chain of 600", "120 that refer to each other"])
def test_a_document_of_many_definitions_is_built_soon_and_with_all_of_them(definitions: dict[str, object]) -> None:
    with soon():
        built = Chain({"spec": ("openapi", document(definitions))}, hosts=[HOST]).run("emit")
    files = built.outputs["emit"]["files"]
    assert len(json.loads(files["openapi.json"])["components"]["schemas"]) >= len(definitions) - 1
    assert len(json.loads(files["tools.json"])["tools"][0]["input_schema"]["$defs"]) >= len(definitions) - 1
