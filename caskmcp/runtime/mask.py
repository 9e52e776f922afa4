"""What a `redact` rule of the policy takes out of an answer: personal data as the detectors of `redact` find it, and fields that the rule names.

Promises: what is masked is told by its kind and never by its value; the structure stays, so an answer is never lost. It runs after the cut that
every answer passes (`clean`), and adds to it. What no detector knows as personal stays: a rule can name its field.
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
    pii, own = "pii" in rule.mask, frozenset(map(compact, rule.fields))
    _rules().trim()
    return lambda value: _formed(_walked(then(value), "", "", own, pii)) if pii else _walked(then(value), "", "", own, pii)


def _walked(value: Any, name: str, parent: str, own: frozenset[str], pii: bool) -> Any:
    """By names: of a field, of the field that a list stands in, of the object above a bare `value`."""
    if name and compact(name) in own:
        return OWN
    if isinstance(value, dict):
        return {key: _walked(item, key, name, own, pii) for key, item in value.items()}
    if isinstance(value, list):
        return [_walked(item, name, parent, own, pii) for item in value]
    return _named(value, name, parent) if pii and name and isinstance(value, str | int | float) and not isinstance(value, bool) else value


def _named(value: str | float, name: str, parent: str) -> Any:
    asked = (*_rules()[name], *(_rules()[parent] if name.lower() in INHERITS else ()))
    found = next((rule.row for rule in asked if _personal(rule.row) and rule.holds(str(value), parent)), None)
    return value if found is None else _told(found)


def _formed(value: Any) -> Any:
    return mapped(value, _cut)


def _cut(text: str) -> str:
    return _scanner().replace(text, lambda row, _: _told(row)) if _scanner().suspicious(text) else text


def _personal(row: Detector) -> bool:
    return row.kind not in FORMS


def _told(row: Detector) -> str:
    return f"[{row.id} removed]"


@cache
def _scanner() -> Scanner:
    return Scanner(row for row in DETECTORS if _personal(row))


@cache
def _rules() -> Rules:
    return Rules("strict")
