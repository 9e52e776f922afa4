"""Text from documents and traffic, before a model or a person reads it: nothing hidden, nothing that gives orders.

A heuristic: it drops what looks like an order to a model, in English, and says which row said so; what it misses a person still reads before
approving. Dropping costs little, since a generated text takes the place of the dropped one.
"""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

import re2

from caskmcp.text import HIDDEN
from caskmcp.text import visible as shown

LONGEST: Final = 4_000
"""Characters that are looked at; the rest is cut before any pattern runs."""

_SPACE: Final = re.compile(r"[ \t\r\n]+")
_SEPARATORS: Final = re.compile(r"[_\-./]+")
_TOGETHER: Final = 256
"""Texts that are searched at once."""


class Order(NamedTuple):
    """A form of words that orders a model about."""

    id: str
    message: str
    pattern: str
    """RE2, matched anywhere, letters of either case."""


_SENDS: Final = r"(?:send|include|pass|append|attach|forward|post|leak|reveal|print|upload|copy|put|paste|share|exfiltrate)"
_PRIVATE: Final = (
    r"(?:api[ -]?keys?|access keys?|secrets?|passwords?|credentials?|(?:access |session |auth )?tokens?|cookies?|private keys?|ssh keys?|system prompts?"
    r"|conversations?|chat history|messages so far|environment variables?|env vars?)"
)

# fmt: off
ORDERS: Final = (
    Order("order-ignore",    "Tells a model to drop its rules.",
          r"\b(?:ignore|disregard|forget|override|bypass)\b.{0,30}\b(?:instructions?|rules?|prompts?|guidelines?|polic(?:y|ies)|safety|restrictions?|guardrails?)\b"),
    Order("order-address",   "Speaks to a model by name or as a role.",
          r"\b(?:assistant|chatgpt|gpt|llm|claude|copilot|gemini|system prompt|ai agent|ai model|language model)\b\s*[:,]"
          r"|\b(?:dear|hey|hello|please|note to|attention)[ ,]+(?:the )?(?:ai|assistant|agent|model|llm|claude|chatgpt)\b"
          r"|\byou are (?:now |an? |the )+.{0,30}\b(?:assistant|agent|ai|model|admin|root|developer mode)\b"
          r"|<\|?/?(?:system|assistant|im_start|im_end|instructions?|important|secret)\b|\[/?inst\]"),
    Order("order-disclose",  "Asks for something private to be sent along.",
          r"\b(?:also|always|secretly|silently|quietly|first|then|additionally|must|please|assistant)\b.{0,25}\b" + _SENDS + r"\b.{0,60}\b" + _PRIVATE + r"\b"
          r"|\b" + _SENDS + r"\b.{0,20}\b(?:your|the user'?s|all)\b.{0,20}\b" + _PRIVATE + r"\b"),
    Order("order-call",      "Tells a model which tool to call, and when.",
          r"\b(?:always|now|then|next|first|must|should|instead)[ ,]+(?:call|invoke|execute)\b"
          # `next_run_at` and `first_run` are names of times.
          r"|\b(?:always|now|then|must|should|instead)[ ,]+run\b|\b(?:next|first)[ ,]+run[ ,]+(?:the|this|that|a|an|your|our|its|cask|tool)\b"
          r"|\b(?:call|invoke|execute|run|use)\b[ `'\"]+\w+.{0,20}\b(?:next|first|instead|immediately|beforehand|afterwards)\b"
          r"|\bbefore (?:using|calling) (?:any|this|other|all)\b"),
    Order("order-authority", "Claims an approval that no signature shows.",
          r"\b(?:already|pre-?)[ -]?(?:approved|authori[sz]ed)\b|\b(?:no|without|skip(?:ping)?|bypass(?:ing)?)\b.{0,15}\b(?:confirmation|approval|permission|consent)s?\b"),
    Order("order-hide",      "Tells a model to keep something from people.",
          r"\b(?:do not|don'?t|never|without)\b.{0,5}\b(?:tell|telling|mention|mentioning|inform|informing|notify|notifying|ask|asking|warn|warning|show|showing)\b"
          r".{0,25}\b(?:users?|humans?|people|anyone|person|owner|operator)\b"),
)
# fmt: on


def _compiled() -> tuple[tuple[str, "re2._Regexp"], ...]:
    options = re2.Options()
    options.case_sensitive = False
    return tuple((row.id, re2.compile(row.pattern, options)) for row in ORDERS)


_PATTERNS: Final = _compiled()


class Clean(NamedTuple):
    """Text that may be shown, and the row of `ORDERS` that emptied it."""

    text: str
    dropped: str = ""


def visible(text: str) -> str:
    """The text on one line, each hidden character shown as `\\u{…}`."""
    return shown(_SPACE.sub(" ", text[:LONGEST])).strip(" ")


def is_visible(text: str) -> bool:
    """Whether nothing in the text is hidden, and all of it stands on one line."""
    return HIDDEN.search(text) is None and not set(text) & set("\n\t")


@lru_cache(maxsize=16_384)
def order_in(text: str) -> str:
    """The id of the first row of `ORDERS` that the text fits, read as it looks and with separators as spaces; empty if none."""
    forms = _forms(text)
    return next((name for name, pattern in _PATTERNS if any(pattern.search(form) for form in forms)), "")


def may_order(texts: Sequence[str]) -> Iterator[str]:
    """Those of many texts that may fit a row of `ORDERS`: some hundred are searched at once, as lines, and looked at one by one if any may."""
    for first in range(0, len(texts), _TOGETHER):
        some = texts[first : first + _TOGETHER]
        lines = "\n".join(form for text in some for form in _forms(text))
        if any(pattern.search(lines) for _, pattern in _PATTERNS):
            yield from some


def _forms(text: str) -> tuple[str, ...]:
    """A text as it looks, on one line, and with separators as spaces if that is another one."""
    plain = HIDDEN.sub("", _SPACE.sub(" ", text[:LONGEST]))
    spaced = _SEPARATORS.sub(" ", plain)
    return (plain,) if spaced == plain else (plain, spaced)


def clean(text: str, limit: int) -> Clean:
    """At most `limit` characters of the text, visible, cut between words; nothing of it if it gives orders."""
    if dropped := order_in(text):
        return Clean("", dropped)
    return Clean(shortened(visible(text), limit))


def shortened(text: str, limit: int) -> str:
    """The text, or its beginning up to a word's end with an ellipsis."""
    if len(text) <= limit:
        return text
    head = text[: limit - 1]
    return (head[: head.rfind(" ")] if " " in head[limit // 2 :] else head).rstrip(" ,;:") + "…"
