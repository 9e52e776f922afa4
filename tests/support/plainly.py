"""Redaction without anything that makes it fast, to hold the fast one to: every form is looked for in every text, one by one, and every name asked."""

import re
from functools import lru_cache
from typing import Any

import re2

from caskmcp.redact.cut import Redactor
from caskmcp.redact.detectors import Detector
from caskmcp.redact.rules import INHERITS, Rule
from caskmcp.redact.scan import Scanner, scanner
from caskmcp.redact.walk import DEPTH, TooDeep

_ID = re.compile(r"[0-9a-f]{24}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_LABELS = ("name", "key", "field", "label", "type", "system", "attribute", "property", "parameter", "param", "header", "variable")
_DIGITS = 3 * 10**13


class PlainScanner(Scanner):
    """Asks each form of each text, and remembers nothing."""

    def __init__(self, rows: tuple[Detector, ...]) -> None:
        super().__init__(rows)
        self._each = tuple(re2.compile(f"(?m){row.form}") for row in self.rows)

    def suspicious(self, text: str) -> bool:
        """Whether a line begins like a document, or any form occurs."""
        return re.search(r"(?m)^\s*[\[{]", text, re.ASCII) is not None or any(form.search(text) for form in self._each)

    def flagged(self, texts: list[str]) -> frozenset[str]:
        """Each text by itself."""
        return frozenset(filter(self.suspicious, texts))

    def remember(self, text: str) -> None:
        """Nothing is remembered."""


@lru_cache
def _plain_scanner(profile: str) -> PlainScanner:
    return PlainScanner(scanner(profile).rows)


class PlainRedactor(Redactor):
    """Walks a value as it stands, one text at a time."""

    def __init__(self, key: bytes, profile: str = "strict") -> None:
        super().__init__(key, profile)
        self._scanner = _plain_scanner(profile)

    def json(self, value: Any, place: str) -> Any:
        """As `Redactor.json`."""
        return self._value(value, "", (), place, 0)

    def _value(self, value: Any, name: str, rules: tuple[Rule, ...], place: str, depth: int) -> Any:
        if isinstance(value, dict | list) and depth > DEPTH:
            raise TooDeep
        if isinstance(value, dict):
            found = {each: self._member(value, each, name, place, depth) for each in value}
            return {self.name(each, place): item for each, item in found.items()}
        if isinstance(value, list):
            return [self._item(item, name, rules, place, depth) for item in value]
        if isinstance(value, str):
            return value if _ID.fullmatch(value) else self.text(value, place, name)
        return self.number(value, place) if type(value) is int and value >= _DIGITS else value

    def _member(self, value: dict[str, Any], name: str, parent: str, place: str, depth: int) -> Any:
        rules, item = self.names[name], value[name]
        if not rules and name in INHERITS:
            named = (self.names[value[label]] for label in _LABELS if isinstance(value.get(label), str))
            rules = next(filter(None, named), self.names[parent])
        cut = None if isinstance(item, dict | list) else self.by_name(rules, item, name, parent, place)
        return self._value(item, name, rules, place, depth + 1) if cut is None else cut

    def _item(self, item: Any, name: str, rules: tuple[Rule, ...], place: str, depth: int) -> Any:
        if isinstance(item, dict | list):
            return self._value(item, name, self.names[name], place, depth + 1)
        cut = self.by_name(rules, item, name, "", place)
        return self._value(item, name, (), place, depth + 1) if cut is None else cut
