"""Which budgets a call counts in, and whether it fits: pure; the numbers come from whoever keeps them.

Promises: a call is held against every window of every budget that it counts in; what it may answer at most is set aside before it is sent, so
tokens hold as calls do, however many run at once; an answer is cut to what was set aside; who is refused is told when to come back.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from caskmcp.model.policy import CALLER, TOOLSET, TOTAL, Budget, Window

PER_TOKEN: Final = 4
"""Bytes of text that are taken for one token, as everywhere here."""
FRAME: Final = 400
"""Bytes that an answer's text may have around the value that is cut to size."""
_ENVIRONMENT: Final = ", environment "


@dataclass(frozen=True)
class Charge:
    """What one call takes from one budget."""

    budget: str
    """As the policy names it."""
    key: str
    """What is counted together: each caller has its own where the budget is `caller:*`."""
    windows: tuple[Window, ...]
    tokens: int
    """Set aside for the answer."""

    @property
    def longest(self) -> int:
        """Seconds after which a call does not count any more."""
        return max(window.per_seconds for window in self.windows)


@dataclass(frozen=True)
class Spent:
    """A budget that is spent."""

    budget: str
    calls: int | None
    tokens: int | None
    per_seconds: int
    retry: int
    """Seconds until the same call would fit, if nobody else calls."""

    def told(self) -> str:
        """For the agent."""
        bounds = [f"{number} {unit}" for number, unit in ((self.calls, "calls"), (self.tokens, "tokens")) if number is not None]
        return f"the budget of {' and '.join(bounds)} in {self.per_seconds} s is spent; try again in {self.retry} s"


def charges(tool: str, caller: str, toolsets: Mapping[str, Sequence[str]], budgets: Mapping[str, Budget], most: int) -> tuple[Charge, ...]:
    """What a call takes, in the order of the budgets' names. most: bytes of its largest answer; 0 where nobody is shown one."""
    names = {tool, TOTAL, *(f"{TOOLSET}{name}" for name, members in toolsets.items() if tool in members)}
    who = f"{CALLER}{caller.partition(_ENVIRONMENT)[0]}"
    found = {name: name for name in names & budgets.keys()} | ({who: who} if who in budgets else {})
    if CALLER + TOTAL in budgets:
        found[CALLER + TOTAL] = f"{CALLER}{TOTAL}:{who}"
    aside = set_aside([budgets[name] for name in found], most)
    return tuple(Charge(name, found[name], budgets[name].windows, aside) for name in sorted(found))


def set_aside(budgets: Sequence[Budget], most: int) -> int:
    """Tokens for the largest answer, or for the largest that any window has room for."""
    limits = [window.tokens for budget in budgets for window in budget.windows if window.tokens is not None]
    return min(-(-(most + FRAME) // PER_TOKEN), *limits) if limits and most else 0


def room(taken: Sequence[Charge]) -> int | None:
    """Bytes that the value of an answer may have; None: what the tool says."""
    aside = max((charge.tokens for charge in taken), default=0)
    return aside * PER_TOKEN - FRAME if aside else None


def tokens(text: str) -> int:
    """Tokens of a text, estimated."""
    return -(-len(text.encode("utf-8")) // PER_TOKEN)


def full(window: Window, calls: int, spent: int, aside: int) -> bool:
    """Whether one more call does not fit beside those that were counted, with the tokens they took."""
    return (window.calls is not None and calls >= window.calls) or (window.tokens is not None and spent + aside > window.tokens)


def refusal(charge: Charge, window: Window, rows: Sequence[tuple[int, int]], now: int) -> Spent:
    """Why the window has no room, and from when on. rows: (time, tokens) of each call in it, the earliest first."""
    calls, spent, retry = len(rows), sum(row[1] for row in rows), window.per_seconds
    for at, took in rows:
        calls, spent, retry = calls - 1, spent - took, at + window.per_seconds - now
        if not full(window, calls, spent, charge.tokens):
            break
    return Spent(charge.budget, window.calls, window.tokens, window.per_seconds, max(1, retry))


def latest(refusals: Iterator[Spent]) -> Spent | None:
    """The refusal that holds longest; None if there is none."""
    return max(refusals, key=lambda row: row.retry, default=None)
