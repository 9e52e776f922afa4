"""`tools.answers`: what the manifest says of a tool's answers stands in the signed plan, and names what there is."""

from typing import Any

import pytest

from caskmcp.compiler.emit.stage import run
from caskmcp.errors import CaskError
from caskmcp.model.policy import Policy
from caskmcp.model.served import served, served_digest
from caskmcp.model.tool import ResponsePlan, Tool, Tools
from caskmcp.model.toolset import Toolsets
from tests.support.contracts import contract, obj
from tests.support.storefront import given

ROW = obj(["id"], id={"type": "integer"}, note={"type": "string"})
LIST = contract("GET /orders", answer=obj(["orders"], orders={"type": "array", "items": ROW}, total={"type": "integer"}))
ONE = contract("GET /orders/{order_id}", answer=ROW)
BARE = contract("GET /names", answer={"type": "array", "items": ROW})
NOTHING = Policy(rules=())
SETS = Toolsets(toolsets={})


def made(answers: dict[str, Any], **tools: Any) -> dict[str, Tool]:
    files = run(given((LIST, ONE, BARE), tools={"answers": answers, **tools}))["files"]
    return {tool.name: tool for tool in Tools.from_json(dict(files)["tools.json"], "tools.json").tools}


@pytest.mark.feature(85)
def test_the_fields_stand_in_the_signed_plan_of_that_tool_alone() -> None:
    plain, rows = made({}), made({"list_orders": {"keep": ["total", "orders[].id"], "max_bytes": 5000}})
    plan = rows["list_orders"].response
    assert (plan.keep, plan.max_bytes) == (("orders[].id", "total"), 5000)
    assert served(rows["list_orders"], NOTHING, SETS)["response"]["keep"] == ["orders[].id", "total"]
    assert served_digest(rows["list_orders"], NOTHING, SETS) != served_digest(plain["list_orders"], NOTHING, SETS)
    assert {**rows, "list_orders": None} == {**plain, "list_orders": None}


def test_a_tool_of_which_nothing_is_said_is_signed_as_before() -> None:
    tool = made({})["list_orders"]
    assert tool.response.keep == ResponsePlan().keep == ()
    assert "keep" not in served(tool, NOTHING, SETS)["response"]


def test_clients_are_told_of_the_fields_that_are_passed_on_alone() -> None:
    words = (made({"list_orders": {"keep": ["total"]}})["list_orders"].output_schema or {})["description"]
    assert "total" in words
    assert "orders" not in words


@pytest.mark.parametrize("keep", [["orders[].id"], ["orders"], ["orders[]"], ["total", "orders[].note"]])
def test_places_of_the_answer_can_be_kept(keep: list[str]) -> None:
    assert made({"list_orders": {"keep": keep}})["list_orders"].response.keep == tuple(sorted(keep))


def test_a_list_is_addressed_by_its_items_and_a_tool_by_either_of_its_names() -> None:
    assert made({"list_names": {"keep": ["[].id"]}})["list_names"].response.keep == ("[].id",)
    rename = {"list_orders": "find_orders"}
    for name in ("list_orders", "find_orders"):
        assert made({name: {"keep": ["total"]}}, rename=rename)["find_orders"].response.keep == ("total",)


@pytest.mark.parametrize(
    ("code", "answers", "what"),
    [
        ("CASK-I010", {"list_ordrs": {"keep": ["total"]}}, "`tools.answers` names the tool `list_ordrs`"),
        ("CASK-I010", {"list_orders": {"keep": ["totl"]}}, "no answer is known to have `totl`"),
        ("CASK-I010", {"list_orders": {"keep": ["orders[].idd"]}}, "no answer is known to have `orders[].idd`"),
        ("CASK-I010", {"list_orders": {"keep": ["total.x"]}}, "no answer is known to have `total.x`"),
        ("CASK-I004", {"list_orders": {"keep": ["a b"]}}, "expected a place"),
        ("CASK-I004", {"list_orders": {"max_bytes": 10}}, "1000"),
        ("CASK-I004", {"list_orders": {"keeps": []}}, ""),
    ],
)
def test_what_would_silently_show_nothing_or_all_is_refused(code: str, answers: dict[str, Any], what: str) -> None:
    with pytest.raises(CaskError) as caught:
        made(answers)
    assert caught.value.code == code
    assert what in caught.value.what


def test_one_tool_by_two_names_is_refused() -> None:
    with pytest.raises(CaskError) as caught:
        made({"list_orders": {"keep": ["total"]}, "find_orders": {}}, rename={"list_orders": "find_orders"})
    assert caught.value.code == "CASK-N003"


CHAIN = {
    "steps": [{"tool": "list_orders"}, {"tool": "get_order", "with": {"order_id": {"step": 1, "at": "/orders/0/id"}}}],
    "kind": "chain",
}
ABOUT = {"title": "Newest order", "description": "The newest order.", **CHAIN}


def test_a_composite_cannot_be_filled_from_a_field_that_is_not_passed_on() -> None:
    made({"list_orders": {"keep": ["orders[].id"]}}, composites={"newest_order": ABOUT})
    with pytest.raises(CaskError) as caught:
        made({"list_orders": {"keep": ["orders[].note"]}}, composites={"newest_order": ABOUT})
    assert caught.value.code == "CASK-N005"
    assert "is not known to have `/orders/0/id`" in caught.value.what
