"""Composites as the compiler makes them of the tools that they call, and each thing that it refuses."""

import json
from typing import Any

import pytest

from caskmcp.compiler.emit.stage import run
from caskmcp.errors import CaskError
from caskmcp.model.contract import Contract
from caskmcp.model.policy import Policy
from caskmcp.model.served import served_digest
from caskmcp.model.tool import NO_REQUEST, Tool, Tools
from caskmcp.model.toolset import Toolsets
from tests.support.contracts import INTEGER, STRING, contract, obj
from tests.support.storefront import SECTIONS, given, listed, storefront

PATHS = (
    "GET /api/v1/orders",
    "GET /api/v1/orders/{order_id}",
    "POST /api/v1/orders/{order_id}/cancel",
    "POST /api/v1/orders/{order_id}/refund",
    "GET /metrics",
)
SHOP = tuple(row for row in storefront() if f"{row.method} {row.template}" in PATHS)
CHAIN: dict[str, Any] = {
    "kind": "chain",
    "steps": [{"tool": "list_orders"}, {"tool": "get_order", "with": {"order_id": {"step": 1, "at": "/data/0/id"}}}],
}
EACH: dict[str, Any] = {
    "kind": "for-each",
    "over": "/data",
    "steps": [{"tool": "list_orders"}, {"tool": "get_order", "with": {"order_id": {"item": "/id"}}}],
    "most": {"calls": 5},
}
PAGES: dict[str, Any] = {
    "kind": "paginate",
    "items": "/data",
    "follow": {"style": "page", "argument": "page"},
    "steps": [{"tool": "list_orders"}],
}


def files(composites: dict[str, Any], contracts: tuple[Contract, ...] | None = None, **more: Any) -> dict[str, bytes]:
    tools = {**more.pop("tools", {}), "composites": composites}
    return dict(run(given(contracts or SHOP, tools=tools, **more))["files"])


def compiled(composites: dict[str, Any], **more: Any) -> dict[str, Tool]:
    return {tool.name: tool for tool in Tools.from_json(files(composites, emit=[], **more)["tools.json"], "tools.json").tools}


def one(said: dict[str, Any], **more: Any) -> Tool:
    return compiled({"look": said}, **more)["look"]


def refused(said: dict[str, Any], **more: Any) -> CaskError:
    with pytest.raises(CaskError) as caught:
        compiled({"look": said}, **more)
    return caught.value


# ---------------------------------------------------------------- what is made
def test_what_no_step_fills_is_an_argument_of_the_composite() -> None:
    tool = one(CHAIN)
    assert sorted(tool.input_schema["properties"]) == ["page", "status"]
    assert tool.input_schema["additionalProperties"] is False
    assert "required" not in tool.input_schema
    assert tool.composite is not None
    assert {name: row.plain() for name, row in tool.composite.steps[1].with_.items()} == {"order_id": {"step": 1, "at": "/data/0/id"}}
    assert {name: row.plain() for name, row in tool.composite.steps[0].with_.items()} == {
        "page": {"argument": "page"},
        "status": {"argument": "status"},
    }


def test_it_sends_nothing_itself_and_says_what_it_calls() -> None:
    tool = one({**CHAIN, "description": "The newest order, whole"})
    assert (tool.request, tool.operation) == (NO_REQUEST, "")
    assert tool.description == "The newest order, whole. Calls list_orders, then get_order. Reads only; changes nothing."
    assert tool.title == "Look"


def test_each_step_names_the_digest_of_the_served_record_of_its_tool() -> None:
    found = files({"look": CHAIN}, **{key: SECTIONS[key] for key in ("toolsets",)})
    tools = {tool.name: tool for tool in Tools.from_json(found["tools.json"], "tools.json").tools}
    policy, sets = Policy.from_yaml(found["policy.yaml"], "policy.yaml"), Toolsets.from_yaml(found["toolsets.yaml"], "toolsets.yaml")
    plan = tools["look"].composite
    assert plan is not None
    assert [row.digest for row in plan.steps] == [served_digest(tools[name], policy, sets) for name in ("list_orders", "get_order")]
    assert {"get_order", "list_orders"} <= set(sets.toolsets["support"].tools)


def test_tier_hints_effect_and_scope_are_those_of_the_riskiest() -> None:
    tools = compiled(
        {
            "pay": {
                "kind": "chain",
                "steps": [CHAIN["steps"][0], {"tool": "refund_order", "with": {"order_id": {"step": 1, "at": "/data/0/id"}}}],
            }
        }
    )
    refund, pay = tools["refund_order"], tools["pay"]
    assert (pay.risk, pay.effect, pay.scope, pay.confidence) == (refund.risk, refund.effect, refund.scope, refund.confidence)
    assert pay.reasons[0].evidence == f"`refund_order` is {refund.risk}"
    assert pay.annotations.read_only is False
    assert pay.annotations.idempotent is False
    assert pay.input_schema["required"] == ["amount"]


def test_a_list_is_gone_through_and_its_pages_are_followed() -> None:
    each, pages = one(EACH), one(PAGES)
    assert each.composite is not None
    assert pages.composite is not None
    assert (each.composite.over, each.composite.most.calls, each.composite.most.bytes) == ("/data", 5, 100_000)
    assert sorted(pages.input_schema["properties"]) == ["status"]
    assert (pages.composite.items, pages.composite.most.calls) == ("/data", 20)


def test_how_pages_follow_is_taken_from_what_was_observed() -> None:
    answer = obj(["orders"], orders=listed(obj(["id"], id=INTEGER)), next=STRING)
    paged = contract("GET /orders", query=["cursor"], answer=answer)
    seen = {"style": "cursor", "argument": "query cursor", "items": "/orders", "following": "answer /next"}
    paged = Contract.model_validate_json(json.dumps({**paged.plain(), "paging": seen}))
    tool = one({"kind": "paginate", "steps": [{"tool": "list_orders"}]}, contracts=(paged,))
    assert tool.composite is not None
    assert tool.composite.follow is not None
    assert tool.composite.follow.plain() == {"style": "cursor", "argument": "cursor", "at": "/next"}
    assert tool.composite.items == "/orders"


def test_a_new_name_opens_an_argument_that_two_steps_share_or_part() -> None:
    steps = [{"tool": "get_order"}, {"tool": "cancel_order", "with": {"order_id": {"argument": "order_id"}}}]
    said = refused({"kind": "chain", "steps": steps})
    assert said.code == "CASK-N005"
    assert "steps 1 and 2 both have an argument `order_id`" in said.what
    both = [{"tool": tool, "with": {"order_id": {"argument": "which"}}} for tool in ("get_order", "cancel_order")]
    assert list(one({"kind": "chain", "steps": both}).input_schema["properties"]) == ["which"]


# ---------------------------------------------------------------- where it stands
def test_a_composite_is_a_tool_of_toolsets_tokens_and_policy() -> None:
    found = files({"look": CHAIN}, toolsets={"quick": {"include": ["look", "list_orders", "get_order"]}})
    assert Toolsets.from_yaml(found["toolsets.yaml"], "t").toolsets["quick"].tools == ("get_order", "list_orders", "look")
    coverage = json.loads(found["coverage.json"])
    assert coverage["tokens"]["look"] > 0
    assert "look" not in json.loads(found["baseline.json"])["tools"]
    rules = {"version": 1, "rules": [{"id": "no-look", "effect": "deny", "match": {"tools": ["look"]}}]}
    assert Policy.from_yaml(files({"look": CHAIN}, policy=rules)["policy.yaml"], "p").rules[0].match.tools == ("look",)


def test_default_holds_no_composite_whose_tools_the_budget_leaves_out() -> None:
    found = files({"look": CHAIN}, tools={"budget": {"tools": 3}})
    chosen = Toolsets.from_yaml(found["toolsets.yaml"], "t").toolsets["default"].tools
    assert "look" not in chosen
    assert json.loads(found["coverage.json"])["selection"]["left_out"]["look"] in (
        "a tool that it calls is left out",
        "`tools.budget` is used up",
    )


def test_the_openapi_document_has_it_beside_the_paths_and_a_reader_passes_over_it() -> None:
    found = json.loads(files({"look": CHAIN})["openapi.json"])
    rows = [row for row in found["x-cask-operations"] if "composite" in row]
    assert [row["operation"]["operationId"] for row in rows] == ["look"]
    assert [step["tool"] for step in rows[0]["composite"]["steps"]] == ["list_orders", "get_order"]
    without = json.loads(files({})["openapi.json"])
    assert found["paths"] == without["paths"]


def test_without_composites_nothing_is_other_than_before() -> None:
    assert files({}) == dict(run(given(SHOP))["files"])


def test_a_composite_does_not_change_the_record_of_what_it_calls() -> None:
    plain, more = compiled({}), compiled({"look": CHAIN, "each": EACH})
    assert {name: more[name] for name in plain} == plain


# ---------------------------------------------------------------- what is refused
# fmt: off
REFUSED = (
    ("an unknown tool",         {**CHAIN, "steps": [{"tool": "nobody"}, CHAIN["steps"][1]]},                                                      "there is no tool `nobody`",               "steps/0/tool"),
    ("a tool that is left out", {**CHAIN, "steps": [CHAIN["steps"][0], {"tool": "list_metrics"}]},                                                "was left out, see coverage.json",         "steps/1/tool"),
    ("a composite",             {**CHAIN, "steps": [{"tool": "look"}, CHAIN["steps"][1]]},                                                        "no composite calls another",              "steps/0/tool"),
    ("no such argument",        {**CHAIN, "steps": [CHAIN["steps"][0], {"tool": "get_order", "with": {"id": {"step": 1, "at": "/data/0/id"}}}]},  "`id` is no argument of `get_order`",      "steps/1/with/id"),
    ("another type",            {**CHAIN, "steps": [CHAIN["steps"][0], {"tool": "get_order", "with": {"order_id": {"step": 1, "at": "/data"}}}]}, "and gets array",                          "steps/1/with/order_id"),
    ("no such field",           {**CHAIN, "steps": [CHAIN["steps"][0], {"tool": "get_order", "with": {"order_id": {"step": 1, "at": "/ids"}}}]},  "is not known to have `/ids`",             "steps/1/with/order_id"),
    ("a name in a list",        {**CHAIN, "steps": [CHAIN["steps"][0], {"tool": "get_order", "with": {"order_id": {"step": 1, "at": "/data/id"}}}]}, "has a list where",                     "steps/1/with/order_id"),
    ("no list",                 {**EACH, "over": "/data/0"},                                                                                      "expected a list, and there is object",    "over"),
    ("an item without it",      {**EACH, "steps": [EACH["steps"][0], {"tool": "get_order", "with": {"order_id": {"item": "/uid"}}}]},             "is not known to have `/uid`",             "steps/1/with/order_id"),
    ("no such page argument",   {**PAGES, "follow": {"style": "page", "argument": "seite"}},                                                      "`seite` is no argument of `list_orders`", "follow/argument"),
    ("the page said twice",     {**PAGES, "steps": [{"tool": "list_orders", "with": {"page": {"argument": "page"}}}]},                            "`page` is filled from page to page",      "steps/0/with/page"),
    ("paging never observed",   {"kind": "paginate", "steps": [{"tool": "get_order"}]},                                                           "how `get_order` is paged was not observed", ""),
)
# fmt: on


@pytest.mark.parametrize(("said", "what", "where"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_what_cannot_work_is_refused_with_its_place_and_a_mend(said: dict[str, Any], what: str, where: str) -> None:
    error = refused(said, tools={"exclude": ["GET /metrics"]})
    assert error.code == "CASK-N005"
    assert what in error.what
    assert error.place == f"cask.yaml#tools/composites/look{'/' if where else ''}{where}"
    assert error.mend == "edit `tools.composites.look` in cask.yaml"


def test_a_composite_cannot_take_the_name_of_a_tool() -> None:
    with pytest.raises(CaskError) as caught:
        compiled({"get_order": CHAIN})
    assert caught.value.code == "CASK-N003"


def test_definitions_of_two_tools_do_not_meet() -> None:
    node = {"type": "object", "properties": {"child": {"$ref": "#/$defs/Node"}, "kind": STRING}, "additionalProperties": False}
    other = {"type": "object", "properties": {"next": {"$ref": "#/$defs/Node"}}, "additionalProperties": False}
    ref = {"$ref": "#/$defs/Node"}
    first = contract("POST /trees", body=obj(["tree"], tree=ref) | {"$defs": {"Node": node}}, answer=obj(["id"], id=INTEGER))
    second = contract("POST /lists", body=obj(["list"], list=ref) | {"$defs": {"Node": other}}, answer=obj(["id"], id=INTEGER))
    tool = one({"kind": "chain", "steps": [{"tool": "create_tree"}, {"tool": "create_list"}]}, contracts=(first, second))
    assert tool.input_schema["properties"]["tree"]["$ref"] == "#/$defs/Step1Node"
    assert tool.input_schema["properties"]["list"]["$ref"] == "#/$defs/Step2Node"
    assert tool.input_schema["$defs"]["Step2Node"]["properties"]["next"] == {"$ref": "#/$defs/Step2Node"}
