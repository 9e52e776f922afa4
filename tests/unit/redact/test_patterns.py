"""Patterns of the user's own: checked, bounded, cut wherever they stand, and counted by their name."""

import json

import pytest

from caskmcp.errors import CaskError
from caskmcp.redact.cut import Redactor
from caskmcp.redact.patterns import LONGEST, problem
from caskmcp.redact.placeholder import kind_of
from caskmcp.store.manifest import parse

KEY = b"k" * 32
STAFF = [("staff-number", r"\bST-([0-9]{6})\b"), ("ward", "Ward [A-Z]+")]


@pytest.mark.parametrize("pattern", [r"\bST-[0-9]{6}\b", "(?i)ward [a-z]+", r"\p{Greek}{4}"])
def test_a_pattern_in_the_syntax_of_re2_is_taken(pattern: str) -> None:
    assert problem(pattern) == ""


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("", "expected 1 to 500 characters"),
        ("a" * (LONGEST + 1), "expected 1 to 500 characters"),
        ("(", "not a pattern in RE2's syntax: missing )"),
        ("(?=a)", "not a pattern in RE2's syntax: invalid perl operator"),
        (r"(a)\1", "not a pattern in RE2's syntax: invalid escape sequence"),
        ("a*", "fits everywhere"),
        ("(?:(?:x{1000}){1000}){1000}", "not a pattern in RE2's syntax"),
        ("(?:[a-z]{900}[0-9]{900}){9}", "not a pattern in RE2's syntax"),
    ],
)
def test_a_pattern_that_cannot_be_used_is_refused_with_the_reason(pattern: str, said: str) -> None:
    assert said in problem(pattern)


def test_a_bad_pattern_in_the_manifest_is_an_error_with_its_line() -> None:
    text = (
        "version: 1\nhosts: [api.shop.example]\nredact:\n  patterns:\n    - {name: ok, re: 'ST-[0-9]{6}'}\n    - {name: bad, re: 'ST-('}\n"
    )
    with pytest.raises(CaskError) as refused:
        parse(text)
    assert refused.value.code == "CASK-I004"
    assert refused.value.place == "cask.yaml:6"
    assert "RE2" in refused.value.what


def test_a_pattern_needs_a_name_that_a_receipt_can_hold() -> None:
    with pytest.raises(CaskError):
        parse("version: 1\nhosts: [api.shop.example]\nredact: {patterns: [{name: 'Staff Number', re: 'ST-[0-9]{6}'}]}\n")


def test_the_group_of_a_pattern_is_cut_or_all_of_it() -> None:
    made = Redactor(KEY, patterns=STAFF).json({"note": "ST-123456 in Ward BLUE", "other": "ST-12345"}, "response.body")
    number, ward = made["note"].removeprefix("ST-").split(" in ")
    assert (kind_of(number), kind_of(ward), made["other"]) == ("secret", "secret", "ST-12345")


@pytest.mark.parametrize(
    "value", [{"ST-123456": 1}, ["ST-123456"], {"doc": json.dumps({"a": "ST-123456"})}, {"x": "U1QtMTIzNDU2IGlzIG91ciBudW1iZXI="}]
)
def test_a_pattern_is_looked_for_in_keys_lists_and_encodings(value: object) -> None:
    redactor = Redactor(KEY, patterns=STAFF)
    assert "ST-123456" not in (made := json.dumps(redactor.json(value, "request.body")))
    assert "U1QtMTIz" not in made
    assert redactor.counts.total() == 1


def test_the_receipt_counts_a_pattern_by_its_name() -> None:
    redactor = Redactor(KEY, patterns=STAFF)
    assert redactor.path("/staff/ST-123456") != "/staff/ST-123456"
    redactor.pairs([("q", "Ward RED")], "query")
    assert dict(redactor.counts) == {("pattern:staff-number", "path"): 1, ("pattern:ward", "query"): 1}
