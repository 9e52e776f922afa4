"""What a `redact` rule of the policy takes out of an answer: what the detectors of `redact` find, and fields that the rule names.

Promises: what is masked is told by its kind and never by its value; the structure stays, so an answer is never lost. It runs after the cut that
every answer passes (`clean`) and adds to it: `secrets` takes out whatever looks like one, identifiers and cursors among it. What no detector
knows stays: a rule can name its field.
"""

from functools import cache
from typing import Any, Final

from caskmcp.model.policy import Rule
from caskmcp.redact.detectors import DETECTORS, Detector
from caskmcp.redact.names import compact
from caskmcp.redact.rules import INHERITS, Rules
from caskmcp.redact.scan import Scanner
from caskmcp.runtime.clean import FORMS, Clean, mapped

OWN: Final = "[removed]"
"""What stands where the rule names the field."""


def masking(rule: Rule, then: Clean) -> Clean:
    """`then`, and after it what the rule masks."""
    kinds, own = frozenset(rule.mask), frozenset(map(compact, rule.fields))
    _rules().trim()
    return lambda value: _formed(_walked(then(value), "", "", own, kinds), kinds)


def _walked(value: Any, name: str, parent: str, own: frozenset[str], kinds: frozenset[str]) -> Any:
    """By names: of a field, of the field that a list stands in, of the object above a bare `value`."""
    if name and compact(name) in own:
        return OWN
    if isinstance(value, dict):
        return {key: _walked(item, key, name, own, kinds) for key, item in value.items()}
    if isinstance(value, list):
        return [_walked(item, name, parent, own, kinds) for item in value]
    plain = isinstance(value, str | int | float) and not isinstance(value, bool)
    return _named(value, name, parent, kinds) if kinds and name and plain else value


def _named(value: str | float, name: str, parent: str, kinds: frozenset[str]) -> Any:
    asked = (*_rules()[name], *(_rules()[parent] if name.lower() in INHERITS else ()))
    found = next((rule.row for rule in asked if _kind(rule.row) in kinds and rule.holds(str(value), parent)), None)
    return value if found is None or str(value).endswith(" removed]") else _told(found)


def _formed(value: Any, kinds: frozenset[str]) -> Any:
    return mapped(value, lambda text: _cut(text, _scanner(kinds))) if kinds else value


def _cut(text: str, scanner: Scanner) -> str:
    return scanner.replace(text, lambda row, _: _told(row)) if scanner.suspicious(text) else text


def _kind(row: Detector) -> str:
    """What of a rule's `mask` means a detector."""
    return "secrets" if row.kind in FORMS else "pii"


def _told(row: Detector) -> str:
    return f"[{row.id} removed]"


@cache
def _scanner(kinds: frozenset[str]) -> Scanner:
    return Scanner(row for row in DETECTORS if _kind(row) in kinds)


@cache
def _rules() -> Rules:
    return Rules("strict")
