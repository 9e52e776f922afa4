"""The smallest set of tools that covers a share of what was observed: sets of tools that sessions called together, each with its count.

Deterministic: exact where the sets are few, else greedy with stated ties, then thinned out. Which order anything came in plays no part.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from typing import Final, NamedTuple

EXACT: Final = 12
"""Distinct sets up to which every combination is looked at."""
LOOKED_AT: Final = 300
"""Distinct sets that are candidates, the most frequent ones; all count for what is covered."""


class Used(NamedTuple):
    """Tools that sessions called together, and how many sessions those were."""

    tools: frozenset[str]
    times: int


class Room(NamedTuple):
    """What a list may hold: tools, and tokens by `costs`."""

    tools: int
    tokens: int
    costs: Mapping[str, int]

    def cost(self, chosen: Iterable[str]) -> int:
        """Tokens of a list."""
        return sum(self.costs[name] for name in chosen)

    def holds(self, chosen: frozenset[str]) -> bool:
        """Whether a list fits."""
        return len(chosen) <= self.tools and self.cost(chosen) <= self.tokens


def covered(sessions: Iterable[Used], chosen: frozenset[str]) -> int:
    """Sessions that need nothing else."""
    return sum(row.times for row in sessions if row.tools <= chosen)


def smallest(sessions: Sequence[Used], room: Room, percent: int) -> frozenset[str]:
    """The smallest list that covers so many per cent of the sessions; where none fits, the one that covers most of what was tried.

    Ties: fewer tools, then fewer tokens, then the names in order. Empty without sessions.
    """
    wanted = -(-percent * sum(row.times for row in sessions) // 100)
    rows = sorted(sessions, key=lambda row: (-row.times, len(row.tools), sorted(row.tools)))
    return _every(rows, room, wanted) if len(rows) <= EXACT else _greedy(rows, room, wanted)


def _every(rows: Sequence[Used], room: Room, wanted: int) -> frozenset[str]:
    lists = {frozenset().union(*(row.tools for row in each)) for size in range(len(rows) + 1) for each in combinations(rows, size)}
    fitting = [chosen for chosen in lists if room.holds(chosen)]
    return min(fitting, key=lambda chosen: (-min(covered(rows, chosen), wanted), len(chosen), room.cost(chosen), sorted(chosen)))


def _greedy(rows: Sequence[Used], room: Room, wanted: int) -> frozenset[str]:
    chosen: frozenset[str] = frozenset()
    picked: list[frozenset[str]] = []
    while covered(rows, chosen) < wanted:
        lists = {chosen | row.tools for row in rows[:LOOKED_AT]} - {chosen}
        fitting = [each for each in lists if room.holds(each)]
        if not fitting:
            break
        best = min(fitting, key=lambda each: _price(rows, room, chosen, each))
        picked.append(best - chosen)
        chosen = best
    return _thinned(rows, room, wanted, chosen)


def _price(rows: Sequence[Used], room: Room, before: frozenset[str], after: frozenset[str]) -> tuple[float, int, int, list[str]]:
    """Tools a newly covered session; then the ties."""
    gain = covered(rows, after) - covered(rows, before)
    return len(after - before) / gain, len(after), room.cost(after), sorted(after)


def _thinned(rows: Sequence[Used], room: Room, wanted: int, chosen: frozenset[str]) -> frozenset[str]:
    """Without tools that are not needed any more, dearest first."""
    least = min(wanted, covered(rows, chosen))
    for name in sorted(chosen, key=lambda name: (-room.costs[name], name)):
        if covered(rows, chosen - {name}) >= least:
            chosen -= {name}
    return chosen
