"""Path segments: a token becomes a literal (kept) or a class in braces (its text is gone). TEMPLATING section 4, `class(t)` and `word(t)`."""

import re
from functools import lru_cache
from typing import Final

from caskmcp.compiler.normalize import keys, words
from caskmcp.compiler.normalize.locales import is_locale
from caskmcp.redact.placeholder import kind_of

UUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
_DIGIT: Final = re.compile(r"[0-9]", re.ASCII)
_ODD: Final = re.compile(r"[@:,=+%~]|\.\.|[^\x21-\x7e]", re.ASCII)
_TEXT: Final = re.compile(r"[A-Za-z0-9._-]+", re.ASCII)

# fmt: off
CLASSES: Final = (
    # label      the whole token is one
    ("{integer}", re.compile(r"-?[0-9]+", re.ASCII)),
    ("{uuid}",    UUID),
    ("{date}",    re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])", re.ASCII)),
    ("{ulid}",    re.compile(r"(?=.*[0-9])[0-7][0-9A-HJKMNP-TV-Z]{25}", re.ASCII)),
    ("{hex}",     re.compile(r"(?=.*[0-9])(?:[0-9a-f]{8,}|[0-9A-F]{8,})", re.ASCII)),
)
# fmt: on
_SESSION: Final = re.compile(r";(?:[jp]h?p?sess(?:ion)?id|sid)=[^;]*", re.ASCII | re.IGNORECASE)
"""A session that a server wrote into the path for browsers without cookies: it is no part of the operation."""
OTHER: Final = "{other}"
LOCALE: Final = "{locale}"
_KIND_LABELS: Final = {"uuid": "{uuid}", "hex": "{hex}", "card": "{integer}", "date": "{date}"}
"""Placeholders keep the form of what they stand for only where every placeholder of the kind has it."""


@lru_cache(maxsize=4096)
def label(token: str) -> str:
    """The label of one segment as sent: a literal, or a class in braces. Depends on the token alone, never on counts."""
    if not token or words.is_version(token):
        return token
    kind = kind_of(token)
    if kind is not None:
        return _KIND_LABELS.get(kind, OTHER)
    for name, form in CLASSES:
        if form.fullmatch(token):
            return name
    if is_locale(token):
        return LOCALE
    if ";" in token:
        bare = _SESSION.sub("", token)
        return label(bare) if bare != token else _matrix(token) or OTHER
    return token if _is_literal(token) else OTHER


def is_class(text: str) -> bool:
    """Whether a label is a class in braces."""
    return text.startswith("{")


def class_name(text: str) -> str:
    """`uuid` of `{uuid}`; a literal that turned out to be a value is `other`."""
    return text[1:-1] if is_class(text) else "other"


def matrix(text: str) -> tuple[str, ...]:
    """The pieces of a label with matrix parameters (RFC 3986 section 3.3), names in braces: `("maps;area=", "{area}")`; none for another label."""
    head, *rest = text.split(";")
    if not rest or is_class(text):
        return ()
    names = [part.partition("=")[0] for part in rest]
    fixed = [f"{head};{names[0]}=", *(f";{name}=" for name in names[1:])]
    return tuple(piece for text, name in zip(fixed, names, strict=True) for piece in (text, f"{{{name}}}"))


def _matrix(token: str) -> str:
    """The label of a literal with matrix parameters: `maps;area={}`; empty if it is none. Their names have to be words, their values are gone."""
    head, *rest = token.split(";")
    named = [part.partition("=") for part in rest]
    names = [name for name, _, _ in named]
    fits = all(equals and value and keys.kind(name) is keys.Key.FIELD and _TEXT.fullmatch(name) for name, equals, value in named)
    if not fits or len(set(names)) < len(names) or not head or not _is_literal(head):
        return ""
    return "".join((head, *(f";{name}={{}}" for name in names)))


def _is_literal(token: str) -> bool:
    if _ODD.search(token) or UUID.search(token) or not _TEXT.fullmatch(token):
        return False
    return words.is_words(token)
