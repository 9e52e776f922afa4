"""Rules on texts: what gives orders, what hides, what only looks like a word, what has the form of a credential."""

import re
from collections.abc import Collection, Iterator
from functools import cache
from typing import Any, Final

from caskmcp import text
from caskmcp.analyze.forms import read
from caskmcp.analyze.lint.surface import Found, Surface, digest, shown, strings, subject, texts
from caskmcp.analyze.lint.surface import words as words_of
from caskmcp.compiler.emit.hygiene import may_order, order_in
from caskmcp.errors import CaskError
from caskmcp.model.tool import Tool
from caskmcp.redact.detectors import DETECTORS, Detector
from caskmcp.redact.scan import Scanner

# Letters of Greek, Cyrillic, Armenian and Cherokee that stand among Latin ones, and letters that are drawn as Latin ones without being them.
_MIXED: Final = re.compile(
    "[A-Za-z][\u0370-\u03ff\u0400-\u052f\u0531-\u0587\u13a0-\u13f5]|[\u0370-\u03ff\u0400-\u052f\u0531-\u0587\u13a0-\u13f5][A-Za-z]"
    "|[\uff21-\uff3a\uff41-\uff5a\U0001d400-\U0001d7ff]"
)
_UNREAD: Final = frozenset({"observations.json"})
"""Value-free by construction, and large: its words are names that stand in the other artifacts too."""


def orders(surface: Surface) -> Iterator[Found]:
    """What `hygiene.py` would have dropped: then something else than the compiler wrote it."""
    bad = {words: found for words in may_order(surface.words) if (found := order_in(words))}
    for tool, place, words in _places(surface, bad):
        yield Found(subject(tool), f"`{shown(words)}` gives orders ({bad[words]})", f"{place} {bad[words]}", held=digest(words))


def hidden(surface: Surface) -> Iterator[Found]:
    """Zero-width, direction marks, controls and tags."""
    for tool, place, words in _places(surface, _holding(surface.words, text.HIDDEN)):
        yield Found(subject(tool), f"`{shown(words)}` hides characters", place, held=digest(words))


def lookalikes(surface: Surface) -> Iterator[Found]:
    """Words of two alphabets, and letters of styles that are drawn as Latin ones."""
    for tool, place, words in _places(surface, _holding(surface.words, _MIXED)):
        yield Found(subject(tool), f"`{shown(words)}` mixes letters that look alike", place, held=digest(words))


def _holding(words: tuple[str, ...], form: re.Pattern[str]) -> frozenset[str]:
    """Those in which a form occurs. None of ours reaches over the end of a line, so one look at all of them comes first."""
    return frozenset(filter(form.search, words) if form.search("\n".join(words)) else ())


def _places(surface: Surface, bad: Collection[str]) -> Iterator[tuple[Tool, str, str]]:
    """Where these texts stand."""
    for tool in surface.tools if bad else ():
        yield from ((tool, place, words) for place, words in texts(tool) if words in bad)


# ---------------------------------------------------------------- secrets
def secrets(surface: Surface) -> Iterator[Found]:
    """Forms of credentials in any artifact. The finding names the detector and the place, never the value."""
    values = {name: _value(surface.artifacts[name], name) for name in sorted(set(surface.artifacts) - _UNREAD)}
    known: set[str] = set()
    words_of([*values.values()], known)
    bad = {words: found for words in _scanner().flagged(sorted(known)) if (found := _detectors(words))}
    for name, value in values.items() if bad else ():
        for place, words in strings(value):
            if words in bad:
                forms = bad[words]
                yield Found(
                    name, f"a text has the form of a credential ({', '.join(forms)})", f"{place} {' '.join(forms)}", name, digest(words)
                )


def _value(data: bytes, name: str) -> Any:
    """What a file holds; one that is no document is one text a line."""
    try:
        if name.endswith((".json", ".yaml", ".yml")):
            return read(data, name)
    except CaskError:
        pass  # a step of `check` says so; its lines are searched all the same
    return data.decode("utf-8", errors="replace").split("\n")


@cache
def _scanner() -> Scanner:
    """The forms of credentials. Runs of letters that only look random are digests here, and people's data is redaction's business."""
    return Scanner(row for row in DETECTORS if row.kind == "secret" and row.form and row.id != "entropy")


def _detectors(words: str) -> list[str]:
    found: set[str] = set()

    def note(row: Detector, value: str) -> str:
        found.add(row.id)
        return value

    _scanner().replace(words, note)
    return sorted(found)
