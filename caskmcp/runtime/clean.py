"""The cut that every word of an upstream passes before an agent sees it: the credential that was sent is
taken out, other credentials are cut by the detectors of `redact`, hidden characters are shown. Personal data is left: it is the answer."""

from base64 import b64encode
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, Final

from caskmcp.redact.detectors import DETECTORS
from caskmcp.redact.rules import Rules
from caskmcp.redact.scan import Scanner
from caskmcp.runtime.wire import escaped
from caskmcp.text import visible

CUT: Final = "[credential removed]"
FORMS: Final = frozenset({"secret", "token", "jwt", "pem"})
"""Kinds of detectors on forms that are asked. People's data is what an agent is there to work with; credentials never are."""
NOT_ASKED: Final = frozenset({"encoded", "escaped", "entropy", "mention", "url-code"})
"""Detectors of these kinds that also find what is no credential: ids, cursors, digests."""
NAMES: Final = frozenset({"password", "secret", "api-key", "authorization", "access-token", "token", "session"})
"""Detectors on names that are asked."""
SHORTEST: Final = 4
"""Characters that a credential has to have to be looked for: a shorter one stands in every text."""

Clean = Callable[[Any], Any]


def clean(value: Any) -> Any:
    """A JSON value with the same structure: credentials are cut by their form or by the name that they stand under, hidden characters shown."""
    _rules().trim()  # keys of maps are data, and there is no end to them
    named = _named(mapped(value, shown))
    return _formed(named) if _scanner().suspicious("\n".join(_texts(named))) else named


def without(secret: str, then: Clean) -> Clean:
    """`then`, after a secret was taken out in each form that it was or may have been sent in."""
    forms = sorted({secret, escaped(secret), b64encode(secret.encode("utf-8")).decode("ascii")}, key=len, reverse=True)

    def cut(text: str) -> str:
        for form in forms if len(secret) >= SHORTEST else []:
            text = text.replace(form, CUT)
        return text

    return lambda value: then(mapped(value, cut))


def mapped(value: Any, change: Callable[[str], str]) -> Any:
    """The value with each text and each key changed."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [mapped(item, change) for item in value]
    if isinstance(value, dict):
        return {change(key): mapped(item, change) for key, item in value.items()}
    return value


def shown(text: str) -> str:
    """Hidden characters made visible; line ends of either kind stay."""
    if text.isascii() and text.isprintable():
        return text
    return "\r\n".join(visible(part) for part in text.split("\r\n"))


# ---------------------------------------------------------------- detectors
@cache
def _scanner() -> Scanner:
    return Scanner(row for row in DETECTORS if row.kind in FORMS and row.id not in NOT_ASKED)


@cache
def _rules() -> Rules:
    return Rules("standard")


def _formed(value: Any) -> Any:
    return mapped(value, lambda text: _scanner().replace(text, lambda row, _: f"[{row.id} removed]"))


def _named(value: Any, parent: str = "") -> Any:
    if isinstance(value, list):
        return [_named(item, parent) for item in value]
    if isinstance(value, dict):
        return {key: _field(key, item, parent) for key, item in value.items()}
    return value


def _field(name: str, value: Any, parent: str) -> Any:
    if isinstance(value, str):
        found = next((rule.row.id for rule in _rules()[name] if rule.row.id in NAMES and rule.holds(value, parent)), "")
        return f"[{found} removed]" if found else value
    return _named(value, name)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from _texts(item)
