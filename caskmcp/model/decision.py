"""Decisions: allow, deny or confirm, with the rule that said so; and the line of the record that keeps one."""

from typing import Any, Literal

from caskmcp.model.record import Record


class Decision(Record):
    """What the runtime decided about one call."""

    verdict: Literal["allow", "deny", "confirm"]
    step: str
    """The guard that decided, a row of the gateway's table."""
    rule: str
    """The policy rule's id, or the guard's reason code."""
    code: str = ""
    """`CASK-R…` or `CASK-E…` of a denial."""
    message: str = ""


class Entry(Record):
    """One line of the record; `sequence` and `prev` of the chain (`model.audit`) are added as it is written."""

    at: str
    toolpack: str
    lock: str
    tool: str
    caller: str
    arguments: str
    """Digest of the arguments; never the arguments."""
    verdict: str
    step: str
    rule: str
    code: str = ""
    status: int = 0
    """The upstream's status; 0 if nothing was sent."""
    extra: dict[str, Any] = {}
