"""The public MCP clients that a release has to satisfy, on stdio and on HTTP: list, call, bad arguments, a call that asks, an unknown tool; on HTTP giving up as well.

Opt-in by CASK_CLIENTS, a folder in which their environments are made once (pip and npm fetch them: it needs a network) and found again; Node 22.19
or later in CASK_NODE (a `bin` folder) or on PATH. `clients.py` and `clients.mjs` run inside of those environments, where nothing of ours is.
"""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest

from tests.support.patience import HANGS
from tests.support.serving import Project, project
from tests.support.upstream import Heard, Upstream, answer
from tests.support.web import ALL, Web

HERE: Final = Path(__file__).parent
SLOW: Final = 999
CALLS: Final = [
    ["r", {"order_id": 7}],
    ["r", {"order_id": "seven"}],
    ["w", {"order_id": 7}],
    ["x", {"order_id": 7}],
    ["r", {"order_id": SLOW}, 1],
]


class Client(NamedTuple):
    """One row of the matrix."""

    name: str
    installed: str
    """For pip, or (with @) for npm."""
    key: str
    """Under which the scripts know it."""
    mode: str = ""


# fmt: off
CLIENTS: Final = (
    Client("mcp-1.30",         "mcp>=1.30,<1.31",                    "mcp"),
    Client("mcp-2.3-legacy",   "mcp>=2.3,<2.4",                      "mcp", "legacy"),
    Client("mcp-2.3",          "mcp>=2.3,<2.4",                      "mcp", "2026-07-28"),
    Client("fastmcp",          "fastmcp>=4.1,<4.2",                  "fastmcp"),
    Client("langchain",        "langchain-mcp-adapters==0.3.2",      "langchain-mcp-adapters"),
    Client("openai-agents",    "openai-agents>=0.24,<0.25",          "openai-agents"),
    Client("ts-sdk-1.32",      "@modelcontextprotocol/sdk@1.32",     "sdk"),
    Client("ts-client-2.4",    "@modelcontextprotocol/client@2.4",   "client"),
    Client("ts-client-2.4-auto", "@modelcontextprotocol/client@2.4", "client", "auto"),
)
# fmt: on


@pytest.fixture(scope="module")
def kept() -> Path:
    if not os.environ.get("CASK_CLIENTS"):
        pytest.skip("makes environments with pip and npm: set CASK_CLIENTS to a folder for them")
    folder = Path(os.environ["CASK_CLIENTS"]).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def node() -> dict[str, str]:
    return {**os.environ, "PATH": f"{os.environ.get('CASK_NODE', '')}:{os.environ['PATH']}"}


def program(kept: Path, client: Client) -> tuple[list[str], Path]:
    """The command that runs the client's script, and the folder that it is run in; both are made the first time."""
    place = kept / "".join(letter if letter.isalnum() else "-" for letter in client.installed)
    if client.installed.startswith("@"):
        if not (place / "node_modules").exists():
            place.mkdir()
            subprocess.run(["npm", "install", "--silent", client.installed], cwd=place, env=node(), check=True, timeout=600)
        return ["node", str(HERE / "clients.mjs")], place
    if not place.exists():
        subprocess.run([sys.executable, "-m", "venv", str(place)], check=True, timeout=120)
        subprocess.run([str(place / "bin" / "python"), "-m", "pip", "install", "-q", client.installed], check=True, timeout=600)
    return [str(place / "bin" / "python"), str(HERE / "clients.py")], place


@pytest.fixture
def slow() -> Iterator[Upstream]:
    """An upstream that does not answer for one order until the test is over."""
    over = threading.Event()

    def reply(heard: Heard) -> bytes:
        if heard.target.startswith(f"/orders/{SLOW}/"):
            over.wait(HANGS)
        return answer(json.dumps({"line": heard.line}).encode())

    with Upstream(reply) as upstream:
        yield upstream
        over.set()


def judge(said: dict[str, Any], shop: Project) -> None:
    assert said["tools"] == ["r", "w"]
    good, bad, asks, unknown, *given_up = said["calls"]
    assert good["error"] is False
    assert good["structured"] == {"line": "GET /orders/7/r HTTP/1.1"}
    assert bad["text"].startswith("CASK-R002: `order_id` has to be of type integer")
    assert asks["text"].startswith("CASK-R005: a person has to confirm this call (challenge ")
    assert "Unknown tool" in unknown["text"]
    if given_up:
        abandoned(given_up[0], shop)


def abandoned(said: dict[str, Any], shop: Project) -> None:
    """The call that the client gave up was stopped here too."""
    assert "raised" in said
    end = time.monotonic() + HANGS
    while len(shop.decisions()) < len(CALLS) and time.monotonic() < end:
        time.sleep(0.1)
    assert shop.decisions()[-1]["extra"].get("outcome") == "unknown", "the call that was given up reached the upstream's connection"


def run(command: list[str], place: Path, spec: dict[str, Any], folder: Path) -> dict[str, Any]:
    path = folder / "spec.json"
    path.write_text(json.dumps(spec))
    done = subprocess.run([*command, str(path)], cwd=place, env=node(), capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
    said: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return said


pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]


@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.name)
def test_a_public_client_works_on_http(kept: Path, slow: Upstream, tmp_path: Path, client: Client) -> None:
    command, place = program(kept, client)
    with Web(project(tmp_path, slow)) as web:
        spec = {"url": web.url, "headers": {"Authorization": f"Bearer {ALL}"}, "client": client.key, "mode": client.mode, "calls": CALLS}
        judge(run(command, place, spec, tmp_path), web.project)


@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.name)
def test_a_public_client_works_on_stdio(kept: Path, slow: Upstream, tmp_path: Path, client: Client) -> None:
    command, place = program(kept, client)
    shop = project(tmp_path, slow)
    first, *words = shop.command()
    spec = {
        "command": first,
        "args": words,
        "cwd": str(shop.folder),
        "env": shop.environ,
        "client": client.key,
        "mode": client.mode,
        "calls": CALLS[:4],
    }
    judge(run(command, place, spec, tmp_path), shop)


# ---------------------------------------------------------------- the inspector
INSPECTOR: Final = "@modelcontextprotocol/inspector@2.12.0"
INSPECTED: Final = ("--method", "tools/call", "--tool-name", "r", "--tool-args-json", '{"order_id": 7}')


def inspected(kept: Path, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the inspector's command line."""
    place = kept / "inspector"
    if not (place / "node_modules").exists():
        place.mkdir(exist_ok=True)
        subprocess.run(["npm", "install", "--silent", INSPECTOR], cwd=place, env=node(), check=True, timeout=600)
    command = [str(place / "node_modules" / ".bin" / "mcp-inspector"), "--cli", "--format", "json", *words]
    return subprocess.run(command, cwd=folder, env=node(), capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize("era", ["modern", "legacy"])
def test_the_inspector_finds_nothing_wrong_with_the_list_and_calls_on_stdio(kept: Path, slow: Upstream, tmp_path: Path, era: str) -> None:
    """`--strict` ends it with 6 where a schema is not portable. It hands a server next to nothing of its own environment."""
    shop = project(tmp_path, slow)
    server = ("--", "/usr/bin/env", *(f"{name}={value}" for name, value in shop.environ.items()), *shop.command())
    listed = inspected(kept, shop.folder, "--protocol-era", era, "--strict", "--method", "tools/list", *server)
    assert listed.returncode == 0, listed.stderr[-2000:]
    assert {row["name"] for row in json.loads(listed.stdout)["result"]["tools"]} == {"r", "w"}
    called = inspected(kept, shop.folder, "--protocol-era", era, *INSPECTED, *server)
    assert called.returncode == 0, called.stderr[-2000:]
    assert "GET /orders/7/r HTTP/1.1" in called.stdout


def test_the_inspector_calls_over_http(kept: Path, slow: Upstream, tmp_path: Path) -> None:
    with Web(project(tmp_path, slow)) as web:
        place = ("--transport", "http", "--server-url", web.url, "--header", f"Authorization: Bearer {ALL}")
        called = inspected(kept, tmp_path, *place, *INSPECTED)
        assert called.returncode == 0, called.stderr[-2000:]
        assert "GET /orders/7/r HTTP/1.1" in called.stdout
