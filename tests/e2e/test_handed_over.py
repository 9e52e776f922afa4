"""What is handed over works elsewhere: a moved toolpack, the container's entry point on it, and the typed client, each against a real server."""

import hashlib
import importlib.util
import json
import os
import runpy
import shlex
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import anyio
import pytest
from mcp import Client, StdioServerParameters

from caskmcp.text import parse_yaml
from caskmcp.workflows.demo.service import TOKEN, Service
from tests.e2e.test_first_hour import RECORDING, Desk, approve_everything
from tests.support.terminal import CASK, environment

pytestmark = pytest.mark.slow
EMIT = "emit: [tools, toolsets, policy, baseline, contracts, scopes, openapi, container, skill, client, cli]\n"


class Approved(NamedTuple):
    """A project whose tools were approved, with the upstream that answers them."""

    desk: Desk
    service: Service

    @property
    def pack(self) -> Path:
        return self.desk.project / ".caskmcp" / "toolpacks" / "shop"

    @property
    def root(self) -> str:
        """The condition that a container is given."""
        return str(self.desk.json("trust", "show")["summary"]["root"])


@pytest.fixture(scope="module")
def approved(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Approved]:
    desk = Desk(tmp_path_factory.mktemp("handed"))
    (desk.project / "shop.har").write_bytes(RECORDING.read_bytes())
    assert desk.run("mint", "shop.har", "-a", "api.shop.example", "--name", "shop").exit == 0
    with Service() as service:
        manifest = desk.project / "cask.yaml"
        place = f'{{api.shop.example: {{url: "http://127.0.0.1:{service.port}", private: true}}}}'
        auth = "auth: {api.shop.example: {scheme: bearer, from: env:SHOP_TOKEN}}\n"
        manifest.write_text(f"{manifest.read_text()}{auth}environments: {{local: {place}}}\n{EMIT}")
        assert desk.run("build").exit == 0
        approve_everything(desk)
        yield Approved(desk, service)


async def served(command: StdioServerParameters) -> tuple[list[str], Any]:
    """The names that are listed, and the answer of `get_product` if that is one of them."""
    async with Client(command, read_timeout_seconds=20) as client:
        names = [tool.name for tool in (await client.list_tools()).tools]
        return names, await client.call_tool("get_product", {"product_id": 2}) if "get_product" in names else None


@pytest.mark.feature(47)
def test_a_toolpack_that_was_moved_still_serves(approved: Approved, tmp_path: Path) -> None:
    manifest = parse_yaml((approved.pack / "toolpack.yaml").read_bytes(), "toolpack.yaml").value
    artifacts = {path.name: f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}" for path in (approved.pack / "artifact").iterdir()}
    assert (manifest["id"], manifest["artifacts"]) == ("shop", artifacts)
    moved = tmp_path / "elsewhere" / "renamed"
    shutil.copytree(approved.pack, moved)
    (tmp_path / "nowhere").mkdir()
    command = StdioServerParameters(
        command=CASK[0],
        args=[CASK[1], "--toolpack", str(moved), "--root", str(tmp_path / "state"), "serve", "--env", "local"],
        cwd=tmp_path / "nowhere",
        env=approved.desk.env,
    )
    names, answer = anyio.run(served, command)
    assert "get_product" in names
    assert answer.structured_content["name"] == "Teapot", answer


def test_a_moved_toolpack_that_was_edited_on_the_way_serves_that_tool_no_more(approved: Approved, tmp_path: Path) -> None:
    moved = tmp_path / "pack"
    shutil.copytree(approved.pack, moved)
    tools = moved / "artifact" / "tools.json"
    tools.write_text(tools.read_text().replace('"title": "Get product"', '"title": "Get products"'))
    command = StdioServerParameters(
        command=CASK[0],
        args=[CASK[1], "--toolpack", str(moved), "--root", str(tmp_path / "state"), "serve", "--env", "local"],
        cwd=tmp_path,
        env=approved.desk.env,
    )
    names, answer = anyio.run(served, command)
    assert answer is None
    assert "list_products" in names


# ---------------------------------------------------------------- as one file
@pytest.mark.feature(118)
def test_a_bundle_that_was_installed_elsewhere_serves_the_same_tools_to_another_person(approved: Approved, tmp_path: Path) -> None:
    one = approved.desk.json("bundle", "--out", str(tmp_path / "one.zip"))["summary"]
    assert one["digest"] == f"sha256:{hashlib.sha256((tmp_path / 'one.zip').read_bytes()).hexdigest()}"
    with zipfile.ZipFile(tmp_path / "one.zip") as found:
        assert {name.split("/")[0] for name in found.namelist()} == {"artifact", "bundle.json", "lockfile", "toolpack.yaml", "trust"}
        assert "lockfile/caskmcp.lock.pending.yaml" not in found.namelist()
    there = Desk(tmp_path)
    unpinned = there.run("install", "../one.zip")
    assert (unpinned.exit, list(there.project.iterdir())) == (4, [])
    assert all(word in unpinned.errors for word in ("CASK-T001", one["pin"].split("@")[0], "cask trust pin", "--trust-pin"))
    with there.person("install", "../one.zip") as person:
        person.expect(one["pin"].split("@")[0])
        person.expect("Type `shop` to sign:").send("shop")
        assert person.finish().exit == 0
    assert there.run("check", "--only", "signatures").exit == 0

    async def listed(client: Client) -> list[str]:
        return [tool.name for tool in (await client.list_tools()).tools]

    names = anyio.run(there.agent, listed)
    assert names == anyio.run(approved.desk.agent, listed)
    assert "get_product" in names
    assert there.run("bundle", "--out", "back.zip").exit == 0
    assert (there.project / "back.zip").read_bytes() == (tmp_path / "one.zip").read_bytes()


# ---------------------------------------------------------------- the container's entry point
def inside(approved: Approved, folder: Path, **env: str) -> dict[str, str]:
    """The environment of a container: a home of its own, `cask` on the path, nothing of the person's configuration."""
    programs = folder / "bin"
    programs.mkdir(exist_ok=True)
    cask = programs / "cask"
    cask.write_text(f'#!/bin/sh\nexec "{CASK[0]}" "{CASK[1]}" "$@"\n')
    cask.chmod(0o755)
    state = folder / "state"
    state.mkdir(exist_ok=True)
    own = environment(state, PATH=f"{programs}{os.pathsep}{os.environ['PATH']}", SHOP_TOKEN=TOKEN)
    return own | {"CASK_TOOLPACK_PATH": str(approved.pack), "CASK_STATE_PATH": str(state)} | env


def test_the_entry_point_serves_the_mounted_toolpack_to_whoever_gives_the_pin(approved: Approved, tmp_path: Path) -> None:
    command = StdioServerParameters(
        command="/bin/sh",
        args=[str(approved.pack / "artifact" / "entrypoint.sh"), "--env", "local"],
        cwd=tmp_path,
        env=inside(approved, tmp_path, CASK_TRUST_PIN=approved.root),
    )
    names, answer = anyio.run(served, command)
    assert "get_product" in names
    assert answer.structured_content["name"] == "Teapot", answer


@pytest.mark.parametrize(
    ("env", "status", "words"),
    [
        ({}, 4, "CASK_TRUST_PIN is not set"),
        ({"CASK_TRUST_PIN": "sha256:" + "0" * 64}, 4, "CASK-T002"),
        ({"CASK_TRUST_PIN": "given", "CASK_TOOLPACK_PATH": "/nonexistent"}, 3, "no toolpack is mounted at /nonexistent"),
    ],
)
def test_the_entry_point_ends_where_something_is_missing_that_says_what_may_run(
    approved: Approved, tmp_path: Path, env: dict[str, str], status: int, words: str
) -> None:
    script = approved.pack / "artifact" / "entrypoint.sh"
    done = subprocess.run(
        ["/bin/sh", str(script)],
        env=inside(approved, tmp_path, **env),
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, words in done.stderr) == (status, True), done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("words", "env", "status", "said"),
    [
        (["build"], {}, 3, "with its digest"),
        (["build", "python:3.13-slim"], {}, 3, "with its digest"),
        (["build", "python@sha256:0"], {}, 3, "beside this file"),
        ([], {}, 4, "set CASK_TRUST_PIN"),
        ([], {"CASK_TRUST_PIN": "given", "CASK_TOOLPACK": "/nonexistent"}, 3, "no toolpack at /nonexistent"),
    ],
)
def test_the_run_script_refuses_what_it_could_not_vouch_for(
    approved: Approved, words: list[str], env: dict[str, str], status: int, said: str
) -> None:
    script = approved.pack / "artifact" / "caskmcp.run"
    done = subprocess.run(["/bin/sh", str(script), *words], env={"PATH": os.environ["PATH"], **env}, capture_output=True, text=True)
    assert (done.returncode, said in done.stderr) == (status, True), done.stderr


def docker(folder: Path) -> dict[str, str]:
    """A stand-in that prints the command line that it was given."""
    program = folder / "docker"
    program.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    program.chmod(0o755)
    return {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}


def test_the_run_script_builds_from_one_wheel_with_its_digest(approved: Approved, tmp_path: Path) -> None:
    beside = tmp_path / "files"
    beside.mkdir()
    shutil.copy(approved.pack / "artifact" / "caskmcp.run", beside)
    (beside / "caskmcp-9.9.9-py3-none-any.whl").write_bytes(b"a wheel")
    command = ["/bin/sh", str(beside / "caskmcp.run"), "build", "python:3.13-slim@sha256:0"]
    said = subprocess.run(command, env=docker(tmp_path), capture_output=True, text=True, check=True).stdout.split("\n")
    assert f"WHEEL_SHA256={hashlib.sha256(b'a wheel').hexdigest()}" in said
    assert "BASE=python:3.13-slim@sha256:0" in said
    (beside / "caskmcp-9.9.8-py3-none-any.whl").write_bytes(b"another")
    assert subprocess.run(command, env=docker(tmp_path), capture_output=True).returncode == 3


def test_the_run_script_gives_docker_every_limit(approved: Approved, tmp_path: Path) -> None:
    script = approved.pack / "artifact" / "caskmcp.run"
    env = docker(tmp_path) | {"CASK_TRUST_PIN": "given"}
    said = subprocess.run(["/bin/sh", str(script), "--env", "local"], env=env, capture_output=True, text=True, check=True).stdout.split(
        "\n"
    )
    assert {"--read-only", "--cap-drop", "no-new-privileges", "--memory", "--cpus", "--pids-limit", "65532:65532"} <= set(said)
    assert f"{approved.pack}:/toolpack:ro" in said
    assert said[-4:-1] == ["cask-shop", "--env", "local"]


# ---------------------------------------------------------------- the typed client
@pytest.fixture(scope="module")
def client(approved: Approved) -> ModuleType:
    """The generated module, imported from where it lies."""
    spec = importlib.util.spec_from_file_location("shop_client", approved.pack / "artifact" / "client.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_client_calls_approved_tools_through_the_server(approved: Approved, client: ModuleType) -> None:
    async def story() -> tuple[Any, Any]:
        command = (*CASK, "serve", "--env", "local")
        async with client.connect(command, cwd=str(approved.desk.project), env=approved.desk.env) as tools:
            return await tools.get_product(product_id=2), await tools.list_products()

    product, products = anyio.run(story)
    assert product["name"] == "Teapot"
    assert isinstance(products, dict)
    assert approved.service.shop.heard[-2:] == ["GET /v1/products/2", "GET /v1/products"]


def test_the_client_can_do_nothing_that_the_lock_does_not_hold(approved: Approved, client: ModuleType) -> None:
    assert approved.desk.run("gate", "block", "list_products", "--reason", "not now").exit == 0

    async def story() -> Any:
        command = (*CASK, "serve", "--env", "local")
        async with client.connect(command, cwd=str(approved.desk.project), env=approved.desk.env) as tools:
            return await tools.list_products()

    before = list(approved.service.shop.heard)
    with pytest.raises(ExceptionGroup) as raised:
        anyio.run(story)
    refused, _ = raised.value.split(client.ToolError)
    assert refused is not None
    assert "list_products" in str(leaf(refused))
    assert approved.service.shop.heard == before


# ---------------------------------------------------------------- the command line
def command_line(approved: Approved, monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    """Run the generated program where it lies, as a person in the project would."""
    for name, value in approved.desk.env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(approved.desk.project)
    names = runpy.run_path(str(approved.pack / "artifact" / "cli.py"), run_name="cli")
    return int(names["main"](["--server", shlex.join((*CASK, "serve", "--env", "local")), *words]))


@pytest.mark.feature(50)
def test_the_command_line_calls_approved_tools_through_the_server(
    approved: Approved, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command_line(approved, monkeypatch, "get_product", "--product-id", "2") == 0
    assert json.loads(capsys.readouterr().out)["name"] == "Teapot"
    assert approved.service.shop.heard[-1] == "GET /v1/products/2"


@pytest.mark.feature(50)
def test_the_command_line_and_the_skill_can_do_nothing_that_the_lock_does_not_hold(
    approved: Approved, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    heard = list(approved.service.shop.heard)
    assert command_line(approved, monkeypatch, "cancel_order", "--order-id", "7") == 1
    told = capsys.readouterr()
    assert (told.out, "cancel_order: " in told.err, approved.service.shop.heard) == ("", True, heard)
    # The skill is text that names tools; it starts nothing, and the server's list decides.
    skill = (approved.pack / "artifact" / "SKILL.md").read_text(encoding="utf-8")
    assert "cancel_order" in skill
    assert "```" not in skill


def leaf(group: BaseException) -> BaseException:
    """The error inside of groups of one."""
    return leaf(group.exceptions[0]) if isinstance(group, BaseExceptionGroup) else group


def test_the_client_is_typed_strictly_and_so_is_its_use(approved: Approved, tmp_path: Path) -> None:
    module = approved.pack / "artifact" / "client.py"
    (tmp_path / "client.py").write_bytes(module.read_bytes())
    (tmp_path / "cli.py").write_bytes((module.parent / "cli.py").read_bytes())
    (tmp_path / "good.py").write_text(
        "from client import connect\n\n\nasync def use() -> None:\n    async with connect() as tools:\n        await tools.get_product(product_id=2)\n"
    )
    (tmp_path / "bad.py").write_text(
        'from client import connect\n\n\nasync def use() -> None:\n    async with connect() as tools:\n        await tools.get_product(product_id="two")\n'
    )
    check = [
        sys.executable,
        "-m",
        "mypy",
        "--strict",
        "--no-error-summary",
        "--cache-dir",
        str(tmp_path / "cache"),
        "client.py",
        "cli.py",
        "good.py",
    ]
    good = subprocess.run(check, cwd=tmp_path, capture_output=True, text=True)
    assert (good.returncode, good.stdout) == (0, "")
    bad = subprocess.run([*check, "bad.py"], cwd=tmp_path, capture_output=True, text=True)
    assert bad.stdout.count("error:") == 1
    assert 'bad.py:6: error: Argument "product_id"' in bad.stdout
