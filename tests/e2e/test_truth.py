"""Two real applications, recorded by others: compile, score against their own documents, approve, check, serve, call.

The recordings are not part of this repository: CASK_SHARED names the folder that holds `truth/`; without it these tests are skipped.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import anyio
import pytest

from tests.e2e.test_first_hour import Desk, approve_everything
from tests.support.replay import Replay, calls, entries

SHARED = Path(os.environ.get("CASK_SHARED", "/nonexistent"))
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (SHARED / "truth").is_dir(), reason="CASK_SHARED names no folder with recordings of real applications"),
]


NAIVE = {"prefect": 0.949, "labelstudio": 0.987}
"""Fidelity of plain inference that is given the true paths (`truth/README.md`)."""


@pytest.fixture(params=["prefect", "labelstudio"])
def truth(request):
    return SHARED / "truth" / request.param


def test_a_real_application_is_compiled_approved_served_and_called(truth, tmp_path):
    desk, app = Desk(tmp_path), truth.name
    (desk.project / "app.har.gz").write_bytes((truth / "recording_a.har.gz").read_bytes())
    minted = desk.run("mint", "app.har.gz", "-a", f"{app}.truth.test", "--name", "shop")
    assert minted.exit == 0, minted.errors

    score = json.loads(
        subprocess.run(
            [sys.executable, str(SHARED / "truth" / "score.py"), str(truth), str(desk.project / ".caskmcp/toolpacks/shop"), "--summary"],
            capture_output=True,
            check=True,
        ).stdout
    )
    assert score["endpoints"]["f1"] >= 0.98
    assert score["request_acceptance"]["share"] >= 0.98
    assert score["response_acceptance"]["share"] >= 0.98
    assert score["tightness"]["share"] >= 0.93
    assert score["fidelity"] > NAIVE[app]
    assert score["leaks"]["count"] == 0

    recorded = entries(truth / "recording_a.har.gz")
    with Replay(recorded) as upstream:
        manifest = desk.project / "cask.yaml"
        manifest.write_text(
            manifest.read_text()
            + f'environments: {{local: {{{app}.truth.test: {{url: "http://127.0.0.1:{upstream.port}", private: true}}}}}}\n'
        )
        assert desk.run("build").exit == 0
        approve_everything(desk)
        checked = desk.run("check")
        assert checked.exit in (0, 1), checked.transcript + checked.errors
        tools = json.loads((desk.project / ".caskmcp/toolpacks/shop/artifact/tools.json").read_text())["tools"]

        async def story(client):
            listed = {tool.name for tool in (await client.list_tools()).tools}
            wanted = [call for call in calls(tools, recorded) if call.tool in listed]
            answers = [(call, await client.call_tool(call.tool, call.arguments)) for call in wanted]
            return listed, answers

        listed, answers = anyio.run(desk.agent, story, "--env", "local")
        assert len(listed) > 50
        assert len(answers) >= 20
        asked = [call.tool for call, answer in answers if answer.is_error and answer.content[0].text.startswith("CASK-R005")]
        assert all(tool["risk"] == "high" for tool in tools if tool["name"] in asked)
        assert upstream.heard == [call.target for call, _ in answers if call.tool not in asked]
        assert [(call.tool, answer.content[0].text[:200]) for call, answer in answers if answer.is_error and call.tool not in asked] == []
