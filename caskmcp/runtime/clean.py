"""The cut that every word of an upstream passes before an agent sees it: the credential that was sent is taken out, hidden characters are shown."""

from base64 import b64encode
from collections.abc import Callable
from typing import Any, Final

from caskmcp.runtime.wire import escaped
from caskmcp.text import visible

CUT: Final = "[credential removed]"
SHORTEST: Final = 4
"""Characters that a credential has to have to be looked for: a shorter one stands in every text."""

Clean = Callable[[Any], Any]


def clean(value: Any) -> Any:
    """A JSON value with the same structure; each text and each key in it shows every character that it has."""
    return mapped(value, shown)


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
    return "\r\n".join(visible(part) for part in text.split("\r\n"))
