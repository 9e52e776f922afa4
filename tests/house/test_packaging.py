"""The package says what it needs, the constraints files pin it, and the README installs it."""

import re
import tomllib
from pathlib import Path
from typing import Any, Final

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

import caskmcp
import dodo
from tests.support.syntax import ROOT

PROJECT: Final[dict[str, Any]] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CONSTRAINTS: Final = sorted(ROOT.glob("constraints-3.*.txt"), key=lambda path: Version(path.stem.removeprefix("constraints-")))
EXTRAS: Final = {
    "tui", "browser", "proxy", "openapi", "otel", "redis", "postgres", "keyring", "oauth", "aws", "sigstore", "sbom", "scale", "pii",
    "mcp", "playwright", "all", "test", "dev", "packaging-test",
}  # fmt: skip


def pins(path: Path) -> dict[str, Version]:
    lines = (line for line in path.read_text(encoding="utf-8").split("\n") if line and not line.startswith("#"))
    return {canonicalize_name(name): Version(version) for name, version in (line.split("==") for line in lines)}


def requirements(minor: str) -> list[Requirement]:
    """All that the project asks for on a Python, its own extras aside. mitmproxy stands apart: it lowers another pin."""
    extras = (row for name, rows in PROJECT["optional-dependencies"].items() if name != "proxy" for row in rows)
    found = [Requirement(row) for row in (*PROJECT["dependencies"], *extras)]
    there = {"python_version": minor, "python_full_version": f"{minor}.0"}
    return [row for row in found if row.name != "caskmcp" and (row.marker is None or row.marker.evaluate(there))]


@pytest.mark.parametrize("path", CONSTRAINTS, ids=lambda path: path.stem)
def test_each_requirement_is_pinned_inside_its_range(path: Path) -> None:
    pinned = pins(path)
    wrong = [
        str(row)
        for row in requirements(path.stem.removeprefix("constraints-"))
        if not row.specifier.contains(pinned[canonicalize_name(row.name)])
    ]
    assert wrong == []


def test_there_is_a_constraints_file_for_each_python_from_3_11() -> None:
    assert [path.stem for path in CONSTRAINTS] == ["constraints-3.11", "constraints-3.12", "constraints-3.13", "constraints-3.14"]


def test_every_requirement_ends_before_the_release_that_may_break_us() -> None:
    rows = [Requirement(row) for row in PROJECT["dependencies"]]
    assert [str(row) for row in rows if not any(part.operator == "<" for part in row.specifier)] == []


def test_the_extras_are_those_that_people_know() -> None:
    assert set(PROJECT["optional-dependencies"]) == EXTRAS


def test_the_version_stands_once_for_the_package_and_once_for_the_program() -> None:
    assert PROJECT["version"] == caskmcp.__version__


def test_pins_come_from_the_report_of_the_installer() -> None:
    report = b'{"install": [{"metadata": {"name": "rpds_Py", "version": "2"}}, {"metadata": {"name": "caskmcp", "version": "0"}}, {"metadata": {"name": "b", "version": "1"}}]}'
    assert dodo.constraints(report, "3.13").split("\n")[1:] == ["b==1", "rpds-py==2", ""]


def test_every_chore_says_what_it_is_for() -> None:
    chores = {name: chore for name, chore in vars(dodo).items() if name.startswith("task_")}
    assert chores
    assert [name for name, chore in chores.items() if not chore.__doc__] == []


def test_the_readme_begins_with_one_line_to_install_and_one_line_to_test() -> None:
    first, second, *_ = re.findall(
        r"^```(?:sh|console)\n(.*?)^```", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    assert (first.count("\n"), first.strip().split(" && ")[-1]) == (1, ".venv/bin/cask demo")
    assert (second.count("\n"), second.strip().split(" && ")[-1]) == (
        1,
        ".venv/bin/python -m pytest -q -n auto --maxprocesses 4 --dist worksteal",
    )


@pytest.mark.parametrize(
    ("wheel", "fits"),
    [
        ("mcp-2.3.0-py3-none-any.whl", True),
        ("mcp-2.3.0-py2.py3-none-any.whl", True),
        ("mcp-2.3.1-py3-none-any.whl", False),
        ("mcp-2.3.0-cp313-cp313-manylinux_2_28_aarch64.whl", True),
        ("mcp-2.3.0-cp313-cp313-manylinux2014_x86_64.manylinux_2_17_x86_64.whl", True),
        ("mcp-2.3.0-cp39-abi3-manylinux_2_28_x86_64.whl", True),
        ("mcp-2.3.0-cp314-abi3-manylinux_2_28_x86_64.whl", False),
        ("mcp-2.3.0-cp312-cp312-manylinux_2_28_x86_64.whl", False),
        ("mcp-2.3.0-cp313-cp313t-manylinux_2_28_x86_64.whl", False),
        ("mcp-2.3.0-cp313-cp313-musllinux_1_2_x86_64.whl", False),
        ("mcp-2.3.0-cp313-cp313-win_amd64.whl", False),
        ("mcp-2.3.0-cp313-cp313-macosx_11_0_arm64.whl", False),
        ("mcp-0.18-py36+-none-any.whl", False),
    ],
)
def test_a_container_takes_the_wheels_that_its_python_runs(wheel: str, fits: bool) -> None:
    assert dodo.fits(wheel, "2.3.0", "3.13") is fits


def test_the_lock_of_a_container_holds_the_hashes_of_fitting_wheels_alone() -> None:
    page = "".join(
        f'<a href="https://h/{name}#sha256={digit * 64}">'
        for name, digit in (("a-1-py3-none-any.whl", "b"), ("a-1-py2-none-any.whl", "c"), ("a-1.tar.gz", "d"))
    )
    assert dodo.hashed({"a==1": page}, "3.13").split("\n")[1:] == ["a==1 \\", f"    --hash=sha256:{'b' * 64}", ""]


def test_the_lock_of_a_container_pins_what_the_constraints_pin() -> None:
    rows = [row.rstrip(" \\") for row in dodo.CONTAINER.read_text(encoding="utf-8").split("\n") if "==" in row]
    pinned = pins(ROOT / "constraints-3.13.txt")
    assert {canonicalize_name(name): Version(version) for name, version in (row.split("==") for row in rows)}.items() <= pinned.items()
