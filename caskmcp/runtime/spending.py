"""The gateway's words with whoever counts: what a call takes is asked for before anything is sent, what its answer took is told at the end.

Promises: nothing goes on where a budget is spent or nobody can be asked; what could not be told stays counted as it was set aside, so a fault here
counts too much and never too little. A call that a composite makes takes no tokens: its answer reaches no agent, the composite's does.
"""

from collections.abc import Generator, Sequence
from typing import Any

from caskmcp.errors import CaskError
from caskmcp.model.pack import AdmittedPack
from caskmcp.model.tool import Tool
from caskmcp.runtime.budgets import Charge, Spent, charges, room, tokens
from caskmcp.runtime.commands import Command, Spend, Took


def taken(
    pack: AdmittedPack, tool: Tool, *, call: str, caller: str, at: str, shown: bool
) -> Generator[Command, Any, tuple[tuple[Charge, ...], Spent | None]]:
    """Take the call from each of its budgets, or from none: what was taken, and the budget that is spent if one is.

    shown: whether an agent gets the answer.
    """
    found = charges(tool.name, caller, pack.toolsets, pack.policy.budgets, tool.response.max_bytes if shown else 0)
    if not found:
        return (), None
    spent: Spent | None = yield Spend(pack.toolpack, call, found, at)
    return found, spent


def fitted(tool: Tool, charged: Sequence[Charge]) -> Tool:
    """The tool, with an answer that is no larger than what was set aside for it."""
    most = room(charged)
    if most is None or most >= tool.response.max_bytes:
        return tool
    return tool.model_copy(update={"response": tool.response.model_copy(update={"max_bytes": most})})


def told(pack: AdmittedPack | None, call: str, charged: Sequence[Charge], text: str) -> Generator[Command, Any, None]:
    """Say what the answer took, where tokens are counted."""
    if pack is None or not any(charge.tokens for charge in charged):
        return
    try:
        yield Took(pack.toolpack, call, tokens(text))
    except CaskError:
        return  # what was set aside stays counted
