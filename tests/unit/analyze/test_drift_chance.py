"""The odds: exact figures by hand, and what holds for all of them."""

from math import isclose

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caskmcp.analyze.drift_chance import Gone, Odds, Rose

COUNT = st.integers(1, 60)


@pytest.mark.parametrize(
    ("odds", "chance"),
    [
        (Odds(1, 1, 9), 1 / 10),  # one odd one among ten, and it is the new one
        (Odds(3, 3, 3), 1 / 20),  # of C(6, 3) ways to place three odd ones, one
        (Odds(1, 3, 3), 1 / 2),
        (Odds(2, 4, 4), 6 / 28),
        (Gone(9, 9, 1), 1 / 10),
        (Gone(3, 3, 3), 1 / 20),
        (Gone(1, 3, 3), 1 / 2),
        (Rose(3, 3, 0, 3), 1 / 20),
        (Rose(1, 1, 0, 9), 1 / 10),
        (Rose(2, 2, 1, 2), 2 / 4),  # three failures among four calls: both new ones are among them in C(2, 1) of C(4, 3) ways
    ],
)
def test_the_chance_is_that_of_drawing_from_one_heap(odds: Odds | Gone | Rose, chance: float) -> None:
    assert isclose(odds.chance, chance, rel_tol=1e-9)


@pytest.mark.parametrize(
    "odds", [Odds(0, 5, 5), Odds(1, 1, 0), Odds(6, 5, 5), Gone(0, 5, 5), Gone(5, 5, 0), Rose(0, 5, 1, 5), Rose(5, 5, 0, 0)]
)
def test_where_there_is_nothing_to_compare_nothing_is_sure(odds: Odds | Gone | Rose) -> None:
    assert (odds.chance, odds.sure, odds.probed) == (1.0, False, False)


def test_a_field_that_all_had_and_none_has_is_gone_from_five_samples_each() -> None:
    assert [Gone(n, n, n).sure for n in (3, 4, 5, 6)] == [False, False, True, True]


def test_some_odd_ones_need_more_samples_than_all_of_them() -> None:
    assert (Odds(6, 6, 6).sure, Odds(3, 6, 6).sure, Odds(10, 20, 20).sure) == (True, False, True)


def test_one_answer_to_a_probe_is_for_a_person_from_eight_samples_before() -> None:
    assert [Gone(n, n, 1).probed for n in (7, 8, 24)] == [False, True, True]
    assert not Gone(24, 24, 1).sure
    assert not Gone(20, 24, 1).probed  # it was missing before


def test_a_bad_hour_is_no_change_and_a_broken_service_is() -> None:
    assert not Rose(3, 24, 1, 24).sure
    assert not Rose(40, 400, 10, 400).sure  # unlikely by chance, and too little to matter
    assert Rose(18, 24, 0, 24).sure


@given(COUNT, COUNT, COUNT)
def test_more_samples_of_the_same_never_make_a_change_less_sure(of: int, before: int, more: int) -> None:
    assert Odds(of, of, before + more).chance <= Odds(of, of, before).chance + 1e-12
    assert Gone(before + more, before + more, of).chance <= Gone(before, before, of).chance + 1e-12


@given(st.integers(0, 60), COUNT, COUNT)
def test_a_chance_is_a_share(differ: int, of: int, before: int) -> None:
    for odds in (Odds(differ, of, before), Gone(differ, before, of), Rose(min(differ, of), of, 0, before)):
        assert 0 < odds.chance <= 1 + 1e-9


@given(COUNT, COUNT)
def test_what_vanished_from_one_side_appeared_on_the_other(one: int, other: int) -> None:
    assert isclose(Odds(one, one, other).chance, Gone(other, other, one).chance, rel_tol=1e-9)


def test_the_evidence_is_told_in_counts() -> None:
    assert [str(row) for row in (Odds(3, 4, 9), Gone(9, 9, 4), Rose(3, 4, 1, 9))] == [
        "3 of 4; before 0 of 9",
        "0 of 4; before 9 of 9",
        "3 of 4; before 1 of 9",
    ]
