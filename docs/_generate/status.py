"""The status table of the README: how many rows of `docs/features.yaml` a test names as proved, section by section."""

import ast
import re
from pathlib import Path
from typing import Final

import yaml

ROOT: Final = Path(__file__).resolve().parents[2]
BLOCK: Final = re.compile(r"(?<=<!-- status -->\n).*?(?=<!-- /status -->)", re.DOTALL)


def sections() -> dict[str, dict[int, str]]:
    """Section -> number -> title."""
    parsed: dict[str, dict[int, str]] = yaml.safe_load((ROOT / "docs" / "features.yaml").read_text(encoding="utf-8"))
    return parsed


def proved() -> frozenset[int]:
    """Numbers that a `pytest.mark.feature(n)` in the tests names."""
    trees = (ast.parse(path.read_text(encoding="utf-8")) for path in sorted((ROOT / "tests").rglob("test_*.py")))
    calls = (node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Call))
    marks = (node for node in calls if isinstance(node.func, ast.Attribute) and node.func.attr == "feature")
    return frozenset(item.value for mark in marks for item in mark.args if isinstance(item, ast.Constant) and isinstance(item.value, int))


def table() -> str:
    """The table as Markdown."""
    done, rows = proved(), sections()
    lines = [_line(name, rows[name], done) for name in rows]
    total = sum(len(features) for features in rows.values())
    head = f"Proved by tests: {len(done)} of {total} features ([the list](docs/features.yaml); a row counts when a test names it and passes).\n"
    return "\n".join([head, "| area | proved | of | rows |", "|---|---|---|---|", *lines, ""])


def files() -> dict[str, bytes]:
    """The README with its table made anew."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    return {"README.md": BLOCK.sub(lambda _: table(), text).encode("utf-8")}


def _line(name: str, features: dict[int, str], done: frozenset[int]) -> str:
    here = sorted(done & set(features))
    return f"| {name} | {len(here)} | {len(features)} | {', '.join(map(str, here)) or '–'} |"
