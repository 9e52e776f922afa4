"""When one budget holds what another does: in calls, in tokens, over several windows. What cannot be told from single windows is not known."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caskmcp.calculus import shared, tools
from caskmcp.model.artifact import Auth, Environments
from caskmcp.model.policy import Budget, Policy, Window
from caskmcp.model.served import shared as contents


def budget(*windows: tuple[str, int, int]) -> Budget | None:
    """A budget of windows: (measure, how much, seconds)."""
    if not windows:
        return None
    (measure, most, seconds), *rest = windows
    also = tuple(Window(**{name: number}, per_seconds=within) for name, number, within in rest)
    return Budget(**{measure: most}, per_seconds=seconds, also=also)


def verdict(before: Any, after: Any) -> str:
    sides = [
        contents(Policy(rules=(), budgets={"*": row} if (row := budget(*each)) else {}), Environments(), Auth())["policy"]
        for each in (before, after)
    ]
    return str(tools.verdict(shared.compare(*sides)).value)


CALLS = ("calls", 100, 60)
HOUR = ("calls", 1_000, 3_600)
TOKENS = ("tokens", 50_000, 60)


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ((CALLS,), (CALLS,), "equal"),
        ((CALLS,), (("calls", 99, 60),), "narrows"),
        ((CALLS,), (("calls", 101, 60),), "broadens"),
        ((), (TOKENS,), "narrows"),
        ((TOKENS,), (), "broadens"),
        ((TOKENS,), (("tokens", 60_000, 60),), "broadens"),
        ((TOKENS,), (("tokens", 40_000, 60),), "narrows"),
        ((CALLS,), (CALLS, HOUR), "narrows"),
        ((CALLS, HOUR), (("calls", 99, 60), ("calls", 900, 3_600)), "narrows"),
    ],
)
def test_a_bound_more_or_a_smaller_one_narrows(before: Any, after: Any, said: str) -> None:
    assert verdict(before, after) == said


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ((CALLS, HOUR), (CALLS,)),
        ((CALLS, TOKENS), (CALLS,)),
        ((CALLS,), (TOKENS,)),
        ((CALLS, HOUR), (("calls", 99, 60), ("calls", 1_001, 3_600))),
    ],
)
def test_a_bound_less_or_another_one_is_never_called_narrower(before: Any, after: Any) -> None:
    assert verdict(before, after) not in ("narrows", "equal")


WINDOWS = st.lists(st.tuples(st.just("calls"), st.integers(1, 6), st.integers(1, 6)), min_size=1, max_size=2).map(tuple)


def kept(windows: tuple[tuple[str, int, int], ...], times: list[int]) -> bool:
    """Whether the calls keep every window, as `runtime/state.py` counts them."""
    return all(sum(now - within < other <= now for other in times) <= most for _, most, within in windows for now in times)


@settings(max_examples=60)
@given(WINDOWS, WINDOWS, st.lists(st.integers(0, 12), max_size=12))
def test_no_run_of_calls_refutes_that_a_budget_narrows(old: Any, new: Any, times: list[int]) -> None:
    if verdict(old, new) in ("narrows", "equal") and kept(new, times):
        assert kept(old, times)
