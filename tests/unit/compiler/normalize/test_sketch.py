"""Sketches: what is an identifier, what is specific, and that a union is the same for every cut and every order."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caskmcp.compiler.normalize.sketch import (
    FRESH,
    GIVEN,
    TAKEN,
    WAITING,
    Sketch,
    allowed,
    is_identifier,
    is_specific,
    joined,
    of_text,
    union,
)
from caskmcp.redact.placeholder import placeholder

KEY = bytes(range(32))


def sketch(*texts: str, size: int = TAKEN, strict: bool = False) -> Sketch:
    out = Sketch(size, strict=strict)
    out.add(texts)
    return out


def shared(one: Sketch, two: Sketch) -> int:
    left, right = union([one.plain()], TAKEN), union([two.plain()], GIVEN)
    assert left is not None
    assert right is not None
    return len(left.digests & right.digests)


@pytest.mark.parametrize(
    "text",
    ["17", "ORD-1042", "running-shoes", "a", "6e4ceef267aa26f9a2bc8d5d", "01HZX5J3W8B9", "b2b07a3e-5c1f-4f0e-9a57-5d1d8f9be0aa", "c2_x/y+z==", "v1:42", "open"],
)  # fmt: skip
def test_one_token_is_an_identifier(text: str) -> None:
    assert is_identifier(text)


@pytest.mark.parametrize(
    "text",
    ["", "two words", "2026-01-05", "2026-01-05T09:00:00Z", "2026-01", "12.50", "9:30", "true", "null", "https://a.test/1", "ä", "-3", "a\nb", "x" * 129],
)  # fmt: skip
def test_prose_dates_figures_and_addresses_are_none(text: str) -> None:
    assert not is_identifier(text)


@pytest.mark.parametrize("text", ["123456", "ORD-1042", "b2b07a3e-5c1f", "T10000"])
def test_long_numbers_and_codes_with_digits_are_specific(text: str) -> None:
    assert is_specific(text)


@pytest.mark.parametrize("text", ["17", "99999", "open", "running-shoes", "T100"])
def test_short_numbers_and_words_are_not_specific(text: str) -> None:
    assert not is_specific(text)


@pytest.mark.parametrize(
    ("name", "expected"), [("id", (True, False)), ("orderId", (True, False)), ("labels", (False, True)), ("status", (False, False))]
)
def test_a_name_says_whether_short_identifiers_may_stand_below_it(name: str, expected: tuple[bool, bool]) -> None:
    assert allowed(name) == expected


def test_two_places_share_the_values_that_both_had() -> None:
    assert shared(sketch("1", "2", "3"), sketch("2", "3", "4", size=GIVEN)) == 2


def test_one_value_that_is_no_identifier_closes_a_place_whenever_it_comes() -> None:
    assert sketch("1", "2", "some prose").plain() is None
    late = sketch(*map(str, range(300)))
    late.add(("some prose",))
    assert late.plain() is None


def test_an_empty_text_says_nothing() -> None:
    assert sketch("", "7").plain() == sketch("7").plain()


def test_a_strict_place_takes_specific_values_alone() -> None:
    assert sketch("17", "18", strict=True).plain() is None
    assert sketch("b2b07a3e", "5c1f4f0e", strict=True).plain() is not None


def test_what_the_request_said_is_not_taken() -> None:
    found = Sketch()
    found.add(("7", "8"), {"7"})
    found.add(("7",), {"8"})  # in another exchange, whose request said something else
    assert found.plain() == sketch("8", "7").plain()
    assert shared(found, sketch("7", size=GIVEN)) == 1


def test_values_that_were_cut_link_by_their_placeholder_and_count_as_specific() -> None:
    cut = [placeholder(KEY, "email", f"someone{number}@mail.test") for number in range(3)]
    found = union([sketch(*cut).plain()], TAKEN)
    assert found is not None
    assert (len(found.digests), len(found.specific)) == (3, 3)
    assert union([sketch(*cut).plain()], TAKEN, cut=False).digests == frozenset()  # type: ignore[union-attr]


def test_placeholders_that_several_values_share_link_nothing() -> None:
    assert sketch(placeholder(KEY, "phone", "+4915112345678")).plain() is None


def test_more_cut_values_than_are_kept_close_the_place_since_a_sample_would_be_the_keys() -> None:
    cut = [placeholder(KEY, "token", f"value {number}") for number in range(TAKEN + 1)]
    assert sketch(*cut[:-1]).plain() is not None
    assert sketch(*cut).plain() is None


def test_a_sketch_is_bounded_and_keeps_the_same_values_on_both_sides() -> None:
    many = [f"id{number:06}" for number in range(5000)]
    large, small = sketch(*many, size=GIVEN), sketch(*many)
    assert len(union([large.plain()], GIVEN).digests) == GIVEN  # type: ignore[union-attr]
    assert shared(small, large) == TAKEN


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.sampled_from([str(number) for number in range(800)]), max_size=900), st.integers(1, 5), st.randoms(use_true_random=False)
)
def test_the_union_of_pieces_is_the_sketch_of_the_whole(texts: list[str], count: int, order: random.Random) -> None:
    pieces = [texts[number::count] for number in range(count)]
    order.shuffle(pieces)
    assert joined([sketch(*piece).plain() for piece in pieces], TAKEN) == sketch(*texts).plain()


def test_the_union_with_a_closed_place_is_closed() -> None:
    assert joined([sketch("7").plain(), None], TAKEN) is None
    assert union([None], TAKEN) is None


def test_one_text_is_a_sketch_of_one_value() -> None:
    assert of_text("web") == sketch("web").plain()


def test_a_sketch_holds_no_more_than_its_size_and_what_waits() -> None:
    found = Sketch(256)
    for start in range(0, 20_000, 50):
        found.add([f"order-{number:06}" for number in range(start, start + 50)])
        assert len(found.digests or ()) <= 256
        assert len(found.fresh) <= FRESH + WAITING + 50
        assert len(found.specific) <= 256 + len(found.fresh)
    assert found.plain() == sketch(*(f"order-{number:06}" for number in range(20_000))).plain()


def test_two_sketches_together_keep_the_smallest_digests_of_both() -> None:
    texts = [f"item-{number:05}" for number in range(3_000)]
    one, other = sketch(*texts[:1_700]), sketch(*texts[1_200:])
    one.unite(other)
    assert one.plain() == sketch(*texts).plain()
    closed = sketch("two words here")
    one.unite(closed)
    assert one.plain() is None
