"""Parity of a captured answer with today's: by shape over all captures of an operation, by value where captures agree."""

from typing import Any

import pytest

from caskmcp.analyze.verify.answers import NOTHING
from caskmcp.analyze.verify.replay import Captured, Values, differences, shape, values

ROWS = [
    Captured(200, {"id": 1, "note": None, "tags": ["a"], "lines": [{"sku": "x", "n": 1}]}),
    Captured(200, {"id": 2, "note": "hello", "tags": [], "lines": [], "extra": True}),
    Captured(404, {"error": "none"}),
]


def found(status: int, body: Any, *, by_name: bool = False) -> list[tuple[str, str]]:
    return [(row.what, row.place) for row in differences(ROWS[:1], shape(ROWS * 5), status, body, by_name=by_name)]


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (200, {"id": 9, "note": "x", "tags": [], "lines": []}, []),
        (201, {"id": 9, "note": None, "tags": ["b", "c"], "lines": [{"sku": "y", "n": 2}], "extra": False}, []),
        (200, {"note": "x", "tags": [], "lines": []}, [("missing", "/id")]),
        (200, {"id": "9", "note": "x", "tags": [], "lines": []}, [("kind", "/id")]),
        (200, {"id": 9, "note": "x", "tags": [1], "lines": []}, [("kind", "/tags/*")]),
        (200, {"id": 9, "note": "x", "tags": [], "lines": [{"sku": "y"}]}, [("missing", "/lines/*/n")]),
        (200, {"id": 9, "note": "x", "tags": [], "lines": [], "more": {"a": 1}}, [("new", "/more")]),
        (200, [], [("kind", "/")]),
        (200, NOTHING, [("kind", "/")]),
        (500, {}, [("status", "")]),
        (404, {}, [("status", "")]),
    ],
)
def test_a_difference_is_told_with_its_place(status: int, body: Any, expected: list[tuple[str, str]]) -> None:
    assert found(status, body) == expected


def test_what_came_or_went_since_is_news_and_no_fault() -> None:
    assert found(404, {}, by_name=True) == [("news", "")]
    assert found(401, {}, by_name=True) == [("status", "")]
    assert [row.what for row in differences(ROWS[2:], shape(ROWS * 5), 200, {"id": 1, "note": "", "tags": [], "lines": []})] == ["news"]


def test_values_count_where_every_capture_of_the_request_agrees() -> None:
    rows = [Captured(200, {"id": 1, "at": "10:00", "s": "open"}), Captured(200, {"id": 1, "at": "10:05", "s": "open"})]
    assert values(rows, {"id": 1, "at": "11:00", "s": "sent"}) == Values(1, 2)
    assert values(rows[:1], {"id": 1, "at": "10:00", "s": "open"}) == Values(3, 3)
    assert values([Captured(404, {})], {"id": 1}) == Values(0, 0)


def test_what_few_answers_bear_out_and_another_selection_of_fields_are_information() -> None:
    few = [row.what for row in differences(ROWS[:1], shape(ROWS), 200, {"id": None, "tags": [], "lines": []})]
    assert few == ["fewer", "null"]
    sparse = {row.what for row in differences(ROWS[:1], shape(ROWS * 5), 200, {"id": 1})}
    assert sparse == {"fewer"}
    never = [Captured(200, {"by": None})] * 9
    assert [row.what for row in differences(never, shape(never), 200, {"by": 7})] == ["null"]
