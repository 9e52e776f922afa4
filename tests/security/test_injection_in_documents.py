"""Hostile text in an OpenAPI document: what of it reaches names, lists and files. Families as in `fixtures/hostile/injection.jsonl`."""

import json
import re
from pathlib import Path
from typing import Any, Final

import pytest

from caskmcp.errors import CaskError
from caskmcp.model.tool import Tool, Tools
from caskmcp.runtime.arguments import compiled
from caskmcp.text import HIDDEN, parse_yaml
from tests.support.chain import Chain

PATH: Final = Path(__file__).parents[2] / "fixtures" / "hostile" / "injection.jsonl"
CASES: Final = [json.loads(line) for line in PATH.read_text(encoding="utf-8").splitlines()]
REFUSED: Final = {"inj-d-0029": "is no template", "inj-d-0033": "is no template", "inj-d-0045": "leads to nothing"}
"""Cases that no document may hold: the import says so, and nothing is emitted."""
DOORS: Final = ("openapi.description", "openapi.summary", "openapi.operationId", "openapi.schema", "path-segment", "body-key")
NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,35}", re.ASCII)
CONTROL: Final = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f]")


def document(where: str, value: Any) -> dict[str, Any]:
    """A document that says the value where the case puts it."""
    values = value if isinstance(value, list) else [value]
    paths = {f"/carts{index}": {"post": operation(where, one)} for index, one in enumerate(values)}
    if where == "path-segment":
        paths = {f"/{one}": {"post": operation("", "")} for one in values}
    return {"openapi": "3.1.0", "info": {"title": "t", "version": "1"}, "servers": [{"url": "https://shop.example"}], "paths": paths}


def operation(where: str, value: Any) -> dict[str, Any]:
    schema = value if where == "openapi.schema" else {"type": "string"}
    key = value if where == "body-key" else "quantity"
    words = {name: value for name in ("description", "summary", "operationId") if where == f"openapi.{name}"}
    content = {
        "application/json": {
            "schema": {"type": "object", "properties": {key: schema, "inner": {"type": "object", "properties": {key: schema}}}}
        }
    }
    return {**words, "requestBody": {"content": content}, "responses": {"200": {"description": "ok", "content": content}}}


def files(case: dict[str, Any]) -> dict[str, bytes]:
    source = json.dumps(document(case["where"], case["value"])).encode()
    return dict(Chain({"spec": ("openapi", source)}, hosts=["shop.example"], id="shop").run("lock").outputs["emit"]["files"])


def tools(made: dict[str, bytes]) -> tuple[Tool, ...]:
    return Tools.from_json(made["tools.json"], "tools.json").tools


def strings(value: Any) -> list[str]:
    """All texts of a JSON value, keys included."""
    if isinstance(value, dict):
        return [text for key, item in value.items() for text in (key, *strings(item))]
    if isinstance(value, list):
        return [text for item in value for text in strings(item)]
    return [value] if isinstance(value, str) else []


def listed(made: dict[str, bytes]) -> list[str]:
    """Every text that a client is shown."""
    shown = [(tool.name, tool.title, tool.description, *strings(tool.input_schema), *strings(tool.output_schema)) for tool in tools(made)]
    return [text for row in shown for text in row]


def chosen(*musts: str) -> list[Any]:
    rows = (case for case in CASES if case["where"] in DOORS and set(musts) & set(case["must"]))
    return [pytest.param(case, id=case["id"]) for case in rows if case["id"] not in REFUSED]


@pytest.mark.parametrize("case", [case for case in CASES if case["id"] in REFUSED], ids=lambda case: case["id"])
def test_what_is_no_path_and_no_reference_is_refused_at_the_import(case: dict[str, Any]) -> None:
    with pytest.raises(CaskError) as caught:
        files(case)
    assert caught.value.code == "CASK-C002"
    assert REFUSED[case["id"]] in caught.value.what


@pytest.mark.feature(43)
@pytest.mark.parametrize("case", chosen("name_safe", "distinct_or_refused", "shell_inert", "code_inert"))
def test_every_name_is_a_plain_name_and_no_two_share_one(case: dict[str, Any]) -> None:
    names = [tool.name for tool in tools(files(case))]
    assert len(names) == len(set(names)) == (len(case["value"]) if isinstance(case["value"], list) else 1)
    assert all(NAME.fullmatch(name) for name in names)


@pytest.mark.feature(43)
@pytest.mark.parametrize("case", chosen("no_control", "no_invisible", "term_inert"))
def test_no_file_holds_a_control_or_hidden_character(case: dict[str, Any]) -> None:
    for name, data in files(case).items():
        assert not HIDDEN.search(data.decode()), name
        assert not CONTROL.search(data.decode()), name


@pytest.mark.feature(43)
@pytest.mark.parametrize("case", chosen("text_not_verbatim", "no_control", "no_invisible"))
def test_nothing_of_it_is_shown_to_a_client_as_it_was(case: dict[str, Any]) -> None:
    shown = listed(files(case))
    assert shown
    if "text_not_verbatim" in case["must"] or HIDDEN.search(case["needle"]):
        assert not any(case["needle"] in text for text in shown)
    assert not any(HIDDEN.search(text) or CONTROL.search(text) for text in shown)


@pytest.mark.parametrize("case", chosen("text_not_verbatim"))
def test_the_record_says_that_a_text_was_dropped(case: dict[str, Any]) -> None:
    (row,) = json.loads(files(case)["coverage.json"])["operations"].values()
    assert any("order-" in note for note in row["notes"])


@pytest.mark.parametrize("case", chosen("json_inert", "yaml_inert", "md_inert", "gha_inert"))
def test_every_file_reads_back_and_the_text_is_text(case: dict[str, Any]) -> None:
    made = files(case)
    for name, data in made.items():
        assert isinstance(json.loads(data) if name.endswith(".json") else parse_yaml(data, name).value, dict)
    if case["where"] == "openapi.operationId":
        assert case["value"] in strings(parse_yaml(made["contracts.yaml"], "contracts.yaml").value)


@pytest.mark.parametrize("case", chosen("bounded"))
def test_a_pattern_that_explodes_elsewhere_compiles_and_matches_here_in_linear_time(case: dict[str, Any]) -> None:
    (tool,) = tools(files(case))
    check = compiled(tool)
    with pytest.raises(CaskError):
        check.refuse({"quantity": "a" * 5_000 + "b"})


@pytest.mark.parametrize("case", chosen("not_blocked"))
def test_ordinary_text_is_shown(case: dict[str, Any]) -> None:
    (tool,) = tools(files(case))
    expected = HIDDEN.sub(lambda match: f"\\u{{{ord(match[0]):x}}}", case["value"])
    assert expected.rstrip(".") in tool.description
