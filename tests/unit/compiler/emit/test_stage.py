"""The stage as a whole: which files, valid against what is published, the same bytes whatever the order, and small enough to read."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest
import yaml
from jsonschema import Draft202012Validator

from caskmcp.compiler.emit.stage import EMITTERS, run
from caskmcp.model.project import EMITTERS as DEFAULT
from caskmcp.model.tool import Tool, Tools
from tests.support.storefront import SECTIONS, digest, given, storefront
from tests.support.syntax import ROOT

SERVED = {"tools.json", "toolsets.yaml", "policy.yaml", "environments.yaml", "auth.yaml", "coverage.json"}
SCHEMA_OF = {
    "tools.json": "tools",
    "toolsets.yaml": "toolsets",
    "policy.yaml": "policy",
    "environments.yaml": "environments",
    "auth.yaml": "auth",
    "coverage.json": "coverage",
    "contracts.yaml": "contracts",
    "baseline.json": "baseline",
    "scopes.suggested.yaml": "scopes.suggested",
}


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    return dict(run(given(storefront(), **SECTIONS))["files"])


@pytest.fixture(scope="module")
def tools(files: dict[str, bytes]) -> tuple[Tool, ...]:
    return Tools.from_json(files["tools.json"], "tools.json").tools


def read(name: str, data: bytes) -> Any:
    return json.loads(data) if name.endswith(".json") else yaml.safe_load(data)


def test_what_is_served_is_always_written_and_the_rest_as_asked() -> None:
    assert set(run(given(storefront(), emit=[]))["files"]) == SERVED
    assert set(run(given(storefront(), emit=["openapi", "tools"]))["files"]) == SERVED | {"openapi.json"}
    by_default = {row.file for row in EMITTERS if row.wanted in ("", *DEFAULT)}
    assert set(run(given(storefront()))["files"]) == by_default == {*SCHEMA_OF, "openapi.json"}


@pytest.mark.feature(44)
@pytest.mark.parametrize("name", SCHEMA_OF)
def test_each_file_is_valid_against_its_published_schema(files: dict[str, bytes], name: str) -> None:
    schema = json.loads((ROOT / "schemas" / f"{SCHEMA_OF[name]}.schema.json").read_bytes())
    value = read(name, files[name])
    assert [error.message for error in Draft202012Validator(schema).iter_errors(value)] == []
    assert value["schema"].startswith("caskmcp/")


def test_every_emitted_schema_compiles_in_both_engines(tools: tuple[Tool, ...]) -> None:
    for tool in tools:
        for schema in (tool.input_schema, tool.output_schema, tool.response.expected):
            if schema is not None:
                Draft202012Validator.check_schema(schema)
                jsonschema_rs.Draft202012Validator(schema)


def places(schema: Any, at: str = "") -> Iterator[tuple[str, Any]]:
    """Each schema inside a schema, with its place."""
    if isinstance(schema, dict):
        yield at, schema
        for word in ("properties", "$defs", "patternProperties"):
            for name, row in schema.get(word, {}).items():
                yield from places(row, f"{at}/{word}/{name}")
        for word in ("items", "not", "contains", "additionalProperties"):
            yield from places(schema.get(word), f"{at}/{word}")
        for word in ("anyOf", "oneOf", "allOf", "prefixItems"):
            for index, row in enumerate(schema.get(word, [])):
                yield from places(row, f"{at}/{word}/{index}")


def test_what_is_listed_keeps_to_what_every_client_reads(tools: tuple[Tool, ...]) -> None:
    for tool in tools:
        assert tool.input_schema["type"] == "object"
        assert tool.input_schema["additionalProperties"] is False
        assert not tool.input_schema.keys() & {"anyOf", "oneOf", "allOf", "not", "if", "$ref"}
        for shown in (tool.input_schema, tool.output_schema or {"type": "object"}):
            assert shown["type"] == "object"
            for place, row in places(shown):
                assert row, f"{tool.name}{place} is bare"
                assert isinstance(row.get("type", ""), str), f"{tool.name}{place} has a list of types"
                assert str(row.get("$ref", "#/$defs/")).startswith("#/$defs/")


def test_every_argument_has_exactly_one_place_in_the_plan(tools: tuple[Tool, ...]) -> None:
    for tool in tools:
        plan = tool.request
        used = [piece.argument for segment in plan.segments for piece in segment.pieces if piece.argument]
        used += [row.argument for row in (*plan.query, *plan.headers, *plan.cookies, *(plan.body.fields if plan.body else ()))]
        used += [plan.body.argument] if plan.body and plan.body.argument else []
        assert sorted(used) == sorted(tool.input_schema["properties"])


def test_the_order_of_contracts_does_not_matter(files: dict[str, bytes]) -> None:
    assert digest(dict(run(given(storefront()[::-1], **SECTIONS))["files"])) == digest(files)


@pytest.mark.parametrize("seed", ["0", "1", "4242"])
def test_no_hash_seed_reaches_a_byte(files: dict[str, bytes], seed: str) -> None:
    code = (
        "from tests.support.storefront import *; from caskmcp.compiler.emit.stage import run; from caskmcp.compiler.lock.stage import run as lock;"
        "files = dict(run(given(storefront(), **SECTIONS))['files']); print(digest(files))"
    )
    environment = {**os.environ, "PYTHONHASHSEED": seed, "TZ": "Asia/Tokyo", "LC_ALL": "C", "PYTHONPATH": str(ROOT)}
    found = subprocess.run([sys.executable, "-c", code], env=environment, cwd=ROOT, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == digest(files)


@pytest.mark.feature(44)
@pytest.mark.parametrize("name", [row.file for row in EMITTERS if row.wanted in ("", *DEFAULT)])
def test_the_storefront_gives_the_reviewed_bytes(files: dict[str, bytes], name: str, snapshot: Any) -> None:
    assert files[name].decode() == snapshot
