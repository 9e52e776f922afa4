"""The chores of this project: how people work here. `doit list` explains them, `doit` alone runs the checks.

Nothing here is part of the product. Every task runs with the Python that runs doit, so an environment with `.[dev]` is all it takes.
"""

import json
import re
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

from packaging.tags import Tag
from packaging.utils import parse_wheel_filename

DOIT_CONFIG: Final = {"default_tasks": ["lint", "types", "imports", "generated", "test:quick"], "verbosity": 2}

ROOT: Final = Path(__file__).resolve().parent
PYTHON: Final = (sys.executable, "-m")

Task = dict[str, Any]


def run(*arguments: str) -> list[str]:
    """A command of this Python's environment, as doit takes it: `run("pytest", "-q")`."""
    return [*PYTHON, *arguments]


def task_generate() -> Task:
    """Write everything that is generated: schemas, reference pages, the example's artifacts, the status table."""
    return {"actions": None, "task_dep": ["schemas", "reference", "example", "status"]}


def task_schemas() -> Task:
    """Write schemas/*.schema.json from the records of caskmcp/model."""
    return {"actions": [run("docs._generate", "write", "schemas")]}


def task_reference() -> Task:
    """Write docs/reference from the tables of errors, commands and rules."""
    return {"actions": [run("docs._generate", "write", "errors", "commands", "tables", "performance")]}


def task_example() -> Task:
    """Build the example project with our own pipeline and keep what it gives in tests/golden/storefront."""
    return {"actions": [run("docs._generate", "write", "example")]}


def task_status() -> Task:
    """Write the README's status table from the feature marks of the tests."""
    return {"actions": [run("docs._generate", "write", "status")]}


def task_generated() -> Any:
    """Compare generated files with what their sources give."""
    yield {"name": "check", "doc": "fail, naming each generated file that is stale", "actions": [run("docs._generate", "check")]}


def task_lint() -> Any:
    """Lint and format with ruff."""
    yield {"name": "format", "doc": "rewrite the layout of the code", "actions": [run("ruff", "format", ".")]}
    yield {"name": "rules", "doc": "report what the rules find", "actions": [run("ruff", "check", ".")], "task_dep": ["lint:format"]}


def task_types() -> Task:
    """Check types with mypy, strict."""
    return {"actions": [run("mypy")]}


def task_imports() -> Task:
    """Check that each room imports downwards only (contracts in pyproject.toml)."""
    return {"actions": [[str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]]}


def task_test() -> Any:
    """Run the tests."""
    yield {
        "name": "quick",
        "doc": "all but the slow ones",
        "actions": [run("pytest", "-q", "-n", "auto", "--maxprocesses", "4", "--dist", "worksteal", "-m", "not slow")],
    }
    yield {"name": "all", "doc": "every test", "actions": [run("pytest", "-q", "-n", "2")]}
    yield {"name": "house", "doc": "what the code says about itself", "actions": [run("pytest", "-q", "tests/house")]}
    yield {"name": "coverage", "doc": "branch coverage of the quick tests", "actions": [run("pytest", "-q", "-m", "not slow", "--cov")]}


def task_bench() -> Task:
    """Time commands against what they cannot do without, by turns (tests/bench)."""
    return {"actions": [run("pytest", "-q", "tests/bench")]}


def task_mutants() -> Task:
    """Break each guard of the trust modules in turn; a break that no test notices is a finding (hours; `mutmut results` lists them)."""
    return {"actions": [run("mutmut", "run", "--max-children", "2")]}


def task_constraints() -> Task:
    """Resolve constraints-3.X.txt anew for the Python that runs this (asks the package index)."""
    return {"actions": [resolve]}


def resolve() -> None:
    """Write the pins that pip chooses for the project, all extras and all tools, wheels only."""
    minor = "{}.{}".format(*sys.version_info[:2])
    command = run(
        "pip",
        "install",
        "--dry-run",
        "--quiet",
        "--ignore-installed",
        "--only-binary",
        ":all:",
        "--report",
        "-",
        ".[dev,all,packaging-test]",
    )
    report = subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout
    (ROOT / f"constraints-{minor}.txt").write_text(constraints(report, minor), encoding="utf-8")


def constraints(report: bytes, minor: str) -> str:
    """The constraints file for pip's installation report."""
    packages = [row["metadata"] for row in json.loads(report)["install"]]
    pins = sorted(f"{row['name'].lower().replace('_', '-')}=={row['version']}" for row in packages if row["name"] != "caskmcp")
    head = f"# What CaskMCP, its extras and its tools resolve to on Python {minor}, wheels only. Made by `doit constraints`."
    return "\n".join([head, *pins, ""])


CONTAINER: Final = ROOT / "caskmcp" / "compiler" / "emit" / "data" / "requirements.lock"
INDEX: Final = "from pip._internal.models.index import PyPI; print(PyPI.simple_url)"
"""Says where pip looks by default."""


def task_container() -> Task:
    """Pin what a container installs, with the hashes of its wheels (asks the package index; run by the Python of the container)."""
    return {"actions": [pin]}


def pin() -> None:
    """Write the lock that the artifact `requirements.lock` is: the base install as constraints-3.X.txt has it, for Linux on x86_64 and aarch64."""
    minor = "{}.{}".format(*sys.version_info[:2])
    asked = (
        "install",
        "--dry-run",
        "--quiet",
        "--ignore-installed",
        "--only-binary",
        ":all:",
        "-c",
        f"constraints-{minor}.txt",
        "--report",
        "-",
        ".",
    )
    report = subprocess.run(run("pip", *asked), cwd=ROOT, check=True, capture_output=True).stdout
    rows = [row for row in constraints(report, minor).split("\n") if "==" in row]
    index = subprocess.run([sys.executable, "-c", INDEX], check=True, capture_output=True, text=True).stdout.strip()
    pages = {}
    for row in rows:
        with urllib.request.urlopen(f"{index}/{row.split('==')[0]}/", timeout=60) as answer:
            pages[row] = answer.read().decode("utf-8")
    CONTAINER.write_text(hashed(pages, minor), encoding="utf-8")


def hashed(pages: dict[str, str], minor: str) -> str:
    """Pins with the hashes of those wheels on the index's pages that a Linux container of this Python can install."""
    head = f"# The base install of CaskMCP on Python {minor}, Linux, x86_64 and aarch64; wheels only. Made by `doit container`."
    lines = [head]
    for row, page in sorted(pages.items()):
        links = re.findall(r"/([^/\"#]+\.whl)#sha256=([0-9a-f]{64})", page)
        found = sorted({digest for name, digest in links if fits(name, row.split("==")[1], minor)})
        lines += [" \\\n    ".join([row, *(f"--hash=sha256:{digest}" for digest in found)])]
    return "\n".join([*lines, ""])


def fits(name: str, version: str, minor: str) -> bool:
    """Whether a wheel is one of the version that the container's Python installs."""
    if f"-{version}-" not in unquote(name):
        return False  # the index also lists old wheels whose names no tool reads any more
    _, given, _, tags = parse_wheel_filename(unquote(name))
    own = f"cp{minor.replace('.', '')}"
    return str(given) == version and any(_runs(tag, own) and _linux(tag.platform) for tag in tags)


def _runs(tag: Tag, own: str) -> bool:
    older = tag.abi == "abi3" and tag.interpreter.startswith("cp3") and int(tag.interpreter[3:] or 0) <= int(own[3:])
    return tag.interpreter in ("py3", "py2.py3") or older or (tag.interpreter, tag.abi) == (own, own)


def _linux(platform: str) -> bool:
    return platform == "any" or (platform.startswith(("manylinux", "linux")) and platform.endswith(("_x86_64", "_aarch64")))


def task_changelog() -> Task:
    """Show what the changelog of the next release would say."""
    return {"actions": [run("towncrier", "build", "--draft", "--version", "next")]}


def task_wheel() -> Task:
    """Build the wheel and the source distribution into dist/."""
    return {"actions": [run("build", "--no-isolation")]}
