"""YAML as we write it is read by a short cut, and no document on earth means anything else by it than by the strict reader."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caskmcp import plainyaml, text
from caskmcp.errors import CaskError

LOCK = b"""schema: caskmcp/lock/1
subjects:
  policy:
  - signature: "a="
    statement:
      not_after: null
      sequence: 7
      words: []
  "tool:r":
  - - 1
    - "two: 2"
  - {}
toolpack: shop
"""


def strictly(data: bytes) -> Any:
    return text._composed(data.decode("utf-8-sig"), "x", None).value


def outcome(read: Any, data: bytes) -> str:
    try:
        return repr(read(data))
    except CaskError as error:
        return f"{error.place} {error.what}"


def quick(data: bytes) -> bool:
    """Whether the short cut was taken."""
    try:
        text._own(data.decode("utf-8-sig"), data)
    except ValueError:
        return False
    return True


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**18), 10**18) | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=8) | st.sampled_from(["yes", "a: b", "- x", "null", "1"]), inner, max_size=3)
    ),
    max_leaves=12,
)


@settings(max_examples=100)
@given(value=VALUES)
def test_what_we_write_is_the_same_value_to_the_strict_reader(value: Any) -> None:
    """What the short cut stands on: it takes a value that gives the bytes again, so those bytes have to mean that value."""
    written = text.dump_yaml(value)
    assert repr(strictly(written)) == repr(text.parse_yaml(written, "x").value)
    assert strictly(written) == value
    assert dict(text.parse_yaml(written, "x").lines) == dict(text._composed(written.decode(), "x", None).lines)


CHANGES = st.tuples(
    st.integers(0, len(LOCK)),
    st.integers(0, 3),
    st.sampled_from([b"", b" ", b"\n", b":", b"- ", b'"', b"#", b"&a ", b"*a", b"!x ", b"yes", b"\t", b"\r", b"{", b"'", b"? "]),
)


@settings(max_examples=100)
@given(changes=st.lists(CHANGES, min_size=1, max_size=3))
def test_an_edited_document_is_read_or_refused_as_by_the_strict_reader(changes: list[tuple[int, int, bytes]]) -> None:
    data = LOCK
    for at, gone, new in changes:
        data = data[:at] + new + data[at + gone :]
    assert outcome(lambda raw: text.parse_yaml(raw, "x").value, data) == outcome(strictly, data)


@settings(max_examples=100)
@given(value=VALUES, changes=st.lists(CHANGES, max_size=2))
def test_what_the_short_cut_takes_is_written_again_byte_for_byte(value: Any, changes: list[tuple[int, int, bytes]]) -> None:
    data = text.dump_yaml(value)
    for at, gone, new in changes:
        place = at % (len(data) + 1)
        data = data[:place] + new + data[place + gone :]
    try:
        found = text._own(data.decode("utf-8-sig"), data)
    except ValueError:
        found = None
    assert found is None or text.dump_yaml(found) == data


def test_each_empty_collection_of_a_document_is_one_of_its_own() -> None:
    value = text.parse_yaml(b"a:\n- b: {}\n  c: []\n- b: {}\n  c: []\n- {}\n- {}\n", "x").value
    value["a"][0]["b"]["new"] = 1
    value["a"][0]["c"].append(1)
    value["a"][2]["new"] = 1
    assert value == {"a": [{"b": {"new": 1}, "c": [1]}, {"b": {}, "c": []}, {"new": 1}, {}]}


def test_our_own_lock_goes_the_short_way_and_a_person_s_manifest_does_not() -> None:
    assert quick(LOCK)
    for other in (
        b"# a comment\na: 1\n",
        b"a: 'x'\n",
        b"a: {b: 1}\n",
        b"b: 1\na: 2\n",
        b"a: 1",
        b"a: yes\n",
        b"a:\n    b: 1\n",
        b"a: 1\na: 2\n",
        b"a: &x 1\n",
        b"a: 01\n",
        b"a: -0\n",
        b"a: 1e5\n",
        b'a: "b"\n',
        b'"a": 1\n',
        b'a: "\\u0041"\n',
        b"a:  b\n",
        b"a: b \n",
        b"a: b\r\n",
        b"a:\n  - 1\n",
        b"a:\n",
        b"- - - 1\n - 2\n",
        b"\xef\xbb\xbfa: b\n",
        b"k" * 201 + b": 1\n",
        b"",
    ):
        assert not quick(other), other


def test_the_lines_of_a_document_are_found_when_they_are_asked_for() -> None:
    document = text.parse_yaml(LOCK, "lock")
    assert document.place(("subjects", "tool:r")) == "lock:9"
    assert dict(document.lines) == dict(text._composed(LOCK.decode(), "lock", None).lines)
    assert len(document.lines) == 16


def test_a_document_that_is_deeper_than_we_write_is_left_to_the_strict_reader() -> None:
    deep = b"".join(b"  " * level + b"a:\n" for level in range(plainyaml.DEEPEST + 5)) + b"  " * (plainyaml.DEEPEST + 5) + b"a: 1\n"
    with pytest.raises(plainyaml.NotOurs):
        text._own(deep.decode(), deep)
    assert outcome(lambda raw: text.parse_yaml(raw, "x").value, deep) == outcome(strictly, deep)
