"""Strict YAML and JSON: places of errors, and the surprises that are refused."""

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from caskmcp import text
from caskmcp.errors import CaskError
from tests.unit.floor.test_canon import JSON

REFUSED = [
    # document,                          what it says,                     place
    (b"a: 1\nb: 2\na: 3\n", "the key `a` stands twice", "m.yaml:3"),
    (b"a: &x 1\nb: *x\n", "aliases are not allowed", "m.yaml:1"),
    (b"a: !!python/object:os.system 1\n", "the tag tag:yaml.org,2002:python/object:os.system is not allowed", "m.yaml:1"),
    (b"a: !mine 1\n", "the tag !mine is not allowed", "m.yaml:1"),
    (b"base: {a: 1}\n<<: {b: 2}\n", "merge keys are not allowed", "m.yaml:2"),
    (b"? [a]\n: 1\n", "a key has to be plain text", "m.yaml:1"),
    (b"a: [1\n", "did not find expected ',' or ']'", "m.yaml:2"),
    (b"a: 1\n\tb: 2\n", None, "m.yaml:2"),
    (b"\xff\xfe", "not UTF-8 at byte 0", "m.yaml"),
    (b"a: 1\n---\nb: 2\n", None, "m.yaml:2"),
    (b"a: " + b"9" * 1001, "a number has more than 1,000 digits", "m.yaml:1"),
    (b"a: 1e999\n", None, None),
    (b"[" * 70 + b"]" * 70, "nested deeper than 60 levels", "m.yaml:1"),
    (b"[" * 100_000, None, None),
]


@pytest.mark.feature(3)
@pytest.mark.parametrize(("data", "what", "place"), REFUSED)
def test_a_bad_yaml_document_is_refused_with_its_line(data, what, place):
    with pytest.raises(CaskError) as caught:
        text.parse_yaml(data, "m.yaml")
    assert caught.value.code == "CASK-I003"
    assert what is None or caught.value.what == what
    assert place is None or caught.value.place == place


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("no", "no"),
        ("1:30", "1:30"),
        ("2024-01-01", "2024-01-01"),
        ("0o17", "0o17"),
        ("010", "010"),
        ("yes", "yes"),
        ("~", None),
        ("null", None),
        ("", None),
        ("true", True),
        ("12", 12),
        ("-3.5e2", -350.0),
        ("'12'", "12"),
        (".5", ".5"),
        ("1_000", "1_000"),
    ],
)
def test_plain_scalars_follow_the_json_schema_of_yaml_1_2(written, value):
    assert text.parse_yaml(f"a: {written}\n".encode(), "m").value == {"a": value}


def test_each_path_knows_its_line():
    document = text.parse_yaml(b"a:\n  b:\n    - 1\n    - c: 2\n", "m.yaml")
    assert document.place(("a", "b", 1, "c")) == "m.yaml:4"
    assert document.place(("a", "nothing", 9)) == "m.yaml:1"


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b'{"a":1,"a":2}', "the key `a` stands twice"),
        (b"NaN", "NaN is not JSON"),
        (b"1e999", "a number is too large"),
        (b"[" * 3000 + b"]" * 3000, "nested"),
        (b'{"a":', None),
        (b"\xff", "not UTF-8 at byte 0"),
        (b"9" * 5000, None),
    ],
)
def test_bad_json_is_refused(data, what):
    with pytest.raises(CaskError) as caught:
        text.parse_json(data, "x.json")
    assert caught.value.code == "CASK-I003"
    assert what is None or what in caught.value.what
    assert caught.value.place.startswith("x.json")


def test_json_keeps_every_digit_and_a_byte_order_mark_is_no_content():
    assert text.parse_json(b"\xef\xbb\xbf[9007199254740995]", "x") == [9007199254740995]


def test_a_document_beyond_the_limit_is_refused_before_it_is_read():
    with pytest.raises(CaskError, match="larger than 3 bytes"):
        text.parse_json(b"[1,2]", "x", limit=3)


@given(JSON)
def test_what_is_written_as_yaml_reads_back_as_the_same_value(value):
    assert text.parse_yaml(text.dump_yaml(value), "x").value == value


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_another_yaml_1_1_reader_reads_the_same_text(value):
    assert yaml.safe_load(text.dump_yaml({"a": value})) == {"a": value}


@pytest.mark.parametrize(
    "value", [{"k" * 5000: {"a": [1]}, "é" * 1500: 1}, {"a": [[1, [2]], {"b": [{"c": {}}], "d": []}, []]}, [], {}, "x", [{"a": 1, "b": 2}]]
)
def test_odd_shapes_and_long_keys_read_back_in_both_readers(value):
    written = text.dump_yaml(value)
    assert text.parse_yaml(written, "x").value == value
    assert yaml.safe_load(written) == value


@pytest.mark.parametrize(
    ("value", "levels"), [(1, 0), ("[[", 0), ([], 1), ({}, 1), ([[], 1], 2), ({"a": [{"b": 1}]}, 3), ([1, {"a": [[]]}, []], 4)]
)
def test_levels_are_counted_by_arrays_and_objects(value: Any, levels: int) -> None:
    assert not text.is_deeper(value, levels)
    assert levels == 0 or text.is_deeper(value, levels - 1)
