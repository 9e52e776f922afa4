"""Tools of an existing MCP server: listed once by a real client, compiled, approved by a person, called through our own server."""

import http.server
import json
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest

from tests.e2e.test_first_hour import PASSPHRASE, Desk, approve_everything
from tests.support.mcp_server import Running
from tests.support.terminal import ROOT

ODD = {
    "no schema": [{"name": "Planted7788", "inputSchema": "Planted7788"}],
    "long name": [{"name": "Planted7788" * 100, "inputSchema": {"type": "object"}}],
    "long words": [{"name": "a", "description": "Planted7788" * 10_000, "inputSchema": {"type": "object"}}],
    "no tools": "Planted7788",
}


class Odd(http.server.BaseHTTPRequestHandler):
    """A server of the handshake era whose list is none; the path says which."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        info = {"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": {"name": "odd", "version": "1"}}
        listed = {"tools": ODD[self.path.strip("/").replace("-", " ")]}
        found = {"initialize": info, "tools/list": listed}.get(asked.get("method"))
        told = {"result": found} if found else {"error": {"code": -32601, "message": "Planted7788"}}
        data = json.dumps({"jsonrpc": "2.0", "id": asked.get("id"), **told}).encode() if "id" in asked else b""
        self.send_response(200 if data else 202)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


SERVER = [sys.executable, "-m", "tests.support.mcp_server"]


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    with Running() as server:
        yield server


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def surface(desk: Desk) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((desk.project / "specs" / "order-desk.mcp.json").read_text())
    return found


def tools(desk: Desk) -> dict[str, Any]:
    (path,) = desk.project.glob(".caskmcp/toolpacks/*/artifact/tools.json")
    return {tool["name"]: tool for tool in json.loads(path.read_text())["tools"]}


@pytest.mark.feature(93)
def test_its_tools_are_listed_compiled_approved_and_called(desk: Desk, running: Running) -> None:
    done = desk.run("capture", "mcp", running.url)
    assert done.exit == 0, done.errors
    assert "order-desk.mcp.json: 3 operations; left out: 1 unsupported" in done.transcript + done.errors
    manifest = desk.project / "cask.yaml"
    place = f'environments: {{local: {{"{running.host}": {{url: "http://{running.host}", private: true}}}}}}\n'
    manifest.write_text(manifest.read_text() + "name: shop\n" + place)
    assert desk.run("build").exit == 0
    approve_everything(desk)
    for name in ("get_order", "ping"):
        with desk.person("gate", "allow", name, "--reason", "looked at it") as person:
            person.expect("Passphrase for alice:").send(PASSPHRASE)
            person.expect("Type `shop` to sign:").send("shop")
            assert person.finish().exit == 0

    assert desk.run("gate", "block", "delete_order", "--reason", "not for agents").exit == 0

    async def listed(client: Any) -> list[str]:
        return [tool.name for tool in (await client.list_tools()).tools]

    async def ask(client: Any) -> Any:
        return await client.call_tool("get_order", {"order_id": 7})

    assert anyio.run(desk.agent, listed, "--env", "local") == ["get_order", "ping"]  # of three
    asked = anyio.run(desk.agent, ask, "--env", "local")
    challenge = asked.meta["dev.caskmcp/error"]["challenge"]
    with desk.person("confirm", "grant", challenge) as person:
        person.expect("Passphrase for alice:").send(PASSPHRASE)
        assert person.finish().exit == 0
    answer = anyio.run(desk.agent, ask, "--env", "local")
    assert (answer.is_error, answer.structured_content) == (False, {"id": 7, "state": "open"})


def test_nothing_that_the_server_says_of_itself_lowers_a_risk_or_reaches_an_agent_unread(desk: Desk, running: Running) -> None:
    assert desk.run("capture", "mcp", running.url).exit == 0
    assert desk.run("build").exit == 0
    found = tools(desk)
    assert {name: tool["risk"] for name, tool in found.items()} == {"get_order": "high", "delete_order": "high", "ping": "high"}
    assert not any(tool["annotations"]["read_only"] for tool in found.values())
    assert "gnore previous" not in json.dumps(found)
    assert "\u200b" not in json.dumps(found, ensure_ascii=False)
    body = found["get_order"]["request"]["body"]
    assert (body["constants"]["params"]["name"], body["within"]) == ("get_order", ["params", "arguments"])
    assert found["get_order"]["request"]["constants"]["Mcp-Name"] == "get_order"


def test_listing_twice_adds_nothing_and_a_changed_server_is_a_changed_document(desk: Desk, running: Running) -> None:
    assert desk.run("capture", "mcp", running.url).exit == 0
    before = {path: path.read_bytes() for path in desk.project.rglob("*") if path.is_file()}
    again = desk.run("capture", "mcp", running.url)
    assert (again.exit, "known" in again.transcript) == (0, True), again.errors
    assert {path: path.read_bytes() for path in desk.project.rglob("*") if path.is_file()} == before


def test_a_server_on_stdio_is_listed_where_its_address_is_said(desk: Desk) -> None:
    desk.env["PYTHONPATH"] = str(ROOT)
    words = ("capture", "mcp", "--at", "https://orders.example/mcp", "--", *SERVER)
    done = desk.run(*words)
    assert done.exit == 0, done.errors
    assert surface(desk)["server"] == {"name": "Order Desk", "version": "1.2", "url": "https://orders.example/mcp"}
    assert "hosts: [orders.example]" in (desk.project / "cask.yaml").read_text()


def test_a_token_is_given_by_reference_and_stands_nowhere(desk: Desk) -> None:
    with Running("tok-Planted5566") as server:
        refused = desk.run("capture", "mcp", server.url)
        assert (refused.exit, "CASK-W007" in refused.errors) == (5, True), refused.errors
        assert list(desk.project.iterdir()) == []
        desk.env["ORDER_TOKEN"] = "tok-Planted5566"
        done = desk.run("capture", "mcp", server.url, "--token", "env:ORDER_TOKEN")
    assert done.exit == 0, done.errors
    assert not any(b"Planted5566" in path.read_bytes() for path in desk.project.parent.rglob("*") if path.is_file())


@pytest.mark.parametrize(
    ("words", "code", "exit_"),
    [
        (("https://user:secret@orders.example/mcp",), "CASK-I001", 3),
        (("https://orders.example/mcp?key=secret",), "CASK-I001", 3),
        (("--", "no-such-command"), "CASK-I001", 3),
        (("--at", "https://orders.example/mcp", "--", "/nonexistent/command"), "CASK-W007", 5),
        (("--at", "https://orders.example/mcp", "--", sys.executable, "-c", "print('no protocol')"), "CASK-W007", 5),
        (("http://127.0.0.1:9/mcp",), "CASK-W007", 5),
        (("http://127.0.0.1:9/mcp", "--token", "secret"), "CASK-I001", 3),
        (("http://127.0.0.1:9/mcp", "--token", "env:ABSENT"), "CASK-R009", 4),
    ],
)
def test_what_cannot_be_listed_is_an_error_and_nothing_is_written(desk: Desk, words: tuple[str, ...], code: str, exit_: int) -> None:
    done = desk.run("capture", "mcp", *words)
    assert (code in done.errors, done.exit) == (True, exit_), done.errors
    assert "Traceback" not in done.errors
    assert "secret" not in done.errors
    assert list(desk.project.iterdir()) == []


@pytest.mark.parametrize("kind", ODD)
def test_a_list_that_is_none_is_an_error_that_quotes_nothing_of_it(desk: Desk, kind: str) -> None:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Odd)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        done = desk.run("capture", "mcp", f"http://127.0.0.1:{server.server_port}/{kind.replace(' ', '-')}")
    finally:
        server.shutdown()
        server.server_close()
    assert (done.exit, "CASK-W007" in done.errors) == (5, True), done.errors
    assert "Planted7788" not in done.errors + done.transcript
    assert "Traceback" not in done.errors
    assert list(desk.project.iterdir()) == []
