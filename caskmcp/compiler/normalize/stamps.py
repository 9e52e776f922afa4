"""The exchange of each value of a column: nearly no column needs it, so it is made when it is asked for."""

from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

Stamp = tuple[int, AbstractSet[str]]
"""The number of an exchange, and what its request said itself."""


class Stamps:
    """The stamps of the values of a column, one for each in their order. Those of one exchange stand together."""

    __slots__ = ("_found", "_make")

    def __init__(self, make: Callable[[], Sequence[Stamp]]) -> None:
        self._make = make
        self._found: Sequence[Stamp] | None = None

    def __call__(self) -> Sequence[Stamp]:
        if self._found is None:
            self._found = self._make()
        return self._found

    def of_items(self, values: Sequence[Sequence[Any]]) -> "Stamps":
        """Of the items of all arrays."""
        return Stamps(lambda: [stamp for value, stamp in zip(values, self(), strict=True) for _ in value])

    def of_kind(self, values: Sequence[Any], kind: type) -> "Stamps":
        """Of the values of one kind alone."""
        return Stamps(lambda: [stamp for value, stamp in zip(values, self(), strict=True) if type(value) is kind])

    def of_field(self, values: Sequence[dict[str, Any]], name: str) -> "Stamps":
        """Of those objects alone that have a field."""
        return Stamps(lambda: [stamp for value, stamp in zip(values, self(), strict=True) if name in value])


def at(*stamps: Stamp) -> Stamps:
    """These ones."""
    return Stamps(lambda: stamps)


def of_exchange(serial: int) -> Stamps:
    """Of one value of an exchange, about whose request nothing is asked."""
    return at((serial, frozenset()))
