"""The status table of the README: how many rows of `docs/features.yaml` a test names as proved, section by section, and what their tests need.

A test that is skipped where something is missing proves its rows only where that is there; which rows those are is read from the same markers.
"""

import ast
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Final

import yaml

ROOT: Final = Path(__file__).resolve().parents[2]
NEEDS: Final = "needs "
"""How the reason of a skipped test begins that names a program or an extra."""
BLOCK: Final = re.compile(r"(?<=<!-- status -->\n).*?(?=<!-- /status -->)", re.DOTALL)


def sections() -> dict[str, dict[int, str]]:
    """Section -> number -> title."""
    parsed: dict[str, dict[int, str]] = yaml.safe_load((ROOT / "docs" / "features.yaml").read_text(encoding="utf-8"))
    return parsed


def proved() -> frozenset[int]:
    """Numbers that a `pytest.mark.feature(n)` in the tests names."""
    return frozenset(number for path in _tests() for number in _numbers(_parsed(path)))


def needed() -> dict[str, tuple[int, ...]]:
    """What a marked test needs, in the words of its marker -> numbers that it names, sorted."""
    found: dict[str, set[int]] = {}
    for path in _tests():
        for reason, number in _conditions(_parsed(path)):
            found.setdefault(reason, set()).add(number)
    return {reason: tuple(sorted(found[reason])) for reason in sorted(found)}


@cache
def _tests() -> tuple[Path, ...]:
    """The files of tests that name a row."""
    paths = sorted((ROOT / "tests").rglob("test_*.py"))
    return tuple(path for path in paths if "mark.feature(" in path.read_text(encoding="utf-8"))


@cache
def _parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _numbers(tree: ast.AST) -> Iterator[int]:
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call))
    marks = (node for node in calls if isinstance(node.func, ast.Attribute) and node.func.attr == "feature")
    yield from (item.value for mark in marks for item in mark.args if isinstance(item, ast.Constant) and isinstance(item.value, int))


# ---------------------------------------------------------------- what tests need
def _conditions(module: ast.Module) -> Iterator[tuple[str, int]]:
    """(what it needs, number) of each marked test that may be skipped."""
    values = _values(module)
    whole = [reason for node in module.body if _is_for_all(node) for reason in _reasons(node, values)]
    for node in module.body:
        if isinstance(node, ast.FunctionDef):
            own = [reason for mark in node.decorator_list for reason in _reasons(mark, values)]
            yield from ((reason, number) for mark in node.decorator_list for number in _numbers(mark) for reason in (*whole, *own))


def _is_for_all(node: ast.stmt) -> bool:
    """Whether a statement of a module may skip all of its tests."""
    return "pytestmark" in _names(node) or (isinstance(node, ast.Assign | ast.Expr) and "importorskip" in ast.dump(node))


def _names(node: ast.AST) -> list[str]:
    return [target.id for target in getattr(node, "targets", [getattr(node, "target", None)]) if isinstance(target, ast.Name)]


def _reasons(node: ast.AST, values: Mapping[str, ast.expr], depth: int = 4) -> Iterator[str]:
    """The reasons of all `skipif` and `importorskip` in a piece of code, those behind its names too."""
    for each in ast.walk(node):
        if isinstance(each, ast.Call) and isinstance(each.func, ast.Attribute) and each.func.attr in ("skipif", "importorskip"):
            yield from (_said(word.value, values) for word in each.keywords if word.arg == "reason")
        elif isinstance(each, ast.Name) and each.id in values and depth and each.id not in _names(node):
            yield from _reasons(values[each.id], values, depth - 1)


def _said(reason: ast.expr, values: Mapping[str, ast.expr]) -> str:
    """The words of a reason, up to the colon behind which the mend stands."""
    given = values.get(reason.id, reason) if isinstance(reason, ast.Name) else reason
    return str(given.value).partition(":")[0].strip() if isinstance(given, ast.Constant) else ""


def _values(module: ast.Module, depth: int = 2) -> dict[str, ast.expr]:
    """What the names of a module stand for that it gives itself, or takes from the tests' support."""
    found = {name: value for node in module.body for name in _names(node) if (value := getattr(node, "value", None)) is not None}
    taken = (node.module or "" for node in module.body if isinstance(node, ast.ImportFrom))
    paths = (ROOT / f"{name.replace('.', '/')}.py" for name in taken if name.startswith("tests.support.") and depth)
    for path in paths:
        theirs = _values(_parsed(path), depth - 1) if path.is_file() else {}
        found |= {name: value for name, value in theirs.items() if name not in found}
    return found


def table() -> str:
    """The table as Markdown."""
    done, rows = proved(), sections()
    lines = [_line(name, rows[name], done) for name in rows]
    total = sum(len(features) for features in rows.values())
    head = f"Proved by tests: {len(done)} of {total} features ([the list](docs/features.yaml); a row counts when a test names it and passes).\n"
    return "\n".join([head, "| area | proved | of | rows |", "|---|---|---|---|", *lines, "", *_footnote(), ""])


def _footnote() -> Iterator[str]:
    """What is skipped where something is missing."""
    told = [f"{words} ({', '.join(map(str, rows))})" for reason, rows in needed().items() if (words := _words(reason))]
    if told:
        yield f"Tests of some rows are skipped on a machine without what they need: {'; '.join(told)}."


def _words(reason: str) -> str:
    """What is needed, for a reason that says so; a reason of another form is no program and no extra, and is told by the test alone."""
    return reason.removeprefix(NEEDS) if reason.startswith(NEEDS) else ""


def files() -> dict[str, bytes]:
    """The README with its table made anew."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    return {"README.md": BLOCK.sub(lambda _: table(), text).encode("utf-8")}


def _line(name: str, features: dict[int, str], done: frozenset[int]) -> str:
    here = sorted(done & set(features))
    return f"| {name} | {len(here)} | {len(features)} | {', '.join(map(str, here)) or '–'} |"
