"""Each trap of the protocol library that is known has a test that holds us out of it, and the test is there."""

import ast
from typing import Any, Final

import pytest

from caskmcp import text
from tests.support.syntax import ROOT

TABLE: Final = ROOT / "tests" / "conformance" / "traps.yaml"
ROWS: Final[dict[str, Any]] = text.parse_yaml(TABLE.read_bytes(), TABLE.name).value
KNOWN: Final = 20
NUMBERS: Final[list[str]] = sorted(ROWS, key=int)


def test_every_known_trap_has_a_row() -> None:
    assert [int(number) for number in NUMBERS] == list(range(1, KNOWN + 1))


@pytest.mark.parametrize("number", NUMBERS)
def test_each_test_that_a_trap_names_is_there(number: str) -> None:
    assert ROWS[number]["trap"]
    assert ROWS[number]["tests"]
    for name in ROWS[number]["tests"]:
        path, _, test = name.partition("::")
        found = {node.name for node in ast.walk(ast.parse((ROOT / "tests" / path).read_text())) if isinstance(node, ast.FunctionDef)}
        assert test in found if test else any(each.startswith("test_") for each in found), name
