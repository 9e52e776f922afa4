"""Composites as conversations with the gateway: every inner call goes through all of the steps, and the first no ends the whole."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from caskmcp.model.policy import Budget, Match, Policy, Rule
from caskmcp.model.tool import Field_
from caskmcp.runtime.budgets import Spent
from caskmcp.runtime.commands import Confirm, Record, Resolve, Secret, Send, Spend, Standing
from caskmcp.runtime.surface import explained
from tests.support.calls import GET_ORDER, PAY_ORDER, POLICY, PUBLIC, Conversation, answer, flight, literal, served, tool
from tests.support.composites import composite, step

LIST = tool("list_orders", segments=(literal("orders"),), properties={"cursor": {"type": "string"}, "page": {"type": "integer"}}, required=(),
            query=(Field_(argument="cursor", wire="cursor"), Field_(argument="page", wire="page")))  # fmt: skip
NEWEST = composite(
    "newest", {"kind": "chain", "steps": [step("list_orders"), step("get_order", order_id={"step": 1, "at": "/orders/0/id"})]}, arguments={}
)
PAY_NEWEST = composite(
    "pay_newest",
    {"kind": "chain", "steps": [step("list_orders"), step("pay_order", order_id={"step": 1, "at": "/orders/0/id"}, amount="amount")]},
    arguments={"amount": {"type": "integer"}},
)
EACH = composite(
    "each_order",
    {
        "kind": "for-each",
        "over": "/orders",
        "steps": [step("list_orders"), step("get_order", order_id={"item": "/id"})],
        "most": {"calls": 3},
    },
    arguments={},
)
CURSOR = composite(
    "all_orders",
    {
        "kind": "paginate",
        "items": "/orders",
        "follow": {"style": "cursor", "argument": "cursor", "at": "/next"},
        "steps": [step("list_orders")],
    },
    arguments={},
)
PAGES = composite(
    "all_pages",
    {
        "kind": "paginate",
        "items": "/orders",
        "follow": {"style": "page", "argument": "page"},
        "steps": [step("list_orders")],
        "most": {"calls": 3},
    },
    arguments={},
)
ALL = (LIST, GET_ORDER, PAY_ORDER, NEWEST, PAY_NEWEST, EACH, CURSOR, PAGES)
Reply = Callable[[Send], Any]


def talking(reply: Reply, **more: Any) -> Conversation:
    names = {"confirm": Confirm, "spend": Spend, "secret": Secret, "record": Record}
    replies: Mapping[type, Any] = {
        Resolve: (PUBLIC,),
        Send: reply,
        Spend: None,
        Record: None,
        Confirm: Standing("granted", "c1", "2026-11-21T12:10:00Z"),
    }
    return Conversation({**replies, **{names[key]: value for key, value in more.items()}})


def shop(orders: list[Any], **more: Any) -> Reply:
    """An upstream with a list of orders, and each order by its number."""

    def reply(send: Send) -> Any:
        target = send.request.target.decode()
        if target.startswith("/orders?") or target == "/orders":
            return answer(json.dumps({"orders": orders, **more}).encode())
        return answer(json.dumps({"id": int(target.split("/")[2]), "whole": True}).encode())

    return reply


def targets(talk: Conversation) -> list[str]:
    return [f"{send.request.method} {send.request.target.decode()}" for send in talk.of(Send)]


def lines(talk: Conversation) -> list[tuple[str, str, str, str]]:
    return [
        (row.entry.tool, row.entry.verdict, row.entry.step, row.entry.code)
        for row in talk.of(Record)
        if row.entry.extra.get("phase") != "sending"
    ]


# ---------------------------------------------------------------- kinds
def test_a_chain_fills_the_second_call_from_the_first_answer() -> None:
    talk = talking(shop([{"id": 41}, {"id": 40}]))
    result = talk.hold(flight("newest", served(*ALL)))
    assert targets(talk) == ["GET /orders", "GET /orders/41"]
    assert result.structured == {
        "data": {"id": 41, "whole": True},
        "calls": [{"tool": "list_orders", "outcome": "done"}, {"tool": "get_order", "outcome": "done"}],
    }
    assert result.untrusted is True
    assert json.loads(result.text) == result.structured


def test_each_item_is_a_call_until_the_bound_and_what_is_left_is_told() -> None:
    talk = talking(shop([{"id": number} for number in (7, 8, 9)]))
    result = talk.hold(flight("each_order", served(*ALL)))
    assert targets(talk) == ["GET /orders", "GET /orders/7", "GET /orders/8"]
    assert result.structured is not None
    assert [row["id"] for row in result.structured["data"]] == [7, 8]
    assert result.notes == ("1 of 3 items are left: `most.calls` is 3",)


def test_a_list_without_items_is_no_further_call() -> None:
    talk = talking(shop([]))
    assert (talk.hold(flight("each_order", served(*ALL))).structured or {})["data"] == []
    assert targets(talk) == ["GET /orders"]


def test_a_cursor_is_followed_to_its_end() -> None:
    pages = {"": ([1, 2], "b"), "b": ([3], "c"), "c": ([4], "")}

    def reply(send: Send) -> Any:
        orders, following = pages[send.request.target.decode().partition("cursor=")[2]]
        return answer(json.dumps({"orders": orders, "next": following}).encode())

    talk = talking(reply)
    result = talk.hold(flight("all_orders", served(*ALL)))
    assert targets(talk) == ["GET /orders", "GET /orders?cursor=b", "GET /orders?cursor=c"]
    assert (result.structured or {})["data"] == [1, 2, 3, 4]


def test_a_cursor_that_repeats_ends_it() -> None:
    talk = talking(shop([1], next="again"))
    assert (talk.hold(flight("all_orders", served(*ALL))).structured or {})["data"] == [1, 1]
    assert len(targets(talk)) == 2


def test_pages_are_counted_until_an_empty_one_or_the_bound() -> None:
    def reply(send: Send) -> Any:
        page = int(send.request.target.decode().partition("page=")[2])
        return answer(json.dumps({"orders": [page] if page < last else []}).encode())

    last = 2
    talk = talking(reply)
    assert (talk.hold(flight("all_pages", served(*ALL))).structured or {})["data"] == [1]
    assert targets(talk) == ["GET /orders?page=1", "GET /orders?page=2"]
    last = 100
    endless = talking(reply).hold(flight("all_pages", served(*ALL)))
    assert (endless.structured or {})["data"] == [1, 2, 3]
    assert endless.notes == ("there may be more: `most.calls` is 3",)


def test_the_bytes_of_an_answer_are_bounded_in_each_kind() -> None:
    small = [
        row.model_copy(
            update={"composite": row.composite.model_copy(update={"most": row.composite.most.model_copy(update={"bytes": 1_000})})}
        )
        for row in (NEWEST, EACH, PAGES)
        if row.composite
    ]
    texts = talking(lambda send: answer(json.dumps({"id": 7, "orders": [{"id": 7, "text": "x" * 700}] * 2}).encode()))
    for row in small:
        result = texts.hold(flight(row.name, served(LIST, GET_ORDER, row)))
        assert len(json.dumps((result.structured or {})["data"])) <= 1_100
        assert result.notes


# ---------------------------------------------------------------- each inner call is gated
def test_each_inner_call_is_on_record_as_a_call_of_its_own_and_the_composite_last() -> None:
    talk = talking(shop([{"id": 41}]))
    talk.hold(flight("newest", served(*ALL)))
    assert lines(talk) == [("list_orders", "allow", "policy", ""), ("get_order", "allow", "policy", ""), ("newest", "allow", "policy", "")]
    first, second, whole = (row.entry for row in talk.of(Record))
    assert [row.extra["call"] for row in (first, second, whole)] == ["c0ffee.1", "c0ffee.2", "c0ffee"]
    assert first.extra["composite"] == second.extra["composite"] == "newest"
    assert whole.extra["calls"] == 2


def only_once(ask: Spend) -> Spent | None:
    return next((Spent(row.budget, 1, None, 60, 60) for row in ask.charges if row.budget == "get_order"), None)


def test_each_inner_call_spends_its_budgets_and_a_spent_one_ends_it() -> None:
    budgets = {"get_order": Budget(calls=1, per_seconds=60), "*": Budget(calls=10, per_seconds=60)}
    talk = talking(shop([{"id": 1}, {"id": 2}]), spend=only_once)
    result = talk.hold(flight("newest", served(*ALL, budgets=budgets)))
    assert [sorted(row.budget for row in ask.charges) for ask in talk.of(Spend)] == [["*"], ["*"], ["*", "get_order"]]
    assert (result.error, result.details["cause"]) == ("CASK-R012", "CASK-R010")
    assert targets(talk) == ["GET /orders"]


def test_a_challenge_of_an_inner_call_ends_it_and_is_passed_on() -> None:
    talk = talking(shop([{"id": 41}]), confirm=Standing("waiting", "c77", "2026-11-21T12:10:00Z"))
    result = talk.hold(flight("pay_newest", served(*ALL), amount=3))
    assert result.error == "CASK-R012"
    assert result.details["cause"] == "CASK-R005"
    assert result.details["challenge"] == "c77"
    assert result.details["calls"] == [{"tool": "list_orders", "outcome": "done"}, {"tool": "pay_order", "outcome": "CASK-R005"}]
    assert "calls so far: list_orders: done, pay_order: CASK-R005" in result.text
    assert result.structured is None
    assert targets(talk) == ["GET /orders"]
    assert talk.of(Confirm)[0].binding.tool == "pay_order"


def test_a_write_within_is_on_record_before_it_is_sent() -> None:
    talk = talking(shop([{"id": 41}]))
    assert talk.hold(flight("pay_newest", served(*ALL), amount=3)).error == ""
    kinds = [type(command).__name__ for command in talk.asked]
    assert kinds == ["Resolve", "Send", "Record", "Confirm", "Resolve", "Record", "Send", "Record", "Record"]


@pytest.mark.parametrize("name", ["get_order", "list_orders"])
def test_a_rule_that_denies_an_inner_tool_ends_it(name: str) -> None:
    policy = Policy(rules=(Rule(id="not-that", effect="deny", match=Match(tools=(name,))), *POLICY.rules))
    talk = talking(shop([{"id": 41}]))
    result = talk.hold(flight("newest", served(*ALL, policy=policy)))
    assert (result.error, result.details["cause"], result.details["tool"]) == ("CASK-R012", "CASK-R004", name)
    assert f"GET /orders{'/41' if name == 'get_order' else ''}" not in targets(talk)


def test_a_rule_that_denies_the_composite_alone_makes_no_call() -> None:
    policy = Policy(rules=(Rule(id="not-that", effect="deny", match=Match(tools=("newest",))), *POLICY.rules))
    talk = talking(shop([{"id": 41}]))
    assert talk.hold(flight("newest", served(*ALL, policy=policy))).error == "CASK-R004"
    assert [type(command) for command in talk.asked] == [Record]


@pytest.mark.parametrize(
    ("orders", "said"),
    [
        ([], "the answer of step 1 has nothing at `/orders/0/id`"),
        ([{"id": "41"}], "CASK-R002"),
        ([{"id": 10**30}], "CASK-R003"),
        ([{"id": {"a": 1}}], "CASK-R002"),
    ],
)
def test_what_an_answer_gives_is_checked_like_what_an_agent_gives(orders: list[Any], said: str) -> None:
    talk = talking(shop(orders))
    result = talk.hold(flight("newest", served(*ALL)))
    assert result.error == "CASK-R012"
    assert said in result.text
    assert targets(talk) == ["GET /orders"]


def test_an_upstream_that_fails_ends_it_and_its_words_stay_marked() -> None:
    talk = talking(lambda send: answer(b'{"error":"no such order"}', 404) if b"/41" in send.request.target else shop([{"id": 41}])(send))
    result = talk.hold(flight("newest", served(*ALL)))
    assert (result.error, result.status, result.untrusted, result.details["cause"]) == ("CASK-R012", 404, True, "CASK-R008")


def test_an_answer_without_the_list_ends_it() -> None:
    result = talking(lambda send: answer(b'{"rows":[]}')).hold(flight("each_order", served(*ALL)))
    assert result.text == "CASK-R012: the answer of step 1 has no list at `/orders` (calls so far: list_orders: done)"


def test_a_dry_run_shows_the_first_request_and_sends_nothing() -> None:
    talk = talking(shop([{"id": 41}]))
    result = talk.hold(flight("newest", served(*ALL), dry=True))
    assert talk.of(Send) == []
    assert result.structured is not None
    assert result.structured["tools"] == ["list_orders", "get_order"]
    assert result.structured["request"]["url"] == "https://api.example.com/orders"


# ---------------------------------------------------------------- listing
def names(of: Any) -> list[str]:
    return [row.admitted.tool.name for row in of.listed]


def test_a_toolset_lists_a_composite_with_all_that_it_calls_or_not_at_all() -> None:
    sets = {"whole": ("get_order", "list_orders", "newest"), "part": ("list_orders", "newest")}
    assert names(served(*ALL, toolset="whole", toolsets=sets)) == ["get_order", "list_orders", "newest"]
    assert names(served(*ALL, toolset="part", toolsets=sets)) == ["list_orders"]


def test_a_composite_of_a_tool_that_cannot_be_compiled_is_left_out_and_named() -> None:
    of = served(LIST, GET_ORDER.model_copy(update={"input_schema": {}}), NEWEST)
    assert names(of) == ["list_orders"]
    assert any(line.startswith("tool:newest: invalid: CASK-L002") for line in explained(of))
