"""Additions to `scopes.yaml` that leave every word where it stands."""

import pytest

from caskmcp.errors import CaskError
from caskmcp.model.scope import Boundary
from caskmcp.store.scopefile import FRESH, parse, with_scope, with_tools

SALES = Boundary(description="Sell things: all of them", tools=("get_order", "list_orders"))
WRITTEN = """\
# what we sell
version: 1
scopes:
  "orders:read":   # reviewed by Alice
    description: Read orders
    tools: [get_order]   # the two of them
  stock:
    tools:
    # the shelf
    - list_items
    description: "Stock"
"""


def test_a_fresh_file_takes_scopes_one_after_the_other() -> None:
    text = with_scope(with_scope(FRESH, "orders:read", SALES), "users:read", Boundary(description="Read users", tools=("get_user",)))
    assert parse(text).scopes == {"orders:read": SALES, "users:read": Boundary(description="Read users", tools=("get_user",))}
    assert text.startswith(FRESH + "scopes:\n")


@pytest.mark.parametrize("empty", ["version: 1\nscopes: {}\n", "version: 1\n", "scopes: {}\nversion: 1\n"])
def test_a_file_without_scopes_takes_the_first(empty: str) -> None:
    written = empty.replace("scopes: {}\nversion: 1\n", "version: 1\nscopes: {}\n")
    assert parse(with_scope(written, "sales", SALES)).scopes == {"sales": SALES}


@pytest.mark.feature(37)
def test_an_added_scope_leaves_every_line_that_stood_there() -> None:
    text = with_scope(WRITTEN, "sales", SALES)
    assert text.startswith(WRITTEN.rstrip())
    assert parse(text).scopes["sales"] == SALES


@pytest.mark.feature(37)
def test_an_added_tool_changes_its_own_list_alone() -> None:
    text = with_tools(with_tools(WRITTEN, "orders:read", ("list_orders",)), "stock", ("get_item", "find_item"))
    assert [row for row in WRITTEN.splitlines() if row not in text.splitlines()] == ["    tools: [get_order]   # the two of them"]
    assert "    tools: [get_order, list_orders]   # the two of them" in text.splitlines()
    assert parse(text).scopes["stock"].tools == ("list_items", "get_item", "find_item")
    assert "# the shelf" in text


def test_an_empty_flow_list_is_filled() -> None:
    text = "version: 1\nscopes:\n  a: {description: x, tools: []}\n  b:\n    description: y\n    tools: []\n"
    assert parse(with_tools(text, "b", ("t",))).scopes["b"].tools == ("t",)


@pytest.mark.parametrize(
    "text",
    [
        "version: 1\nscopes:\n  a: {description: x, tools: [t]}\n",
        "version: 1\nscopes:\n  a:\n    description: x\n",
        "version: 1\nscopes:\n  a:\n    description: x\n    tools: [t,\n      u]\n",
    ],
)
def test_a_form_that_is_not_understood_is_left_to_the_person(text: str) -> None:
    with pytest.raises(CaskError) as caught:
        with_tools(text, "a", ("new",))
    assert (caught.value.code, caught.value.mend) == ("CASK-I004", "edit scopes.yaml")
    assert "new in a" in caught.value.what
