"""What definitions lead to, however far: for a document in which everything refers to everything, in time that grows with the document alone.

Definitions that lead to each other are one knot, found once (Tarjan); what a knot leads to is a set of bits, shared by all who reach it.
"""

from collections.abc import Callable, Iterable, Iterator

from caskmcp.compiler.capture.sources.openapi.node import Path

Following = Callable[[Path], Iterable[Path]]


class Reach:
    """The places that places lead to. following: the places that a place refers to itself; asked once for each."""

    def __init__(self, following: Following) -> None:
        self._following = following
        self._places: list[Path] = []
        self._bits: dict[Path, int] = {}
        """Place -> its own and all that it leads to, by position in `_places`."""
        self._edges: dict[Path, tuple[Path, ...]] = {}
        """Place whose knot is not complete yet -> what it refers to."""

    def of(self, starts: Iterable[Path]) -> int:
        """All that the places lead to, themselves included, as bits."""
        found = 0
        for start in starts:
            if start not in self._bits:
                self._walk(start)
            found |= self._bits[start]
        return found

    def places(self, bits: int) -> Iterator[Path]:
        """The places that bits stand for, in the order in which they were found."""
        while bits:
            lowest = bits & -bits
            yield self._places[lowest.bit_length() - 1]
            bits ^= lowest

    def _walk(self, start: Path) -> None:
        """Tarjan's search from a place, without recursion: a chain may be as long as the document."""
        order: dict[Path, int] = {start: 0}
        low: dict[Path, int] = {start: 0}
        open_: list[Path] = [start]
        trail = [(start, self._step(start))]
        while trail:
            at, rest = trail[-1]
            after = next(rest, None)
            if after is None:
                trail.pop()
                if trail:
                    above = trail[-1][0]
                    low[above] = min(low[above], low[at])
                if low[at] == order[at]:
                    self._close(at, open_)
            elif after not in order and after not in self._bits:
                order[after] = low[after] = len(order)
                open_.append(after)
                trail.append((after, self._step(after)))
            elif after not in self._bits:
                low[at] = min(low[at], order[after])

    def _step(self, at: Path) -> Iterator[Path]:
        self._edges[at] = tuple(self._following(at))
        return iter(self._edges[at])

    def _close(self, at: Path, open_: list[Path]) -> None:
        """A knot is complete: its own bits, and those of what it leads to."""
        knot: list[Path] = []
        while not knot or knot[-1] != at:
            knot.append(open_.pop())
        bits = 0
        for place in reversed(knot):
            bits |= 1 << len(self._places)
            self._places.append(place)
        for place in knot:
            for after in self._edges.pop(place):
                bits |= self._bits.get(after, 0)
        for place in knot:
            self._bits[place] = bits
