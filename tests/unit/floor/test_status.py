"""The status page says what the tests of a row need where they are skipped without it; the words are those of the markers."""

import ast

import pytest

from docs._generate import status

PROGRAM = """
import pytest
NEEDED = "needs the moon: fetch it"
both = pytest.mark.skipif(True, reason=NEEDED)

@pytest.mark.feature(7)
def test_free(): ...

@both
@pytest.mark.feature(8)
@pytest.mark.feature(9)
def test_bound(): ...

@pytest.mark.skipif(True, reason="needs a star")
@pytest.mark.feature(9)
def test_other(): ...
"""


def found(text: str) -> list[tuple[str, int]]:
    return sorted(set(status._conditions(ast.parse(text))))


def test_what_a_marker_needs_is_told_for_the_rows_of_its_test_alone() -> None:
    assert found(PROGRAM) == [("needs a star", 9), ("needs the moon", 8), ("needs the moon", 9)]


@pytest.mark.parametrize("line", ["pytestmark = both", "pytestmark = [pytest.mark.slow, both]"])
def test_a_marker_of_the_module_is_one_of_each_test(line: str) -> None:
    assert ("needs the moon", 7) in found(PROGRAM + line)


def test_a_module_that_is_skipped_as_a_whole_is_read_too() -> None:
    assert ("needs the sun", 7) in found('import pytest\nsun = pytest.importorskip("sun", reason="needs the sun")\n' + PROGRAM)


def test_the_browser_and_the_proxy_are_told_on_the_page() -> None:
    needed = status.needed()
    assert {7, 8, 11} <= set(needed["needs Playwright and a Chromium"])
    assert 9 in needed["needs mitmdump"]
    assert "Playwright and a Chromium (7, 8, 11" in status.table()
    assert "CASK_" not in status.table()
