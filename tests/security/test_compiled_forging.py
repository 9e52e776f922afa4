"""What the compiler makes of the forging document: plans and schemas that refuse or send exactly what each case of the corpus says."""

import json
from pathlib import Path
from typing import Any, Final

import pytest

from caskmcp.errors import CaskError
from caskmcp.model.policy import Policy
from caskmcp.model.tool import Tool, Tools
from caskmcp.runtime.arguments import compiled
from caskmcp.runtime.plan import PreparedRequest, prepare
from tests.support.chain import Chain

FOLDER: Final = Path(__file__).parents[2] / "fixtures" / "hostile" / "forging"
CASES: Final = [json.loads(line) for line in (FOLDER / "cases.jsonl").read_text(encoding="utf-8").splitlines()]
EXACT: Final = ("exact", "refuse_or_exact")


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    chain = Chain({"spec": ("openapi", (FOLDER / "openapi.json").read_bytes())}, hosts=["forge.tinyshop.example"], id="forge")
    return dict(chain.run("lock").outputs["emit"]["files"])


@pytest.fixture(scope="module")
def tools(files: dict[str, bytes]) -> dict[str, Tool]:
    return {tool.name: tool for tool in Tools.from_json(files["tools.json"], "tools.json").tools}


def name(operation: str) -> str:
    return {
        "listPosts": "list_posts",
        "getFile": "get_file",
        "getRange": "get_range",
        "createOrder": "create_order",
        "postForm": "post_form",
        "upload": "upload",
    }[operation]


def request(tool: Tool, arguments: dict[str, Any]) -> PreparedRequest | str:
    """The request that a call would make, or the code of its refusal."""
    try:
        compiled(tool).refuse(arguments)
        return prepare(tool, arguments)
    except CaskError as refusal:
        return refusal.code


def spelled(case: dict[str, Any], made: PreparedRequest) -> bool:
    path, _, query = made.target.decode().partition("?")
    told = {"raw_path": path, "raw_query": query, "raw_body": made.body.decode()}
    alike = all(told[key] in case[key].split("|") for key in told if key in case)
    equal = "body_equals" not in case or json.loads(made.body) == case["body_equals"]
    return alike and equal and case.get("body_contains", "") in told["raw_body"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['id']}-{case['why']}")
def test_a_forged_call_is_refused_or_makes_the_documented_request(case: dict[str, Any], tools: dict[str, Tool]) -> None:
    made = request(tools[name(case["operation"])], case["arguments"])
    if case["expect"] == "refuse":
        assert made in ("CASK-R002", "CASK-R003")
    elif case["expect"] == "exact":
        assert isinstance(made, PreparedRequest)
    if case["expect"] in EXACT and isinstance(made, PreparedRequest):
        assert spelled(case, made)
    if case["expect"] == "refuse_or_encoded" and isinstance(made, PreparedRequest):
        assert case["never_raw"] not in dict(made.headers)["Cookie"]
    if case["expect"] == "no_file_read":
        assert isinstance(made, PreparedRequest)
        assert b"/etc/hostname" in made.body


def test_every_operation_of_the_document_is_a_tool_that_may_be_called(files: dict[str, bytes], tools: dict[str, Tool]) -> None:
    policy = Policy.from_yaml(files["policy.yaml"], "policy.yaml")
    assert sorted(tools) == ["create_order", "get_file", "get_range", "list_posts", "post_form", "upload"]
    assert {tool.name: [rule.effect for rule in policy.rules_for(tool)] for tool in tools.values()} == {key: ["allow"] for key in tools}


@pytest.mark.parametrize(
    ("operation", "arguments", "target"),
    [
        (
            "list_posts",
            {"id": "a b/c", "tag": ["x", "y z"], "page": 2, "sort": "new"},
            b"/v1/users/a%20b%2Fc/posts?page=2&sort=new&tag=x&tag=y%20z",
        ),
        ("get_file", {"name": "...", "X-Trace": "abc", "theme": "dark"}, b"/v1/files/..."),
        ("get_range", {"a": -3, "b": 7}, b"/v1/range/-3..7"),
    ],
)
def test_an_ordinary_call_makes_the_documented_request(
    tools: dict[str, Tool], operation: str, arguments: dict[str, Any], target: bytes
) -> None:
    made = request(tools[operation], arguments)
    assert isinstance(made, PreparedRequest)
    assert made.target == target
    headers = dict(made.headers)
    assert (headers.get("X-Trace"), headers.get("Cookie")) == (
        arguments.get("X-Trace"),
        f"theme={arguments['theme']}" if "theme" in arguments else None,
    )
