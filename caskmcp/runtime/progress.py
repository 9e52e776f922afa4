"""Progress of a call that takes long, told to a client that asked for it: the seconds so far, now and then, until the answer is there.

The numbers rise and have no end, since nobody knows when an upstream answers. A client that did not ask is told nothing, and its call takes no other
way than before. Nothing of the call, of its answer or of an upstream is in what is told.
"""

from collections.abc import Awaitable, Callable
from itertools import count
from typing import Any, Final, TypeVar

import anyio

EVERY: Final = 2.0
"""Seconds between two notes. Clients that give up after a silence do so after five or more."""
WORDS: Final = "waiting for the answer"

T = TypeVar("T")


async def told(ctx: Any, work: Callable[[], Awaitable[T]]) -> T:
    """Do the work, and tell the client of each while that it takes, where it asked. work: raises nothing but for cancellation."""
    if (ctx.meta or {}).get("progress_token", (ctx.meta or {}).get("progressToken")) is None:
        return await work()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_telling, ctx)
        result = await work()
        tasks.cancel_scope.cancel()
    return result


async def _telling(ctx: Any) -> None:
    for number in count(1):
        await anyio.sleep(EVERY)
        await ctx.session.report_progress(number * EVERY, None, WORDS)
