"""How sure it is that an operation does what was said of it: a number with its reason, from evidence and from the rules that guessed.

A literal table. Nothing of it counts exchanges, so that more traffic of the same kind changes no number.
"""

from collections.abc import Iterable
from typing import Final, Literal, NamedTuple

from caskmcp.compiler.classify.facts import Facts
from caskmcp.model.tool import LOWERED, RAISED, TIERS, Tier

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
"""Rules that fire where an operation does not say what it does. They count only where no other rule reaches the same tier and so explains it:
nobody knows the verb of `/payments/{payment_id}/refund`, but that money moves is told."""


class Certainty(NamedTuple):
    """Per cent, and what holds it down."""

    percent: int
    why: str

    @property
    def level(self) -> Level:
        """The same as a word."""
        return "low" if self.percent < UNSURE else "medium" if self.percent < EVIDENCE["high"] else "high"


def certainty(facts: Facts, rules: Iterable[tuple[str, Tier]]) -> Certainty:
    """Of an operation. rules: those that fired, each with its tier."""
    fired = dict(rules)
    if {LOWERED, RAISED} & fired.keys():
        return Certainty(EVIDENCE["high"], "")
    rows = [
        Certainty(
            EVIDENCE[facts.contract.confidence], f"{facts.contract.confidence} evidence" if facts.contract.confidence != "high" else ""
        )
    ]
    told = max((TIERS.index(tier) for rule, tier in fired.items() if rule not in DOUBTS), default=-1)
    rows += [Certainty(most, f"rule {rule}") for rule, most in DOUBTS.items() if rule in fired and TIERS.index(fired[rule]) > told]
    return min(rows, key=lambda row: row.percent)
