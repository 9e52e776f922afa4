"""The list is shaped and encoded once a surface; what is sent again is what was made, and nothing unusual is answered from what was kept."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import anyio
import mcp_types as t
import pytest
from mcp.server import lowlevel

from caskmcp.runtime import listing
from caskmcp.runtime.clean import clean
from caskmcp.runtime.listing import Listings, Rows, line
from caskmcp.runtime.mcp_server import Front, Setting
from tests.support.world import CountingEntropy, FixedClock

META = {"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}}
ROWS = [{"name": "a", "description": "ä\u2028"}, {"name": "b", "inputSchema": {"type": "object"}}]


def context(version: str = "2026-07-28", method: str = "tools/list", **more: Any) -> Any:
    return SimpleNamespace(method=method, protocol_version=version, params={"_meta": META, **more})


@dataclass
class Server:
    """What stands behind: counts how often the list is made."""

    surface: Mapping[str, Any] = field(default_factory=lambda: {"tools": ROWS})
    made: int = 0

    async def current(self, ctx: Any) -> Mapping[str, Any]:
        return self.surface

    async def handler(self, ctx: Any) -> Any:
        self.made += 1
        return {**self.surface, "ttlMs": 0}


def asked(server: Server, *contexts: Any) -> list[Any]:
    kept = Listings(server.current)

    async def run() -> list[Any]:
        return [await kept(each, server.handler) for each in contexts]

    return anyio.run(run)


def test_the_same_surface_is_made_once_and_sent_again() -> None:
    server = Server()
    first, second, third = asked(server, context(), context(), context())
    assert first == second == third == {"tools": ROWS, "ttlMs": 0}
    assert server.made == 1


def test_another_surface_is_made_anew() -> None:
    server, told = Server(), []
    kept = Listings(server.current)

    async def run() -> None:
        told.append(await kept(context(), server.handler))
        server.surface = {"tools": []}
        told.append(await kept(context(), server.handler))
        told.append(await kept(context(), server.handler))

    anyio.run(run)
    assert [len(row["tools"]) for row in told] == [2, 0, 0]
    assert server.made == 2


@pytest.mark.parametrize(
    "odd",
    [
        context("2025-11-25"),
        context(method="tools/call"),
        context(cursor="x"),
        SimpleNamespace(method="tools/list", protocol_version="2026-07-28", params={"_meta": {**META, "progressToken": 1}}),
        SimpleNamespace(method="tools/list", protocol_version="2026-07-28", params=None),
    ],
    ids=["handshake", "call", "cursor", "progress", "bare"],
)
def test_what_is_out_of_the_ordinary_goes_the_whole_way(odd: Any) -> None:
    server = Server()
    asked(server, context(), odd, odd)
    assert server.made == 3


def test_a_surface_that_changes_while_its_list_is_made_is_not_kept() -> None:
    server = Server()
    kept = Listings(server.current)

    async def changing(ctx: Any) -> Any:
        answer = await server.handler(ctx)
        server.surface = {"tools": []}
        return answer

    async def run() -> list[Any]:
        return [await kept(context(), changing), await kept(context(), server.handler)]

    before, after = anyio.run(run)
    assert (len(before["tools"]), len(after["tools"])) == (2, 0)


def test_an_answer_of_another_kind_is_passed_on_and_not_kept() -> None:
    async def run() -> tuple[Any, Any]:
        async def refusing(ctx: Any) -> Any:
            return t.ErrorData(code=-32600, message="no")

        kept = Listings(Server().current)
        return await kept(context(), refusing), await kept(context(), Server().handler)

    refused, good = anyio.run(run)
    assert refused.code == -32600
    assert good["tools"] == ROWS


def test_no_more_lists_are_kept_than_there_are_kinds_of_callers() -> None:
    kept, surfaces = Listings(Server().current), [{"tools": [number]} for number in range(listing.MOST + 1)]
    for number, surface in enumerate(surfaces):
        kept._keep(("2026-07-28", number), surface, {})
    assert len(kept._made) == 1


# ---------------------------------------------------------------- lines
@pytest.mark.parametrize("more", [{}, {"ttlMs": 0, "_meta": {"a": "ü"}}])
@pytest.mark.parametrize("number", [7, 'a"b'])
def test_a_line_with_rows_that_were_encoded_says_what_the_library_would(more: dict[str, Any], number: int | str) -> None:
    plain = t.JSONRPCResponse(jsonrpc="2.0", id=number, result={"tools": ROWS, **more})
    kept = t.JSONRPCResponse(jsonrpc="2.0", id=number, result={"tools": Rows(ROWS), **more})
    assert json.loads(line(kept)) == json.loads(line(plain)) == {"jsonrpc": "2.0", "id": number, "result": {"tools": ROWS, **more}}
    assert b"\n" not in line(kept)


def test_rows_are_encoded_once() -> None:
    rows = Rows(ROWS)
    first = rows.json
    rows.append("later")
    assert rows.json is first
    assert json.loads(first) == ROWS


def test_any_other_message_is_the_librarys() -> None:
    error = t.JSONRPCError(jsonrpc="2.0", id=None, error=t.ErrorData(code=-32700, message="no"))
    assert line(error) == error.model_dump_json(by_alias=True, exclude_unset=True).encode()


def test_the_library_tells_nobody_of_calls_beside_what_a_person_asked_for() -> None:
    """Its spans would go to whoever listens in the process, with names that callers made up; `telemetry` has its own."""
    setting = Setting("shop", None, False, FixedClock(), CountingEntropy(), clean, print)
    server = Front((), setting).server()
    assert [type(each).__name__ for each in server.middleware] == ["Listings"]
    assert [type(each).__name__ for each in lowlevel.Server[Any]("bare").middleware] == ["OpenTelemetryMiddleware"], (
        "what the library brings along"
    )
