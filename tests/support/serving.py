"""A `cask serve` of its own for a test: a signed toolpack on disk, a pin, a loopback upstream, a real process on pipes.

`Served` lays everything out and speaks raw JSON-RPC lines; `Served.parameters` is for a public client that starts the process itself.
"""

import json
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from caskmcp.govern import pins
from caskmcp.model.artifact import Environments
from caskmcp.model.pack import PackFiles
from caskmcp.model.project import EnvironmentHost
from caskmcp.model.tool import Tool
from caskmcp.store.files import LocalFiles
from caskmcp.store.layout import Pack
from tests.support import audited, packs
from tests.support.patience import HANGS
from tests.support.terminal import environment
from tests.support.upstream import Upstream

TOKEN: Final = "tok-5ecret-98765"
META: Final = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "0"},
    "io.modelcontextprotocol/clientCapabilities": {},
}
"""What a request of the newest protocol carries."""


@dataclass
class Project:
    """A project whose toolpack is approved, with the pin of a person who accepted it."""

    folder: Path
    upstream: Upstream
    pack: Pack
    files: PackFiles

    @property
    def config(self) -> Path:
        """The configuration folder of that person."""
        return self.folder / "home" / ".config" / "caskmcp"

    @property
    def environ(self) -> dict[str, str]:
        """The environment of the process."""
        return environment(self.folder / "home", SHOP_TOKEN=TOKEN)

    def command(self, *words: str) -> list[str]:
        """`cask serve` with more words."""
        return [sys.executable, "-m", "caskmcp", "serve", "--env", "local", *words]

    def rewrite(self, files: PackFiles) -> None:
        """Lay the pack out anew, as a build and a gate would."""
        packs.write(files, self.folder / ".caskmcp")
        self.files = files

    def decisions(self) -> list[dict[str, Any]]:
        """The record so far."""
        return audited.decisions(self.folder / ".caskmcp" / "state" / "audit")


def project(folder: Path, upstream: Upstream, *tools: Tool, **more: Any) -> Project:
    """Approve `r` and `w` (or the tools given) and accept the trust root."""
    place = {packs.HOST: EnvironmentHost(url=upstream.url, private=True)}
    environments = Environments(environments={"local": place, "second": place})
    files = packs.approved_pack(environments=environments, **({"tools": tools} if tools else {}), **more)
    pins.write(LocalFiles(), folder / "home" / ".config" / "caskmcp", packs.PIN)
    return Project(folder, upstream, packs.write(files, folder / ".caskmcp"), files)


@dataclass
class Served:
    """The process, on pipes, spoken to in raw lines."""

    project: Project
    words: tuple[str, ...] = ()
    modern: bool = True
    stray: list[str] = field(default_factory=list)
    """Lines on stdout that are no JSON-RPC."""

    def __enter__(self) -> Self:
        self.process = subprocess.Popen(
            self.project.command(*self.words),
            cwd=self.project.folder,
            env=self.project.environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self._said: queue.Queue[dict[str, Any]] = queue.Queue()
        self.errors: list[str] = []
        self._kept: list[dict[str, Any]] = []
        self._next = 1000
        for target in (self._read_out, self._read_err):
            threading.Thread(target=target, daemon=True).start()
        if not self.modern:
            self._handshake()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            if pipe is not None:
                try:
                    pipe.close()
                except OSError:
                    continue

    # ------------------------------------------------------------ lines
    def write(self, data: bytes) -> None:
        """Bytes as they are."""
        assert self.process.stdin is not None
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def send(self, message: Mapping[str, Any]) -> None:
        """One message."""
        self.write(json.dumps(message).encode() + b"\n")

    def heard(self, seconds: float = 5.0) -> dict[str, Any] | None:
        """The next message of the server; None if there is none in time."""
        try:
            return self._said.get(timeout=seconds)
        except queue.Empty:
            return None

    def ask(self, method: str, params: Mapping[str, Any] | None = None, seconds: float = HANGS) -> dict[str, Any]:
        """A request and its answer; what else comes in between is kept in `also`."""
        self._next += 1
        asked = dict(params or {})
        if self.modern:
            asked["_meta"] = META
        self.send({"jsonrpc": "2.0", "id": self._next, "method": method, "params": asked})
        return self.answer(self._next, seconds)

    def answer(self, number: int, seconds: float = HANGS) -> dict[str, Any]:
        """The answer to a request by its id."""
        for index, message in enumerate(self._kept):
            if message.get("id") == number:
                return self._kept.pop(index)
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            message = self.heard(left) or {}
            if message.get("id") == number:
                return message
            if message:
                self._kept.append(message)
        raise AssertionError(f"no answer to {number} within {seconds} s; stderr: {self.errors[-5:]}")

    @property
    def also(self) -> list[dict[str, Any]]:
        """What came beside the answers that were asked for."""
        return self._kept

    def tools(self) -> list[str]:
        """The listed tools by name."""
        return [row["name"] for row in self.ask("tools/list")["result"]["tools"]]

    def answer_to_tools(self, seconds: float) -> list[str]:
        """The listed tools, however many other messages come first."""
        self.send({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"_meta": META} if self.modern else {}})
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            message = self.heard(1) or {}
            if message.get("id") == 1:
                return [row["name"] for row in message["result"]["tools"]]
        raise AssertionError(f"no list within {seconds} s")

    def call(self, name: str, /, **arguments: Any) -> dict[str, Any]:
        """Call a tool; the result, or `{"error": …}`."""
        answer = self.ask("tools/call", {"name": name, "arguments": arguments})
        result: dict[str, Any] = answer.get("result") or {"error": answer["error"]}
        return result

    def code(self, name: str, /, **arguments: Any) -> str:
        """Our code of a call that failed; empty for one that did not."""
        result = self.call(name, **arguments)
        if "error" in result:
            return str(result["error"]["code"])
        return str(result.get("_meta", {}).get("dev.caskmcp/error", {}).get("code", ""))

    def memory(self) -> int:
        """Resident bytes of the process."""
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as file:
            row = next(line for line in file if line.startswith("VmRSS:"))
        return int(row.split()[1]) << 10

    def _handshake(self) -> None:
        params = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "0"}}
        assert "result" in self.ask("initialize", params, 20)
        self.send({"jsonrpc": "2.0", "method": "notifications/initialized"})

    def _read_out(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            try:
                message = json.loads(line)
            except ValueError:
                self.stray.append(line.decode(errors="replace"))
                continue
            if not isinstance(message, dict) or message.get("jsonrpc") != "2.0":
                self.stray.append(line.decode(errors="replace"))
            else:
                self._said.put(message)

    def _read_err(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.errors.append(line.decode(errors="replace").rstrip("\n"))
