"""One server over several toolpacks, and search in place of the list: the real front with a public client in this process."""

import json
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError

from caskmcp.errors import CaskError
from caskmcp.govern import pins, sign
from caskmcp.model.artifact import Environments
from caskmcp.model.pack import PackFiles
from caskmcp.model.project import EnvironmentHost
from caskmcp.ports import World
from caskmcp.store.credentials import ReferencedCredentials
from caskmcp.store.files import LocalFiles
from caskmcp.workflows import serve as story
from caskmcp.workflows.serve import Asked
from tests.support import packs
from tests.support.serving import TOKEN, Project, project
from tests.support.upstream import Upstream
from tests.support.world import world

BOTH = ("shop", "back-office")


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with Upstream() as running:
        yield running


def second(environments: Environments) -> PackFiles:
    """A toolpack of its own, with a trust root of its own."""
    files = replace(packs.pack_files((packs.R, packs.W), environments=environments), id="back-office")
    files = packs.with_roots(files, sign.sign_root(packs.root(packs.T1, toolpack="back-office"), packs.T1))
    return packs.approve(files, "tool:r", "tool:w", *packs.SHARED)


@pytest.fixture
def shop(tmp_path: Path, upstream: Upstream) -> Project:
    made = project(tmp_path, upstream)
    environments = Environments(environments={"local": {packs.HOST: EnvironmentHost(url=upstream.url, private=True)}})
    packs.write(second(environments), tmp_path / ".caskmcp")
    pins.write(LocalFiles(), made.config, packs.pin_of(packs.root(packs.T1, toolpack="back-office")))
    return made


def place(shop: Project) -> World:
    return replace(world(shop.folder, config=shop.config), credentials=ReferencedCredentials({"SHOP_TOKEN": TOKEN}))


def served(shop: Project, asked: Asked, talk: Callable[[Any], Awaitable[Any]]) -> Any:
    """Run `talk` with a client of the server."""

    async def run() -> Any:
        front = story.front_of(place(shop), replace(asked, environment="local"), lambda _: None)
        front.start()
        try:
            async with Client(front.server()) as client:
                return await talk(client)
        finally:
            await front.aclose()

    return anyio.run(run)


async def names(client: Any) -> list[str]:
    return [tool.name for tool in (await client.list_tools(cache_mode="refresh")).tools]


# ---------------------------------------------------------------- several toolpacks
def test_several_toolpacks_are_listed_under_names_of_their_own_and_each_call_goes_to_its_own(shop: Project, upstream: Upstream) -> None:
    async def talk(client: Any) -> Any:
        calls = [await client.call_tool(name, {"order_id": 7}) for name in ("shop_r", "back_office_r", "back_office_w")]
        return await names(client), calls

    before = len(upstream.heard)
    listed, (one, other, asks) = served(shop, Asked(toolpacks=BOTH), talk)
    assert listed == ["back_office_r", "back_office_w", "shop_r", "shop_w"]
    assert (one.is_error, other.is_error) == (False, False)
    assert asks.meta["dev.caskmcp/error"]["code"] == "CASK-R005"
    rows = shop.decisions()
    assert [(row["toolpack"], row["tool"], row["code"]) for row in rows] == [
        ("shop", "r", ""),
        ("back-office", "r", ""),
        ("back-office", "w", "CASK-R005"),
    ]
    assert rows[0]["lock"] != rows[1]["lock"]
    assert len(upstream.heard) == before + 2


@pytest.mark.parametrize("name", ["r", "shop_x", "office_r", "shop_", "back-office_r"])
def test_a_name_that_is_not_offered_is_unknown_and_on_record(shop: Project, name: str) -> None:
    async def talk(client: Any) -> Any:
        with pytest.raises(MCPError, match="Unknown tool"):
            await client.call_tool(name, {"order_id": 7})

    served(shop, Asked(toolpacks=BOTH), talk)
    assert [(row["toolpack"], row["tool"], row["code"]) for row in shop.decisions()] == [("", name, "CASK-R001")]


def test_a_toolpack_that_is_refused_while_it_is_served_takes_its_own_tools_alone(shop: Project) -> None:
    async def talk(client: Any) -> Any:
        lock = shop.folder / ".caskmcp" / "toolpacks" / "back-office" / "lockfile" / "caskmcp.lock.yaml"
        kept, before = lock.read_bytes(), await names(client)
        lock.write_bytes(b"garbage: [")
        during = await names(client)
        lock.write_bytes(kept)
        return before, during, await names(client)

    before, during, after = served(shop, Asked(toolpacks=BOTH), talk)
    assert before == after == ["back_office_r", "back_office_w", "shop_r", "shop_w"]
    assert during == ["shop_r", "shop_w"]


def test_a_toolpack_that_is_refused_at_the_start_takes_its_own_tools_alone(shop: Project) -> None:
    (shop.config / "pins" / "back-office.json").unlink()
    assert served(shop, Asked(toolpacks=BOTH), names) == ["shop_r", "shop_w"]


def test_where_every_toolpack_is_refused_nothing_starts(shop: Project) -> None:
    for name in BOTH:
        (shop.config / "pins" / f"{name}.json").unlink()
    front = story.front_of(place(shop), Asked(toolpacks=BOTH), lambda _: None)
    with pytest.raises(CaskError, match="CASK-T001"):
        front.start()
    anyio.run(front.aclose)


def test_a_toolpack_that_is_named_twice_is_refused(shop: Project) -> None:
    with pytest.raises(CaskError, match="the toolpack shop is named twice"):
        story.front_of(place(shop), Asked(toolpacks=("shop", str(shop.pack.toolpack))), lambda _: None)


def test_one_toolpack_by_name_keeps_the_names_of_its_tools(shop: Project) -> None:
    assert served(shop, Asked(toolpacks=("back-office",)), names) == ["r", "w"]


# ---------------------------------------------------------------- search
SEARCH = Asked(toolpacks=BOTH, search=True)


def test_search_lists_two_tools_and_finds_the_others_with_their_schemas(shop: Project, upstream: Upstream) -> None:
    async def talk(client: Any) -> Any:
        return await names(client), await client.call_tool("search", {"query": "shop order by r", "limit": 2})

    before = len(upstream.heard)
    listed, found = served(shop, SEARCH, talk)
    said = json.loads(found.content[0].text)
    assert listed == ["call", "search"]
    assert [tool["name"] for tool in said["tools"]] == ["shop_r", "back_office_r"]
    assert said["tools"][0]["inputSchema"]["required"] == ["order_id"]
    assert said["served"] == 4
    assert len(upstream.heard) == before


def test_a_call_after_search_goes_through_every_guard_under_the_inner_tools_name(shop: Project, upstream: Upstream) -> None:
    async def talk(client: Any) -> Any:
        rows = ({"name": "shop_r", "arguments": {"order_id": 7}}, {"name": "shop_r", "arguments": {"order_id": "x"}},
                {"name": "shop_w", "arguments": {"order_id": 7}}, {"name": "shop_x"}, {"name": "r", "arguments": {}}, {"arguments": {}})  # fmt: skip
        return [await client.call_tool("call", row) for row in rows]

    before = len(upstream.heard)
    good, *bad = served(shop, SEARCH, talk)
    assert good.is_error is False
    assert good.structured_content["head"].startswith("GET /orders/7/r ")
    assert [said.meta["dev.caskmcp/error"]["code"] for said in bad] == ["CASK-R002", "CASK-R005", "CASK-R001", "CASK-R001", "CASK-R002"]
    assert [(row["tool"], row["toolpack"], row["code"]) for row in shop.decisions()] == [
        ("r", "shop", ""), ("r", "shop", "CASK-R002"), ("w", "shop", "CASK-R005"), ("shop_x", "", "CASK-R001"), ("r", "", "CASK-R001"),
    ]  # fmt: skip
    assert len(upstream.heard) == before + 1


def test_in_search_no_tool_is_callable_past_call(shop: Project, upstream: Upstream) -> None:
    async def talk(client: Any) -> Any:
        for name in ("shop_r", "r", "Search"):
            with pytest.raises(MCPError, match="Unknown tool"):
                await client.call_tool(name, {"order_id": 7})
        return await client.call_tool("search", {"query": "x", "limit": 99})

    before = len(upstream.heard)
    assert served(shop, SEARCH, talk).is_error is True
    assert len(upstream.heard) == before


def test_search_finds_what_the_toolset_holds_and_nothing_else(shop: Project) -> None:
    async def talk(client: Any) -> Any:
        found = await client.call_tool("search", {"query": "order", "limit": 20})
        refused = await client.call_tool("call", {"name": "w", "arguments": {"order_id": 7}})
        return found, refused

    found, refused = served(shop, Asked(toolpacks=("shop",), toolset="support", search=True), talk)
    assert [tool["name"] for tool in json.loads(found.content[0].text)["tools"]] == ["r"]
    assert refused.meta["dev.caskmcp/error"]["code"] == "CASK-R001"
