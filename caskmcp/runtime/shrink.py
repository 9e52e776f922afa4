"""Fit a JSON value into a number of bytes: what comes out is still JSON, and each cut is told with its place and size."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from caskmcp import canon

LEVELS: Final = tuple(1 << exponent for exponent in range(14, -1, -1))
"""Items that a list or an object keeps, and a tenth of the characters that a text keeps, tried from the largest."""
TOLD: Final = 10
"""Cuts that are told by place; the rest is a count."""


@dataclass
class _Cuts:
    places: list[str] = field(default_factory=list)
    more: int = 0

    def note(self, place: str, kept: int, of: int, unit: str) -> None:
        if len(self.places) < TOLD:
            self.places.append(f"{place or 'the answer'}: {kept} of {of} {unit}")
        else:
            self.more += 1

    def told(self) -> tuple[str, ...]:
        return (*self.places, f"and {self.more} more") if self.more else tuple(self.places)


def fit(value: Any, limit: int) -> tuple[Any, tuple[str, ...]]:
    """The value, cut until its compact JSON has at most `limit` bytes, and what was cut; nothing is cut from a value that fits."""
    if size(value) <= limit:
        return value, ()
    for level in LEVELS:
        cuts = _Cuts()
        smaller = _trim(value, level, "", cuts)
        if size(smaller) <= limit:
            return smaller, cuts.told()
    return None, ("the answer: nothing of it fits",)


def size(value: Any) -> int:
    """Bytes of the compact JSON."""
    return len(canon.compact(value))


def _trim(value: Any, level: int, place: str, cuts: _Cuts) -> Any:
    if isinstance(value, str) and len(value) > level * 10:
        cuts.note(place, level * 10, len(value), "characters")
        return value[: level * 10]
    if isinstance(value, list):
        return [_trim(item, level, f"{place}[{index}]", cuts) for index, item in enumerate(_first(value, level, place, cuts))]
    if isinstance(value, Mapping):
        return {key: _trim(item, level, f"{place}.{key}" if place else key, cuts) for key, item in _entries(value, level, place, cuts)}
    return value


def _first(value: list[Any], level: int, place: str, cuts: _Cuts) -> list[Any]:
    if len(value) > level:
        cuts.note(place, level, len(value), "items")
    return value[:level]


def _entries(value: Mapping[str, Any], level: int, place: str, cuts: _Cuts) -> Iterator[tuple[str, Any]]:
    if len(value) > level:
        cuts.note(place, level, len(value), "fields")
    return (entry for index, entry in enumerate(value.items()) if index < level)
