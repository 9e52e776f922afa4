"""A client of a few lines for measuring servers: one process on pipes, or one connection over HTTP, asked in JSON and read as it comes.

It speaks the revision 2026-07-28, in which each request stands alone. It checks no more than that an answer is the one to its request.
"""

import asyncio
import json
import subprocess
import time
from collections import deque
from collections.abc import Mapping, Sequence
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Final, NamedTuple

META: Final = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": {"name": "bench", "version": "0"},
    "io.modelcontextprotocol/clientCapabilities": {},
}


class Ask(NamedTuple):
    """One request."""

    method: str
    name: str = ""
    arguments: Mapping[str, Any] | None = None

    def message(self, number: int) -> bytes:
        """As it stands on the wire."""
        params: dict[str, Any] = {"_meta": META}
        if self.name:
            params |= {"name": self.name, "arguments": self.arguments or {}}
        return json.dumps({"jsonrpc": "2.0", "id": number, "method": self.method, "params": params}).encode()


LIST: Final = Ask("tools/list")


class Server:
    """A server's process."""

    def __init__(self, argv: Sequence[str], cwd: Path, env: Mapping[str, str], **pipes: Any) -> None:
        self.process = subprocess.Popen(list(argv), cwd=cwd, env=dict(env), **pipes)

    def cpu(self) -> float:
        """Seconds that the process has used, to the nanosecond: ticks of a clock miss most of what runs for less than one."""
        return self._scheduled()[0]

    def queued(self) -> float:
        """Seconds that the process was ready to run and others ran in its place."""
        return self._scheduled()[1]

    def _scheduled(self) -> tuple[float, float]:
        """Of the threads that are there: those that ended meanwhile take theirs with them, which no server here lets happen in a block."""
        rows = [path.read_text().split() for path in Path(f"/proc/{self.process.pid}/task").glob("*/schedstat")]
        return sum(int(row[0]) for row in rows) / 1e9, sum(int(row[1]) for row in rows) / 1e9

    def memory(self) -> float:
        """Resident MiB."""
        rows = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return int(next(row for row in rows if row.startswith("VmRSS:")).split()[1]) / 1024

    def close(self) -> None:
        """End the process."""
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            if pipe is not None:
                pipe.close()
        self.process.kill()
        self.process.wait()


class Pipe(Server):
    """A server on stdio."""

    def __init__(self, argv: Sequence[str], cwd: Path, env: Mapping[str, str]) -> None:
        super().__init__(argv, cwd, env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self._number = 0

    def ask(self, what: Ask) -> dict[str, Any]:
        """One request and its answer. RuntimeError where the server ends."""
        self._number += 1
        self._send([what.message(self._number)])
        return self._heard()

    def flood(self, asks: Sequence[Ask], at_once: int) -> list[float]:
        """All of the requests, so many at a time on their way; the seconds that each took."""
        waiting, begun, took = deque(enumerate(asks, self._number + 1)), dict[int, float](), list[float]()
        self._number += len(asks)
        while waiting or begun:
            batch = [waiting.popleft() for _ in range(min(len(waiting), at_once - len(begun)))]
            begun |= {number: time.perf_counter() for number, _ in batch}
            self._send([what.message(number) for number, what in batch])
            took.append(time.perf_counter() - begun.pop(self._heard()["id"]))
        return took

    def _send(self, lines: Sequence[bytes]) -> None:
        assert self.process.stdin is not None
        if lines:
            self.process.stdin.write(b"".join(line + b"\n" for line in lines))
            self.process.stdin.flush()

    def _heard(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        while line := self.process.stdout.readline():
            message: dict[str, Any] = json.loads(line)
            if "id" in message:
                return message
        raise RuntimeError("the server has ended")


class Http:
    """One connection to a server that listens on loopback."""

    def __init__(self, port: int, token: str) -> None:
        self._connection = HTTPConnection("127.0.0.1", port, timeout=60)
        self._token = token
        self._number = 0

    def ask(self, what: Ask) -> dict[str, Any]:
        """One request and its answer. RuntimeError for another status than 200."""
        self._number += 1
        self._connection.request("POST", "/mcp", what.message(self._number), _headers(what, self._token))
        answer = self._connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{answer.status}: {body[:300]!r}")
        return _message(body)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


async def flood(port: int, token: str, asks: Sequence[Ask], at_once: int) -> list[float]:
    """All of the requests over so many connections; the seconds that each took."""
    rest, took = iter(enumerate(asks, 1)), list[float]()

    async def caller() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for number, what in rest:
            begun = time.perf_counter()
            writer.write(_request(port, token, what, number))
            message = _message(await _body(reader))
            took.append(time.perf_counter() - begun)
            if message["id"] != number or "result" not in message:
                raise RuntimeError(f"not the answer to {number}: {message}")
        writer.close()

    await asyncio.gather(*(caller() for _ in range(at_once)))
    return took


def _request(port: int, token: str, what: Ask, number: int) -> bytes:
    body = what.message(number)
    rows = {"Host": f"127.0.0.1:{port}", **_headers(what, token), "Content-Length": str(len(body))}
    return b"POST /mcp HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in rows.items()).encode() + b"\r\n" + body


def _headers(what: Ask, token: str) -> dict[str, str]:
    return {
        "Content-Type": "application/json",
        "Accept": "application/json, text/event-stream",
        "Authorization": f"Bearer {token}",
        "MCP-Protocol-Version": "2026-07-28",
        "Mcp-Method": what.method,
        **({"Mcp-Name": what.name} if what.name else {}),
    }


async def _body(reader: asyncio.StreamReader) -> bytes:
    """The body of the next answer: of a stated length, or in chunks."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    if not head.startswith(b"http/1.1 200"):
        raise RuntimeError(head.decode("latin-1"))
    length = head.partition(b"\r\ncontent-length:")[2].partition(b"\r\n")[0]
    if length:
        return await reader.readexactly(int(length))
    pieces = []
    while size := int(await reader.readuntil(b"\r\n"), 16):
        pieces.append(await reader.readexactly(size))
        await reader.readexactly(2)
    await reader.readexactly(2)
    return b"".join(pieces)


def _message(body: bytes) -> dict[str, Any]:
    """The JSON-RPC message of a body: the body, or the last event of a stream."""
    lines = [line[6:] for line in body.splitlines() if line.startswith(b"data: {")]
    found: dict[str, Any] = json.loads(lines[-1] if lines else body)
    return found
