"""The gateway's words with whoever counts: what a call takes is asked for before anything is sent, what its answer took is told at the end.

Promises: nothing goes on where a budget is spent or nobody can be asked; what could not be told stays counted as it was set aside, so a fault here
counts too much and never too little. A call that a composite makes takes no tokens: its answer reaches no agent, the composite's does.
"""

from collections.abc import Generator, Sequence
from typing import Any, Final

from caskmcp.errors import CaskError
from caskmcp.model.pack import AdmittedPack
from caskmcp.model.tool import Tool
from caskmcp.runtime.budgets import Charge, Spent, charges, room, tokens
from caskmcp.runtime.commands import Command, Spend, Took
from caskmcp.runtime.respond import ERROR_BYTES

ROW: Final = 40
"""Bytes beside the tool's name in which a composite's answer tells one of its calls."""


def taken(
    pack: AdmittedPack, tool: Tool, *, call: str, caller: str, at: str, shown: bool
) -> Generator[Command, Any, tuple[tuple[Charge, ...], Spent | None]]:
    """Take the call from each of its budgets, or from none: what was taken, and the budget that is spent if one is.

    shown: whether an agent gets the answer.
    """
    found = charges(tool.name, caller, pack.toolsets, pack.policy.budgets, largest(tool) if shown else 0)
    if not found:
        return (), None
    spent: Spent | None = yield Spend(pack.toolpack, call, found, at)
    return found, spent


def largest(tool: Tool) -> int:
    """Bytes of a tool's largest answer: its value and the calls that it made, or the words of an error."""
    return max(tool.response.max_bytes + _beside(tool), ERROR_BYTES)


def fitted(tool: Tool, charged: Sequence[Charge]) -> Tool:
    """The tool, with an answer that is no larger than what was set aside for it."""
    most = room(charged)
    if most is None or most >= largest(tool):
        return tool
    bound = min(max(0, most - _beside(tool)), tool.response.max_bytes)
    response, plan = tool.response.model_copy(update={"max_bytes": bound}), tool.composite
    if plan is not None:
        plan = plan.model_copy(update={"most": plan.most.model_copy(update={"bytes": min(bound, plan.most.bytes)})})
    return tool.model_copy(update={"response": response, "composite": plan})


def _beside(tool: Tool) -> int:
    """Bytes in which a composite's answer tells its calls."""
    plan = tool.composite
    return 0 if plan is None else plan.most.calls * (ROW + max(len(step.tool) for step in plan.steps))


def told(pack: AdmittedPack | None, call: str, charged: Sequence[Charge], text: str) -> Generator[Command, Any, None]:
    """Say what the answer took, where tokens are counted."""
    if pack is None or not any(charge.tokens for charge in charged):
        return
    try:
        yield Took(pack.toolpack, call, tokens(text))
    except CaskError:
        return  # what was set aside stays counted
