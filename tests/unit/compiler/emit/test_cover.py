"""The smallest set of tools that covers a share of the sessions."""

import random
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caskmcp.compiler.emit import cover
from caskmcp.compiler.emit.cover import Room, Used, covered, smallest

NAMES = "abcdefghij"
COSTS = {name: 10 + index for index, name in enumerate(NAMES)}


def used(*rows: str) -> list[Used]:
    """`abc*3`: three sessions that called a, b and c."""
    return [Used(frozenset(row.partition("*")[0]), int(row.partition("*")[2] or 1)) for row in rows]


def room(tools: int = 10, tokens: int = 10_000) -> Room:
    return Room(tools, tokens, COSTS)


@pytest.mark.parametrize(
    ("rows", "percent", "chosen"),
    [
        (("ab*9", "cdefg*1"), 90, "ab"),
        (("ab*9", "cdefg*1"), 91, "abcdefg"),
        (("ab*9", "cdefg*1"), 100, "abcdefg"),
        (("ab*5", "bc*5"), 50, "ab"),
        (("ab*5", "bc*5"), 51, "abc"),
        (("abcd*4", "ab*3", "ef*3"), 60, "abcd"),
        (("abcde*4", "ab*3", "ef*3"), 60, "abef"),
        (("a*1",), 1, "a"),
        ((), 90, ""),
    ],
)
def test_as_few_tools_as_the_share_takes(rows: tuple[str, ...], percent: int, chosen: str) -> None:
    assert smallest(used(*rows), room(), percent) == frozenset(chosen)


@pytest.mark.parametrize(
    ("limit", "chosen"),
    [(room(tools=3), "abc"), (room(tools=2), ""), (room(tokens=33), "abc"), (room(tokens=32), "")],
)
def test_what_does_not_fit_is_not_chosen(limit: Room, chosen: str) -> None:
    assert smallest(used("abc*1"), limit, 100) == frozenset(chosen)


def test_where_no_list_covers_enough_the_one_that_covers_most_is_taken() -> None:
    assert smallest(used("abc*5", "de*4", "fg*3"), room(tools=4), 100) == frozenset("defg")


def test_of_equal_lists_the_cheaper_one_and_then_the_first_by_name_is_taken() -> None:
    assert smallest(used("ad*1", "bc*1", "ae*1"), room(), 33) == frozenset("ad")
    dear = Room(10, 10_000, {**COSTS, "a": 99})
    assert smallest(used("ad*1", "bc*1"), dear, 50) == frozenset("bc")


def many(seed: int, count: int = 40) -> list[Used]:
    rng = random.Random(seed)
    return [Used(frozenset(rng.sample(NAMES, rng.randrange(1, 6))), rng.randrange(1, 9)) for _ in range(count)]


@pytest.mark.parametrize("seed", range(5))
def test_beyond_the_exact_size_the_share_is_reached_and_no_tool_is_idle(seed: int) -> None:
    rows = many(seed)
    total = sum(row.times for row in rows)
    chosen = smallest(rows, room(), 60)
    assert 100 * covered(rows, chosen) >= 60 * total
    assert all(100 * covered(rows, chosen - {name}) < 60 * total for name in chosen)


@pytest.mark.parametrize("seed", range(5))
def test_the_greedy_way_is_at_most_two_tools_from_the_best(seed: int) -> None:
    rows = many(seed)
    wanted = 60 * sum(row.times for row in rows)
    best = next(size for size in range(11) if any(100 * covered(rows, frozenset(each)) >= wanted for each in combinations(NAMES, size)))
    assert best <= len(smallest(rows, room(), 60)) <= best + 2


SETS = st.lists(st.tuples(st.sets(st.sampled_from(NAMES), min_size=1, max_size=5), st.integers(1, 5)), max_size=30)


@settings(max_examples=60)
@given(SETS, st.integers(1, 100), st.randoms(use_true_random=False))
def test_the_order_of_sessions_does_not_matter(rows: list[tuple[set[str], int]], percent: int, rng: random.Random) -> None:
    counts: dict[frozenset[str], int] = {}
    for names, count in rows:
        counts[frozenset(names)] = counts.get(frozenset(names), 0) + count
    listed = [Used(names, count) for names, count in counts.items()]
    turned = rng.sample(listed, len(listed))
    assert smallest(listed, room(6), percent) == smallest(turned, room(6), percent)


@settings(max_examples=60)
@given(SETS, st.integers(1, 100), st.integers(1, 10), st.integers(1, 150))
def test_the_list_always_fits(rows: list[tuple[set[str], int]], percent: int, tools: int, tokens: int) -> None:
    limit = Room(tools, tokens, COSTS)
    assert limit.holds(smallest([Used(frozenset(names), count) for names, count in rows], limit, percent))


def test_the_number_of_candidates_is_bounded_and_all_sessions_count() -> None:
    rows = [Used(frozenset({f"t{index}", "a"}), 1) for index in range(cover.LOOKED_AT + 50)]
    costs = {name: 1 for row in rows for name in row.tools}
    chosen = smallest(rows, Room(5, 100, costs), 100)
    assert len(chosen) == 5
    assert covered(rows, chosen) == 4
