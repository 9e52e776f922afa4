"""Canonical bytes and digests: RFC 8785's own examples, and what JCS cannot carry."""

import json
import math

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from caskmcp import canon, text
from caskmcp.errors import CaskError

VECTORS = [
    # RFC 8785 section 3.2.2 to 3.2.4, and the integers beyond 2^53
    (
        {"numbers": [333333333.33333329, 1e30, 4.50, 2e-3, 0.000000000000000000000000001]},
        b'{"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27]}',
    ),
    ({"literals": [None, True, False]}, b'{"literals":[null,true,false]}'),
    (
        {"\u20ac": "Euro Sign", "\r": "Carriage Return", "1": "One", "\U0001f600": "Smiley"},
        '{"\\r":"Carriage Return","1":"One","€":"Euro Sign","😀":"Smiley"}'.encode(),
    ),
    ([-0.0, 1.0, 1e21], b"[0,1,1e+21]"),
    ({"n": 2**53 - 1}, b'{"n":9007199254740991}'),
    ({"n": 2**53}, b'{"n":{"$int":"9007199254740992"}}'),
    ({"n": -(2**70)}, b'{"n":{"$int":"-1180591620717411303424"}}'),
    ((), b"[]"),
    # Where Python and ECMAScript begin to write an exponent, and whole numbers that are floats
    ([0.0001, 0.00001, -0.25, 123456789012345.6], b"[0.0001,0.00001,-0.25,123456789012345.6]"),
    ([0.000001, 0.0000001, 1e15, 1e16, 1e20], b"[0.000001,1e-7,1000000000000000,10000000000000000,100000000000000000000]"),
    ({"a": {"b": [2.0, 0.5]}, "c": 5e-324}, b'{"a":{"b":[2,0.5]},"c":5e-324}'),
]


@pytest.mark.parametrize(("value", "expected"), VECTORS)
def test_a_value_has_its_published_canonical_bytes(value, expected):
    assert canon.dump(value) == expected


@pytest.mark.parametrize("value", [math.nan, math.inf, {"a": "\ud800"}, {"$int": "1"}, {1: 2}, {"a": {1, 2}}, b"bytes"])
def test_what_has_no_canonical_form_is_refused(value):
    with pytest.raises(CaskError) as caught:
        canon.dump(value)
    assert caught.value.code == "CASK-I003"


def test_a_digest_names_its_algorithm():
    assert canon.digest_bytes(b"") == "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert canon.digest({"b": 1, "a": 2}) == canon.digest({"a": 2, "b": 1}) == canon.digest_bytes(b'{"a":2,"b":1}')
    assert canon.digest_stream([b"a", b"b"]) == canon.digest_bytes(b"ab")
    assert canon.hexadecimal(canon.digest_bytes(b"")).startswith("e3b0c442")


@pytest.mark.parametrize("text", ["sha256:" + "0" * 63, "sha256:" + "G" * 64, "sha512:" + "0" * 64, "0" * 64, "sha256:" + "A" * 64])
def test_what_only_looks_like_a_digest_is_none(text):
    assert not canon.is_digest(text)


def test_json_for_people_is_sorted_and_ends_with_a_newline():
    assert canon.pretty({"b": [1], "a": "é"}) == '{\n  "a": "é",\n  "b": [\n    1\n  ]\n}\n'.encode()
    assert canon.compact({"b": 1, "a": "é"}) == '{"a":"é","b":1}'.encode()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(-(2.0**53) + 1, 2.0**53 - 1) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.text(st.characters(exclude_categories=["Cs"]), max_size=5).filter(lambda key: key != "$int"), inner, max_size=4
        )
    ),
    max_leaves=12,
)


@given(JSON)
def test_canonical_bytes_read_back_to_the_same_canonical_bytes(value):
    def revive(item):
        if isinstance(item, dict):
            return int(item["$int"]) if set(item) == {"$int"} else {key: revive(inner) for key, inner in item.items()}
        return [revive(inner) for inner in item] if isinstance(item, list) else item

    assert canon.dump(revive(json.loads(canon.dump(value)))) == canon.dump(value)


TREES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.text(st.characters(exclude_categories=["Cs"]), max_size=3).filter(lambda key: key != "$int"), inner, max_size=4
        )
    ),
    max_leaves=12,
)


@given(TREES)
def test_the_fast_way_and_the_reference_give_the_same_bytes(value):
    assert canon.dump(value) == rfc8785.dumps(value)


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**18), 10**18) | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text('ab"\\$\u00e9', max_size=3), inner, max_size=3),
    max_leaves=8,
)
EDITS = st.tuples(
    st.integers(0, 60), st.integers(0, 2), st.sampled_from(["", " ", '"', '"a": 1, ', ",", "\\u0041", "\\", "1.0", "[", "NaN", "{}", "0"])
)


def closely(data: bytes) -> object:
    try:
        value = text.parse_json(data, "x")
        return repr(value), canon.digest(value)
    except CaskError:
        return None


@given(value=PLAIN, edits=st.lists(EDITS, max_size=3), people=st.booleans())
def test_a_plain_document_is_what_the_strict_reader_and_the_digest_say_of_it(value, edits, people):
    written = (canon.pretty(value) if people else canon.compact(value)).decode()
    for at, gone, new in edits:
        written = written[:at] + new + written[at + gone :]
    found = canon.read_plain(written.encode(), 60)
    assert found is None or (repr(found[0]), found[1]) == closely(written.encode())


@pytest.mark.parametrize(
    "document",
    ['{"a": 1, "a": 1}', '{"a": "\\u0022\\u0022", "a": ""}', "1.0", "1e3", "NaN", "9007199254740993", "[" * 60 + "]" * 60, '{"$int": "1"}', '"\u00e9"', "{"],
)  # fmt: skip
def test_what_is_not_plain_is_left_to_those_who_look_closer(document):
    assert canon.read_plain(document.encode(), 60) is None


def test_what_was_kept_of_a_tool_is_plain():
    kept = {"name": 'a "b" [c]', "limit": 100, "rows": [{"name": "x"}, {}, None, True, -7]}
    assert canon.read_plain(canon.pretty(kept), 60) == (kept, canon.digest(kept))


NUMBERS = (
    st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from((2**53 - 1, 2**53, -(2**53), 10**15, 1e15, 1e16, -0.0, 1.5, 1e-7))
)
KEYS = st.text(max_size=4) | st.sampled_from(("$int", "\ue000", "\U0001f600", "1.5", "-1e5", ":1.5"))
ANY = st.recursive(
    st.none() | st.booleans() | NUMBERS | KEYS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=12,
)


def told(digest, value):
    try:
        return digest(value)
    except CaskError as refused:
        return refused.code


@given(value=ANY)
def test_bytes_between_stages_tell_the_digest_of_their_value(value):
    try:
        data = canon.compact(value)
    except UnicodeEncodeError:
        return  # half a character: no stage gives it
    assert told(canon.digest_compact, data) == told(canon.digest, value)


@pytest.mark.parametrize("value", [{"a": 1.0}, [1e16], {"a": 2**53}, -(2**53), 1.5, {"a": [0, -1e-7]}, {"\U0001f600": 1, "\ue000": 2}])
def test_where_the_two_forms_differ_the_value_is_read(value):
    assert canon.digest_compact(canon.compact(value)) == canon.digest(value) == canon.digest_bytes(canon.dump(value))
    assert canon.compact(value) != canon.dump(value) or value in (1.5, {"a": [0, -1e-7]})


def test_an_object_of_the_reserved_form_has_no_digest_in_either_form():
    assert told(canon.digest_compact, b'{"a":{"$int":"7"}}') == "CASK-I003"
