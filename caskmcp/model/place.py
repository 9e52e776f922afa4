"""Places of fields in an answer, as people write them: `orders[].id`, `[].name`, `meta.total`; `[]` is every item of a list."""

import re
from collections.abc import Iterable
from typing import Any, Final

_NAME: Final = r"[A-Za-z0-9_$@:-]{1,80}"
PLACE: Final = re.compile(rf"(?:\[\]|{_NAME})(?:\[\])*(?:\.{_NAME}(?:\[\])*)*", re.ASCII)
ITEMS: Final = "[]"
_STEP: Final = re.compile(rf"\[\]|{_NAME}", re.ASCII)


def checked(place: str) -> str:
    """The place. Raises ValueError for what is none."""
    if len(place) > 200 or not PLACE.fullmatch(place):
        raise ValueError("expected a place such as `orders[].id`: names with dots between, `[]` for every item of a list")
    return place


def steps(place: str) -> tuple[str, ...]:
    """`orders[].id` is (`orders`, `[]`, `id`)."""
    return tuple(_STEP.findall(place))


def tree(places: Iterable[str]) -> dict[str, Any]:
    """The places as one tree of steps; below a leaf, everything. A place above another one takes it in."""
    found: dict[str, Any] = {}
    for place in sorted(places, key=lambda text: -len(steps(text))):
        *way, last = steps(place)
        inner = found
        for step in way:
            inner = inner.setdefault(step, {})
        inner[last] = {}
    return found


def covers(outer: Iterable[str], inner: Iterable[str]) -> bool:
    """Whether each of the inner places is one of the outer ones or lies below one. No places at all are everything."""
    wide, narrow = [steps(place) for place in outer], [steps(place) for place in inner]
    return not wide or (bool(narrow) and all(any(place[: len(each)] == each for each in wide) for place in narrow))
