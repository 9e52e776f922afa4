"""What a record has to look like for a judge to read it. Approved content is whatever its digest says: it may be older than a field, or nonsense.

A record of another shape is not known to contain anything, so `areas.changes` tells it as one change that broadens.
"""

from collections.abc import Callable, Mapping
from typing import Any

Shape = Callable[[Any], bool]


def anything(_: Any) -> bool:
    """Any value."""
    return True


def names(value: Any) -> bool:
    """A list of texts."""
    return isinstance(value, list) and all(isinstance(name, str) for name in value)


def mapping(value: Any) -> bool:
    """An object."""
    return isinstance(value, Mapping)


def tokens(value: Any) -> bool:
    """How a token is got, if one is."""
    return value is None or (mapping(value) and names(value.get("scopes") or []))


def mappings(value: Any) -> bool:
    """An object of objects."""
    return mapping(value) and all(mapping(row) for row in value.values())


def rows(value: Any) -> bool:
    """Rows of argument -> wire name."""
    return isinstance(value, list) and all(mapping(row) and _texts(row, "argument", "wire") for row in value)


def segments(value: Any) -> bool:
    """Segments of a path with their pieces."""
    return isinstance(value, list) and all(
        mapping(row) and isinstance(row.get("pieces"), list) and all(map(_piece, row["pieces"])) for row in value
    )


def _piece(value: Any) -> bool:
    return (
        mapping(value)
        and (isinstance(value.get("text"), str) or bool(value.get("argument")))
        and isinstance(value.get("argument", ""), str)
        and isinstance(value.get("max_length", 0), int)
    )


def body(value: Any) -> bool:
    """A body plan."""
    return mapping(value) and isinstance(value.get("argument", ""), str) and rows(value.get("fields", []))


def rules(value: Any) -> bool:
    """Rules of a policy."""
    return isinstance(value, list) and all(
        mapping(row) and isinstance(row.get("effect"), str) and _match(row.get("match", {})) for row in value
    )


def _match(value: Any) -> bool:
    return mapping(value) and all(names(wanted) for wanted in value.values())


def budgets(value: Any) -> bool:
    """Budgets by what they are for."""
    return mappings(value) and all(_window({**row, "also": 1}) and _windows(row.get("also", [])) for row in value.values())


def _windows(value: Any) -> bool:
    return isinstance(value, list) and all(map(_window, value))


def _window(row: Any) -> bool:
    return mapping(row) and "per_seconds" in row and all(isinstance(number, int) and number > 0 for number in row.values())


def composite(value: Any) -> bool:
    """The plan of a composite."""
    return mapping(value) and isinstance(value.get("most", {}), Mapping)


def _texts(row: Mapping[str, Any], *keys: str) -> bool:
    return all(isinstance(row.get(key), str) for key in keys)
