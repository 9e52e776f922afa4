"""What a `redact` rule of the policy takes out of an answer: what the detectors of `redact` find, and fields that the rule names.

Promises: what is masked is told by its kind and never by its value; the structure stays, so an answer is never lost. It runs after the cut that
every answer passes (`clean`) and adds to it: `secrets` takes out whatever looks like one, identifiers and cursors among it. What no detector
knows stays: a rule can name its field. A text that is JSON is masked as what it says; in any other nobody can tell where a field ends, so one in which
a named field stands is taken out whole.
"""

import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any, Final

from caskmcp.errors import CaskError
from caskmcp.model.policy import Rule
from caskmcp.redact.detectors import DETECTORS, Detector
from caskmcp.redact.names import compact
from caskmcp.redact.rules import INHERITS, Rules
from caskmcp.redact.scan import Scanner
from caskmcp.runtime.clean import FORMS, Clean, mapped
from caskmcp.text import parse_json

OWN: Final = "[removed]"
"""What stands where the rule names the field."""
_TOLD: Final = re.compile(r"\[[a-z0-9-]+ removed\]", re.ASCII)
_FIELD: Final = re.compile(r"""(?<![\w.-])([\w.-]{1,80})(?![\w.-])["'\\]{0,8}\s*[:=>]|<([\w.-]{1,80})\s|"([^"\\\n]{1,80})\\?"\s*:""")
"""A name in a text that is no JSON, as records, forms, settings and XML write it."""
_CELL: Final = re.compile(r"[,;\t|]")


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
    if isinstance(value, str):
        value = _text(value, own, kinds)
    plain = isinstance(value, str | int | float) and not isinstance(value, bool)
    return _named(value, name, parent, kinds) if kinds and name and plain else value


def _text(text: str, own: frozenset[str], kinds: frozenset[str]) -> str:
    """A text with what stands in it as a field masked: servers answer JSON in a text, and an error is one."""
    said = _said(text)
    if said is None:
        return OWN if own and not own.isdisjoint(_fields(text)) else text
    masked = _walked(said, "", "", own, kinds)
    return text if masked == said else json.dumps(masked, ensure_ascii=False, separators=(",", ":"))


def _said(text: str) -> Any:
    """The object or list that a text is as JSON; None for any other text."""
    if not text.lstrip().startswith(("{", "[")):
        return None
    try:
        return parse_json(text.encode("utf-8", "surrogatepass"), "the answer", limit=len(text) * 4)
    except CaskError:
        return None


def _fields(text: str) -> Iterator[str]:
    """Names that stand in a text as those of fields, or at the head of a table."""
    head, line_end, _ = text.lstrip().partition("\n")
    yield from (compact(cell) for cell in _CELL.split(head) if line_end)
    yield from (compact(next(filter(None, found.groups()), "")) for found in _FIELD.finditer(text))


def _named(value: str | float, name: str, parent: str, kinds: frozenset[str]) -> Any:
    asked = (*_rules()[name], *(_rules()[parent] if name.lower() in INHERITS else ()))
    found = next((rule.row for rule in asked if _kind(rule.row) in kinds and rule.holds(str(value), parent)), None)
    return value if found is None or _TOLD.fullmatch(str(value)) else _told(found)


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
