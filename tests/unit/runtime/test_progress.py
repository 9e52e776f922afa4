"""A client that asks for progress is told of a call that takes long; one that does not ask is told nothing. The library's server, on streams, in both eras."""

from typing import Any

import anyio
import mcp_types as t
import pytest
from mcp.server.lowlevel import NotificationOptions, Server
from mcp.shared.message import SessionMessage

from caskmcp.runtime import progress
from tests.support.patience import HANGS
from tests.support.serving import META
from tests.support.web import HANDSHAKE

Said = dict[str, Any]


def said(method: str, params: Said, number: int = 0) -> SessionMessage:
    row = {"jsonrpc": "2.0", "method": method, "params": params, **({"id": number} if number else {})}
    return SessionMessage(t.jsonrpc_message_adapter.validate_python(row, by_name=False))


def heard_of(era: str, token: str | None, *, notes: int) -> list[Said]:
    """Everything that a client hears of a call that ends once the server has told so often of it."""
    out: list[Said] = []

    async def call(ctx: Any, params: t.CallToolRequestParams) -> t.CallToolResult:
        async def work() -> t.CallToolResult:
            while len(out) < notes:
                await anyio.sleep(0.005)
            return t.CallToolResult(content=[t.TextContent(text="done")])

        return await progress.told(ctx, work)

    async def run() -> None:
        to_server, from_client = anyio.create_memory_object_stream[SessionMessage | Exception](9)
        to_client, from_server = anyio.create_memory_object_stream[SessionMessage](9)
        server: Server[Any] = Server("s", on_call_tool=call)
        options = server.create_initialization_options(NotificationOptions())
        asked = {"progressToken": token} if token else {}
        with anyio.fail_after(HANGS):
            async with anyio.create_task_group() as tasks, from_server, to_server:
                tasks.start_soon(server.run, from_client, to_client, options)
                if era == "handshake":
                    await to_server.send(said("initialize", HANDSHAKE, 1))
                    await from_server.receive()
                    await to_server.send(said("notifications/initialized", {}))
                meta = {**(META if era == "modern" else {}), **asked}
                await to_server.send(said("tools/call", {"name": "a", "arguments": {}, "_meta": meta}, 2))
                async for each in from_server:
                    out.append(each.message.model_dump(by_alias=True, exclude_unset=True))
                    if "result" in out[-1]:
                        break
                tasks.cancel_scope.cancel()

    anyio.run(run)
    return out


@pytest.mark.parametrize("era", ["handshake", "modern"])
def test_a_call_that_takes_long_is_told_of_by_seconds_that_rise(monkeypatch: pytest.MonkeyPatch, era: str) -> None:
    monkeypatch.setattr(progress, "EVERY", 0.01)
    *notes, answer = heard_of(era, "p", notes=3)
    assert answer["id"] == 2
    assert [row["method"] for row in notes] == ["notifications/progress"] * len(notes)
    assert [{key: row["params"][key] for key in ("progressToken", "progress", "message")} for row in notes[:3]] == [
        {"progressToken": "p", "progress": 0.01, "message": "waiting for the answer"},
        {"progressToken": "p", "progress": 0.02, "message": "waiting for the answer"},
        {"progressToken": "p", "progress": 0.03, "message": "waiting for the answer"},
    ]


def test_a_call_that_ends_at_once_is_not_told_of() -> None:
    assert [row["id"] for row in heard_of("modern", "p", notes=0)] == [2]


def test_who_did_not_ask_is_told_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "EVERY", 0.0)
    assert [row["id"] for row in heard_of("modern", None, notes=0)] == [2]
