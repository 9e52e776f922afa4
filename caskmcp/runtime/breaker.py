"""A host that fails again and again is left alone for a while; then one call tries it.

Promises: after `keeper.FAILURES` failures in a row nothing is sent to the host for `keeper.REST` seconds; then one request goes, from whichever server
asks first, and the others follow when it was answered. A host that answers costs nothing: who keeps the state is asked about a host at its first
call here, while it fails, and at each call only where replicas share that state. An answer ends the row of failures, whoever saw them.
"""

from collections.abc import Awaitable, Callable

from anyio import to_thread

from caskmcp.errors import CaskError
from caskmcp.ports import Clock
from caskmcp.runtime.commands import Failure, Send
from caskmcp.runtime.keeper import Keeper
from caskmcp.runtime.respond import Answer

DOWN = frozenset({502, 503, 504})
"""Answers of somebody who stands in front of a host that does not work."""


class Breaker:
    """For every host that one server calls."""

    def __init__(self, keeper: Keeper, clock: Clock) -> None:
        self._keeper = keeper
        self._clock = clock
        self._failing: dict[str, bool] = {}
        """Host -> whether its last call failed, as far as this server knows."""

    async def sent(self, ask: Send, send: Callable[[Send], Awaitable[Answer | Failure]]) -> Answer | Failure:
        """Send, if the host does not rest. Raises CASK-R021 if it does, and what the keeper raises."""
        host = f"{ask.place.host}:{ask.place.port}"
        if self._keeper.shared or self._failing.get(host, True):
            await self._refuse_resting(host)
        reply = await send(ask)
        if isinstance(reply, Failure) or reply.status in DOWN:
            self._failing[host] = True
            await self._noted(self._keeper.failed, host, self._clock.now())
        elif self._failing.get(host, False):
            await self._noted(self._keeper.mended, host)
            self._failing[host] = False
        else:
            self._failing[host] = False
        return reply

    async def _refuse_resting(self, host: str) -> None:
        rest = await to_thread.run_sync(self._keeper.resting, host, self._clock.now())
        self._failing[host] = rest is not None  # whoever finds it well again says so, though others saw it fail
        if rest:
            what = f"the upstream failed too often in a row and is left alone; nothing was sent; try again in {rest} s"
            raise CaskError("CASK-R021", what)

    async def _noted(self, note: Callable[..., None], *words: str) -> None:
        try:
            await to_thread.run_sync(note, *words)
        except CaskError:
            return  # the answer is there already and must not be lost for a count
