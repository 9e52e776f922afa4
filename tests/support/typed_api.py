"""A program that uses the package as people do, every value with the type that a type checker has to see (`doit types` reads this file)."""

from pathlib import Path
from typing import assert_type

import caskmcp
from caskmcp import AdmittedPack, CaskError, Exit, Project, Report, open_project


def use(folder: Path) -> list[str]:
    """Open, build, judge and admit. Returns the names of the tools that may run, or the code of what refused them."""
    project = assert_type(open_project(folder), Project)
    assert_type(caskmcp.build(folder, locked=True), Report)
    built = assert_type(project.build(explain=True), Report)
    assert_type(built.exit, Exit)
    assert_type(project.diff(), Report)
    assert_type(project.lint(("claude",)), Report)
    assert_type(project.check(only=("signatures",)), Report)
    try:
        return list(assert_type(caskmcp.admit(folder), AdmittedPack).tools)
    except CaskError as refused:
        return [assert_type(refused.code, str)]
