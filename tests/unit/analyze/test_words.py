"""What changed between two texts: the pieces are what a reader sees, and give both texts back."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caskmcp.analyze.words import MOST, word_diff


@pytest.mark.parametrize(
    ("old", "new", "pieces"),
    [
        ("Returns one order.", "Returns one order.", (("same", "Returns one order."),)),
        (
            "Returns one order.",
            "Returns two orders.",
            (("same", "Returns "), ("old", "one"), ("new", "two"), ("same", " "), ("old", "order"), ("new", "orders"), ("same", ".")),
        ),
        ("", "New.", (("new", "New."),)),
        ("Old.", "", (("old", "Old."),)),
        ("", "", ()),
    ],
)
def test_words_that_changed_stand_beside_each_other(old: str, new: str, pieces: tuple[tuple[str, str], ...]) -> None:
    assert word_diff(old, new) == pieces


def test_a_very_long_text_is_told_as_a_whole() -> None:
    long = "a " * MOST
    assert word_diff(long, "b") == (("old", long), ("new", "b"))


@settings(max_examples=40)
@given(old=st.text(max_size=40), new=st.text(max_size=40))
def test_the_pieces_give_both_texts_back(old: str, new: str) -> None:
    pieces = word_diff(old, new)
    assert "".join(text for kind, text in pieces if kind != "new") == old
    assert "".join(text for kind, text in pieces if kind != "old") == new
