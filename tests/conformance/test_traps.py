"""Traps of the protocol library (`traps.yaml`) that no other test holds us out of."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest

from caskmcp.runtime import mcp_server, stdio
from caskmcp.runtime.mcp_server import SENDER, Front
from caskmcp.runtime.tokens import Caller
from caskmcp.store.credentials import ReferencedCredentials
from caskmcp.workflows import serve
from caskmcp.workflows.serve import Asked
from tests.support.serving import META, TOKEN, project
from tests.support.upstream import Upstream
from tests.support.world import world


def test_what_others_print_does_not_reach_the_client(capfd: pytest.CaptureFixture[str]) -> None:
    ends = os.pipe()
    kept = os.dup(0), os.dup(1)
    os.dup2(ends[1], 1)
    try:
        with stdio.claimed() as wire:
            os.write(1, b"a stray line\n")
            os.write(wire.write, b"the protocol\n")
            assert os.read(0, 10) == b"", "and nobody else reads what the client says"
    finally:
        for end, number in zip(kept, (0, 1), strict=True):
            os.dup2(end, number)
            os.close(end)
        os.close(ends[1])
    assert os.read(ends[0], 100) == b"the protocol\n"
    os.close(ends[0])
    assert "a stray line" in capfd.readouterr().err


async def called(front: Front) -> int:
    """Call `r` over HTTP, without a socket; the answer's status."""
    app = front.server().streamable_http_app()

    async def named(scope: Any, receive: Any, send: Any) -> None:
        await app({**scope, SENDER: Caller("test")}, receive, send)

    said = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "r", "arguments": {"order_id": 7}, "_meta": META}}
    headers = {
        "MCP-Protocol-Version": "2026-07-28",
        "Mcp-Method": "tools/call",
        "Mcp-Name": "r",
        "Accept": "application/json, text/event-stream",
    }
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=httpx2.ASGITransport(named), base_url="http://127.0.0.1:8000") as client,
    ):
        return int((await client.post("/mcp", json=said, headers=headers)).status_code)


@pytest.mark.parametrize("given", [True, False])
def test_a_call_over_http_does_not_make_the_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: bool) -> None:
    """Without the look-up the library makes the list for each call, and so the test is one that can fail."""
    listed: list[str] = []
    real = Front._list

    async def counted(self: Front, ctx: Any, params: Any) -> Any:
        listed.append("made")
        return await real(self, ctx, params)

    monkeypatch.setattr(Front, "_list", counted)
    if not given:
        inner = mcp_server.Announcing

        def bare(*words: Any, get_tool_input_schema: Any, **named: Any) -> Any:
            return inner(*words, **named)

        monkeypatch.setattr(mcp_server, "Announcing", bare)
    with Upstream() as upstream:
        shop = project(tmp_path, upstream)
        of = replace(world(shop.folder, config=shop.config), credentials=ReferencedCredentials({"SHOP_TOKEN": TOKEN}))
        front = serve.front_of(of, Asked(environment="local"), lambda line: None)
        front.start()
        assert anyio.run(called, front) == 200
        assert (len(upstream.heard), bool(listed)) == (1, not given)
