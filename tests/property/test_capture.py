"""Properties of capture: the block stream reads what `json.loads` reads, secrets vanish wherever they stand, order and key do not matter."""

import json
import random
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from caskmcp.compiler.capture.stream import Broken, elements
from caskmcp.errors import CaskError
from caskmcp.redact.cut import Redactor
from caskmcp.redact.placeholder import contains, keyfree, kind_of, placeholder
from tests.support.capturing import KEY, OTHER_KEY, capture, entry, har

TEXTS = st.one_of(
    st.text(max_size=12),
    st.sampled_from(['{"request"', ',{"request":', "]}}", '"entries":[', "\\", '\\"', "\ud7ff", "\x1f", ", {", '","']),
)
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), TEXTS),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS | st.just("request"), inner, max_size=4),
    max_leaves=12,
)
ITEMS = st.lists(st.one_of(VALUES, st.builds(lambda value: {"request": value}, VALUES)), max_size=8)
LAYOUTS = st.sampled_from([{}, {"indent": 1}, {"indent": 2, "ensure_ascii": False}, {"separators": (",", ":")}, {"indent": "\t"}])


def blocks(data: bytes, size: int) -> Iterator[bytes]:
    return (data[at : at + size] for at in range(0, len(data), size))


def read(data: bytes, size: int) -> list[Any]:
    """The elements of `log.entries` by the block stream."""
    found = list(elements(blocks(data, size), ("log", "entries"), msgspec.json.Decoder(list[Any]).decode, block=size))
    assert [index for index, _ in found] == list(range(len(found)))
    return [json.loads(value.raw, strict=False) if isinstance(value, Broken) else value for _, value in found]


@given(items=ITEMS, before=VALUES, after=VALUES, layout=LAYOUTS, size=st.sampled_from([1, 7, 64, 300, 1 << 20]))
def test_the_block_stream_reads_what_json_reads(items: list[Any], before: Any, after: Any, layout: dict[str, Any], size: int) -> None:
    log = {"pages": before, "entries": items, "comment": after}
    data = json.dumps({"x": {"log": before, "entries": [1]}, "log": log, "y": after}, **layout).encode("utf-8", "surrogatepass")
    assert read(data, size) == items


@given(items=ITEMS, layout=LAYOUTS, cut=st.floats(0, 0.999), size=st.sampled_from([7, 64, 1 << 20]))
def test_a_file_that_is_cut_anywhere_is_refused(items: list[Any], layout: dict[str, Any], cut: float, size: int) -> None:
    data = json.dumps({"log": {"entries": items, "pages": []}}, **layout).encode()
    with pytest.raises(CaskError) as caught:
        read(data[: int(len(data) * cut)], size)
    assert caught.value.code == "CASK-C001"


@example(items=[[], [], []], where=0.625, junk=b"}")
@given(items=ITEMS, where=st.floats(0, 1), junk=st.sampled_from([b",", b"]", b"}", b"{", b'"', b"x", b"\\", b":"]))
def test_a_file_with_a_stray_sign_is_read_as_json_reads_it_or_refused(items: list[Any], where: float, junk: bytes) -> None:
    data = json.dumps({"log": {"entries": items}}).encode()
    at = int(len(data) * where)
    data = data[:at] + junk + data[at:]
    try:
        expected = json.loads(data, strict=False)["log"]["entries"]
    except (ValueError, LookupError, TypeError):
        expected = None
    try:
        found = read(data, 64)
    except CaskError:
        return  # stricter than json.loads is well: names that stand twice
    assert found == expected


SECRET = "ghp_" + "dx9iIPwmy4vlgGD6on0tRealpbrZC4VD4bCp"
AROUND = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=8).filter(lambda text: not text[-1:].isalnum())


def planted(data: st.DataObject, secret: str) -> Any:
    """A JSON value with the secret somewhere in it: as a text, inside one, as a name, inside JSON in a text."""
    leaf = data.draw(
        st.sampled_from([secret, f" {secret} ", f"see {secret}.", json.dumps({"a": [secret]}), f"https://x.example/?q={secret}"])
    )
    value: Any = leaf
    for _ in range(data.draw(st.integers(1, 5))):
        name = data.draw(st.sampled_from(["data", "note", "value", "items", "id", "name", secret, "ключ"]))
        value = data.draw(st.sampled_from([{name: value}, [value], {"x": 1, name: value, "y": [True, None]}]))
    return value


@given(data=st.data())
def test_a_secret_is_gone_wherever_it_stands_in_json(data: st.DataObject) -> None:
    value = planted(data, SECRET)
    assert SECRET in json.dumps(value)
    assert SECRET not in json.dumps(Redactor(KEY).json(value, "b"))


@given(before=AROUND, after=AROUND, place=st.sampled_from(["path", "query", "name", "header", "form", "text"]))
def test_a_secret_is_gone_wherever_it_stands_in_a_request(before: str, after: str, place: str) -> None:
    redactor = Redactor(KEY)
    text = f"{before} {SECRET} {after}"
    made = {
        "path": lambda: redactor.path(f"/a/{SECRET}/b"),
        "query": lambda: redactor.pairs([("q", text)], "query"),
        "name": lambda: redactor.pairs([(SECRET, text)], "query"),
        "header": lambda: redactor.pairs([("x-note", text)], "header"),
        "form": lambda: redactor.pairs([("field", text)], "request.body"),
        "text": lambda: redactor.text(text, "b"),
    }[place]()
    assert SECRET not in json.dumps(made)


ENTRIES = [
    entry("https://api.example.com/people/noone@post.example?limit=20", answer={"email": "noone@post.example", "total": 2}),
    entry("https://api.example.com/orders", "POST", post=("application/json", '{"card":"4539578763621486","phone":12065550167}')),
    entry(
        "https://api.example.com/login", "POST", post=("application/json", '{"password":"mango55w"}'), answer={"message": "hello mango55w"}
    ),
    entry("https://cdn.other.example/x.js"),
    entry("https://api.example.com/orders/7", answer={"items": [{"id": 1}], "note": "call +44 20 7946 0018"}),
    entry("https://api.example.com/orders/7", answer={"items": [{"id": 1}], "note": "call +44 20 7946 0018"}),
    entry("https://api.example.com/logo.png", answer=("image/png", "")),
]


@given(order=st.permutations(range(len(ENTRIES))), block=st.sampled_from([64, 1000, 1 << 20]))
def test_shuffled_entries_give_the_same_head(order: list[int], block: int) -> None:
    expected = capture(har(*ENTRIES))
    found = capture(har(*(ENTRIES[index] for index in order)), block=block)
    assert found.head == expected.head
    assert sorted(map(repr, found.items)) == sorted(map(repr, expected.items))


@given(seed=st.integers(0, 2**32))
def test_two_keys_give_the_same_id(seed: int) -> None:
    shuffled = random.Random(seed).sample(ENTRIES, len(ENTRIES))
    key = seed.to_bytes(32, "big")
    assert capture(har(*shuffled), key=key).head == capture(har(*ENTRIES), key=OTHER_KEY).head


KINDS = st.sampled_from(
    ["secret", "token", "email", "phone", "card", "iban", "ssn", "ipv4", "ipv6", "mac", "pem", "jwt", "date", "name", "address"]
)
CUT = st.one_of(
    st.text(min_size=1, max_size=40),
    st.uuids().map(str),
    st.binary(min_size=10, max_size=40).map(bytes.hex),
    st.dates().map(str),
    st.just("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc"),
)


@given(kind=KINDS, value=CUT, around=st.sampled_from(["", " ", "/", '"', "=", "."]))
def test_a_placeholder_is_known_and_loses_its_key(kind: str, value: str, around: str) -> None:
    first, second = placeholder(KEY, kind, value), placeholder(OTHER_KEY, kind, value)
    assert kind_of(first) == kind_of(second) is not None
    assert len(first) == len(second)
    assert contains(f"{around}{first}{around}")
    assert keyfree(f"x{around or ' '}{first}{around}".encode()) == keyfree(f"x{around or ' '}{second}{around}".encode())
    assert placeholder(KEY, kind, value) == first
