"""Keys of objects: which are names of fields (an application's own) and which are data that somebody typed.

The decision is made per token and per object, never by counts, so that it is the same however a recording is cut. `$int` is data: the
canonical form reserves it.
"""

import re
from collections.abc import Iterable
from enum import IntEnum
from functools import lru_cache
from typing import Final

from caskmcp.compiler.normalize import words
from caskmcp.redact.placeholder import kind_of


class Key(IntEnum):
    """What a key is by itself."""

    FIELD = 0
    """Made of table words: a field wherever it stands."""
    UNKNOWN = 1
    """Looks like a name in a program, but its words are not in the table: a field only in an object that is plainly a record."""
    DATA = 2
    """An identifier, a number, an address, text: data wherever it stands."""


# A letter is ASCII or lies in the ranges below; the tables of this Python's Unicode version play no part.
_LETTER: Final = "A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u1fff\u2c00-\u2fef\u3040-\ud7ff\uf900-\ufdcf\U00010000-\U0003ffff"
_NAME: Final = re.compile(rf"[$@_]{{0,2}}[{_LETTER}](?:[{_LETTER}0-9_.-]*[{_LETTER}0-9_])?", re.ASCII)
_DIGITS: Final = re.compile(r"[0-9]{3,}|[0-9]+[A-Za-z]+[0-9]", re.ASCII)
_SIGILS: Final = "$@_"
RESERVED: Final = "$int"
_NULL: Final = type(None)


@lru_cache(maxsize=65536)
def kind(key: str) -> Key:
    """What a key is, seen alone."""
    if key == RESERVED or len(key) > words.LONGEST or not _NAME.fullmatch(key) or kind_of(key) is not None:
        return Key.DATA
    bare = key.lstrip(_SIGILS)
    if words.is_words(bare) or _is_field(bare):
        return Key.FIELD
    if _DIGITS.search(bare):
        return Key.DATA
    return Key.UNKNOWN


def _is_field(bare: str) -> bool:
    """Words of the table with parts of one or two letters among them (`x-team`, `is_ok`), or words of the first tier with a limit before them."""
    parts = words.split(bare)
    if bare.isascii() and len(parts) > 1 and parts[0] in _LIMITS:
        return all(map(words.is_core, parts[1:]))
    return bare.isascii() and any(words.is_words(part) and not words.is_short(part) for part in parts) and all(map(words.is_words, parts))


_LIMITS: Final = frozenset({"max", "len"})
"""First parts of names of limits (`max_runs`) that are first names too, and so in no table."""


def is_record(fields: int, unknown: int, values: Iterable[object]) -> bool:
    """Whether an object's unknown keys are fields: among at least as many known fields (two or more), with values of several kinds.

    A map from customers to balances has neither: its keys are no words, and its values are all of one kind.
    """
    return fields >= 2 and fields >= unknown and is_mixed(values)


def is_mixed(values: Iterable[object]) -> bool:
    """Whether values are of several JSON kinds; null is of any, and numbers are of one kind with or without a fraction."""
    return len({float if kind is int else kind for kind in set(map(type, values)) if kind is not _NULL}) > 1
