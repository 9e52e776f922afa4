"""Forms of objects: which sets of fields exclude each other, whatever the cut of a recording, and which words of tags may be kept."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caskmcp import canon
from caskmcp.compiler.normalize import variants
from caskmcp.compiler.normalize.node import Node
from caskmcp.compiler.normalize.settle import settle
from caskmcp.compiler.normalize.shape import add
from caskmcp.compiler.normalize.total import shape as total
from caskmcp.compiler.normalize.written import bare, plain

CARD = {"type": "card", "last": 4}
BANK = {"type": "bank", "iban": "x y"}


def candidate(*values: Any) -> dict[str, Any]:
    """The candidate form of objects, one an exchange."""
    node = Node()
    for serial, value in enumerate(values):
        add(node, value, serial)
    return plain(node)


def settled(*parts: dict[str, Any]) -> list[dict[str, Any]]:
    found = json.loads(canon.compact(list(parts)))
    settle(found)
    return list(found)


def forms(*values: Any) -> list[dict[str, Any]]:
    (shape,) = settled(candidate(*values))
    return list(shape.get("forms", []))


def test_forms_that_exclude_each_other_are_kept_with_their_counts() -> None:
    assert [(form["names"], form["count"]) for form in forms(CARD, BANK, BANK)] == [(["iban", "type"], 2), (["last", "type"], 1)]


def test_the_order_of_fields_makes_no_other_form() -> None:
    assert [form["count"] for form in forms({"id": 1, "name": "a b"}, {"name": "a b", "id": 1}, {"total": 2, "id": 1})] == [2, 1]


@pytest.mark.parametrize(
    "values",
    [
        [{"id": 1}, {"id": 1, "note": "a b"}],
        [{"id": 1, "note": "a b"}],
        [{"id": 1, "name": "a b"}, {"id": 1, "x y z": 2}],
        [{"id": 1, name: 2} for name in ("total", "price", "count", "amount", "page", "limit", "offset", "size", "score")],
    ],
    ids=["one within another", "one form", "keys that are data", "nine forms"],
)
def test_optional_fields_data_and_too_many_forms_are_no_variants(values: list[Any]) -> None:
    assert forms(*values) == []


def test_the_words_of_a_tag_are_kept_only_if_its_own_vocabulary_is() -> None:
    assert [form.get("tags") for form in forms(*[CARD] * 3, *[BANK] * 3)] == [{"type": ["bank"]}, {"type": ["card"]}]
    assert [form.get("tags") for form in forms(*[CARD] * 3, *[BANK] * 2)] == [None, None]


def test_no_word_of_a_tag_is_in_what_the_id_of_a_part_is_made_of() -> None:
    found = candidate(*[CARD] * 3, *[BANK] * 3)
    assert "tags" in json.dumps(found)
    assert "tags" not in json.dumps(bare(found))
    assert "card" not in json.dumps(bare(found))


def test_a_tag_that_is_no_text_or_has_too_many_words_tells_nothing_apart() -> None:
    many = [{"type": f"w{chr(97 + number)}", "id": 1} for number in range(21)]
    found = candidate(*many, {"type": "bank", "iban": 1})["forms"]
    assert [(form["count"], form.get("tags")) for form in found] == [(1, {"type": ["bank"]}), (21, None)]
    assert [form.get("tags") for form in candidate({"type": 1, "id": 1}, {"type": "bank", "iban": 1})["forms"]] == [
        {"type": ["bank"]},
        None,
    ]


def test_what_has_more_orders_of_names_than_can_be_noted_has_no_forms() -> None:
    orders = {(f"k{number}",): 1 for number in range(257)}
    assert variants.noted({}, [dict.fromkeys(names, 1) for names in orders], orders) is None
    assert variants.united({}, None) is None


@given(
    st.lists(
        st.sampled_from([CARD, BANK, {"type": "card", "last": 4, "brand": "a b"}, {"type": "cash", "amount": 1}]), min_size=2, max_size=12
    ),
    st.integers(1, 11),
)
def test_the_cut_of_a_recording_changes_no_form(values: list[Any], cut: int) -> None:
    whole = settled(candidate(*values))
    parts = settled(*(candidate(*piece) for piece in (values[:cut], values[cut:]) if piece))
    assert total(parts).get("forms") == total(whole).get("forms")
    assert total(parts[::-1]).get("forms") == total(parts).get("forms")
