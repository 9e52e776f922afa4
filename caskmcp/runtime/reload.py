"""Keeps what is served equal to what is approved: looks at the toolpack's files before each call and several times a second.

Promises: a changed file, the pin among them, is noticed before the next call, by its stat and, just after a change, by its content (an edit
within one tick of the file system's clock leaves the stat as it was); an approval that ends while it is served is judged again before the next
call; whatever cannot be admitted, for whatever reason, empties the surface; a look that is cut short has not happened; a new surface comes from
the one door alone.
"""

from collections.abc import Awaitable, Callable, Hashable
from typing import Final, Protocol

import anyio
from anyio import to_thread

from caskmcp.errors import CaskError
from caskmcp.model.pack import AdmittedPack, PackFiles
from caskmcp.runtime.surface import Surface, nothing, surface

PERIOD: Final = 0.3
"""Seconds between two looks."""
DOUBTFUL: Final = 6
"""Looks after a change that compare content as well."""


class Source(Protocol):
    """The toolpack on disk, and the door."""

    def stamp(self) -> Hashable:
        """Differs whenever a file of the pack was changed, added or removed, as far as its stat tells."""

    def read(self) -> PackFiles:
        """Every byte that is served, read once. Raises CaskError."""

    def anchor(self) -> object:
        """What this machine accepted as trust root, as it stands now; compares. Raises CaskError for what cannot be used."""

    def admit(self, files: PackFiles) -> AdmittedPack:
        """Pass the door. Raises CaskError if the pack is refused."""

    def ends(self, files: PackFiles) -> tuple[str, ...]:
        """Times at which an approval or the trust root ends, in order; empty for what cannot be read."""

    def now(self) -> str:
        """The time of day."""


class Live:
    """The surface as of now. changed: told of each new surface."""

    def __init__(self, source: Source, toolset: str | None, changed: Callable[[Surface, Surface], Awaitable[None]]) -> None:
        self._source = source
        self._toolset = toolset
        self._changed = changed
        self._lock = anyio.Lock(fast_acquire=True)  # a look that finds nothing must not cost a turn of the loop
        self._stamp: Hashable = None
        self._files: PackFiles | None = None
        self._anchor: object = None
        self._doubt = DOUBTFUL
        self._ends: tuple[str, ...] = ()
        self.surface: Surface = nothing("nothing was admitted yet")

    def start(self) -> Surface:
        """Admit for the first time. Raises CaskError if the pack is refused: there is nothing to serve then."""
        self._stamp = self._source.stamp()
        self._files, self._anchor = self._source.read(), self._source.anchor()
        self.surface = surface(self._source.admit(self._files), self._toolset)
        self._ends = self._coming(self._files)
        return self.surface

    def tried(self) -> CaskError | None:
        """Admit for the first time; why it was refused, if it was. The files are looked at again and again either way."""
        try:
            self.start()
        except CaskError as cause:
            self.surface = nothing(str(cause))
            return cause
        return None

    async def fresh(self) -> Surface:
        """The surface, after a look at the files."""
        async with self._lock:
            if not self._doubt and not self._over() and self._stamped() == self._stamp:
                return self.surface
            await self._look()
            return self.surface

    async def watch(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            await anyio.sleep(PERIOD)
            await self.fresh()
            self._doubt = max(0, self._doubt - 1)

    async def _look(self) -> None:
        stamp = self._stamped()
        files, anchor, problem = self._read()
        if stamp != self._stamp:
            self._doubt = DOUBTFUL
        if files is None or (files, anchor) != (self._files, self._anchor) or self._over():
            after = await to_thread.run_sync(self._admitted, files, problem)
            # Only now: a caller that is cancelled above must not leave the new files noted beside the old surface.
            before, self.surface, self._files, self._anchor = self.surface, after, files, anchor
            self._ends = () if files is None or after.pack is None else self._coming(files)
            await self._changed(before, after)
        self._stamp = stamp

    def _stamped(self) -> Hashable:
        """The stamp; of files that cannot even be looked at, the reason."""
        try:
            return self._source.stamp()
        except CaskError as cause:
            return str(cause)

    def _over(self) -> bool:
        """Whether an approval that was served has ended since."""
        return bool(self._ends) and self._source.now() > self._ends[0]

    def _coming(self, files: PackFiles) -> tuple[str, ...]:
        now = self._source.now()
        return tuple(end for end in self._source.ends(files) if end >= now)

    def _read(self) -> tuple[PackFiles | None, object, str]:
        try:
            return self._source.read(), self._source.anchor(), ""
        except Exception as cause:
            return None, None, _told(cause)

    def _admitted(self, files: PackFiles | None, problem: str) -> Surface:
        if files is None:
            return nothing(problem)
        try:
            return surface(self._source.admit(files), self._toolset)
        except Exception as cause:
            return nothing(_told(cause))


def _told(cause: Exception) -> str:
    """Why nothing is served. A fault that nobody foresaw refuses the pack like any other: what was served before was not admitted again."""
    return str(cause) if isinstance(cause, CaskError) else f"CASK-R011: the pack cannot be judged: {type(cause).__name__}"
