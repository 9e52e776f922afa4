"""What people copy into their CI: the example workflow, the GitLab job, the pre-commit hooks and the scripts, read by what reads them and run."""

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from junitparser import JUnitXml
from pre_commit.clientlib import load_manifest

from caskmcp.cli.main import main
from tests.e2e import test_action
from tests.support import composite
from tests.support.terminal import ROOT, environment, shim

approved = test_action.approved
copy = test_action.copy
ALL: Final = pytest.mark.skipif(
    "CASK_SCRIPTS" not in os.environ, reason="set CASK_SCRIPTS=1: whole stories, with keys that open slowly on purpose; two minutes"
)


def read(path: str) -> dict[Any, Any]:
    value: dict[Any, Any] = yaml.safe_load((ROOT / path).read_text(encoding="utf-8"))
    return value


# ---------------------------------------------------------------- pre-commit
HOOKS: Final = {row["id"]: row for row in load_manifest(str(ROOT / ".pre-commit-hooks.yaml"))}


@pytest.fixture
def inside(copy: Path, approved: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory and the configuration of alice."""
    monkeypatch.chdir(copy / "project")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(approved / "project-config"))
    return copy


def hook(name: str) -> int:
    """What the hook's command ends with."""
    program, *words = shlex.split(HOOKS[name]["entry"])
    assert program == "cask"
    return main(words)


@pytest.mark.parametrize("name", HOOKS)
def test_each_hook_passes_on_a_sound_project(name: str, inside: Path) -> None:
    assert hook(name) == 0


def test_each_hook_fails_for_what_it_is_there_for(inside: Path) -> None:
    """An approval that is missing is no business of the cheap hooks, or nobody could commit what another person is to approve."""
    document = inside / "project" / "shop.yaml"
    sound = document.read_text(encoding="utf-8")
    document.write_text(sound.replace("[open, paid]", "[open]"), encoding="utf-8")
    assert (hook("cask-check"), hook("cask-build"), hook("cask-gate")) == (0, 1, 0)
    document.write_text(sound, encoding="utf-8")
    test_action.edited(inside, "[open, paid]", "[open, paid, gone]")
    assert (hook("cask-check"), hook("cask-build")) == (0, 0)
    assert hook("cask-gate") in (1, 2)
    with (inside / "project" / "cask.yaml").open("a", encoding="utf-8") as file:
        file.write("unknown: 1\n")
    assert (hook("cask-check"), hook("cask-build")) == (3, 3)


@pytest.mark.parametrize(
    ("name", "is_looked_at"),
    [
        ("cask.yaml", True),
        (".gitignore", True),
        (".caskmcp/toolpacks/shop/artifact/tools.json", True),
        ("src/cask.yaml", False),
        ("x.py", False),
    ],
)
def test_the_cheap_hook_looks_where_something_can_change(name: str, is_looked_at: bool) -> None:
    assert bool(re.search(HOOKS["cask-check"]["files"], name)) is is_looked_at


# ---------------------------------------------------------------- GitLab
JOB: Final = read("examples/ci/gitlab-ci.yml")["cask-check"]
KEYWORDS: Final = {"image", "stage", "rules", "before_script", "script", "artifacts", "allow_failure"}


def scripted(folder: Path, approved: Path) -> int:
    """The job's script as GitLab's runner joins it, with the program that `before_script` would have installed."""
    program = test_action.program(folder)
    env = {
        "PATH": f"{program.parent}:{os.environ['PATH']}",
        "HOME": str(folder / "nobody"),
        "CASK_TRUST_PIN": test_action.pin(approved),
        "CI": "true",
    }
    return subprocess.run(
        ["bash", "-eo", "pipefail", "-c", "\n".join(JOB["script"])], cwd=folder / "project", env=env, capture_output=True
    ).returncode


def test_the_gitlab_job_is_one_that_gitlab_reads() -> None:
    assert set(JOB) == KEYWORDS
    assert all(isinstance(line, str) for key in ("script", "before_script") for line in JOB[key])
    assert JOB["artifacts"]["when"] == "always"


def test_the_gitlab_script_ends_as_check_does_and_leaves_what_it_uploads(copy: Path, approved: Path) -> None:
    test_action.tampered(copy)
    assert scripted(copy, approved) == 4
    wanted = [*JOB["artifacts"]["paths"], JOB["artifacts"]["reports"]["junit"]]
    assert [name for name in wanted if not (copy / "project" / name).is_file()] == []
    assert len(JUnitXml.fromfile(str(copy / "project" / JOB["artifacts"]["reports"]["junit"]))) > 0


def test_only_a_review_does_not_hold_a_merge_request_up() -> None:
    assert JOB["allow_failure"] == {"exit_codes": 1}


# ---------------------------------------------------------------- GitHub
WORKFLOW: Final = read("examples/ci/drift-check.yml")
STEPS: Final = WORKFLOW["jobs"]["check"]["steps"]
OURS: Final = re.compile(r"OWNER/REPOSITORY/(\.github/actions/[a-z-]+)@COMMIT")


def test_the_workflow_brings_others_code_by_commit_alone_and_has_no_script_of_its_own() -> None:
    others = [step["uses"] for step in STEPS if not OURS.fullmatch(step.get("uses", ""))]
    assert [name for name in others if not re.fullmatch(r"actions/checkout@[0-9a-f]{40}", name)] == []
    assert [step for step in STEPS if "run" in step] == []


def test_the_workflow_gives_our_actions_what_they_take() -> None:
    ours = {match[1]: step for step in STEPS if (match := OURS.fullmatch(step["uses"]))}
    assert set(ours) == {".github/actions/cask-check", ".github/actions/cask-comment"}
    for folder, step in ours.items():
        inputs = composite.action(ROOT / folder / "action.yml")["inputs"]
        assert set(step["with"]) <= set(inputs)
        assert {name for name, row in inputs.items() if row.get("required")} <= set(step["with"])
    outputs = composite.action(ROOT / ".github/actions/cask-check/action.yml")["outputs"]
    used = re.findall(r"steps\.cask\.outputs\.([\w-]+)", yaml.safe_dump(STEPS))
    assert set(used) == {"comment"} <= set(outputs)


def test_the_token_may_read_and_comment_and_stays_out_of_the_checkout() -> None:
    assert WORKFLOW["permissions"] == {}
    assert WORKFLOW["jobs"]["check"]["permissions"] == {"contents": "read", "pull-requests": "write"}
    assert STEPS[0]["with"] == {"persist-credentials": False}
    # `on` is how YAML 1.1 writes true; a pull request from a fork gets no secret by `pull_request`, and would by `pull_request_target`
    assert set(WORKFLOW[True]) == {"pull_request", "schedule"}


# ---------------------------------------------------------------- scripts
def run(script: str, folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    home = folder / "home"
    home.mkdir()
    env = environment(home, TMPDIR=str(folder))
    env["PATH"] = f"{shim(home / 'bin').parent}:{env['PATH']}"
    return subprocess.run(
        [str(ROOT / script), *words], cwd=folder, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=600
    )


@ALL
@pytest.mark.timeout(400)
def test_mint_demo_runs_to_its_end_and_keeps_the_project_where_it_is_told(tmp_path: Path) -> None:
    shutil.copy(ROOT / "caskmcp/workflows/demo/recording.har", tmp_path / "shop.har")
    done = run("examples/mint_demo.sh", tmp_path, "shop.har", "api.shop.example", "kept")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "CASK-T006" in done.stderr + done.stdout
    assert (tmp_path / "kept" / "cask.yaml").is_file()


def test_mint_demo_ends_with_1_where_a_command_ends_otherwise(tmp_path: Path) -> None:
    (tmp_path / "shop.har").write_text("no recording")
    done = run("examples/mint_demo.sh", tmp_path, "shop.har", "api.shop.example")
    assert done.returncode == 1
    assert "not with 0" in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["home", "shop.har"]


@ALL
@pytest.mark.timeout(400)
def test_demo_holds_and_keeps_its_evidence(tmp_path: Path) -> None:
    done = run("examples/demo.sh", tmp_path, "evidence")
    assert done.returncode == 0, done.stdout + done.stderr
    assert any((tmp_path / "evidence").iterdir())


@ALL
@pytest.mark.timeout(400)
def test_the_story_of_governance_holds_unattended_and_leaves_nothing(tmp_path: Path) -> None:
    done = run("scripts/magic_moment_ci.sh", tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith("Every line held.\n")
    assert [path.name for path in tmp_path.iterdir()] == ["home"]


CHANGED: Final = {
    "the write is approved with the reads": ('allow list_products list_orders', 'allow list_products list_orders cancel_order', "nothing said: listed: list_orders list_products"),
    "nobody confirms": ('expect 0 person cask confirm grant "$challenge"\n', "", "nothing said: answered"),
    "nothing drifted": ('s/\\\\"price_cents\\\\":/', 's/\\\\"no_such_name\\\\":/', "ended with 0, not with 1: cask drift"),
}  # fmt: skip


@ALL
@pytest.mark.timeout(400)
@pytest.mark.parametrize("change", CHANGED)
def test_a_story_that_goes_otherwise_ends_with_1(change: str, tmp_path: Path) -> None:
    old, new, said = CHANGED[change]
    text = (ROOT / "scripts/magic_moment_ci.sh").read_text(encoding="utf-8")
    assert text.count(old) == 1
    (tmp_path / "copy" / "scripts").mkdir(parents=True)
    (tmp_path / "copy" / "caskmcp").symlink_to(ROOT / "caskmcp")
    script = tmp_path / "copy" / "scripts" / "story.sh"
    script.write_text(text.replace(old, new), encoding="utf-8")
    script.chmod(0o755)
    done = run(str(script), tmp_path)
    assert (done.returncode, said in done.stderr) == (1, True), done.stdout + done.stderr
