"""Public MCP clients that are not ours, each in an environment of its own, against a real `cask serve`: list, call, refusals.

The environments are made with pip the first time; where pip finds no such package the tests are skipped with its reason.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from tests.support.serving import Project, project
from tests.support.upstream import Upstream

CLIENT: Final = Path(__file__).with_name("clients.py")
CALLS: Final = [["r", {"order_id": 7, "state": "paid"}], ["r", {"order_id": "seven"}], ["w", {"order_id": 7}], ["x", {"order_id": 7}]]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def environment(folder: Path, requirement: str) -> Path:
    """A fresh environment with one requirement; its Python. Skips where pip cannot make it."""
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True, timeout=120)
    python = folder / "bin" / "python"
    done = subprocess.run(
        [str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check", requirement], capture_output=True, text=True, timeout=600
    )
    if done.returncode:
        pytest.skip(
            f"pip cannot install {requirement}: {done.stderr.strip().splitlines()[-1][:200] if done.stderr.strip() else 'no reason given'}"
        )
    return python


@pytest.fixture(scope="module")
def mcp_1(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return environment(tmp_path_factory.mktemp("mcp1") / "venv", "mcp>=1.30,<1.31")


@pytest.fixture(scope="module")
def mcp_2(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return environment(tmp_path_factory.mktemp("mcp2") / "venv", "mcp>=2.3,<3")


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Project]:
    with Upstream() as upstream:
        yield project(tmp_path, upstream)


def run(python: Path, shop: Project, mode: str) -> dict[str, Any]:
    command, *words = shop.command()
    spec = {"command": command, "args": words, "cwd": str(shop.folder), "env": shop.environ, "mode": mode, "calls": CALLS}
    path = shop.folder / "spec.json"
    path.write_text(json.dumps(spec))
    done = subprocess.run([str(python), str(CLIENT), str(path)], capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr[-2000:]
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def judge(said: dict[str, Any], shop: Project) -> None:
    assert said["tools"] == ["r", "w"]
    good, bad, asks, unknown = said["calls"]
    assert good["error"] is False
    assert good["structured"]["head"].startswith("GET /orders/7/r?state=paid HTTP/1.1")
    assert bad["error"] is True
    assert bad["text"].startswith("CASK-R002: `order_id` has to be of type integer")
    assert asks["text"].startswith("CASK-R005: a person has to confirm this call (challenge ")
    assert "Unknown tool" in unknown["text"]
    assert [heard.target for heard in shop.upstream.heard] == ["/orders/7/r?state=paid"]


def test_the_client_of_mcp_1_30_lists_and_calls(mcp_1: Path, shop: Project) -> None:
    said = run(mcp_1, shop, "")
    judge(said, shop)
    assert said["client"].startswith("1.30.")
    assert said["protocol"] == "2025-11-25"


@pytest.mark.feature(73)
@pytest.mark.parametrize(("mode", "protocol"), [("legacy", "2025-11-25"), ("2026-07-28", "2026-07-28"), ("", "2026-07-28")])
def test_the_client_of_mcp_2_lists_and_calls_in_both_eras(mcp_2: Path, shop: Project, mode: str, protocol: str) -> None:
    said = run(mcp_2, shop, mode)
    judge(said, shop)
    assert said["client"].startswith("2.")
    assert said["protocol"] == protocol
