"""The Python API does what the commands do, says what it gives, and holds no way to approve."""

import inspect
import json
import logging
import os
import re
import shutil
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any, Final

import anyio
import pytest
from mcp import Client, StdioServerParameters

import caskmcp
from caskmcp import api
from caskmcp.cli.main import main
from caskmcp.errors import CaskError, Exit
from caskmcp.workflows import gate, keys
from tests.support import signed, typed_api
from tests.support.syntax import ROOT

PAGE: Final = ROOT / "docs" / "how-to" / "use-from-python.md"
NAMES: Final = ["AdmittedPack", "CaskError", "Exit", "Project", "Report", "admit", "build", "open_project", "serve"]


@pytest.fixture(scope="module")
def approved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose two tools are approved, and the configuration of the person who accepted its trust root."""
    folder = tmp_path_factory.mktemp("api")
    signed.built(folder / "project", folder / "config", 2)
    return folder


@pytest.fixture
def project(approved: Path, tmp_path: Path) -> Path:
    shutil.copytree(approved / "config", Path(os.environ["XDG_CONFIG_HOME"]) / "caskmcp")
    return Path(shutil.copytree(approved / "project", tmp_path / "project"))


def tools(folder: Path) -> list[str]:
    return sorted(row["name"] for row in json.loads((folder / ".caskmcp/toolpacks/shop/artifact/tools.json").read_bytes())["tools"])


# ---------------------------------------------------------------- what there is
def test_the_package_offers_these_names_and_finds_each() -> None:
    assert [name for name in dir(caskmcp) if name in NAMES] == NAMES
    assert all(getattr(caskmcp, name).__doc__ for name in NAMES)


def test_type_checkers_are_told_the_same_names() -> None:
    stub = (ROOT / "caskmcp" / "__init__.pyi").read_text(encoding="utf-8")
    assert sorted(re.findall(r"import (\w+) as \1", stub)) == NAMES
    assert (ROOT / "caskmcp" / "py.typed").exists()


def test_a_name_that_there_is_not_is_said_so() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'approve'"):
        caskmcp.approve  # noqa: B018


def test_every_parameter_and_every_result_has_a_type_and_a_word() -> None:
    found = [
        api.open_project,
        api.build,
        api.admit,
        api.serve,
        *(row for name, row in vars(api.Project).items() if not name.startswith("_")),
    ]
    assert len(found) == 10
    for function in found:
        signature = inspect.signature(function)
        assert function.__doc__
        assert signature.return_annotation is not inspect.Signature.empty
        assert [name for name, row in signature.parameters.items() if name != "self" and row.annotation is inspect.Parameter.empty] == []


# ---------------------------------------------------------------- what it does
@pytest.mark.feature(120)
def test_a_program_builds_judges_and_admits_with_the_types_that_were_promised(project: Path) -> None:
    assert typed_api.use(project) == tools(project)


def test_building_again_runs_nothing_and_says_why(project: Path) -> None:
    caskmcp.build(project)
    report = caskmcp.build(project, explain=True)
    assert (report.summary["ran"], report.summary["tools"], report.exit) == (0, 2, Exit.CLEAN)
    assert {row["did"] for row in report.tables["steps"]} == {"up to date"}


@pytest.mark.parametrize("name", ["diff", "lint", "check"])
def test_a_command_prints_what_the_method_gives(
    project: Path, name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(project)
    status = main([name, "--format", "json"])
    printed = json.loads(capsys.readouterr().out)
    report = getattr(caskmcp.open_project(), name)()
    assert (status, printed["summary"]) == (report.exit, json.loads(json.dumps(dict(report.summary))))
    assert printed["findings"] == [row.row() for row in report.findings]


def test_a_tool_that_was_edited_is_withheld_with_its_reason(project: Path) -> None:
    path = project / ".caskmcp/toolpacks/shop/artifact/tools.json"
    path.write_text(path.read_text().replace("Get one item of list 0", "Get all items of list 0"))
    pack = caskmcp.admit(project)
    assert len(pack.tools) == 1
    assert [(row.status, row.code) for row in pack.withheld] == [("pending", "CASK-L003")]


def test_nothing_is_printed_and_the_logger_is_told(
    project: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    opened = caskmcp.open_project(project)
    with caplog.at_level(logging.DEBUG, logger="caskmcp"):
        opened.build()
        opened.check()
        opened.world.console.note("a\x1b[2Jb")
        opened.world.console.out("c")
        opened.world.console.progress("d")
    assert capsys.readouterr() == ("", "")
    assert [row.message for row in caplog.records][-3:] == ["a\\u{1b}[2Jb", "c", "d"]


# ---------------------------------------------------------------- what it refuses
def test_a_folder_that_is_not_there_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(CaskError) as caught:
        caskmcp.open_project(tmp_path / "nowhere")
    assert (caught.value.code, caught.value.exit, caught.value.place) == ("CASK-I002", Exit.INPUT, str(tmp_path / "nowhere"))


def test_a_folder_without_a_project_is_bad_input(tmp_path: Path) -> None:
    for call in (caskmcp.build, caskmcp.admit):
        with pytest.raises(CaskError) as caught:
            call(tmp_path)
        assert caught.value.exit is Exit.INPUT


@pytest.mark.parametrize(("given", "code"), [({"environment": "nowhere"}, "CASK-I010"), ({"trust_pin": "sha256:" + "0" * 64}, "CASK-T002")])
def test_admission_takes_the_same_door_as_serve(project: Path, given: dict[str, Any], code: str) -> None:
    with pytest.raises(CaskError) as caught:
        caskmcp.admit(project, **given)
    assert caught.value.code == code


def test_without_an_accepted_trust_root_nothing_is_admitted(approved: Path) -> None:
    with pytest.raises(CaskError) as caught:
        caskmcp.admit(approved / "project")
    assert caught.value.exit is Exit.REFUSED


# ---------------------------------------------------------------- no way to approve
def test_there_is_no_method_that_approves_signs_or_confirms() -> None:
    public = {name for name in vars(api.Project) if not name.startswith("_")} | {row.name for row in fields(api.Project)}
    assert public == {"world", "build", "diff", "lint", "check", "admit", "serve"}


def test_nobody_can_be_asked_even_where_the_program_has_a_terminal(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    console = caskmcp.open_project(project).world.console
    assert (console.interactive, console.screen(None)) == (False, False)  # type: ignore[arg-type]
    for ask in (console.ask, console.ask_secret):
        with pytest.raises(CaskError) as caught:
            ask("Type `shop` to sign:")
        assert (caught.value.code, caught.value.exit) == ("CASK-A001", Exit.REFUSED)


def test_even_the_story_behind_the_command_refuses_a_project_of_python(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    at = caskmcp.open_project(project).world
    all_that_waits: dict[str, Any] = dict.fromkeys(("toolset", "risk", "expires", "key"), None)
    for call in (
        lambda: gate.allow(at, subjects=(), everything=True, reason="x", **all_that_waits),
        lambda: keys.new(at, name="mallory"),
    ):
        with pytest.raises(CaskError) as caught:
            call()
        assert caught.value.code == "CASK-A001"


# ---------------------------------------------------------------- the page
def blocks() -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


@pytest.mark.feature(120)
def test_each_block_of_the_page_that_ends_runs_as_it_stands(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(project)
    ending = [block for block in blocks() if "serve(" not in block]
    assert len(ending) == 3
    for block in ending:
        exec(compile(block, PAGE.name, "exec"), {"__name__": "page"})
    assert capsys.readouterr().out.split("\n")[:3] == ["2 tools", *tools(project)]


@pytest.mark.feature(120)
def test_the_server_of_the_page_lists_what_was_approved(project: Path) -> None:
    (program,) = (block for block in blocks() if "serve(" in block)
    (project / "served.py").write_text(program, encoding="utf-8")
    env = {name: os.environ[name] for name in ("HOME", "PATH", "XDG_CONFIG_HOME")} | {"PYTHONPATH": str(ROOT)}
    command = StdioServerParameters(command=sys.executable, args=["served.py"], cwd=project, env=env)

    async def listed() -> list[str]:
        async with Client(command, read_timeout_seconds=20) as client:
            return [tool.name for tool in (await client.list_tools()).tools]

    assert anyio.run(listed) == tools(project)


def test_importing_the_api_imports_no_story() -> None:
    code = "import sys, caskmcp; caskmcp.Project; print(sorted(name for name in sys.modules if name.startswith('caskmcp.')))"
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['caskmcp.api', 'caskmcp.errors', 'caskmcp.load', 'caskmcp.ports']"
