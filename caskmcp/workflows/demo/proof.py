"""What the demo shows: one line a proof, and the order in which they are judged."""

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple


class Proof(NamedTuple):
    """One claim that was put to the test."""

    id: str
    attempted: str
    """What was tried, in a few words."""
    blocked: str
    """What stood in the way, or what was shown."""
    held: bool
    evidence: str
    """What was seen, without anything that differs from run to run."""

    def row(self) -> dict[str, Any]:
        """The proof as a row of the report."""
        return {"proof": self.id, "attempted": self.attempted, "outcome": self.blocked if self.held else "NOT HELD", "seen": self.evidence}


class Seen(NamedTuple):
    """What an attack brought about: whether it was stopped, and what shows it."""

    held: bool
    evidence: str


class Attack(NamedTuple):
    """A row of the table of attacks."""

    id: str
    attempted: str
    blocked: str
    run: Callable[..., Awaitable[Seen]]
