"""Which fields of an answer came and went, against the types that were signed with the tool: what nobody knew, and what is not there.

Promises: places and names only, never a value; a key that is no plain word is told as `…`. Whether a field that is not there was ever promised, the
signed types do not say (they require nothing): who reads the record judges that by the baseline (`workflows/servings.py`).
"""

import re
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, Final

ADDED, ABSENT = "added", "absent"
MOST: Final = 12
"""Places that one answer tells."""
ITEMS: Final = 50
"""Items of a list that are looked at."""
_WORD: Final = re.compile(r"(?=.{1,40}\Z)(?!.*[0-9]{3})[A-Za-z_][A-Za-z0-9_-]*", re.ASCII)
"""A key that is repeated: no number of more than two digits, which would be somebody's."""
Schema = Mapping[str, Any]


def differing(expected: Schema | None, answer: Any) -> tuple[str, ...]:
    """`added orders[].tax`, `absent total`: each place once, sorted, the first few of them."""
    return tuple(sorted(islice(dict.fromkeys(_places(_either(expected), answer, "")), MOST))) if expected else ()


def _places(rows: tuple[Schema, ...], value: Any, place: str) -> Iterator[str]:
    """rows: what the value may be; each is a possibility."""
    if isinstance(value, list):
        inner = tuple(row["items"] for row in rows if isinstance(row.get("items"), Mapping))
        for item in value[:ITEMS] if inner else ():
            yield from _places(_flat(inner), item, f"{place}[]")
    elif isinstance(value, Mapping):
        known = [row["properties"] for row in rows if row.get("properties")]
        if known:
            yield from _fields(known, value, place)


def _fields(known: list[Schema], value: Mapping[str, Any], place: str) -> Iterator[str]:
    named = {name for row in known for name in row}
    always = set.intersection(*({*row} for row in known))
    yield from (f"{ABSENT} {_below(place, name)}" for name in sorted(always - value.keys()))
    for name, item in islice(value.items(), 1000):
        if name not in named:
            yield f"{ADDED} {_below(place, name)}"
        else:
            yield from _places(_flat(tuple(row[name] for row in known if name in row)), item, _below(place, name))


def _below(place: str, name: str) -> str:
    word = name if _WORD.fullmatch(name) else "…"
    return f"{place}.{word}" if place else word


def _flat(rows: tuple[Any, ...]) -> tuple[Schema, ...]:
    return tuple(each for row in rows for each in _either(row))


def _either(row: Any) -> tuple[Schema, ...]:
    if not isinstance(row, Mapping):
        return ()
    branches = row.get("anyOf")
    return _flat(tuple(branches)) if isinstance(branches, list) else (row,)
