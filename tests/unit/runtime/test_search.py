"""Search over what a caller is offered: ranking, bounds, closed arguments."""

import json
from typing import Any

import pytest

from caskmcp.errors import CaskError
from caskmcp.govern.admit import admit
from caskmcp.runtime import search
from caskmcp.runtime.catalog import Catalog, catalog
from caskmcp.runtime.mcp_server import SEARCH_TOOLS
from caskmcp.runtime.surface import surface
from tests.support import packs


def catalog_of(*rows: tuple[str, str, str]) -> Catalog:
    """Tools with a name, a title and a description."""
    tools = tuple(packs.tool(name).model_copy(update={"title": title, "description": text}) for name, title, text in rows)
    files = packs.pack_files(tools)
    files = packs.with_roots(files, packs.sign.sign_root(packs.ROOT, packs.T1))
    files = packs.approve(files, *(f"tool:{name}" for name, _, _ in rows), *packs.SHARED)
    return catalog([surface(admit(files, pin=packs.PIN, condition=None, environment=None, at="2026-11-21T10:00:00Z"))], ("",), None)


@pytest.fixture(scope="module")
def shop() -> Catalog:
    return catalog_of(
        ("create_refund", "Refund an order", "Gives the money of one order back."),
        ("get_order", "One order", "Reads one order by its number."),
        ("list_orders", "Orders", "Lists orders by state, newest first."),
        ("list_customers", "Customers", "Lists customers by name."),
    )


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("refund money", ["create_refund"]),
        ("customers", ["list_customers"]),
        ("list customer", ["list_customers", "list_orders"]),
        ("LISTORDERS list orders", ["list_orders", "list_customers", "get_order", "create_refund"]),
        ("zebra", []),
        ("!!!", []),
    ],
)
def test_the_best_tool_comes_first(shop: Catalog, query: str, names: list[str]) -> None:
    found = search.ranked(search.index(shop), query, 20)
    assert found[:2] == names[:2]
    assert set(names) <= set(found)
    assert bool(found) == bool(names)


def test_equal_tools_come_by_name_and_the_limit_holds(shop: Catalog) -> None:
    within = search.index(catalog_of(*((f"t{number}", "Same", "Same words.") for number in (3, 1, 2))))
    assert search.ranked(within, "same", 20) == ["t1", "t2", "t3"]
    assert search.ranked(within, "same", 2) == ["t1", "t2"]


def test_a_word_that_every_tool_has_counts_for_little(shop: Catalog) -> None:
    assert search.ranked(search.index(shop), "order note refund", 1) == ["create_refund"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("list_orders", ["list", "order"]),
        ("listOrders", ["list", "order"]),
        ("address-class", ["address", "class"]),
        ("Größe 北京", ["größe", "北京"]),
        ("", []),
    ],
)
def test_words_are_what_people_type(text: str, words: list[str]) -> None:
    assert list(search.words(text)) == words


def test_what_is_found_comes_with_its_schema(shop: Catalog) -> None:
    said = json.loads(search.found(shop, search.index(shop), {"query": "refund", "limit": 1}))
    (tool,) = said["tools"]
    assert (tool["name"], tool["title"]) == ("create_refund", "Refund an order")
    assert tool["inputSchema"]["required"] == ["order_id"]
    assert said["served"] == 4


def test_an_answer_is_bounded_and_names_what_did_not_fit() -> None:
    many = catalog_of(*((f"t{number}", "Big", f"Big thing {number}. " + "word " * 800) for number in range(12)))
    text = search.found(many, search.index(many), {"query": "big", "limit": 20})
    said = json.loads(text)
    assert len(text) < search.ROOM + 2000
    assert 0 < len(said["tools"]) < 12
    assert len(said["tools"]) + len(said["also"]) == 12


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"query": ""},
        {"query": 7},
        {"query": "x" * 401},
        {"query": "x", "limit": 0},
        {"query": "x", "limit": 21},
        {"query": "x", "more": 1},
    ],
)
def test_a_search_with_other_arguments_is_refused(shop: Catalog, arguments: dict[str, Any]) -> None:
    with pytest.raises(CaskError, match="CASK-R002"):
        search.found(shop, search.index(shop), arguments)


@pytest.mark.parametrize(
    "arguments", [{}, {"name": ""}, {"name": 1}, {"name": "r", "arguments": []}, {"name": "r", "arguments": None}, {"name": "r", "x": 1}]
)
def test_a_call_with_other_arguments_is_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(CaskError, match="CASK-R002"):
        search.inner(arguments)


def test_a_call_gives_the_inner_name_and_arguments() -> None:
    assert search.inner({"name": "r", "arguments": {"order_id": 7}}) == ("r", {"order_id": 7})
    assert search.inner({"name": "r"}) == ("r", {})


def test_an_empty_catalog_is_searched_without_harm() -> None:
    empty = Catalog({}, ())
    assert json.loads(search.found(empty, search.index(empty), {"query": "x"})) == {"tools": [], "served": 0}


def test_the_two_tools_are_portable_and_the_one_that_calls_hints_at_the_worst() -> None:
    assert sorted(SEARCH_TOOLS) == ["call", "search"]
    found, call = SEARCH_TOOLS["search"].annotations, SEARCH_TOOLS["call"].annotations
    assert found is not None
    assert call is not None
    assert (found.read_only_hint, call.read_only_hint, call.destructive_hint) == (True, False, True)
    assert all(tool.input_schema["additionalProperties"] is False for tool in SEARCH_TOOLS.values())
