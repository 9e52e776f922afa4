"""Measure served calls against a bare proxy and a peer, in blocks by turns, in one run: `python -m tests.bench.served [ROW...] [--blocks N] [--out FILE]`.

Ours serves a signed toolpack with every guard, a credential and the record on; rows of that name with a budget over all calls as well. Theirs is `bare_proxy`: the same protocol
library and the same HTTP client without any guard; or FastMCP (`CASK_BENCH_FASTMCP`: the Python of an environment that holds it). All talk to one loopback
upstream that answers 1 KB at once, and are asked by a client of a few lines (`asking`), since a client's library costs as much as a server's.
Both servers live through a row and take turns, block by block, so that a busy machine slows both. Quoted is the median of the blocks' ratios of
p50; CPU seconds are the server's, told by the kernel. Nothing here is a test.
"""

import argparse
import asyncio
import json
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

from caskmcp.runtime import tokens
from tests.bench import run as whole
from tests.bench import table
from tests.bench.asking import LIST, Ask, Http, Pipe, Server, flood
from tests.bench.peers import Skipped, given
from tests.support import signed
from tests.support.terminal import CASK, ROOT, environment

TOKEN: Final = "cask_" + "a1" * 32
BUDGET: Final = 'version: 1\nbudgets: {"*": {calls: 1000000, per_seconds: 60}}\n'
NOTES: Final = {
    "/notes": {
        "post": {
            "operationId": "createNote",
            "summary": "Write a note",
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": {"type": "object", "properties": {"text": {"type": "string"}}}}},
            },
            "responses": {"200": {"description": "ok", "content": {"application/json": {"schema": {"type": "object"}}}}},
        }
    }
}


@dataclass(frozen=True)
class Shop:
    """One signed project, the upstream that it talks to, and how each side is started."""

    folder: Path
    origin: str

    def ours(self, *words: str) -> list[str]:
        """`cask serve`."""
        return [*CASK, "serve", "--env", "local", *words]

    def bare(self, *words: str) -> list[str]:
        """The proxy without guards."""
        listed = self.folder / "p" / ".caskmcp" / "toolpacks" / "shop" / "artifact" / "tools.json"
        return [sys.executable, "-m", "tests.bench.bare_proxy", str(listed), self.origin, *words]

    def fastmcp(self, *words: str) -> list[str]:
        """The peer."""
        script = ROOT / "tests" / "bench" / "fastmcp_proxy.py"
        return [given("CASK_BENCH_FASTMCP"), str(script), str(self.folder / "p" / "api.json"), self.origin, *words]

    @property
    def env(self) -> dict[str, str]:
        """Of the processes."""
        return environment(self.folder / "home", TOKEN="s3cret-of-the-bench", XDG_CONFIG_HOME=str(self.folder / "config"))

    @property
    def place(self) -> Path:
        """Where the processes run."""
        return self.folder / "p"


def shop(folder: Path, port: int, tools: int, policy: str = "version: 1\n") -> Shop:
    """Compile and sign a project of so many reads and one write, for an upstream on this port. policy: additions to the emitted one."""
    place, origin = folder / "p", f"http://127.0.0.1:{port}"
    place.mkdir()
    (place / "policy.yaml").write_text(policy)
    manifest = signed.MANIFEST.replace("http://127.0.0.1:8080", origin) + "policy: policy.yaml\n"
    signed.built(place, folder / "config" / "caskmcp", tools, manifest=manifest, paths=NOTES)
    row = {"name": "bench", "sha256": tokens.digest(TOKEN.encode())}
    (place / "tokens.yaml").write_text(json.dumps({"tokens": [row]}))
    (place / "tokens.yaml").chmod(0o600)
    return Shop(folder, origin)


# ---------------------------------------------------------------- sides
@dataclass
class Side:
    """One server that is asked, and what it is asked for."""

    server: Server
    ask: Callable[[Ask], dict[str, Any]]
    what: Ask
    port: int = 0
    start: Callable[[], Pipe] | None = None
    """Starts one more such server, on stdio."""
    anew: Callable[[], None] = lambda: None
    """Before a block: a connection that was idle while the other side was asked may have been closed."""


Sides = tuple[Side, Side]


def piped(stack: ExitStack, at: Shop, argv: Sequence[str], what: Ask) -> Side:
    """A server on stdio."""
    server = Pipe(argv, at.place, at.env)
    stack.callback(server.close)
    return Side(server, server.ask, what, start=lambda: Pipe(argv, at.place, at.env))


def web(stack: ExitStack, at: Shop, argv: Sequence[str], what: Ask, port: int = 0) -> Side:
    """A server on HTTP that says on stderr where it listens, or listens on the one given."""
    pipe = subprocess.DEVNULL if port else subprocess.PIPE
    server = Server(argv, at.place, at.env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=pipe)
    stack.callback(server.close)
    port = port or _told(server)
    _listens(port)
    client = Http(port, TOKEN)
    stack.callback(client.close)
    return Side(server, client.ask, what, port, anew=client.close)


def _told(server: Server) -> int:
    """The port, from the first event that names a URL."""
    assert server.process.stderr is not None
    for line in server.process.stderr:
        row = json.loads(line) if line.startswith(b"{") else {}
        if "url" in row:
            return int(row["url"].rpartition(":")[2].removesuffix("/mcp"))
    raise RuntimeError("the server has ended")


def _listens(port: int) -> None:
    """Wait for a server."""
    for _ in range(300):
        with socket.socket() as tried:
            if tried.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise RuntimeError(f"nothing listens on {port}")


def _free() -> int:
    with socket.socket() as tried:
        tried.bind(("127.0.0.1", 0))
        port: int = tried.getsockname()[1]
        return port


READ: Final = Ask("tools/call", "get_item0", {"id": 7})
WRITE: Final = Ask("tools/call", "create_note", {"text": "a"})
HTTP: Final = ("--http", "127.0.0.1:0", "--token-file", "tokens.yaml")


def bare_stdio(stack: ExitStack, at: Shop, what: Ask) -> Sides:
    """Ours and the bare proxy on pipes."""
    return piped(stack, at, at.ours(), what), piped(stack, at, at.bare(), what)


def bare_http(stack: ExitStack, at: Shop, what: Ask) -> Sides:
    """Ours and the bare proxy over HTTP."""
    port = _free()
    return web(stack, at, at.ours(*HTTP), what), web(stack, at, at.bare("http", str(port)), what, port)


def peer_stdio(stack: ExitStack, at: Shop, what: Ask) -> Sides:
    """Ours and FastMCP on pipes."""
    peer = at.fastmcp()
    return piped(stack, at, at.ours(), what), piped(stack, at, peer, _peers(what))


def peer_http(stack: ExitStack, at: Shop, what: Ask) -> Sides:
    """Ours and FastMCP over HTTP."""
    port = _free()
    peer = at.fastmcp("http", str(port))
    return web(stack, at, at.ours(*HTTP), what), web(stack, at, peer, _peers(what), port)


def _peers(what: Ask) -> Ask:
    """It names a tool as the document names the operation."""
    return what._replace(name={"get_item0": "getItem0", "create_note": "createNote"}.get(what.name, what.name))


# ---------------------------------------------------------------- blocks
class Block(NamedTuple):
    """What a block of one side took: seconds of each request, of the server's CPU, of the block."""

    each: tuple[float, ...]
    cpu: float
    wall: float
    queued: float = 0.0
    """Seconds that the server stood ready to run while something else ran: what the machine's other work adds."""


def one_by_one(side: Side, count: int) -> Block:
    """Each request after the answer to the one before."""
    side.anew()
    side.ask(side.what)
    took, cpu, queued, begun = [], side.server.cpu(), side.server.queued(), time.perf_counter()
    for _ in range(count):
        asked = time.perf_counter()
        answer = side.ask(side.what)
        took.append(time.perf_counter() - asked)
        _refuse(answer, side.what)
    return Block(tuple(took), side.server.cpu() - cpu, time.perf_counter() - begun, side.server.queued() - queued)


def at_once(side: Side, count: int) -> Block:
    """64 callers: requests on one pipe, or as many connections."""
    asks, cpu, begun = [side.what] * count, side.server.cpu(), time.perf_counter()
    took = side.server.flood(asks, CALLERS) if isinstance(side.server, Pipe) else asyncio.run(flood(side.port, TOKEN, asks, CALLERS))
    return Block(tuple(took), side.server.cpu() - cpu, time.perf_counter() - begun)


def starting(side: Side, count: int) -> Block:
    """From the start of a server to its first answer."""
    took, cpu, begun = list[float](), 0.0, time.perf_counter()
    assert side.start is not None
    for _ in range(count):
        asked = time.perf_counter()
        server = side.start()
        _refuse(server.ask(side.what), side.what)
        took.append(time.perf_counter() - asked)
        cpu += server.cpu()
        server.close()
    return Block(tuple(took), cpu, time.perf_counter() - begun)


def _refuse(answer: dict[str, Any], what: Ask) -> None:
    """RuntimeError for what is no answer to a call that was made, or to a list."""
    result = answer.get("result", {})
    if not result or result.get("isError") or not (result.get("tools") or result.get("structuredContent")):
        raise RuntimeError(f"{what.method} {what.name}: {json.dumps(answer)[:500]}")


CALLERS: Final = 64


class Row(NamedTuple):
    """One comparison."""

    name: str
    against: str
    wanted: str
    """Our p50 over theirs."""
    sides: Callable[[ExitStack, Shop, Ask], Sides]
    what: Ask
    tools: int = 50
    requests: int = 200
    """Of a block."""
    block: Callable[[Side, int], Block] = one_by_one
    policy: str = "version: 1\n"


FASTMCP: Final = "FastMCP `from_openapi`"
BARE: Final = "a bare proxy without any guard"

# fmt: off
ROWS: Final = (
    #   name                 against                      wanted      sides        what   tools count
    Row("call-stdio",        f"{BARE}, stdio",            "<= 1.5",   bare_stdio,  READ),
    Row("call-http",         f"{BARE}, HTTP",             "<= 1.5",   bare_http,   READ),
    Row("call-stdio-peer",   f"{FASTMCP}, stdio",         "<= 0.667", peer_stdio,  READ),
    Row("call-http-peer",    f"{FASTMCP}, HTTP",          "<= 0.667", peer_http,   READ),
    Row("budget-stdio",      f"{BARE}, stdio",            "stated",   bare_stdio,  READ,  policy=BUDGET),
    Row("write-stdio",       f"{BARE}, stdio",            "stated",   bare_stdio,  WRITE),
    Row("write-http",        f"{BARE}, HTTP",             "stated",   bare_http,   WRITE),
    Row("list-50",           "a bare low-level server",   "<= 1.2",   bare_stdio,  LIST,  50,   100),
    Row("list-1000",         "a bare low-level server",   "<= 1.2",   bare_stdio,  LIST,  1000, 10),
    Row("start-50",          "a bare low-level server",   "<= 1.0 s", bare_stdio,  LIST,  50,   2,    starting),
    Row("start-1000",        "a bare low-level server",   "<= 1.7 s", bare_stdio,  LIST,  1000, 2,    starting),
    Row("callers-64-stdio",  f"{BARE}, stdio",            "stated",   bare_stdio,  READ,  50,   1000, at_once),
    Row("callers-64-http",   f"{BARE}, HTTP",             "stated",   bare_http,   READ,  50,   1000, at_once),
)
# fmt: on


def run(row: Row, blocks: int) -> dict[str, object]:
    """Measure one row."""
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        at = shop(Path(name), upstream(stack), row.tools, row.policy)
        try:
            ours, theirs = row.sides(stack, at, row.what)
        except Skipped as reason:
            return {"row": row.name, "against": row.against, "wanted": row.wanted, "skipped": str(reason)}
        taken = [(row.block(ours, row.requests), row.block(theirs, row.requests)) for _ in range(blocks + 1)][1:]
        memory = ours.server.memory(), theirs.server.memory()
    return {
        "row": row.name,
        "against": row.against,
        "wanted": row.wanted,
        "blocks": blocks,
        "requests": row.requests,
        **figures(taken, memory),
    }


def upstream(stack: ExitStack) -> int:
    """Start the upstream; its port."""
    server = Server([sys.executable, "-m", "tests.bench.answering"], ROOT, environment(ROOT), stdout=subprocess.PIPE)
    stack.callback(server.close)
    assert server.process.stdout is not None
    return int(server.process.stdout.readline())


def figures(taken: Sequence[tuple[Block, Block]], memory: tuple[float, float]) -> dict[str, object]:
    """Ratios of the blocks, and each side's own figures: milliseconds, requests a second, MiB."""
    ratios = [statistics.median(ours.each) / statistics.median(theirs.each) for ours, theirs in taken]
    found: dict[str, object] = {
        "ratio": round(statistics.median(ratios), 2),
        "spread": f"{min(ratios):.2f}-{max(ratios):.2f}",
        "cpu_ratio": round(statistics.median(ours.cpu / theirs.cpu for ours, theirs in taken if theirs.cpu), 2),
        "throughput": round(statistics.median(theirs.wall / ours.wall for ours, theirs in taken), 2),
    }
    for side, who in enumerate(("ours", "theirs")):
        each = sorted(took for pair in taken for took in pair[side].each)
        rows = [pair[side] for pair in taken]
        found |= {
            f"{who}_p50_ms": round(statistics.median(each) * 1000, 3),
            f"{who}_p99_ms": round(each[int(len(each) * 0.99)] * 1000, 3),
            f"{who}_cpu_ms": round(statistics.median(row.cpu / len(row.each) for row in rows) * 1000, 3),
            f"{who}_queued_ms": round(statistics.median(row.queued / len(row.each) for row in rows) * 1000, 3),
            f"{who}_per_s": round(statistics.median(len(row.each) / row.wall for row in rows)),
            f"{who}_mib": round(memory[side]),
        }
    return found


def main() -> None:
    """Measure the rows; print them, and write them as JSON and as a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", nargs="*")
    parser.add_argument("--blocks", type=int, default=7, help="of each side, after one that is not counted")
    parser.add_argument("--out", help="a file for the JSON")
    parser.add_argument("--table", help="a file for the table in Markdown")
    asked = parser.parse_args()
    results = []
    for row in ROWS:
        if not asked.rows or row.name in asked.rows:
            results.append(run(row, asked.blocks))
            print(json.dumps(results[-1]), flush=True)
            whole.write({"machine": whole.machine(), "note": "", "rows": results}, asked.out, asked.table, table.served)


if __name__ == "__main__":
    main()
