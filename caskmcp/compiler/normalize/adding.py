"""Add up what was counted of two pieces of one source: exactly what counting both pieces together would have given.

Counts add up, sets unite, texts that may stand in a vocabulary stay together as long as they still may. What is another kind of state has a
row of its own here; a property test holds every piece of it to this, however a recording is cut.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from caskmcp.compiler.normalize import variants
from caskmcp.compiler.normalize.forms import Words
from caskmcp.compiler.normalize.node import MOST_VALUES, Node
from caskmcp.compiler.normalize.sketch import Sketch

_SUMS: Final = ("nulls", "booleans", "integers", "numbers", "strings", "arrays", "objects", "empty_arrays", "maps", "empties")
_SAME: Final = frozenset({"key", "name", "words"})
"""What is the same in both."""


def add_up(into: Any, other: Any) -> None:
    """Take into one account what another one counted. The other is used up."""
    _ACCOUNTS.get(type(into), _slots)(into, other)


def _slots(into: Any, other: Any) -> None:
    for name in type(into).__slots__:
        if name not in _SAME:
            setattr(into, name, _SPECIAL.get(name, total)(getattr(into, name), getattr(other, name)))


def total(one: Any, other: Any) -> Any:
    """Both of two tallies, or of two accounts, of one kind."""
    if one is None or other is None:
        return other if one is None else one
    if isinstance(one, dict):
        for name, value in other.items():
            one[name] = total(one[name], value) if name in one else value
        return one
    if isinstance(one, bool | set):
        return one | other
    if isinstance(one, int | list):
        return one + other
    add_up(one, other)
    return one


def _tokens(one: dict[int, str | None], other: Mapping[int, str | None]) -> dict[int, str | None]:
    """One token at a place, or None as soon as there are two."""
    return {index: token if one.get(index, token) == token else None for index, token in {**one, **other}.items()}


def _least(one: dict[int, str], other: Mapping[int, str]) -> dict[int, str]:
    return {index: min(one.get(index, name), other.get(index, name)) for index, name in {**one, **other}.items()}


_SPECIAL: Final[dict[str, Callable[[Any, Any], Any]]] = {"tokens": _tokens, "named": _least}
"""Slots of rows that are no tallies."""


def _node(into: Node, other: Node) -> None:
    _texts(into, other)
    for name in _SUMS:
        if count := getattr(other, name):
            setattr(into, name, getattr(into, name) + count)
    into.low, into.high = min(into.low, other.low), max(into.high, other.high)
    into.figures |= other.figures
    into.forms = variants.united(into.forms, other.forms)
    for name in ("redacted", "formats", "fields", "doubtful", "items", "rest"):
        setattr(into, name, total(getattr(into, name), getattr(other, name)))
    if into.given is None or other.given is None:
        into.given = None
    else:
        into.given.unite(other.given)
        into.given = None if into.given.digests is None else into.given


def _texts(into: Node, other: Node) -> None:
    """Candidates of a vocabulary stay such only if both sides still have some and there are not too many together."""
    if into.kept is not None and other.kept is not None and len(into.kept.keys() | other.kept.keys()) <= MOST_VALUES:
        for text, (count, exchanges, _) in other.kept.items():
            before = into.kept.get(text, (0, 0))
            into.kept[text] = [before[0] + count, before[1] + exchanges, -1]
        return
    for node in (into, other):
        if node.kept is not None:
            node.open()
        node.finish()


def _words(into: Words, other: Words) -> None:
    into.found |= other.found
    other.found = into.found  # texts that still wait in the other's nodes are counted later, and their words belong here


_ACCOUNTS: Final[dict[type, Callable[[Any, Any], None]]] = {Node: _node, Sketch: Sketch.unite, Words: _words}
"""Accounts that are more than tallies."""
