"""What a server remembers of calls beyond itself, as one protocol: challenges with their grants, what budgets counted, hosts that rest.

Three keep it: SQLite in the root (`state.py`, the default), Redis or Valkey (`state_redis.py`) and PostgreSQL (`state_postgres.py`), which several
replicas share. Promises of each: a change of a challenge's state happens once, whoever else tries at the same time; a call is counted in all of
its budgets or in none; a keeper that cannot be asked raises, and the call is then not made.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Final, Protocol

from caskmcp.runtime.budgets import Charge, Spent
from caskmcp.runtime.commands import Binding

FAILURES: Final = 10
"""Calls to one host that fail in a row; then it rests."""
REST: Final = 30
"""Seconds that it rests; then one call tries it."""
FRESH: Final = 120
"""Seconds after which an earlier failure does not count any more."""


@dataclass(frozen=True)
class Challenge:
    """One question to a person."""

    id: str
    binding: Binding
    content: str
    """The arguments as canonical JSON; private."""
    created: str
    expires: str
    state: str = "open"
    """`open`, then `granted` or `denied`, then `spent`, `closed` or `void`."""
    answer: str = ""
    """The signed grant as JSON, if it was granted."""

    def row(self) -> tuple[str, ...]:
        """The challenge in the order of `COLUMNS`."""
        b = self.binding
        bound = (b.toolpack, b.tool, b.arguments, b.lock, b.caller)
        return (self.id, *bound, self.content, self.created, self.expires, self.state, self.answer)

    @classmethod
    def of(cls, row: Sequence[str]) -> "Challenge":
        """What `row` gave."""
        return cls(row[0], Binding(*row[1:6]), *row[6:])


COLUMNS: Final = ("id", "toolpack", "tool", "arguments", "lock", "caller", "content", "created", "expires", "state", "answer")


class Keeper(Protocol):
    """Thread-safe; opened on first use. Each method raises CASK-W001 or CASK-R020 where the keeper cannot be used."""

    shared: ClassVar[bool]
    """Whether servers on other machines may change it at any time."""

    def matching(self, binding: Binding, at: str) -> tuple[Challenge, ...]:
        """Challenges for exactly this call that wait or were answered and not used, oldest first."""

    def waiting(self, at: str) -> tuple[Challenge, ...]:
        """Every challenge that waits for an answer, oldest first."""

    def find(self, challenge: str) -> Challenge | None:
        """A challenge by id."""

    def add(self, row: Challenge) -> None:
        """Keep a new challenge, and drop those that expired."""

    def settle(self, challenge: str, *, before: str, after: str, answer: str | None = None) -> bool:
        """Change a challenge's state if it is still `before`; says whether this call was the one that did."""

    def take(self, toolpack: str, call: str, charges: Sequence[Charge], at: str) -> Spent | None:
        """Count one call in each budget, or in none; returns the budget that is spent, if one is."""

    def took(self, toolpack: str, call: str, tokens: int) -> None:
        """Put what an answer took in place of what was set aside for it."""

    def resting(self, host: str, at: str) -> int | None:
        """Seconds that a host still rests; 0: it failed before and may be called; None: of no failure is anything known.

        When its rest is over, that is said to one caller alone, until it has answered.
        """

    def failed(self, host: str, at: str) -> None:
        """Note that a host failed once more."""

    def mended(self, host: str) -> None:
        """Forget a host's failures: it answered."""

    def close(self) -> None:
        """Close what is open."""


def seconds(at: str) -> int:
    """Seconds since 1970."""
    return int(datetime.fromisoformat(at).timestamp())
