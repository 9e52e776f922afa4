"""The value rule over all sources: what is kept of texts and bounds at one place."""

import copy
from typing import Any

import pytest

from caskmcp.compiler.normalize.settle import bucket, settle


def texts(**counts: int) -> dict[str, Any]:
    """A place where each text came once in each of so many exchanges."""
    return {"strings": sum(counts.values()), "candidates": {text: [count, count] for text, count in counts.items()}}


def settled(*shapes: dict[str, Any]) -> list[dict[str, Any]]:
    out = copy.deepcopy(list(shapes))
    settle(out)
    return out


def test_texts_of_three_exchanges_each_are_kept() -> None:
    assert settled(texts(open=3, closed=4)) == [{"strings": 7, "values": {"open": 3, "closed": 4}}]


def test_one_text_of_two_exchanges_takes_all_of_them_away() -> None:
    assert settled(texts(open=30, closed=2)) == [{"strings": 32}]


def test_exchanges_of_several_sources_add_up() -> None:
    assert settled(texts(open=2), texts(open=1, closed=3)) == [
        {"strings": 2, "values": {"open": 2}},
        {"strings": 4, "values": {"open": 1, "closed": 3}},
    ]


def test_a_source_with_other_texts_takes_the_vocabulary_away_everywhere() -> None:
    assert settled(texts(open=3), {"strings": 1}) == [{"strings": 3}, {"strings": 1}]


def test_more_than_twenty_texts_in_all_sources_are_none() -> None:
    line = "open closed order user item list total count page sort name kind type group team role plan price tag date time"
    words = line.split()
    one, two = dict.fromkeys(words[:11], 3), dict.fromkeys(words[11:21], 3)
    assert ["values" in shape for shape in settled(texts(**one), texts(**two))] == [False, False]
    assert ["values" in shape for shape in settled(texts(**one), texts(**dict(list(two.items())[:9])))] == [True, True]


def test_texts_that_are_mostly_no_words_are_names() -> None:
    assert "values" not in settled(texts(zoltan=9, fekete=9, open=9))[0]
    assert "values" in settled(texts(CANCELLING=9, open=9, closed=9))[0]


def test_what_is_settled_is_asked_and_stays_as_it_is() -> None:
    before = {"strings": 4, "values": {"open": 4}}
    assert settled(before, texts(open=1, closed=3)) == [before, {"strings": 4, "values": {"open": 1, "closed": 3}}]
    open_place = {"strings": 4}
    assert settled(open_place, texts(open=9)) == [open_place, {"strings": 9}]


def test_places_below_are_decided_one_by_one() -> None:
    shape = {
        "objects": 3,
        "properties": {"state": texts(open=3, closed=3), "note": texts(open=1)},
        "map_values": texts(open=3),
        "arrays": 1,
        "items": {"integers": 5, "figures": [], "range": [1, 9]},
    }
    found = settled(shape)[0]
    assert found["properties"] == {"state": {"strings": 6, "values": {"open": 3, "closed": 3}}, "note": {"strings": 1}}
    assert found["map_values"] == {"strings": 3, "values": {"open": 3}}
    assert found["items"] == {"integers": 5, "bounds": {"low": 1, "high": 16}}


def test_five_distinct_figures_may_come_from_several_sources() -> None:
    two, three = (
        {"integers": 2, "figures": ["a", "b"], "range": [3, 4]},
        {"integers": 3, "figures": ["b", "c", "d", "e"], "range": [70, 90]},
    )
    assert settled(two, three) == [{"integers": 2, "bounds": {"low": 2, "high": 4}}, {"integers": 3, "bounds": {"low": 64, "high": 128}}]
    assert settled(two) == [{"integers": 2}]
    assert settled(two, {"integers": 9, "bounds": {"low": 0, "high": 8}})[0] == {"integers": 2, "bounds": {"low": 2, "high": 4}}


def test_figures_without_a_range_have_no_bounds() -> None:
    assert settled({"numbers": 9, "figures": [], "range": None}) == [{"numbers": 9}]


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 0, (0, 0)),
        (1, 1, (1, 1)),
        (3, 5, (2, 8)),
        (64, 64, (64, 64)),
        (65, 127, (64, 128)),
        (-3, 5, (-4, 8)),
        (-4, -3, (-4, -2)),
        (-1, 0, (-1, 0)),
    ],
)
def test_a_bucket_is_the_powers_of_two_around_an_interval(low: int, high: int, expected: tuple[int, int]) -> None:
    assert bucket(low, high) == {"low": expected[0], "high": expected[1]}
