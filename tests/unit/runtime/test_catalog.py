"""What a caller is offered: names of one and of several toolpacks, toolsets that only take away."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caskmcp.govern.admit import admit
from caskmcp.model.pack import AdmittedPack
from caskmcp.runtime.catalog import LONGEST, catalog, exposed, prefixes_of, restricted
from caskmcp.runtime.surface import Surface, nothing, surface
from tests.support import packs


@pytest.fixture(scope="module")
def pack() -> AdmittedPack:
    files = packs.approved_pack()
    return admit(files, pin=packs.PIN, condition=None, environment=None, at="2026-11-21T10:00:00Z")


@pytest.fixture(scope="module")
def shop(pack: AdmittedPack) -> Surface:
    return surface(pack)


def test_one_toolpack_keeps_the_names_of_its_tools(shop: Surface) -> None:
    assert list(catalog([shop], prefixes_of(["shop"]), None).offered) == ["r", "w"]


def test_several_toolpacks_begin_each_name_with_their_own(shop: Surface) -> None:
    rows = catalog([shop, shop], prefixes_of(["shop", "back-office"]), None).offered
    assert list(rows) == ["back_office_r", "back_office_w", "shop_r", "shop_w"]
    assert [(row.pack, row.row.admitted.tool.name) for row in rows.values()] == [(1, "r"), (1, "w"), (0, "r"), (0, "w")]


def test_a_toolpack_that_is_refused_takes_no_other_with_it(shop: Surface) -> None:
    rows = catalog([nothing("refused"), shop], prefixes_of(["a", "shop"]), None).offered
    assert list(rows) == ["shop_r", "shop_w"]


def test_toolsets_take_away_and_never_add(shop: Surface) -> None:
    assert list(catalog([shop], ("",), frozenset({"support"})).offered) == ["r"]
    assert list(catalog([shop], ("",), frozenset({"no-such"})).offered) == []
    assert list(catalog([shop], ("",), frozenset()).offered) == []


def test_a_toolset_of_the_token_cannot_widen_the_toolset_of_the_server(pack: AdmittedPack) -> None:
    served = surface(pack, "support")
    assert restricted(served, frozenset({"default"})).members == {"r"}


def test_a_tool_outside_the_toolsets_is_outside_of_the_surface_that_the_gateway_is_given(shop: Surface) -> None:
    seen = catalog([shop], ("",), frozenset({"support"}))
    assert seen.surfaces[0].members == {"r"}
    assert seen.offered["r"].surface is seen.surfaces[0]
    assert seen.surfaces[0].tools == shop.tools


def test_beginnings_that_would_meet_are_told_apart() -> None:
    first, second, third = prefixes_of(["a", "a-b", "shop"])
    assert third == "shop_"
    assert first.startswith("a")
    assert second.startswith("a_b")
    assert exposed(first, "b_c") != exposed(second, "c")
    assert not first.startswith(second)
    assert not second.startswith(first)


def test_a_beginning_is_a_letter_and_has_no_dash() -> None:
    assert prefixes_of(["7-eleven", "shop"]) == ("p7_eleven_", "shop_")


def test_a_long_name_is_cut_and_stays_apart_from_its_like() -> None:
    first = exposed("shop_", "list_all_the_open_orders_of_customers")
    second = exposed("shop_", "list_all_the_open_orders_of_customer2")
    assert len(first) <= LONGEST
    assert first.startswith("shop_list_all_the_open_orde")
    assert first != second


def test_of_two_tools_with_one_name_neither_is_offered(shop: Surface) -> None:
    assert list(catalog([shop, replace(shop, members=frozenset({"r"}))], ("x_", "x_"), None).offered) == ["x_w"]


@given(st.lists(st.from_regex(r"[a-z0-9][a-z0-9-]{0,39}", fullmatch=True), min_size=2, max_size=4, unique=True), st.data())
def test_no_two_tools_of_several_toolpacks_meet_and_all_names_are_portable(ids: list[str], data: st.DataObject) -> None:
    tool = st.from_regex(r"[a-z][a-z0-9_]{0,35}", fullmatch=True)
    prefixes = prefixes_of(ids)
    pairs = {(number, data.draw(tool)) for number in range(len(ids)) for _ in range(3)}
    names = [exposed(prefixes[number], name) for number, name in sorted(pairs)]
    assert all(len(name) <= LONGEST and name[0].isalpha() and name.replace("_", "").isalnum() for name in names)
    assert len(set(names)) == len(names)
