"""Generated files are what their sources give, and are what they claim to be."""

import json

import pytest
from jsonschema import Draft202012Validator

from caskmcp.errors import CODES
from caskmcp.model.schemas import SCHEMAS
from docs._generate.__main__ import GENERATORS, left_over, stale
from docs._generate.errors import EXITS
from docs._generate.status import BLOCK, proved, sections
from tests.support.syntax import ROOT


@pytest.mark.parametrize("name", [name for name in GENERATORS if name != "status"])
def test_no_generated_file_is_stale(name: str) -> None:
    generate, pattern = GENERATORS[name]
    assert stale(generate(), pattern) == []


@pytest.mark.feature(116)
def test_the_status_table_of_the_readme_says_what_the_tests_say() -> None:
    generate, pattern = GENERATORS["status"]
    assert stale(generate(), pattern) == []
    assert len(BLOCK.findall((ROOT / "README.md").read_text(encoding="utf-8"))) == 1


def test_a_file_that_differs_and_one_that_is_missing_are_both_named() -> None:
    assert stale({"README.md": b"other", "docs/none.md": b""}, "") == ["README.md", "docs/none.md"]


def test_a_page_that_nothing_generates_any_more_is_named() -> None:
    assert "docs/adr/0003-one-door.md" in left_over({}, "docs/adr/*.md")


@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_each_published_schema_is_a_valid_closed_schema_of_an_object(name: str) -> None:
    schema = json.loads((ROOT / "schemas" / f"{name}.schema.json").read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    assert (schema["type"], schema["additionalProperties"], schema["$id"]) == ("object", False, f"urn:caskmcp:schema:{name}")


def test_each_error_has_a_page_and_each_exit_status_a_meaning() -> None:
    pages = {path.stem for path in (ROOT / "docs" / "reference" / "errors").glob("CASK-*.md")}
    assert pages == set(CODES)
    assert {row.exit for row in CODES.values()} <= set(EXITS)


def test_the_features_are_numbered_1_to_120_and_no_test_proves_another() -> None:
    numbers = [number for rows in sections().values() for number in rows]
    assert numbers == list(range(1, 121))
    assert proved() <= set(numbers)
