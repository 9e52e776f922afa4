"""Route words: the vendored table that decides, per token and without looking at counts, whether text may be kept in clear.

Naming is the privacy decision, so it depends on the token alone: only then is merging parts a union (docs/explanation, ADR 0002).
The table excludes personal names; it proves nothing about single dictionary words. Sources and licences lie beside the data.
"""

import re
from functools import cache, lru_cache
from importlib.resources import files
from typing import Final

_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", re.ASCII)
_SEPARATORS: Final = re.compile(r"[-_.]", re.ASCII)
_VERSION: Final = re.compile(r"v[0-9]{1,3}", re.ASCII)
_SHORT: Final = re.compile(r"[A-Za-z]{1,2}", re.ASCII)
_SHORTEST_GLUED: Final = 4
LONGEST: Final = 64
"""Characters of a token that may be kept; no route, key or value of an application's own making is longer."""


@cache
def table() -> frozenset[str]:
    """All words, both tiers, in lower case."""
    return _read("route_words.txt") | _read("route_plurals.txt") | _read("api_words.txt")


@cache
def core() -> frozenset[str]:
    """The first tier: words that name collections, actions and settings in HTTP APIs."""
    return _read("route_words_core.txt") | _read("api_words.txt")


def split(token: str) -> tuple[str, ...]:
    """The parts of a token in lower case: split at `-`, `_`, `.` and camel case; empty parts are left out."""
    if token.islower() or not token.isascii():
        return tuple(part for part in _SEPARATORS.split(token) if part)
    return tuple(part.lower() for part in _SEPARATORS.split(_CAMEL.sub("-", token)) if part)


def is_short(token: str) -> bool:
    """Whether a token has one or two letters and nothing else: 676 values, and no name among them."""
    return bool(_SHORT.fullmatch(token))


@lru_cache(maxsize=65536)
def is_words(token: str) -> bool:
    """Whether every part is a word of the table or a version, or the whole token has at most two letters."""
    if len(token) > LONGEST or not token.isascii():
        return False
    if is_short(token):
        return True
    parts = split(token)
    return bool(parts) and all(part in table() or _VERSION.fullmatch(part) or _is_glued(part) for part in parts)


@lru_cache(maxsize=65536)
def is_core(token: str) -> bool:
    """Whether every part is of the first tier: such a token is rather an action or a collection than somebody's slug."""
    parts = split(token)
    return bool(parts) and all(part in core() or _VERSION.fullmatch(part) for part in parts)


def _is_glued(part: str) -> bool:
    """Two words of the first tier, of four letters or more, with nothing between them (`localfiles`): others make up family names."""
    return any(part[:cut] in core() and part[cut:] in core() for cut in range(_SHORTEST_GLUED, len(part) - _SHORTEST_GLUED + 1))


def is_version(token: str) -> bool:
    """`v1`, `v12`: a version is a literal and never one of several values."""
    return bool(_VERSION.fullmatch(token))


def _read(name: str) -> frozenset[str]:
    text = files("caskmcp.compiler.normalize").joinpath("data", name).read_text(encoding="ascii")
    return frozenset(line for line in text.split("\n") if line and not line.startswith("#"))
