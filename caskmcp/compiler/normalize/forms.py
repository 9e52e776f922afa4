"""Forms of strings: the JSON Schema format of a text, and whether a text may stand in a vocabulary.

A format is claimed only where jsonschema-rs, which enforces it at run time, accepts the text: one engine infers and enforces.
"""

import re
from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any, Final

import jsonschema_rs

from caskmcp import redact
from caskmcp.compiler.normalize import words

LONGEST: Final = 2048
"""Characters beyond which no format is looked for."""


def _format(name: str) -> Any:
    return jsonschema_rs.Draft202012Validator({"type": "string", "format": name}, validate_formats=True).is_valid


_IS_UUID: Final = _format("uuid")
_IS_DATE_TIME: Final = _format("date-time")
_IS_DATE: Final = _format("date")
_IS_TIME: Final = _format("time")
_IS_EMAIL: Final = _format("email")
_IS_URI: Final = _format("uri")
_IS_IPV4: Final = _format("ipv4")
_DURATION: Final = re.compile(r"P(?=[0-9T])(?:[0-9]+[YMWD])*(?:T(?:[0-9]+[HMS])+)?", re.ASCII)
_IS_DURATION: Final = _format("duration")


def _is_form(name: str, text: str) -> bool:
    return form(text) == name


def form(text: str) -> str:
    """The format of a text, or an empty string. `uuid`, `date-time`, `date`, `time`, `duration`, `email`, `uri`, `ipv4`."""
    size = len(text)
    if size < 3 or size > LONGEST:
        return ""
    first = text[0]
    if size == 36 and text[8] == "-" and _IS_UUID(text):
        return "uuid"
    if "0" <= first <= "9":
        return _numeric(text, size)
    if first == "P" and size < 40 and _DURATION.fullmatch(text) and _IS_DURATION(text):
        return "duration"
    if "://" in text:
        return "uri" if _IS_URI(text) else ""
    return "email" if "@" in text and _IS_EMAIL(text) else ""


def _numeric(text: str, size: int) -> str:
    if size >= 10 and text[4] == "-":
        if size == 10:
            return "date" if _IS_DATE(text) else ""
        return "date-time" if _IS_DATE_TIME(text) else ""
    if text[2:3] == ":":
        return "time" if size < 20 and _IS_TIME(text) else ""
    if "@" in text:
        return "email" if _IS_EMAIL(text) else ""
    return "ipv4" if size <= 15 and text.count(".") == 3 and _IS_IPV4(text) else ""


BY_NAME: Final[dict[str, Callable[[str], bool]]] = {
    "date-time": _IS_DATE_TIME,
    "date": _IS_DATE,
    "ipv4": _IS_IPV4,
    "uuid": _IS_UUID,
    **{name: partial(_is_form, name) for name in ("time", "duration", "email", "uri")},
}
"""Whether a text has the format, exactly as `form` would say."""
_STARTS: Final = frozenset("0123456789P")


def suspects(texts: list[str], joined: str) -> list[str]:
    """The texts (none of them empty) that `form` has to be asked about: cheap, and none with a form is missing. `joined`: all of them."""
    if "@" in joined or "://" in joined:
        return [text for text in texts if text[0] in _STARTS or len(text) == 36 or "@" in text or "://" in text]
    return [text for text in texts if text[0] in _STARTS or len(text) == 36]


_WORDLIKE: Final = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[-_./:][A-Za-z0-9]+)*", re.ASCII)
_NUMBERED: Final = re.compile(r"[0-9]{3}|[0-9]$", re.ASCII)
LONGEST_VALUE: Final = 40


@lru_cache(maxsize=1 << 14)
def may_stand(text: str) -> bool:
    """Whether a text, by its form, may stand in a vocabulary: like an identifier, never with a number, found by no detector."""
    return (
        0 < len(text) <= LONGEST_VALUE
        and _WORDLIKE.fullmatch(text) is not None
        and _NUMBERED.search(text) is None
        and not redact.is_sensitive(text)
    )


_SHORTEST_WORD: Final = 3
"""Letters of a word that is noted: shorter ones (`me`) are literals of paths whatever bodies hold."""
_LETTERS: Final = re.compile(r"[A-Za-z]+(?:[-_.][A-Za-z]+)*", re.ASCII)
_LINES: Final = re.compile(r"^[A-Za-z]+(?:[-_.][A-Za-z]+)*$", re.ASCII | re.MULTILINE)


def is_word(text: str) -> bool:
    """Whether a text is a word of the table (or several, joined): what `body_words` holds."""
    if len(text) < _SHORTEST_WORD:
        return False
    return text in words.table() or (_LETTERS.fullmatch(text) is not None and words.is_words(text))


class Words:
    """Words of the table that are whole strings somewhere in the bodies of a part (`body_words`)."""

    def __init__(self) -> None:
        self.found: set[str] = set()
        self._others: set[str] = set()
        """Texts that were asked about and are none; forgotten when they are too many."""

    def note(self, text: str) -> None:
        """Take one text, if it is a word."""
        if text not in self.found and is_word(text):
            self.found.add(text)

    def note_all(self, texts: list[str], joined: str) -> None:
        """Take those texts that are words. `joined`: all of them, a line each."""
        if " " in joined or joined.count("\n") >= len(texts):
            joined = "\n".join([text for text in texts if " " not in text and "\n" not in text])
        new = set(_LINES.findall(joined)) - self.found - self._others
        if new:
            words_among = set(filter(is_word, new))
            self.found |= words_among
            self._others |= new - words_among
            if len(self._others) > _MOST_OTHERS:
                self._others.clear()


_MOST_OTHERS: Final = 50_000
