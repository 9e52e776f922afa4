"""The forged calls once more, against the tools that the compiler makes of the document: the whole chain, from the specification to the wire."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import anyio
import pytest

from caskmcp.model.project import EnvironmentHost
from caskmcp.model.tool import Tool, Tools
from caskmcp.runtime import conduct as driver
from caskmcp.runtime.conduct import Hands
from caskmcp.runtime.confirm import Confirmations
from caskmcp.runtime.respond import Result
from caskmcp.runtime.state import State
from caskmcp.runtime.surface import surface
from caskmcp.runtime.upstream import Upstream as Client
from caskmcp.store.credentials import ReferencedCredentials
from caskmcp.workflows import build
from tests.security.test_forging import CASES, FOLDER, JUDGES
from tests.support import audited
from tests.support.calls import flight, pack
from tests.support.forging import HOST, TOOLS
from tests.support.upstream import Heard, Upstream
from tests.support.world import CountingEntropy, world

MANIFEST: Final = f"version: 1\nname: forge\nhosts: [{HOST}]\nsources:\n  - openapi: openapi.json\n"


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Tool]:
    folder = tmp_path_factory.mktemp("forge")
    (folder / "cask.yaml").write_text(MANIFEST)
    (folder / "openapi.json").write_bytes((FOLDER / "openapi.json").read_bytes())
    build.run(world(folder))
    path = folder / ".caskmcp" / "toolpacks" / "forge" / "artifact" / "tools.json"
    return {tool.name: tool for tool in Tools.from_json(path.read_bytes(), "tools.json").tools}


@pytest.fixture(scope="module")
def recorder() -> Iterator[Upstream]:
    with Upstream() as running:
        yield running


def called(tools: dict[str, Tool], name: str, arguments: dict[str, Any], recorder: Upstream, folder: Path) -> tuple[Result, list[Heard]]:
    recorder.heard.clear()
    state = State(folder / "state.db")
    with_ = Hands(state, Confirmations(state, CountingEntropy()), Client(), ReferencedCredentials({}), audited.journal(folder))
    on = surface(pack(*tools.values(), environment={HOST: EnvironmentHost(url=recorder.url, private=True)}))

    async def run() -> Result:
        result = await driver.conduct(flight(name, on, **arguments), with_, [].append)
        await with_.upstream.aclose()
        state.close()
        return result

    return anyio.run(run), recorder.heard


def test_the_compiler_makes_the_tools_that_the_cases_name(compiled: dict[str, Tool]) -> None:
    assert sorted(compiled) == sorted(tool.name for tool in TOOLS.values())


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['id']}-{case['why']}")
def test_each_forged_call_of_a_compiled_tool_is_refused_or_exact(
    case: dict[str, Any], compiled: dict[str, Tool], recorder: Upstream, tmp_path: Path
) -> None:
    wanted = case.get("body_equals")
    result, heard = called(compiled, TOOLS[case["operation"]].name, case["arguments"], recorder, tmp_path)
    JUDGES[case["expect"]](case, result, heard)
    assert wanted is None or json.loads(heard[0].body) == wanted
