"""Places inside of JSON values: where the thing, its id and a list of things stand in an answer. Pure, and nothing is changed in place."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from caskmcp import canon

Way = tuple[str, ...]
"""Names that lead from the whole value to a member; empty: the whole."""

DEEPEST: Final = 2
UUID: Final = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", re.ASCII)
HEX: Final = re.compile(r"(?=.*[a-f])(?=.*[0-9])[0-9a-f]{12,}", re.ASCII)
TELLING: Final = 8
"""Characters from which an id is taken for itself wherever it stands."""

DIGITS: Final = 18
"""Digits of an id that is a number."""


def text(value: Any) -> str | None:
    """A scalar as it would stand in a path; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    return str(value)


def number(written: str) -> int | None:
    """The number that an id is; None for one that is none, or has too many digits."""
    return int(written) if written.isdecimal() and len(written) <= DIGITS else None


def at(value: Any, way: Way) -> Any:
    """What stands at a place; None if nothing does."""
    for name in way:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def put(value: Any, way: Way, new: Any) -> Any:
    """A copy with something else at a place."""
    if not way:
        return new
    inner = value if isinstance(value, Mapping) else {}
    return {**inner, way[0]: put(inner.get(way[0]), way[1:], new)}


def objects(value: Any, way: Way = ()) -> Iterator[tuple[Way, Mapping[str, Any]]]:
    """The objects of a value that stand in no list, the outermost first."""
    if isinstance(value, Mapping):
        yield way, value
        if len(way) < DEEPEST:
            for name in sorted(value):
                yield from objects(value[name], (*way, name))


def lists(value: Any) -> Iterator[tuple[Way, list[Any]]]:
    """The lists of a value that stand in no other list, the outermost first."""
    if isinstance(value, list):
        yield (), value
    for way, row in objects(value):
        yield from (((*way, name), row[name]) for name in sorted(row) if isinstance(row[name], list))


def common(into: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """The first with the values of the second, where both have a member of that name and a kind that fits."""
    return {name: given[name] if name in given and _fits(value, given[name]) else value for name, value in into.items()}


def _fits(old: Any, new: Any) -> bool:
    return old is None or new is None or isinstance(new, type(old)) or (isinstance(old, int | float) and isinstance(new, int | float))


def renamed(value: Any, names: Mapping[str, str]) -> Any:
    """A copy in which ids are others: text that is one, or a long one inside of other text. Numbers stay: who means them cannot be told."""
    if isinstance(value, str):
        return _renamed_text(value, names)
    if isinstance(value, Mapping):
        return {name: renamed(each, names) for name, each in value.items()}
    return [renamed(each, names) for each in value] if isinstance(value, list) else value


def _renamed_text(value: str, names: Mapping[str, str]) -> str:
    if value in names:
        return names[value]
    for old, new in names.items():
        if len(old) >= TELLING:
            value = value.replace(old, new)
    return value


def fresh(old: Any, taken: frozenset[str], seed: str) -> Any:
    """An id of the form of an old one, that nobody has yet. Same seed and same ids, same id."""
    if isinstance(old, int) or str(old).isdecimal():
        following = max((found for each in taken if (found := number(each)) is not None), default=0) + 1
        return following if isinstance(old, int) else str(following)
    count = 0
    while (made := _made(str(old), f"{seed} {count}")) in taken:
        count += 1
    return made


def _made(old: str, seed: str) -> str:
    digits = canon.hexadecimal(canon.digest(seed))
    if UUID.fullmatch(old):
        return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:32]}"
    return digits[: min(len(old), 64)] if HEX.fullmatch(old) else f"twin-{digits[:8]}"
