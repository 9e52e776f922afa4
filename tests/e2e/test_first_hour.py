"""A person's first hour, typed on a terminal: from a recording to an agent's call that the upstream answers (SPEC section 7)."""

import json
from pathlib import Path

import anyio
import pytest
from mcp import Client, StdioServerParameters

from caskmcp.workflows.demo.service import TOKEN, Service
from tests.support.terminal import CASK, Terminal, environment, without_terminal

RECORDING = Path(__file__).resolve().parents[2] / "caskmcp" / "workflows" / "demo" / "recording.har"
PASSPHRASE = "correct horse battery"


class Desk:
    """A folder, a home, and the commands typed in it."""

    def __init__(self, folder: Path) -> None:
        self.project, home = folder / "project", folder / "home"
        self.project.mkdir()
        home.mkdir()
        self.env = environment(home, SHOP_TOKEN=TOKEN)

    def run(self, *words: str):
        return without_terminal([*CASK, *words], cwd=self.project, env=self.env)

    def person(self, *words: str) -> Terminal:
        return Terminal.spawn([*CASK, *words], self.project, self.env)

    def json(self, *words: str) -> dict:
        return json.loads(self.run(*words, "--format", "json").transcript)

    async def agent(self, story, *words: str):
        command = StdioServerParameters(command=CASK[0], args=[CASK[1], "serve", *words], cwd=self.project, env=self.env)
        async with Client(command, read_timeout_seconds=20) as client:
            return await story(client)


@pytest.fixture
def desk(tmp_path):
    return Desk(tmp_path)


def approve_everything(desk: Desk) -> None:
    with desk.person("keys", "new", "alice") as person:
        person.expect("Passphrase for alice:").send(PASSPHRASE)
        person.expect("Passphrase for alice:").send(PASSPHRASE)
        assert person.finish().exit == 0
    with desk.person("trust", "init", "--key", "alice") as person:
        person.expect("Passphrase for alice:").send(PASSPHRASE)
        assert person.finish().exit == 0
    with desk.person("gate", "allow", "--all", "--reason", "first review") as person:
        person.expect("Passphrase for alice:").send(PASSPHRASE)
        person.expect("Type `shop` to sign:").send("shop")
        done = person.finish()
    assert done.exit in (0, 1), done.transcript


@pytest.mark.feature(110)
def test_from_a_recording_to_an_answered_call(desk):
    (desk.project / "shop.har").write_bytes(RECORDING.read_bytes())
    minted = desk.run("mint", "shop.har", "-a", "api.shop.example", "--name", "shop")
    assert minted.exit == 0, minted.errors
    assert "cask gate allow --all" in minted.transcript

    first = desk.run("diff")
    assert first.exit == 1, first.errors
    assert "tool-added" in first.transcript

    waiting = desk.run("check")
    assert waiting.exit == 4, waiting.transcript + waiting.errors

    with Service() as service:
        manifest = desk.project / "cask.yaml"
        manifest.write_text(
            manifest.read_text()
            + "auth: {api.shop.example: {scheme: bearer, from: env:SHOP_TOKEN}}\n"
            + f'environments: {{local: {{api.shop.example: {{url: "http://127.0.0.1:{service.port}", private: true}}}}}}\n'
        )
        assert desk.run("build").exit == 0
        approve_everything(desk)
        checked = desk.run("check")
        assert checked.exit in (0, 1), checked.transcript + checked.errors

        async def story(client):
            names = [tool.name for tool in (await client.list_tools()).tools]
            answer = await client.call_tool("get_product", {"product_id": 2})
            return names, answer

        names, answer = anyio.run(desk.agent, story, "--env", "local")
        assert "get_product" in names
        assert answer.structured_content["name"] == "Teapot", answer
        assert service.shop.heard[-1] == "GET /v1/products/2"
