"""The public MCP conformance suite, both requirement sets, against a real `cask serve --http`; the suite cannot send a token, so a proxy adds it.

Opt-in by CASK_CONFORMANCE=1: npm fetches the suite, which needs a network and Node 22.19 or later, in CASK_NODE (a `bin` folder) or on PATH.
"""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from caskmcp import text
from tests.support.bearer import Bearer
from tests.support.serving import project
from tests.support.upstream import Upstream
from tests.support.web import ALL, Web

SUITE: Final = "@modelcontextprotocol/conformance@0.2.0-alpha.12"
TABLE: Final = text.parse_yaml(Path(__file__).with_name("mcp_suite.yaml").read_bytes(), "mcp_suite.yaml").value
UNSCORED: Final = tuple(prefix for row in TABLE.values() for prefix in row.get("scenarios", ()))
WHOLE: Final = {
    "2026-07-28": {"tools-list", "server-sse-multiple-streams", "dns-rebinding-protection", "http-header-validation", "input-required-result-unsupported-methods"},
    "2025-11-25": {"server-initialize", "ping", "tools-list", "dns-rebinding-protection", "server-sse-multiple-streams", "server-session-lifecycle"},
}  # fmt: skip
"""Scenarios in which a tools server passes every check."""


def expected(revision: str) -> set[str]:
    return {check for row in TABLE.values() for check in row["checks"].get(revision, ())}


@pytest.mark.parametrize("revision", sorted(WHOLE))
def test_the_table_names_each_check_once_with_its_reason(revision: str) -> None:
    named = [check for row in TABLE.values() for check in row["checks"].get(revision, ())]
    assert len(set(named)) == len(named) > 10
    assert all(row["reason"] for row in TABLE.values())


@pytest.fixture(scope="module")
def node() -> dict[str, str]:
    if not os.environ.get("CASK_CONFORMANCE"):
        pytest.skip("fetches the suite with npm: set CASK_CONFORMANCE=1")
    return {**os.environ, "PATH": f"{os.environ.get('CASK_NODE', '')}:{os.environ['PATH']}"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with Upstream() as upstream, Bearer(ALL) as proxy:
        shop = project(tmp_path_factory.mktemp("shop"), upstream)
        with Web(shop, ("--public-url", f"http://127.0.0.1:{proxy.port}")) as web:
            proxy.target = web.port
            yield f"http://127.0.0.1:{proxy.port}/mcp"


def results(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """The checks of each scenario that counts."""
    found = {
        re.sub(r"^server-|-\d{4}-\d\d-\d\dT[\dZ-]+$", "", path.parent.name): json.loads(path.read_text())
        for path in folder.rglob("checks.json")
    }
    return {scenario: checks for scenario, checks in found.items() if not scenario.startswith(UNSCORED)}


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("revision", sorted(WHOLE))
def test_all_that_applies_to_a_tools_server_passes(node: dict[str, str], server: str, tmp_path: Path, revision: str) -> None:
    words = ["npx", "--yes", SUITE, "server", "--url", server, "--requirements", revision, "-o", str(tmp_path)]
    subprocess.run(words, env=node, cwd=tmp_path, capture_output=True, text=True, timeout=500, check=False)
    said = results(tmp_path)
    failed = {check["id"] for checks in said.values() for check in checks if check["status"] == "FAILURE"}
    passed = sum(check["status"] == "SUCCESS" for checks in said.values() for check in checks)
    whole = {name for name, checks in said.items() if {check["status"] for check in checks} <= {"SUCCESS", "INFO"}}
    print(f"{revision}: {passed} checks passed, {len(failed)} do not apply")
    assert failed == expected(revision)
    assert {name.removeprefix("server-") for name in WHOLE[revision]} <= {name.removeprefix("server-") for name in whole}
    assert passed > 30
