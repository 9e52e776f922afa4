"""What `classify` says of each contract, before tools are written out."""

from typing import Literal

from caskmcp.model.record import Record
from caskmcp.model.scope import Scope
from caskmcp.model.tool import Annotations, Effect, Reason, Tier


class Classified(Record):
    """Risk, effect and scope of one contract, with the rules that said so."""

    id: str
    """The contract's id."""
    effect: Effect
    risk: Tier
    reasons: tuple[Reason, ...]
    """The rules that fired, the deciding one first; never empty."""
    annotations: Annotations
    scope: str
    traits: tuple[str, ...] = ()
    confidence: Literal["low", "medium", "high"]
    """By evidence, and lower where the rules that fired guessed."""
    certainty: int = 0
    """The same as a number, in per cent."""
    doubt: str = ""
    """What holds it down; empty at the top."""


class Surface(Record):
    """The whole surface, classified."""

    operations: tuple[Classified, ...]
    """Sorted by id."""
    scopes: dict[str, Scope]
    """Scope -> suggestion; `tools` holds contract ids here, names once emitted."""
