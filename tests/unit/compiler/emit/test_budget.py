"""The toolset `default`: what fits, by sessions, then by the magnitude of use, then by what a tool is."""

from typing import Any

from caskmcp.compiler.classify.stage import classify
from caskmcp.compiler.emit.budget import FULL, SELDOM, Choice, choose, tokens
from caskmcp.compiler.emit.cover import Used
from caskmcp.compiler.emit.names import assigned
from caskmcp.compiler.emit.tools import made
from caskmcp.model.project import Budget, Tools
from caskmcp.model.tool import Tool
from caskmcp.text import Document
from tests.support.contracts import contract, obj

OPERATIONS = (
    "GET /orders", "GET /orders/{order_id}", "POST /orders", "PATCH /orders/{order_id}", "DELETE /orders/{order_id}",
    "GET /users", "GET /users/{user_id}", "POST /users", "GET /carts", "GET /carts/{cart_id}",
)  # fmt: skip


def surface(*operations: str) -> tuple[Tool, ...]:
    rows = tuple(contract(each, answer=obj(id={"type": "integer"})) for each in operations or OPERATIONS)
    names = assigned(rows)
    return tuple(made(row, classify(row), names[row.id], {}).tool for row in rows)


TOOLS = surface()
EVEN = {tool.name: 10 for tool in TOOLS}


def chosen(used: dict[str, int] = EVEN, sessions: tuple[tuple[str, int], ...] = (), **budget: Any) -> Choice:
    """sessions: names of tools with the count of such sessions. `sessions_`: the budget's share."""
    limit = Budget(**{name.rstrip("_"): value for name, value in budget.items()})
    return choose(TOOLS, used, tuple(Used(frozenset(names.split()), count) for names, count in sessions), limit)


def test_all_are_kept_where_all_fit() -> None:
    assert chosen() == Choice(tuple(sorted(EVEN)), {}, 0, 0)


def test_without_a_budget_forty_tools_and_twenty_thousand_tokens_are_the_budget() -> None:
    many = surface(*(f"GET /things{index}/parts" for index in range(50)))
    found = choose(many, {}, (), None)
    assert len(found.tools) == 40
    assert set(found.left_out.values()) == {FULL}
    assert (Budget().tools, Budget().tokens) == (40, 20_000)
    assert Tools.of(Document("cask.yaml", {}, {})).budget is None


def test_what_sessions_need_comes_first() -> None:
    found = chosen(sessions=(("list_users create_user", 9), ("delete_order", 1)), tools=3)
    assert found.tools == ("create_user", "list_carts", "list_users")
    assert (found.sessions, found.covered) == (10, 9)


def test_a_share_of_sessions_that_is_asked_for_takes_no_tool_more() -> None:
    found = chosen(sessions=(("list_users create_user", 9), ("delete_order", 1)), sessions_=90)
    assert found.tools == ("create_user", "list_users")
    assert set(found.left_out.values()) == {SELDOM}
    assert set(found.left_out) == set(EVEN) - {"create_user", "list_users"}


def test_a_share_without_any_session_is_filled_by_use() -> None:
    assert chosen(sessions_=90).tools == tuple(sorted(EVEN))


def test_sessions_that_no_list_can_cover_play_no_part() -> None:
    apart = tuple((name, 1) for name in sorted(EVEN))
    assert chosen(sessions=apart, tools=3).tools == chosen(tools=3).tools


def test_an_operation_that_is_no_tool_is_nobodys_need() -> None:
    found = chosen(sessions=(("gone list_users", 9), ("gone", 5)), tools=2)
    assert "list_users" in found.tools
    assert (found.sessions, found.covered) == (9, 9)


def test_what_is_used_by_far_most_is_kept_whatever_it_is() -> None:
    assert "delete_order" in chosen({**EVEN, "delete_order": 80}, tools=3).tools
    assert "delete_order" not in chosen({**EVEN, "delete_order": 79}, tools=3).tools


def test_what_is_hardly_used_comes_after_what_is_and_what_was_never_seen_last() -> None:
    used = {**EVEN, "list_carts": 1, "get_cart": 0}
    assert "list_carts" not in chosen(used, tools=8).tools
    assert "list_carts" in chosen(used, tools=9).tools
    assert "get_cart" not in chosen(used, tools=9).tools


def test_of_what_is_used_alike_reads_that_need_least_come_first() -> None:
    assert chosen(tools=3).tools == ("list_carts", "list_orders", "list_users")
    assert chosen(tools=6).tools == ("get_cart", "get_order", "get_user", "list_carts", "list_orders", "list_users")
    assert set(chosen(tools=9).left_out) == {"delete_order"}


def test_accidents_of_one_recording_choose_no_other_tools() -> None:
    used = dict(zip(sorted(EVEN), (7, 9, 12, 30, 3, 18, 5, 26, 11, 4), strict=True))
    other = dict(zip(sorted(EVEN), (21, 6, 4, 9, 13, 3, 28, 11, 7, 17), strict=True))
    assert chosen(used, tools=5).tools == chosen(other, tools=5).tools == chosen(tools=5).tools


def test_the_tokens_of_the_list_fit_as_well() -> None:
    costs = {tool.name: tokens(tool) for tool in TOOLS}
    found = chosen(tokens=700)
    assert 400 < sum(costs[name] for name in found.tools) <= 700


def test_the_order_of_tools_does_not_matter() -> None:
    assert choose(reversed(TOOLS), EVEN, (), Budget(tools=4)) == choose(TOOLS, EVEN, (), Budget(tools=4))


def test_no_tool_at_all_is_an_empty_toolset() -> None:
    assert choose((), {}, (), None) == Choice((), {}, 0, 0)
