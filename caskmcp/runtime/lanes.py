"""How many requests of one tool are on their way at a time: one slow tool leaves the others their connections.

Promises: at most `WIDE` of a tool are in flight; at most `QUEUE` more wait, for at most `WAIT` seconds; whoever finds no place is told so and nothing
was sent; a call that is cancelled leaves its place.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

import anyio

from caskmcp.errors import CaskError

WIDE: Final = 16
QUEUE: Final = 128
WAIT: Final = 30.0
"""Seconds in the queue."""


@dataclass
class Lane:
    """One tool's."""

    places: anyio.Semaphore = field(default_factory=lambda: anyio.Semaphore(WIDE, fast_acquire=True))
    waiting: int = 0


class Lanes:
    """One lane for each name that is asked for: the names are those of admitted tools."""

    def __init__(self) -> None:
        self._lanes: dict[str, Lane] = {}

    @asynccontextmanager
    async def entered(self, name: str) -> AsyncIterator[bool]:
        """A place in the lane; says whether there was a wait for it. Raises CASK-R022 where there is none."""
        lane = self._lanes.setdefault(name, Lane())
        waited = lane.places.value == 0
        if waited:
            await _queued(lane)
        else:
            lane.places.acquire_nowait()
        try:
            yield waited
        finally:
            lane.places.release()


async def _queued(lane: Lane) -> None:
    if lane.waiting >= QUEUE:
        raise CaskError("CASK-R022", f"{WIDE} calls of this tool are on their way and {QUEUE} wait; nothing was sent; try again later")
    lane.waiting += 1
    try:
        with anyio.fail_after(WAIT):
            await lane.places.acquire()
    except TimeoutError:
        what = f"{WIDE} calls of this tool are on their way and none ended in {WAIT:.0f} s; nothing was sent; try again later"
        raise CaskError("CASK-R022", what) from None
    finally:
        lane.waiting -= 1
