"""The actions of this repository, run step by step from their own YAML: what they say, write and end with, on sound, waiting, broader and tampered
projects; and that neither strangers' words nor the repository under check become commands.
"""

import json
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, Final

import pytest
import yaml
from junitparser import JUnitXml

from caskmcp.govern import keys, pins
from caskmcp.report import comment
from caskmcp.store.clock import SystemClock
from caskmcp.store.files import LocalFiles
from caskmcp.workflows import build, gate, trust
from tests.support import composite, container, packs
from tests.support.composite import Ran, Runner
from tests.support.terminal import ROOT
from tests.support.world import ScriptedConsole, world

ACTIONS: Final = ROOT / ".github" / "actions"
CHECK: Final = ACTIONS / "cask-check"
COMMENT: Final = ACTIONS / "cask-comment"
PASS: Final = ("Passphrase for alice:", "word")
SPEC: Final = """\
openapi: 3.1.0
info: {title: Shop, version: "1"}
servers: [{url: "https://api.shop.example"}]
paths:
  /orders:
    get:
      operationId: listOrders
      summary: SUMMARY
      parameters: [{name: status, in: query, schema: {type: string, enum: [open, paid]}}]
      responses: {"200": {description: Orders, content: {application/json: {schema: {type: array, items: {type: integer}}}}}}
"""
SERVICE: Final = {"GITHUB_API_URL": "http://127.0.0.1:9", "GITHUB_REPOSITORY": "a/b"}
HOSTILE: Final = "List orders ##[error]x\n::add-mask::x $(touch pwned) `touch pwned` <!-- cask-check --> @all | ]( https://evil.test"


# ---------------------------------------------------------------- projects
def edited(folder: Path, old: str, new: str) -> None:
    """Change the document and build."""
    path = folder / "project" / "shop.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    build.run(world(folder / "project", at=SystemClock().now()))


def tampered(folder: Path) -> None:
    """One character of a signature."""
    path = folder / "project/.caskmcp/toolpacks/shop/lockfile/caskmcp.lock.yaml"
    text = path.read_text(encoding="utf-8")
    at = text.index("signature: ") + 20
    path.write_text(f"{text[:at]}{'A' if text[at] != 'A' else 'B'}{text[at + 1 :]}", encoding="utf-8")


@pytest.fixture(scope="module")
def approved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with one tool that alice approved; the pin lies beside it, where no runner looks."""
    folder = tmp_path_factory.mktemp("approved")
    (folder / "project").mkdir()
    (folder / "project" / "cask.yaml").write_text("version: 1\nname: shop\nhosts: [api.shop.example]\nsources: [{openapi: shop.yaml}]\n")
    (folder / "project" / "shop.yaml").write_text(SPEC, encoding="utf-8")
    edited(folder, "SUMMARY", "List orders")
    at = SystemClock().now()
    keys.save(LocalFiles(), world(folder / "project").config, packs.signer("alice"), "word")
    trust.init(world(folder / "project", console=ScriptedConsole([PASS]), at=at), key="alice", replace=False)
    person = ScriptedConsole([PASS, ("Type `shop` to sign:", "shop")])
    gate.allow(world(folder / "project", console=person, at=at), subjects=(), everything=True, reason="reviewed")
    return folder


@pytest.fixture
def copy(approved: Path, tmp_path: Path) -> Path:
    """One's own."""
    shutil.copytree(approved / "project", tmp_path / "project")
    return tmp_path


@cache
def pin(approved: Path) -> str:
    its = world(approved / "project")
    stored = pins.stored(its.files, its.config, "shop")
    assert stored is not None
    return str(stored.root)


def program(folder: Path, before: str = "") -> Path:
    """A `cask` as it is installed: it knows its own code, whatever the variables say. before: lines of Python that it begins with."""
    path = folder / "bin" / ("cask-without" if before else "cask")
    path.parent.mkdir(exist_ok=True)
    path.write_text(
        f"#!{sys.executable} -I\nimport sys\nsys.path.insert(0, {str(ROOT)!r})\n{before}from caskmcp.cli.main import main\nsys.exit(main())\n"
    )
    path.chmod(0o755)
    return path


def runner(folder: Path, **more: str) -> Runner:
    """A fresh machine: no home, no pin, no variable of ours."""
    (folder / "temp").mkdir(exist_ok=True)
    return Runner(
        folder / "project",
        folder / "temp",
        {"PATH": os.environ["PATH"], **SERVICE, "HOME": str(folder / "nobody"), "LANG": "C.UTF-8", **more},
    )


def checked(folder: Path, approved: Path, **inputs: str) -> Ran:
    return composite.run(CHECK, runner(folder), **{"cask": str(program(folder)), "trust_pin": pin(approved), **inputs})


def runner_commands(log: str) -> list[str]:
    """What the runner takes for a command: `::` after blanks at the beginning of a line, `##[` anywhere."""
    return [line for line in log.splitlines() if line.lstrip().startswith("::") or "##[" in line]


# ---------------------------------------------------------------- what it ends with
def test_a_sound_project_ends_with_0_and_every_file_is_written(copy: Path, approved: Path) -> None:
    before = {path: path.read_bytes() for path in (copy / "project").rglob("*") if path.is_file()}
    ran = checked(copy, approved)
    assert (ran.exit, ran.outputs["exit-status"]) == (0, "0"), ran
    assert all(re.match(r"::notice ", line) for line in ran.log.splitlines())
    assert json.loads(Path(ran.outputs["sarif"]).read_bytes())["version"] == "2.1.0"
    assert {case.name for suite in JUnitXml.fromfile(ran.outputs["junit"]) for case in suite} >= {"reproducible", "signatures"}
    assert runner(copy).summary.startswith("## cask check\n")
    body = Path(ran.outputs["comment"]).read_bytes()
    assert body.startswith(b"<!-- cask-check -->\n## cask check\n\nClean \\(exit status 0\\).\n")
    assert {path: path.read_bytes() for path in (copy / "project").rglob("*") if path.is_file()} == before


STATES: Final[dict[str, tuple[Callable[[Path], None], int, str]]] = {
    "a new tool waits": (lambda folder: edited(folder, "  /orders:\n", f"  /carts:{SPEC.partition('/orders:')[2]}  /orders:\n".replace("listOrders", "listCarts").replace("SUMMARY", "List")), 1, "::warning "),
    "a tool allows more": (lambda folder: edited(folder, "[open, paid]", "[open, paid, gone]"), 2, "::error "),
    "a signature was edited": (tampered, 4, "::error "),
}  # fmt: skip


@pytest.mark.parametrize("state", STATES)
def test_its_exit_status_is_that_of_check(state: str, copy: Path, approved: Path) -> None:
    change, status, command = STATES[state]
    change(copy)
    ran = checked(copy, approved, args="--skip reproducible")
    assert (ran.exit, ran.outputs["exit-status"]) == (status, str(status)), ran
    assert command in ran.log
    body = Path(ran.outputs["comment"]).read_text(encoding="utf-8")
    assert f"\\(exit status {status}\\)" in body
    assert "| reproducible | skipped |" in body
    assert json.loads(Path(ran.outputs["sarif"]).read_bytes())["runs"][0]["invocations"][0]["exitCode"] == status


def test_without_a_pin_nothing_is_accepted(copy: Path, approved: Path) -> None:
    ran = checked(copy, approved, trust_pin="", args="--only signatures")
    assert ran.exit == 4
    assert "cask trust pin" in ran.log


def test_where_there_is_nothing_to_check_the_comment_says_so_and_older_reports_are_gone(copy: Path, approved: Path) -> None:
    (copy / "project" / "cask.yaml").unlink()
    shutil.rmtree(copy / "project" / ".caskmcp")
    (copy / "temp" / "cask-check").mkdir(parents=True)
    (copy / "temp" / "cask-check" / "check.sarif").write_text("of an earlier run")
    ran = checked(copy, approved)
    assert ran.exit == 3
    assert not Path(ran.outputs["sarif"]).exists()
    assert Path(ran.outputs["comment"]).read_text().startswith("<!-- cask-check -->\n## cask check\n\nEnded with exit status 3 ")
    assert runner_commands(ran.log)[0].startswith("::error title=cask check::Ended with exit status 3 ")


# ---------------------------------------------------------------- alone on a machine
def alone(folder: Path, *shown: Path) -> Runner:
    """A runner whose steps each run in a fresh container: what they share is the workspace and the temporary folder of the job."""
    its = runner(folder)
    words = container.prefix(folder / "container", (its.workspace, its.temp), *shown)
    return Runner(its.workspace, its.temp, its.env, words)


@pytest.mark.feature(68)
@pytest.mark.skipif(not container.possible(), reason="needs user namespaces")
def test_in_a_fresh_container_without_a_network_it_does_the_same(copy: Path, approved: Path) -> None:
    its = alone(copy, program(copy).parent)
    ran = composite.run(CHECK, its, cask=str(program(copy)), trust_pin=pin(approved), args="--skip reproducible")
    assert ran.exit == 0, ran
    assert re.search(r"^::notice title=cask check::exit status 0;", ran.log, re.MULTILINE)
    assert its.summary.startswith("## cask check\n")
    with service() as (url, kept):  # which answers outside of the container
        inside = composite.run(COMMENT, its.with_env(GITHUB_API_URL=url), file=ran.outputs["comment"], number="7", token="its-token")
        outside = composite.run(COMMENT, runner(copy, GITHUB_API_URL=url), file=ran.outputs["comment"], number="7", token="its-token")
    assert (inside.exit, inside.errors) == (5, "cask-comment: the service said nothing\n")
    assert (outside.exit, len(kept)) == (0, 1)


@pytest.mark.feature(68)
def test_the_same_state_gives_the_same_comment(copy: Path, approved: Path) -> None:
    bodies = [Path(checked(copy, approved, args="--only lock").outputs["comment"]).read_bytes() for _ in range(2)]
    assert bodies[0] == bodies[1]


# ---------------------------------------------------------------- words of strangers
def hostile(folder: Path) -> None:
    """Words of strangers in a key of the manifest: what a report has to repeat."""
    manifest = folder / "project" / "cask.yaml"
    manifest.write_text(f"{manifest.read_text(encoding='utf-8')}{json.dumps(HOSTILE)}: 1\n", encoding="utf-8")


def breaks_out(ran: Ran, folder: Path) -> list[str]:
    """What a runner or a poster would take for something else than text."""
    lines = [line for line in ran.log.splitlines() if not re.match(r"::(error|warning|notice) (file=|title=)", line) or "##[" in line]
    marks = Path(ran.outputs["comment"]).read_text(encoding="utf-8").count(comment.MARK)
    return [*lines, *runner_commands(ran.errors), *(["a second mark"] if marks != 1 else []), *map(str, folder.rglob("pwned"))]


def test_hostile_words_of_strangers_break_out_of_nothing(copy: Path, approved: Path) -> None:
    hostile(copy)
    ran = checked(copy, approved, args="--only manifest")
    assert ran.exit == 3
    assert "error]x" in ran.log
    assert breaks_out(ran, copy) == []


def test_without_the_escaping_they_break_out(copy: Path, approved: Path) -> None:
    hostile(copy)
    without = (
        "from caskmcp.report import annotations, markdown\n"
        "annotations.disarmed = annotations.visible = markdown.escape = lambda text: text\n"
        "annotations._DATA = {}\n"
    )
    ran = checked(copy, approved, args="--only manifest", cask=str(program(copy, without)))
    found = breaks_out(ran, copy)
    assert any("##[error]x" in line for line in found)
    assert any(line.startswith("::add-mask::") for line in found)
    assert "a second mark" in found


INPUTS: Final = (
    "$(touch pwned)",
    "`touch pwned`",
    '"; touch pwned; "',
    "'; touch pwned; '",
    "x\ntouch pwned\n",
    "a=b\nexit-status=0",
    "%0Aexit-status=0",
)


@pytest.mark.parametrize("name", ["args", "toolpack", "trust_pin", "comment_file", "sarif_file"])
def test_no_input_is_read_by_a_shell(name: str, copy: Path) -> None:
    """With a program that only says what it was given: each value is a word of it, or refused."""
    told = copy / "told"
    given = copy / "given"
    given.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >> "{told}"\nexit 1\n')
    given.chmod(0o755)
    (copy / "temp").mkdir()
    for value in INPUTS:
        ran = composite.run(CHECK, runner(copy), cask=str(given), **{name: value})
        assert ran.exit in (1, 3)
        assert ran.outputs["exit-status"] in ("1", "")
    assert list(copy.rglob("pwned")) == []
    assert "touch" in told.read_text()


def naive(definition: dict[str, Any]) -> dict[str, Any]:
    """The action as it must not be: an input is text of the script."""
    step = definition["runs"]["steps"][1]
    return {
        **definition,
        "runs": {"steps": [definition["runs"]["steps"][0], {**step, "run": step["run"].replace('"$CASK_ARGS"', '"${{ inputs.args }}"')}]},
    }


def test_an_input_as_text_of_the_script_would_be_run(copy: Path) -> None:
    (copy / "temp").mkdir()
    composite.run(CHECK, runner(copy), definition=naive(composite.action(CHECK / "action.yml")), cask="/bin/true", args="$(touch pwned)")
    assert [path.name for path in copy.rglob("pwned")] == ["pwned"]


@pytest.mark.parametrize("folder", [CHECK, COMMENT], ids=lambda path: path.name)
def test_an_action_brings_nobody_elses_code_and_no_expression_into_a_script(folder: Path) -> None:
    steps = composite.action(folder / "action.yml")["runs"]["steps"]
    assert [step for step in steps if "uses" in step or "${{" in step["run"]] == []


# ---------------------------------------------------------------- the repository under check
PLANTED: Final = ("venv.py", "pip.py", "sitecustomize.py", "caskmcp/__init__.py", "caskmcp/cli/main.py", "json.py")


def planted(folder: Path) -> Runner:
    """A repository that brings modules of the names that the action uses, and a workflow that lets Python look there."""
    for name in PLANTED:
        (folder / "project" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "project" / name).write_text(f"open({str(folder / 'pwned')!r}, 'w').close()\n")
    (folder / "project" / "caskmcp" / "cli" / "__init__.py").write_text("")
    return runner(folder, PYTHONPATH=str(folder / "project"))


def test_modules_of_the_repository_under_check_are_not_run(copy: Path, approved: Path) -> None:
    its = planted(copy)
    ran = composite.run(CHECK, its, cask=str(program(copy)), trust_pin=pin(approved), args="--only manifest")
    assert (ran.exit, (copy / "pwned").exists()) == (0, False), ran


def bare(folder: Path) -> str:
    """A Python whose environments have no pip: it would take seconds to put one there, and who answers to its name is what is looked at."""
    path = folder / "python"
    path.write_text(f'#!/bin/sh\nexec {sys.executable} "$@" --without-pip\n')
    path.chmod(0o755)
    return str(path)


def test_nor_are_they_while_it_is_installed(copy: Path) -> None:
    ran = composite.run(CHECK, planted(copy), python=bare(copy), install="nothing")
    assert ran.exit == 1
    assert "No module named pip" in ran.errors
    assert not (copy / "pwned").exists()


def test_without_the_isolation_they_are_run(copy: Path) -> None:
    its = planted(copy)
    whole = composite.action(CHECK / "action.yml")
    open_ = json.loads(json.dumps(whole).replace(" -I -m", " -m").replace("unset PYTHONPATH PYTHONHOME", ":"))
    composite.run(CHECK, its, definition=open_, python=bare(copy), install="nothing")
    assert (copy / "pwned").exists()


# ---------------------------------------------------------------- the comment is posted once
class Service(BaseHTTPRequestHandler):
    """The part of the service that keeps the comments of one pull request. It trusts nobody's token but one."""

    comments: list[dict[str, Any]]

    def answer(self) -> None:
        value = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or "null")
        path = self.path.partition("?")[0]
        if self.headers["Authorization"] != "Bearer its-token":
            self.reply(403, {})
        elif (self.command, path) == ("GET", "/repos/a/b/issues/7/comments"):
            page = int(re.search(r"[?&]page=([0-9]+)", self.path)[1])  # type: ignore[index]
            self.reply(200, self.comments[(page - 1) * 100 : page * 100])
        elif (self.command, path) == ("POST", "/repos/a/b/issues/7/comments") and len(value["body"]) <= 65_536:
            self.comments.append({"id": 1000 + len(self.comments), "user": {"login": "github-actions[bot]"}, **value})
            self.reply(201, {})
        elif self.command == "PATCH" and (found := re.fullmatch(r"/repos/a/b/issues/comments/([0-9]+)", path)):
            next(row for row in self.comments if row["id"] == int(found[1])).update(value)
            self.reply(200, {})
        else:
            self.reply(422, {})

    do_GET = do_POST = do_PATCH = answer

    def reply(self, status: int, value: Any) -> None:
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""


@contextmanager
def service(*comments: dict[str, Any]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    kept = list(comments)
    with ThreadingHTTPServer(("127.0.0.1", 0), type("One", (Service,), {"comments": kept})) as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", kept
        server.shutdown()


def posted(folder: Path, url: str, body: str, **inputs: str) -> Ran:
    (folder / "project").mkdir(exist_ok=True)
    (folder / "body.md").write_text(body, encoding="utf-8")
    its = runner(folder, GITHUB_API_URL=url, NO_PROXY="127.0.0.1")
    given = {"file": str(folder / "body.md"), "number": "7", "token": "its-token", **inputs}
    return composite.run(COMMENT, its, **given)


def by(login: str, body: str, number: int) -> dict[str, Any]:
    return {"id": number, "user": {"login": login}, "body": body}


def test_however_often_it_runs_there_is_one_comment_with_the_newest_body(tmp_path: Path) -> None:
    others = (by("mallory", f"{comment.MARK}\nmine", 1), *(by("bob", "looks fine", number) for number in range(2, 130)))
    with service(*others) as (url, kept):
        said = [posted(tmp_path, url, f"{comment.MARK}\n{body}\n") for body in ("one", "one", "two")]
        assert [(ran.exit, ran.log) for ran in said] == [
            (0, "cask-comment: posted\n"),
            (0, "cask-comment: unchanged\n"),
            (0, "cask-comment: replaced\n"),
        ]
        assert kept == [*others, by("github-actions[bot]", f"{comment.MARK}\ntwo\n", 1129)]


def test_only_the_author_s_own_comment_is_replaced(tmp_path: Path) -> None:
    """Asked to be mallory, it takes hers: it is the author that keeps it from the comment of a stranger, who can write the mark as well."""
    with service(by("mallory", f"{comment.MARK}\nmine", 1)) as (url, kept):
        assert posted(tmp_path, url, f"{comment.MARK}\none", author="mallory").log == "cask-comment: replaced\n"
        assert kept == [by("mallory", f"{comment.MARK}\none", 1)]


def test_what_is_no_body_of_ours_or_no_pull_request_is_not_posted(tmp_path: Path) -> None:
    with service() as (url, kept):
        assert posted(tmp_path, url, "another text").exit == 3
        assert posted(tmp_path, url, f"{comment.MARK}\nx", number="7/../../c").exit == 3
        refused = posted(tmp_path, url, f"{comment.MARK}\nx", token="another")
        assert (refused.exit, refused.errors) == (5, "cask-comment: the service said 403\n")
        assert kept == []


def test_the_mark_is_the_same_wherever_it_stands() -> None:
    assert f'MARK = "{comment.MARK}"' in (COMMENT / "comment.py").read_text(encoding="utf-8")
    assert f"'{comment.MARK}'" in (CHECK / "action.yml").read_text(encoding="utf-8")


# ---------------------------------------------------------------- what is not told here is refused
@pytest.mark.parametrize("step", [{"uses": "a/b@v1"}, {"run": "x", "shell": "bash", "if": "always()"}, {"run": "x", "shell": "sh"}])
def test_a_step_that_this_interpreter_does_not_know_is_no_pass(step: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "action.yml").write_text(yaml.safe_dump({"inputs": {}, "runs": {"steps": [step]}}))
    with pytest.raises((ValueError, KeyError)):
        composite.run(tmp_path, runner(tmp_path))
