"""Fit a JSON value into a number of bytes and of tokens: what comes out is still JSON, and each cut is told with its place and size.

A place is told in our own words, so of the upstream's keys it holds those that are plain names: no sentence, no address, nothing long.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from caskmcp import canon
from caskmcp.runtime.tokencount import tokens

TOKENS: Final = 24_000
"""Tokens of one answer, by the estimate: below the 25,000 at which clients cut or refuse, with room for what is said beside it."""
LEVELS: Final = tuple(1 << exponent for exponent in range(14, -1, -1))
"""Items that a list or an object keeps, and a tenth of the characters that a text keeps, tried from the largest."""
TOLD: Final = 10
"""Cuts that are told by place; the rest is a count."""
NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,39}", re.ASCII)
"""Keys that are repeated in a place; a longer one, or one of other characters, is the upstream's text and not a name."""
DEEPEST: Final = 8
"""Steps of a place that are told."""


Steps = tuple[str | int, ...]


@dataclass
class _Cuts:
    places: list[str] = field(default_factory=list)
    more: int = 0

    def note(self, place: Steps, kept: int, of: int, unit: str) -> None:
        if len(self.places) < TOLD:
            self.places.append(f"{place_of(place) or 'the answer'}: {kept} of {of} {unit}")
        else:
            self.more += 1

    def told(self) -> tuple[str, ...]:
        return (*self.places, f"and {self.more} more") if self.more else tuple(self.places)


def fit(value: Any, limit: int) -> tuple[Any, tuple[str, ...]]:
    """The value, cut until its compact JSON has at most `limit` bytes and `TOKENS`, and what was cut; nothing is cut from a value that fits."""
    if _fits(value, limit):
        return value, ()
    for level in LEVELS:
        cuts = _Cuts()
        smaller = _trim(value, level, (), cuts)
        if _fits(smaller, limit):
            return smaller, cuts.told()
    return None, ("the answer: nothing of it fits",)


def place_of(steps: Iterable[str | int]) -> str:
    """A place as it is told: `orders[3].note`; empty for the whole value."""
    words = [f"[{step}]" if isinstance(step, int) else f".{step if NAME.fullmatch(step) else '…'}" for step in steps]
    told = words if len(words) <= DEEPEST else [*words[:DEEPEST], "…"]
    return "".join(told).removeprefix(".")


def size(value: Any) -> int:
    """Bytes of the compact JSON."""
    return len(canon.compact(value))


def _fits(value: Any, limit: int) -> bool:
    text = canon.compact(value)
    return len(text) <= limit and (len(text) <= TOKENS or tokens(text.decode("utf-8", "surrogatepass")) <= TOKENS)


def _trim(value: Any, level: int, place: Steps, cuts: _Cuts) -> Any:
    if isinstance(value, str) and len(value) > level * 10:
        cuts.note(place, level * 10, len(value), "characters")
        return value[: level * 10]
    if isinstance(value, list):
        return [_trim(item, level, (*place, index), cuts) for index, item in enumerate(_first(value, level, place, cuts))]
    if isinstance(value, Mapping):
        return {key: _trim(item, level, (*place, key), cuts) for key, item in _entries(value, level, place, cuts)}
    return value


def _first(value: list[Any], level: int, place: Steps, cuts: _Cuts) -> list[Any]:
    if len(value) > level:
        cuts.note(place, level, len(value), "items")
    return value[:level]


def _entries(value: Mapping[str, Any], level: int, place: Steps, cuts: _Cuts) -> Iterator[tuple[str, Any]]:
    if len(value) > level:
        cuts.note(place, level, len(value), "fields")
    return (entry for index, entry in enumerate(value.items()) if index < level)
