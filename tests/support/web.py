"""A `cask serve --http` of its own for a test: a real process on a loopback port, spoken to in raw HTTP or by a public client.

`ALL` and `SUPPORT` are the two tokens of its file: one sees everything, the other the toolset `support` alone.
"""

import json
import os
import signal
import socket
import subprocess
import threading
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from http.client import HTTPConnection
from types import TracebackType
from typing import Any, Final, NamedTuple, Self

from caskmcp.runtime import tokens
from tests.support.patience import HANGS
from tests.support.serving import META, Project

ALL: Final = "cask_" + "a1" * 32
SUPPORT: Final = "cask_" + "b2" * 32
NAMES: Final = {ALL: ("ci", ()), SUPPORT: ("helpdesk", ("support",))}
ACCEPT: Final = "application/json, text/event-stream"
HANDSHAKE: Final = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "0"}}


def token_file(project: Project) -> str:
    """Write the file of both tokens; its name in the project."""
    rows = [
        {"name": name, "sha256": tokens.digest(token.encode()), **({"toolsets": list(toolsets)} if toolsets else {})}
        for token, (name, toolsets) in NAMES.items()
    ]
    path = project.folder / "tokens.yaml"
    path.write_text(json.dumps({"tokens": rows}))
    path.chmod(0o600)
    return path.name


class Answered(NamedTuple):
    """One HTTP answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def message(self) -> dict[str, Any]:
        """The JSON-RPC message: the body, or the last event of a stream."""
        if self.headers.get("content-type", "").startswith("text/event-stream"):
            rows = [line.removeprefix("data: ") for line in self.body.decode().splitlines() if line.startswith("data: {")]
            return json.loads(rows[-1])  # type: ignore[no-any-return]
        return json.loads(self.body)  # type: ignore[no-any-return]


@dataclass
class Web:
    """The process; `port` once it listens."""

    project: Project
    words: tuple[str, ...] = ()
    errors: list[str] = field(default_factory=list)

    def __enter__(self) -> Self:
        words = ("--http", "127.0.0.1:0", "--token-file", token_file(self.project), *self.words)
        self.process = subprocess.Popen(
            self.project.command(*words),
            cwd=self.project.folder,
            env=self.project.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self._listening = threading.Event()
        self.port = 0
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        assert self._listening.wait(2 * HANGS), self.errors
        assert self.port, self.errors
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._reader.join(HANGS)
        for pipe in (self.process.stdout, self.process.stderr):
            if pipe is not None:
                pipe.close()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.errors.append(line.decode().rstrip("\n"))
            row = self.events[-1:]
            if row and row[0]["event"] == "listening":
                self.port = int(row[0]["url"].rpartition(":")[2].removesuffix("/mcp"))
                self._listening.set()
        self._listening.set()

    @property
    def url(self) -> str:
        """Where clients go."""
        return f"http://127.0.0.1:{self.port}/mcp"

    @property
    def events(self) -> list[dict[str, Any]]:
        """The lines of its log that are events."""
        return [json.loads(line) for line in self.errors if line.startswith('{"at"')]

    # ------------------------------------------------------------ requests
    def send(self, method: str, path: str, headers: Mapping[str, str], body: bytes = b"", *, host: str | None = None) -> Answered:
        """One request as it is; the Host header is the server's own unless said."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=HANGS)
        with closing(connection):
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            if host != "":
                connection.putheader("Host", host or f"127.0.0.1:{self.port}")
            for name, value in headers.items():
                connection.putheader(name, value)
            if body:
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body or None)
            answer = connection.getresponse()
            return Answered(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())

    def headers(self, token: str | None = ALL, **more: str) -> dict[str, str]:
        """The headers of a good request."""
        base = {"Content-Type": "application/json", "Accept": ACCEPT, **({"Authorization": f"Bearer {token}"} if token else {})}
        return {**base, **{name.replace("_", "-"): value for name, value in more.items()}}

    def ask(self, method: str, params: Mapping[str, Any] | None = None, *, token: str | None = ALL, **more: str) -> Answered:
        """One request of the newest protocol."""
        said = {"jsonrpc": "2.0", "id": 1, "method": method, "params": {**(params or {}), "_meta": META}}
        named = {"Mcp-Name": str(params["name"])} if params and "name" in params else {}
        head = {**self.headers(token, **more), "MCP-Protocol-Version": "2026-07-28", "Mcp-Method": method, **named}
        return self.send("POST", "/mcp", head, json.dumps(said).encode())

    def tools(self, token: str = ALL) -> list[str]:
        """The listed tools."""
        return [row["name"] for row in self.ask("tools/list", token=token).message["result"]["tools"]]

    def call(self, tool: str, token: str = ALL, **arguments: Any) -> dict[str, Any]:
        """A call's result, or `{"error": …}`."""
        said = self.ask("tools/call", {"name": tool, "arguments": arguments}, token=token).message
        result: dict[str, Any] = said.get("result") or {"error": said["error"]}
        return result

    def session(self, token: str = ALL) -> str:
        """Shake hands in the earlier protocol; the session's id."""
        opened = self.said({"method": "initialize", "id": 1, "params": HANDSHAKE}, "", token)
        assert opened.status == 200, opened
        number = opened.headers["mcp-session-id"]
        assert self.said({"method": "notifications/initialized"}, number, token).status == 202
        return number

    def said(self, message: Mapping[str, Any], session: str, token: str = ALL) -> Answered:
        """One message of the earlier protocol."""
        head = {**self.headers(token), **({"Mcp-Session-Id": session, "MCP-Protocol-Version": "2025-11-25"} if session else {})}
        return self.send("POST", "/mcp", head, json.dumps({"jsonrpc": "2.0", **message}).encode())

    def raw(self) -> socket.socket:
        """A connection that says nothing yet."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=HANGS)

    def stopped(self, number: int = signal.SIGTERM) -> int:
        """End it as an init system does; its exit status."""
        os.kill(self.process.pid, number)
        return self.process.wait(2 * HANGS)
