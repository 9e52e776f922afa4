"""Runs composite actions and steps of workflows from their own YAML, as far as GitHub's runner does it without the service.

Known are steps with `run` and `shell: bash` (as the runner starts it), `env`, `working-directory`, `id`, inputs with defaults, the files behind
GITHUB_OUTPUT and GITHUB_STEP_SUMMARY, outputs of steps, and expressions that are one path of a context. Anything else is a ValueError: an
action that began to use more would not be run as it is. A failed step ends the action, whose outputs are still there.
"""

import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import yaml

EXPRESSION: Final = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")
PATH: Final = re.compile(r"[A-Za-z_][\w-]*(?:\.[\w-]+)+")
STEP_KEYS: Final = {"name", "id", "shell", "env", "run", "working-directory"}
ACTION_KEYS: Final = {"name", "description", "inputs", "outputs", "runs"}
BASH: Final = ("bash", "--noprofile", "--norc", "-eo", "pipefail")


@dataclass(frozen=True)
class Runner:
    """A machine with a workspace and a temporary folder. env: what it has beside the variables of the runner, which are made here."""

    workspace: Path
    temp: Path
    env: Mapping[str, str]
    prefix: tuple[str, ...] = ()
    """A command that starts each step, for example in a network without anybody."""
    github: Mapping[str, Any] = field(default_factory=dict)

    def with_env(self, **more: str) -> "Runner":
        """The same machine with more variables."""
        return replace(self, env={**self.env, **more})

    @property
    def summary(self) -> str:
        """The page of the run."""
        path = self.temp / "summary"
        return path.read_text(encoding="utf-8") if path.exists() else ""


@dataclass(frozen=True)
class Ran:
    """How an action ended."""

    exit: int
    log: str
    """stdout of its steps, which the runner reads for commands."""
    errors: str
    outputs: Mapping[str, str]


def action(path: Path) -> dict[str, Any]:
    """An action.yml."""
    value: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    if unknown := set(value) - ACTION_KEYS:
        raise ValueError(f"unknown keys {sorted(unknown)}")
    return value


def run(path: Path, runner: Runner, *, definition: Mapping[str, Any] | None = None, **inputs: str) -> Ran:
    """Run the composite action that lies in the folder `path`; inputs with `_` for `-`. definition: another text in its place."""
    value = action(path / "action.yml") if definition is None else definition
    given = {name.replace("_", "-"): text for name, text in inputs.items()}
    if unknown := set(given) - set(value["inputs"]):
        raise ValueError(f"unknown inputs {sorted(unknown)}")
    context: dict[str, Any] = {
        "github": {**runner.github, "action_path": str(path), "workspace": str(runner.workspace)},
        "runner": {"temp": str(runner.temp)},
        "steps": {},
    }
    defaults = {name: expanded(str(row.get("default", "")), context) for name, row in value["inputs"].items()}
    context["inputs"] = {**defaults, **given}
    done, log, errors = 0, "", ""
    for step in value["runs"]["steps"]:
        done, out, err = _step(step, runner, context, path)
        log, errors = log + out, errors + err
        if done:
            break
    return Ran(done, log, errors, {name: expanded(row["value"], context) for name, row in value.get("outputs", {}).items()})


def expanded(text: str, context: Mapping[str, Any]) -> str:
    """A text with its expressions replaced; what is not there is empty, as the runner has it."""
    return EXPRESSION.sub(lambda match: _looked_up(match[1], context), text)


def _looked_up(name: str, context: Mapping[str, Any]) -> str:
    if not PATH.fullmatch(name):
        raise ValueError(f"not the path of a context: {name}")
    found: Any = context
    for part in name.split("."):
        found = found.get(part, "") if isinstance(found, Mapping) else ""
    return str(found)


def _step(step: Mapping[str, Any], runner: Runner, context: dict[str, Any], path: Path) -> tuple[int, str, str]:
    if set(step) - STEP_KEYS or step["shell"] != "bash":
        raise ValueError(f"a step with more than is known: {sorted(step)}")
    files = {name: runner.temp / f"{name}-{step.get('id', 'step')}" for name in ("script", "output")}
    files["script"].write_text(expanded(step["run"], context), encoding="utf-8")
    files["output"].write_text("", encoding="utf-8")
    summary = runner.temp / "summary"
    summary.touch()
    env = {
        **runner.env,
        "GITHUB_ACTIONS": "true",
        "GITHUB_ACTION_PATH": str(path),
        "GITHUB_WORKSPACE": str(runner.workspace),
        "GITHUB_OUTPUT": str(files["output"]),
        "GITHUB_STEP_SUMMARY": str(summary),
        "RUNNER_TEMP": str(runner.temp),
        **{name: expanded(str(text), context) for name, text in step.get("env", {}).items()},
    }
    folder = runner.workspace / expanded(step.get("working-directory", "."), context)
    words = [*runner.prefix, *BASH, str(files["script"])]
    done = subprocess.run(
        words, cwd=folder, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, encoding="utf-8", timeout=300
    )
    if "id" in step:
        context["steps"][step["id"]] = {"outputs": outputs(files["output"].read_text(encoding="utf-8"))}
    return done.returncode, done.stdout, done.stderr


def outputs(text: str) -> dict[str, str]:
    """What a step wrote to GITHUB_OUTPUT, one `name=value` a line. ValueError for another form, which no step of ours needs."""
    rows = [line.partition("=") for line in text.splitlines()]
    if wrong := [name for name, mark, _ in rows if not mark or not re.fullmatch(r"[a-z-]+", name)]:
        raise ValueError(f"no outputs: {wrong}")
    return {name: value for name, _, value in rows}
