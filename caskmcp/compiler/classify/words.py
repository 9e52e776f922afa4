"""How names become words. ASCII only: case and letter tables of Unicode differ between Pythons, and names of tools are ASCII anyway."""

import re
from typing import Final

from caskmcp.compiler.normalize import names

_WORD: Final = re.compile(r"[A-Z]+(?![a-z])[0-9]*|[A-Z]?[a-z]+[0-9]*|[0-9]+", re.ASCII)
_VERSION: Final = re.compile(r"v[0-9]{1,4}", re.ASCII)

# fmt: off
SINGULAR: Final = frozenset({
    # words that end in `s` and are no plural
    "access", "address", "alias", "analysis", "analytics", "axis", "basis", "bonus", "bus", "business", "campus", "canvas", "chaos", "class", "compass",
    "corpus", "cors", "cosmos", "css", "diagnosis", "dns", "ellipsis", "express", "focus", "gas", "gps", "https", "ios",
    "jenkins", "kubernetes", "lens", "mass", "news", "nexus", "os", "pass", "plus", "preferences", "press", "process", "progress",
    "radius", "redis", "rss", "series", "settings", "sms", "sns", "sqs", "statistics", "stats", "status", "success", "synopsis", "thesis", "tls", "via", "virus",
    "whois", "yes",
})
# fmt: on


def split(text: str) -> tuple[str, ...]:
    """The words of a name in lower case: `deleteOldUsers`, `delete-old_users` -> `delete`, `old`, `users`; `2fa` and `v2` are one word each."""
    parts = [part for part in re.split(r"[^A-Za-z0-9]+", text) if part]
    return tuple(word.lower() for part in parts for word in ([part] if part == part.lower() else _WORD.findall(part)))


def is_plural(word: str) -> bool:
    """Whether a word names many, by its form."""
    return singular(word) != word


def singular(word: str) -> str:
    """One of what a plural names; other words stay as they are."""
    return word if word in SINGULAR else names.singular(word)


def is_version(word: str) -> bool:
    """Whether a word is a version of an interface (`v1`)."""
    return _VERSION.fullmatch(word) is not None
