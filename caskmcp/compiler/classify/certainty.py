"""How sure it is that an operation does what was said of it: a number with its reason, from evidence and from the rules that guessed.

A literal table. Nothing of it counts exchanges, so that more traffic of the same kind changes no number.
"""

from collections.abc import Iterable
from typing import Final, Literal, NamedTuple

from caskmcp.compiler.classify.facts import Facts
from caskmcp.model.tool import LOWERED, RAISED

Level = Literal["low", "medium", "high"]

EVIDENCE: Final[dict[Level, int]] = {"low": 30, "medium": 60, "high": 90}
"""Confidence of the contract -> per cent."""
UNSURE: Final = 50
"""Below it, what costs much is looked at by name."""

# fmt: off
DOUBTS: Final = {
    # rule that fired    at most, per cent
    "unknown-method":    20,
    "no-words":          20,
    "unknown-action":    30,
    "selector":          30,
    "execution":         40,
    "unproven-search":   50,
    "foreign-tool":      60,
}
# fmt: on
"""Rules that fire where an operation does not say what it does."""


class Certainty(NamedTuple):
    """Per cent, and what holds it down."""

    percent: int
    why: str

    @property
    def level(self) -> Level:
        """The same as a word."""
        return "low" if self.percent < UNSURE else "medium" if self.percent < EVIDENCE["high"] else "high"


def certainty(facts: Facts, rules: Iterable[str]) -> Certainty:
    """Of an operation. rules: those that fired."""
    fired = tuple(rules)
    if {LOWERED, RAISED} & {*fired}:
        return Certainty(EVIDENCE["high"], "")
    rows = [
        Certainty(
            EVIDENCE[facts.contract.confidence], f"{facts.contract.confidence} evidence" if facts.contract.confidence != "high" else ""
        )
    ]
    rows += [Certainty(most, f"rule {rule}") for rule, most in DOUBTS.items() if rule in fired]
    return min(rows, key=lambda row: row.percent)
