"""`cask serve --http` as clients and people meet it: a real process on a loopback port, both protocol eras, tokens, a stop."""

import json
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError

from tests.support.patience import HANGS
from tests.support.serving import META, Project, project
from tests.support.upstream import Upstream, answer
from tests.support.web import ALL, NAMES, SUPPORT, Web


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with Upstream() as running:
        yield running


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, upstream: Upstream) -> Iterator[Web]:
    with Web(project(tmp_path_factory.mktemp("shop"), upstream)) as running:
        yield running


def within(seconds: float, holds: Callable[[], bool]) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if holds():
            return True
        time.sleep(0.05)
    return holds()


# ---------------------------------------------------------------- public clients
@pytest.mark.feature(74)
@pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])
def test_a_public_client_lists_and_calls(server: Web, upstream: Upstream, mode: Any) -> None:
    async def run() -> tuple[Any, Any, str]:
        async with (
            httpx2.AsyncClient(headers={"Authorization": f"Bearer {ALL}"}) as http,
            Client(streamable_http_client(server.url, http_client=http), mode=mode, read_timeout_seconds=HANGS) as client,
        ):
            listed = await client.list_tools()
            good = await client.call_tool("r", {"order_id": 7, "state": "paid"})
            try:
                await client.call_tool("x", {"order_id": 7})
            except MCPError as error:
                unknown = f"{error.error.code} {error.error.message}"
            return listed, good, unknown

    before = len(upstream.heard)
    listed, good, unknown = anyio.run(run)
    assert [tool.name for tool in listed.tools] == ["r", "w"]
    assert good.structured_content["head"].startswith("GET /orders/7/r?state=paid HTTP/1.1")
    assert unknown == "-32602 Unknown tool"
    assert [heard.target for heard in upstream.heard[before:]] == ["/orders/7/r?state=paid"]


def test_two_callers_see_and_call_what_their_tokens_say(server: Web) -> None:
    assert server.tools(ALL) == ["r", "w"]
    assert server.tools(SUPPORT) == ["r"]
    error = server.call("w", SUPPORT, order_id=7)["error"]
    assert (error["code"], error["message"], error["data"]["code"]) == (-32602, "Unknown tool", "CASK-R001")
    assert server.call("w", ALL, order_id=7)["_meta"]["dev.caskmcp/error"]["code"] == "CASK-R005"
    session = server.session(SUPPORT)
    listed = server.said({"method": "tools/list", "id": 2}, session, SUPPORT).message["result"]["tools"]
    assert [row["name"] for row in listed] == ["r"]


def test_the_list_is_the_same_on_every_connection_of_a_caller(server: Web) -> None:
    first = server.ask("tools/list", User_Agent="one").message["result"]
    second = server.ask("tools/list", User_Agent="two").message["result"]
    assert first == second
    assert (first["ttlMs"], first["cacheScope"], first["resultType"]) == (0, "private", "complete")


def test_the_record_and_the_confirmation_name_the_caller(server: Web) -> None:
    said = server.call("w", ALL, order_id=9)["_meta"]["dev.caskmcp/error"]
    row = [row for row in server.project.decisions() if row["tool"] == "w"][-1]
    assert row["caller"] == "token ci, environment local"
    assert row["extra"]["challenge"] == said["challenge"]
    other = server.call("r", SUPPORT, order_id=9)
    assert other["isError"] is False
    assert [row for row in server.project.decisions() if row["tool"] == "r"][-1]["caller"] == "token helpdesk, environment local"


def test_a_token_is_in_no_answer_no_log_no_record_and_no_request_to_the_upstream(server: Web, upstream: Upstream) -> None:
    said = server.call("r", ALL, order_id=11)
    server.ask("tools/list", token=ALL + "0")
    kept = [path for path in server.project.folder.rglob("*") if path.is_file() and "home" not in path.parts]
    everything = json.dumps(said) + "\n".join(server.errors) + "".join(heard.head for heard in upstream.heard)
    for token in NAMES:
        assert token not in everything
        assert all(token.encode() not in path.read_bytes() for path in kept)
    assert upstream.heard[-1].header("mcp-protocol-version") is None


# ---------------------------------------------------------------- eras and sessions
def test_a_session_is_its_callers_alone(server: Web) -> None:
    session = server.session(ALL)
    assert server.said({"method": "tools/list", "id": 2}, session, ALL).status == 200
    assert server.said({"method": "tools/list", "id": 2}, session, SUPPORT).status == 404
    stolen = server.send("DELETE", "/mcp", {**server.headers(SUPPORT), "Mcp-Session-Id": session})
    assert stolen.status == 404
    assert server.said({"method": "tools/list", "id": 3}, session, ALL).status == 200


@pytest.mark.parametrize("number", ["0" * 32, "chosen-by-me", "../x"])
def test_a_session_that_the_client_chose_is_none(server: Web, number: str) -> None:
    assert server.said({"method": "initialize", "id": 1, "params": {}}, number).status == 404


def test_a_session_that_was_ended_is_gone(server: Web) -> None:
    session = server.session()
    head = {**server.headers(), "Mcp-Session-Id": session, "MCP-Protocol-Version": "2025-11-25"}
    assert server.send("DELETE", "/mcp", head).status == 200
    assert server.said({"method": "tools/list", "id": 2}, session).status == 404


def test_the_newest_era_has_no_session_and_no_stream_of_its_own(server: Web) -> None:
    answered = server.ask("tools/list")
    assert "mcp-session-id" not in answered.headers
    stream = server.send("GET", "/mcp", server.headers(MCP_Protocol_Version="2026-07-28"))
    assert stream.status == 405


def test_discovery_and_the_handshake_both_announce_that_the_list_can_change(server: Web) -> None:
    modern = server.ask("server/discover").message["result"]["capabilities"]
    opened = server.said({"method": "initialize", "id": 1, "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "0"}}}, "")  # fmt: skip
    assert modern == opened.message["result"]["capabilities"] == {"tools": {"listChanged": True}}


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"Mcp_Method": "tools/list"}, 400, -32020),
        ({"Mcp_Name": "w"}, 400, -32020),
        ({"MCP_Protocol_Version": "2999-01-01"}, 400, -32020),
        ({"Accept": "text/html"}, 406, None),
        ({"Content_Type": "text/plain"}, 400, None),
    ],
)
def test_headers_that_differ_from_the_body_are_refused(
    server: Web, upstream: Upstream, changes: dict[str, str], status: int, code: Any
) -> None:
    before = len(upstream.heard)
    head = {**server.headers(), "MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/call", "Mcp-Name": "r"}
    head |= {name.replace("_", "-"): value for name, value in changes.items()}
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "r", "arguments": {"order_id": 1}, "_meta": META}}
    said = server.send("POST", "/mcp", head, json.dumps(body).encode())
    assert said.status == status
    assert code is None or said.message["error"]["code"] == code
    assert len(upstream.heard) == before


@pytest.mark.parametrize("method", ["resources/list", "prompts/list", "logging/setLevel", "gate/allow"])
def test_what_is_not_registered_is_not_found(server: Web, method: str) -> None:
    said = server.ask(method)
    assert (said.status, said.message["error"]["code"]) == (404, -32601)


def test_an_unknown_cursor_is_refused(server: Web) -> None:
    assert server.ask("tools/list", {"cursor": "made-up"}).message["error"]["code"] == -32602


# ---------------------------------------------------------------- limits
@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"[" * 100_000, b"\xff\xfe", b'{"jsonrpc":"2.0"}', b'{"jsonrpc":"2.0","id":{},"method":"tools/list"}']
)
def test_a_body_that_is_no_message_is_answered_with_an_error(server: Web, body: bytes) -> None:
    head = {**server.headers(), "MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/list"}
    assert 400 <= server.send("POST", "/mcp", head, body).status < 500
    assert server.tools() == ["r", "w"]


def test_a_body_beyond_the_limit_is_refused_unread(server: Web) -> None:
    head = {**server.headers(), "MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/list"}
    assert server.send("POST", "/mcp", head, b" " * (2 << 20)).status == 413


def test_headers_beyond_the_limit_end_the_connection(server: Web) -> None:
    with server.raw() as connection:
        connection.sendall(b"POST /mcp HTTP/1.1\r\n")
        try:
            for _ in range(64):
                connection.sendall(b"X-Pad: " + b"x" * 1024 + b"\r\n")
            said = connection.recv(64)
        except (BrokenPipeError, ConnectionResetError):
            said = b""
    assert said in (b"",) or said.startswith(b"HTTP/1.1 4")
    assert server.tools() == ["r", "w"]


def test_health_is_told_to_anybody_and_nothing_else_is(server: Web) -> None:
    assert [server.send("GET", path, {}, host="probe").status for path in ("/healthz", "/readyz", "/mcp", "/", "/docs")] == [
        200,
        200,
        421,
        404,
        404,
    ]


# ---------------------------------------------------------------- cancelling
def test_a_call_whose_stream_is_closed_is_stopped_and_put_on_record(tmp_path: Path) -> None:
    asked, over = threading.Event(), threading.Event()

    def slow(_: Any) -> bytes:
        asked.set()
        over.wait(HANGS)
        return answer()

    with Upstream(slow) as upstream, Web(project(tmp_path, upstream)) as server:
        body = json.dumps(
            {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "r", "arguments": {"order_id": 3}, "_meta": META}}
        )
        head = {**server.headers(), "MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/call", "Mcp-Name": "r"}
        connection = HTTPConnection("127.0.0.1", server.port, timeout=HANGS)
        connection.request("POST", "/mcp", body, head)
        assert asked.wait(HANGS)
        connection.close()
        assert within(HANGS, lambda: bool(server.project.decisions()))
        (row,) = server.project.decisions()
        assert (row["code"], row["extra"]["outcome"]) == ("CASK-R007", "unknown")

        asked.clear()
        session = server.session()
        answers: list[Any] = []
        said = {"method": "tools/call", "id": 7, "params": {"name": "r", "arguments": {"order_id": 4}}}
        waiting = threading.Thread(target=lambda: answers.append(server.said(said, session)))
        waiting.start()
        assert asked.wait(HANGS)
        cancel = {"method": "notifications/cancelled", "params": {"requestId": 7, "reason": "enough"}}
        assert server.said(cancel, session).status == 202
        assert within(HANGS, lambda: len(server.project.decisions()) == 2)
        assert server.project.decisions()[1]["extra"]["outcome"] == "unknown"
        over.set()
        waiting.join(HANGS)
        assert server.tools() == ["r", "w"]
        assert server.stopped(signal.SIGINT) == 0


# ---------------------------------------------------------------- news
def test_a_change_of_the_list_is_told_in_both_eras(tmp_path: Path) -> None:
    async def run(server: Web, mode: Any) -> list[str]:
        heard = anyio.Event()

        async def noted(message: Any) -> None:
            if "list_changed" in str(getattr(message, "method", "")):
                heard.set()

        async with (
            httpx2.AsyncClient(headers={"Authorization": f"Bearer {ALL}"}, timeout=HANGS) as http,
            Client(streamable_http_client(server.url, http_client=http), mode=mode, message_handler=noted) as client,
        ):
            assert len((await client.list_tools()).tools) == 2
            with anyio.fail_after(HANGS):
                if mode == "legacy":
                    await anyio.sleep(0.3)  # the client opens its stream after the handshake
                    server.project.pack.lock.unlink()
                    await heard.wait()
                else:
                    async with client.listen(tools_list_changed=True) as news:
                        server.project.pack.lock.unlink()
                        async for _ in news:
                            break
            return [tool.name for tool in (await client.list_tools(cache_mode="refresh")).tools]

    with Upstream() as upstream, Web(project(tmp_path, upstream)) as server:
        for mode in ("legacy", "2026-07-28"):
            assert anyio.run(run, server, mode) == []
            server.project.rewrite(server.project.files)


# ---------------------------------------------------------------- the end
def test_a_stop_lets_the_call_on_its_way_end_and_closes_the_streams(tmp_path: Path) -> None:
    asked = threading.Event()

    def slow(_: Any) -> bytes:
        asked.set()
        time.sleep(0.8)
        return answer()

    with Upstream(slow) as upstream, Web(project(tmp_path, upstream)) as server:
        session = server.session()
        stream = server.raw()
        stream.sendall(
            f"GET /mcp HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nAuthorization: Bearer {ALL}\r\nAccept: text/event-stream\r\n"
            f"Mcp-Session-Id: {session}\r\nMCP-Protocol-Version: 2025-11-25\r\n\r\n".encode()
        )
        answers: list[dict[str, Any]] = []
        calling = threading.Thread(target=lambda: answers.append(server.call("r", order_id=5)))
        calling.start()
        assert asked.wait(HANGS)
        assert server.stopped(signal.SIGTERM) == 0
        calling.join(HANGS)
        stream.close()
        events = [row["event"] for row in server.events]
    assert answers[0]["isError"] is False
    assert events[-2:] == ["stopping", "stopped"]
    assert not any("Traceback" in line for line in server.errors)


# ---------------------------------------------------------------- starts that cannot be
def finished(shop: Project, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        shop.command(*words), cwd=shop.folder, env=shop.environ, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=HANGS
    )


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (("--http", "0.0.0.0:0", "--token-file", "tokens.yaml"), 4, "CASK-H001"),
        (("--http",), 3, "there is no terminal to show a passing one on"),
    ],
)
def test_a_start_that_would_be_open_is_refused_and_says_the_mend(server: Web, words: tuple[str, ...], status: int, said: str) -> None:
    done = finished(server.project, *words)
    assert (done.returncode, done.stdout) == (status, "")
    assert said in done.stderr
    assert "cask serve --env local --http" in done.stderr
