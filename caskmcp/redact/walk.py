"""The first pass over one JSON value: what a name asks for is cut in place, and the texts that stay are collected for the detectors on forms.

Most of what a recording holds comes by here, text by text, so that nothing is done for the many names that ask for nothing but to look
them up. It does not decide what is cut: that is the `Cutter`'s, and what a form finds is `scan`'s.
"""

import re
from typing import Any, Final, Protocol

import re2

from caskmcp.redact.rules import INHERITS, Rule, Rules

DEPTH: Final = 64
"""Levels of nesting that are walked. The stage keeps no deeper JSON."""

_FORM_OF_IDS: Final = r"(?:[0-9a-f]{24}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})"
_ID: Final = re.compile(_FORM_OF_IDS)
"""The most common ids of all, of one length each. They are kept, so no detector has to look at them."""
_IDS: Final = re2.compile(rf"(?:{_FORM_OF_IDS}\n)*{_FORM_OF_IDS}")
"""Many of them at once, which is much faster."""
_SIZES: Final = frozenset((24, 36))
_NO_SIZES: Final[frozenset[int]] = frozenset()
_CARD_DIGITS: Final = 3 * 10**13
_NAMED: Final = ("name", "key", "field", "label", "type", "system", "attribute", "property", "parameter", "param", "header", "variable")
"""Names of fields that say what the value beside them is."""
_NOTHING: Final[tuple[Rule, ...]] = ()


class Unread(ValueError):
    """JSON that cannot be looked through: it is not kept at all."""


class TooDeep(Unread):
    """JSON nested deeper than `DEPTH`."""


class Cutter(Protocol):
    """What cuts: a `Redactor`."""

    @property
    def names(self) -> Rules:
        """What each name asks for."""

    @property
    def passes_ids(self) -> bool:
        """Whether ids of the most common forms are kept unseen."""

    def by_name(self, rules: tuple[Rule, ...], value: Any, name: str, parent: str, place: str) -> Any:
        """What takes the place of a value under a name, or None."""

    def number(self, value: int, place: str) -> int:
        """What takes the place of a long number."""

    def name(self, name: str, place: str) -> str:
        """What takes the place of a name."""


class Walk:
    """One pass over one value, which stands at `place`."""

    __slots__ = ("_cutter", "_ids", "_names", "_place", "_plain", "_sizes", "_texts")

    def __init__(self, cutter: Cutter, place: str) -> None:
        self._cutter = cutter
        self._place = place
        self._names = cutter.names
        self._plain = cutter.names.plain
        self._sizes = _SIZES if cutter.passes_ids else _NO_SIZES
        self._texts: list[str] = []
        self._ids: list[str] = []
        """Texts that have the length of an id."""

    def value(self, value: Any) -> Any:
        """The value with what its names ask for cut; containers are changed in place. Raises `TooDeep`."""
        top = [value]
        self._list(top, "", _NOTHING, -1)  # the list around the value is no level
        return top[0]

    def seen(self) -> list[str]:
        """The texts that stay, for a detector to look at: all but ids."""
        if not self._ids or _IDS.fullmatch("\n".join(self._ids).encode()):
            return self._texts
        return [*self._texts, *(text for text in self._ids if not _ID.fullmatch(text))]

    def _object(self, value: dict[str, Any], parent: str, depth: int) -> None:
        if depth > DEPTH:
            raise TooDeep
        plain, texts, ids, sizes = self._plain, self._texts, self._ids, self._sizes
        for name, item in value.items():
            kind = type(item)
            rules = _NOTHING
            if name not in plain:
                rules = self._rules(name, value, parent)
                if rules and kind is not dict and kind is not list:
                    cut = self._cutter.by_name(rules, item, name, parent, self._place)
                    if cut is not None:
                        value[name] = cut
                        continue
            if kind is str:
                if len(item) in sizes:
                    ids.append(item)
                else:
                    texts.append(item)
            elif kind is dict:
                self._object(item, name, depth + 1)
            elif kind is list:
                self._list(item, name, rules, depth + 1)
            elif kind is int and item >= _CARD_DIGITS:
                value[name] = self._cutter.number(item, self._place)
        if self._names.odd and not self._names.odd.isdisjoint(value):
            self._rename(value)

    def _list(self, value: list[Any], name: str, rules: tuple[Rule, ...], depth: int) -> None:
        if depth > DEPTH:
            raise TooDeep
        for index, item in enumerate(value):
            kind = type(item)
            if kind is dict:
                self._object(item, name, depth + 1)
            elif kind is list:
                self._list(item, name, self._names[name], depth + 1)
            elif rules and (cut := self._cutter.by_name(rules, item, name, "", self._place)) is not None:
                value[index] = cut
            elif kind is str:
                (self._ids if len(item) in self._sizes else self._texts).append(item)
            elif kind is int and item >= _CARD_DIGITS:
                value[index] = self._cutter.number(item, self._place)

    def _rules(self, name: str, value: dict[str, Any], parent: str) -> tuple[Rule, ...]:
        """What a name asks for, or else `value` of `{"name": "password", "value": …}`, or else of what the object's own name asks for."""
        rules = self._names[name]
        if rules or name not in INHERITS:
            return rules
        for label in _NAMED:
            named = value.get(label)
            if isinstance(named, str) and (rules := self._names[named]):
                return rules
        return self._names[parent]

    def _rename(self, value: dict[str, Any]) -> None:
        """Map keys that are secrets or addresses themselves."""
        made = [(self._cutter.name(name, self._place), item) for name, item in value.items()]
        value.clear()
        value.update(made)


def is_id(text: str) -> bool:
    """Whether a text is an id of the most common forms."""
    return len(text) in _SIZES and _ID.fullmatch(text) is not None
