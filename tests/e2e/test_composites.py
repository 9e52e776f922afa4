"""Declared composites from the manifest to a served call: built, refused with the line, signed, listed, each inner call gated and on record."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client, StdioServerParameters

from caskmcp.errors import CaskError
from caskmcp.govern import pins, sign
from caskmcp.model.pack import PackFiles
from caskmcp.model.tool import Tools
from caskmcp.store.files import LocalFiles
from caskmcp.workflows import build, diff, explain, lint
from tests.support import packs
from tests.support.serving import Project
from tests.support.upstream import Heard, Upstream, answer
from tests.support.world import world

ORDERS = {"type": "object", "required": ["orders"], "properties": {
    "orders": {"type": "array", "items": {"type": "object", "required": ["id"], "properties": {"id": {"type": "integer"}}}},
    "next": {"type": "string"},
}}  # fmt: skip
ORDER = {"type": "object", "properties": {"id": {"type": "integer"}, "status": {"type": "string"}}}


def operation(name: str, answer: dict[str, Any], **more: Any) -> dict[str, Any]:
    said = {"200": {"description": "OK", "content": {"application/json": {"schema": answer}}}}
    return {"operationId": name, "responses": said, **more}


NUMBER = {"name": "order_id", "in": "path", "required": True, "schema": {"type": "integer"}}
CURSOR = {"name": "cursor", "in": "query", "schema": {"type": "string"}}
SPEC = {
    "openapi": "3.1.0",
    "info": {"title": "Shop", "version": "1"},
    "servers": [{"url": f"https://{packs.HOST}"}],
    "paths": {
        "/orders": {"get": operation("list_orders", ORDERS, parameters=[CURSOR])},
        "/orders/{order_id}": {
            "get": operation("get_order", ORDER, parameters=[NUMBER]),
            "delete": operation("delete_order", ORDER, parameters=[NUMBER]),
        },
    },
}
MANIFEST = """\
version: 1
name: shop
hosts: [api.example.com]
sources:
  - openapi: openapi.json
environments:
  local: {api.example.com: {url: "URL", private: true}}
tools:
  composites:
    get_first_order:
      kind: chain
      description: The first order of the list, whole
      steps:
        - tool: list_orders
        - tool: get_order
          with: {order_id: {step: 1, at: /orders/0/id}}
    get_each_order:
      kind: for-each
      over: /orders
      steps:
        - tool: list_orders
        - tool: get_order
          with: {order_id: {item: /id}}
      most: {calls: 3}
    list_all_orders:
      kind: paginate
      items: /orders
      follow: {style: cursor, argument: cursor, at: /next}
      steps: [{tool: list_orders}]
    delete_first_order:
      kind: chain
      steps:
        - tool: list_orders
        - tool: delete_order
          with: {order_id: {step: 1, at: /orders/0/id}}
"""
NAMES = ["get_each_order", "get_first_order", "list_all_orders"]


def built(folder: Path, url: str = "http://127.0.0.1:8080", manifest: str = MANIFEST) -> dict[str, bytes]:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "openapi.json").write_text(json.dumps(SPEC), encoding="utf-8")
    (folder / "cask.yaml").write_text(manifest.replace("URL", url), encoding="utf-8")
    build.run(world(folder))
    return {path.name: path.read_bytes() for path in folder.glob(".caskmcp/toolpacks/shop/artifact/*")}


def served_pages(heard: Heard) -> bytes:
    if heard.target == "/orders":
        return answer(b'{"orders":[{"id":7},{"id":8},{"id":9}],"next":"b"}')
    if heard.target == "/orders?cursor=b":
        return answer(b'{"orders":[{"id":10}]}')
    return answer(json.dumps({"id": int(heard.target.split("/")[2]), "status": "open"}).encode())


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream(reply=served_pages) as running:
        yield running


def signed(folder: Path, upstream: Upstream) -> Project:
    """What was built, approved by the trusted key: every tool and composite, and the shared subjects."""
    made = built(folder, upstream.url)
    roles = {role: made[f"{name}"] for role, name in packs.offer.NAMES.items()}
    files = packs.with_roots(PackFiles(id="shop", lock=None, roots=(), **roles), sign.sign_root(packs.ROOT, packs.T1))
    files = packs.approve(files, *packs.offer.parse(files).contents)
    pins.write(LocalFiles(), folder / "home" / ".config" / "caskmcp", packs.PIN)
    return Project(folder, upstream, packs.write(files, folder / ".caskmcp"), files)


@pytest.mark.feature(40)
def test_composites_of_a_manifest_are_built_signed_listed_and_each_of_their_calls_is_gated(tmp_path: Path, upstream: Upstream) -> None:
    shop = signed(tmp_path, upstream)
    command, *words = shop.command()
    parameters = StdioServerParameters(command=command, args=words, cwd=shop.folder, env=shop.environ)

    async def run() -> tuple[Any, ...]:
        async with Client(parameters, read_timeout_seconds=20) as client:
            listed = (await client.list_tools()).tools
            calls = [
                await client.call_tool(name, {}) for name in ("get_first_order", "get_each_order", "list_all_orders", "delete_first_order")
            ]
            return listed, *calls

    listed, first, each, pages, delete = anyio.run(run)
    assert [tool.name for tool in listed] == sorted(["list_orders", "get_order", "delete_order", "delete_first_order", *NAMES])
    by_name = {tool.name: tool for tool in listed}
    assert by_name["get_first_order"].description == (
        "The first order of the list, whole. Calls list_orders, then get_order. Reads only; changes nothing."
    )
    assert by_name["delete_first_order"].annotations.destructive_hint is True
    assert list(by_name["list_all_orders"].input_schema["properties"]) == []
    assert first.structured_content["data"] == {"id": 7, "status": "open"}
    assert [row["id"] for row in each.structured_content["data"]] == [7, 8]
    assert pages.structured_content["data"] == [{"id": 7}, {"id": 8}, {"id": 9}, {"id": 10}]
    # What destroys is critical or high: the composite itself is denied or asks, and nothing of it is sent.
    assert delete.is_error is True
    assert [heard.method for heard in upstream.heard] == ["GET"] * 7
    rows = [(row["tool"], row["verdict"]) for row in shop.decisions()]
    assert rows[:3] == [("list_orders", "allow"), ("get_order", "allow"), ("get_first_order", "allow")]
    assert len([row for row in rows if row[0] in ("list_orders", "get_order")]) == 7


def test_a_build_with_composites_gives_the_same_bytes_again_and_has_no_finding_of_lint(tmp_path: Path) -> None:
    assert built(tmp_path / "a") == built(tmp_path / "b")
    report = lint.run(world(tmp_path / "a"))
    assert [row.subject for row in report.findings if any(name in row.subject for name in (*NAMES, "delete_first_order"))] == []


# fmt: off
REFUSED = (
    ("at: /orders/0/id}}\n    get_each",  "at: /orders/0/no}}\n    get_each",  "CASK-N005", "cask.yaml:16", "is not known to have `/orders/0/no`"),
    ("        - tool: get_order\n          with: {order_id: {item", "        - tool: get_first_order\n          with: {order_id: {item", "CASK-N005", "cask.yaml:22", "no composite calls another"),
    ("tool: delete_order",                "tool: burn_order",                  "CASK-N005", "cask.yaml:34", "there is no tool `burn_order`"),
    ("get_first_order:",                  "get_order:",                        "CASK-N003", "cask.yaml:10", "would be the name of a composite and of a tool"),
    ("most: {calls: 3}",                  "most: {calls: 101}",                "CASK-I004", "cask.yaml:24", "less than or equal to 100"),
    ("kind: paginate",                    "kind: repeat",                      "CASK-I004", "cask.yaml:26", "expected 'chain', 'for-each' or 'paginate'"),
    ("item: /id",                         "item: id",                          "CASK-I004", "cask.yaml:23", "expected a JSON pointer"),
    ("{step: 1, at: /orders/0/id}}\n    get_each", "{step: 2, at: /orders/0/id}}\n    get_each", "CASK-I004", "cask.yaml:10", "which does not come before it"),
)
# fmt: on


@pytest.mark.parametrize(("old", "new", "code", "place", "what"), REFUSED, ids=[row[4] for row in REFUSED])
def test_a_wrong_composite_is_refused_with_its_line_and_a_mend(
    tmp_path: Path, old: str, new: str, code: str, place: str, what: str
) -> None:
    assert old in MANIFEST
    with pytest.raises(CaskError) as caught:
        built(tmp_path, manifest=MANIFEST.replace(old, new))
    assert caught.value.code == code
    assert what in caught.value.what
    assert caught.value.place == place
    assert caught.value.mend
    assert caught.value.exit == 3


# ---------------------------------------------------------------- who reads it
@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made") / "shop"
    built(folder, manifest=MANIFEST + "emit: [tools, openapi, contracts, skill, client]\n")
    return folder


def artifact(folder: Path, name: str) -> bytes:
    return (folder / ".caskmcp" / "toolpacks" / "shop" / "artifact" / name).read_bytes()


def test_diff_names_each_composite_as_new(made: Path) -> None:
    report = diff.run(world(made))
    assert {f"tool:{name}" for name in NAMES} <= {str(row["subject"]) for row in report.tables["changes"]}


def test_explain_sends_the_reader_to_the_tools_that_are_called(made: Path) -> None:
    with pytest.raises(CaskError) as caught:
        explain.run(world(made), "get_first_order")
    assert (caught.value.code, caught.value.mend) == ("CASK-I010", "cask explain list_orders")
    assert "list_orders, get_order" in caught.value.what


def test_who_approves_reads_what_is_called_how_it_is_filled_and_how_far_it_goes(made: Path) -> None:
    tools = {tool.name: tool for tool in Tools.from_json(artifact(made, "tools.json"), "tools.json").tools}
    plan = tools["get_each_order"].composite
    assert plan is not None
    assert plan.line == "for-each of list_orders, get_order; 3 calls and 100000 bytes at most"
    assert plan.steps_told == ("step 1: list_orders(cursor: argument cursor)", "step 2: get_order(order_id: item/id)")


def test_the_skill_and_the_typed_client_know_composites(made: Path) -> None:
    assert b"get_first_order" in artifact(made, "SKILL.md")
    client = artifact(made, "client.py")
    assert b"async def get_first_order(self" in client
    compile(client, "client.py", "exec")


def test_our_own_document_read_again_gives_the_operations_and_no_composite(made: Path, tmp_path: Path) -> None:
    (tmp_path / "openapi.json").write_bytes(artifact(made, "openapi.json"))
    (tmp_path / "cask.yaml").write_text(
        f"version: 1\nname: shop\nhosts: [{packs.HOST}]\nsources: [{{openapi: openapi.json}}]\n", encoding="utf-8"
    )
    build.run(world(tmp_path))
    again = Tools.from_json(artifact(tmp_path, "tools.json"), "tools.json").tools
    assert [tool.name for tool in again] == ["delete_order", "get_order", "list_orders"]
    first = {tool.name: tool for tool in Tools.from_json(artifact(made, "tools.json"), "tools.json").tools}
    assert all(tool.request == first[tool.name].request for tool in again)
