"""Detectors on forms: find what gives itself away in a text, wherever it stands.

All forms are searched at once by re2, in time linear in the text. `suspicious` looks at many texts joined by line ends and is what makes a
build fast; `replace` is exact. Nothing here knows names, places or keys: who calls says what takes the place of a find.
"""

import copy
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from itertools import accumulate, chain
from typing import Any, Final, NamedTuple
from urllib.parse import unquote

import re2

from caskmcp.redact import checks, placeholder
from caskmcp.redact.detectors import DETECTORS, Detector

Cut = Callable[[Detector, str], str]
"""From a find to what takes its place."""
Look = Callable[[str, int], bool]
"""Whether something would be cut from a text that stood inside so many encodings."""

LAST_RESORT: Final = ("entropy",)
"""The detector on runs of letters and digits that nothing more exact explained."""
_SHORT: Final = 64
_REMEMBERED: Final = 1 << 15
_DEEP: Final = 4
"""Encodings inside encodings that are followed."""
_RUNS: Final = frozenset(("jwt", "azure-key", "encoded", "entropy"))
_LATER: Final = "otpauth"
"""A text is looked at in three passes: for rows that any run of letters and digits begins to fit, for those before this one in the table, and
for the others. re2 makes its automaton as texts come by, a state for each combination of forms that can still go on: with all rows in one pass,
half a second of that goes before anything is fast; with more passes than three, large recordings take longer."""
# A text that begins like a JSON document is looked into, whatever stands in it.
_DOCUMENT: Final = r"^\s*[\[{]"


def _options(captures: bool = True) -> Any:
    options = re2.Options()
    options.log_errors = False
    options.max_mem = 64 << 20
    options.never_capture = not captures  # without groups re2 never leaves its automaton, however long a match is
    return options


_OWN: Final = "pattern:"
"""What the id of a row of the user's own begins with."""


class _Pass(NamedTuple):
    """Rows that are looked for at once."""

    rows: tuple[int, ...]
    """Their places among the scanner's rows."""
    form: Any
    """The form of any of them."""
    is_own: bool
    """Whether they are the user's own, which may ask where a text begins or ends: then each text is looked at by itself."""


def _parted(rows: tuple[Detector, ...]) -> list[tuple[int, ...]]:
    """The places of the rows of each pass; the first one is there in any case."""
    later = next((index for index, row in enumerate(rows) if row.id == _LATER), 0)
    runs = tuple(index for index, row in enumerate(rows) if row.id in _RUNS)
    own = tuple(index for index, row in enumerate(rows) if row.id.startswith(_OWN))
    parts = [range(later, len(rows)), range(later)]
    first, *others = (tuple(index for index in part if index not in (*runs, *own)) for part in parts)
    return [first, *filter(None, (*others, runs, own))]


def _together(rows: tuple[Detector, ...], indices: tuple[int, ...], is_first: bool) -> Any:
    forms = [*([_DOCUMENT] if is_first else []), *(f"(?:{rows[index].form})" for index in indices)]
    return re2.compile("(?m)" + "|".join(forms), _options(captures=False))


class Scanner:
    """The forms of one profile, compiled once."""

    def __init__(self, rows: Iterable[Detector]) -> None:
        self.rows = tuple(row for row in rows if row.form)
        self._passes = tuple(
            _Pass(indices, _together(self.rows, indices, number == 0), number > 0 and self.rows[indices[0]].id.startswith(_OWN))
            for number, indices in enumerate(_parted(self.rows))
        )
        self._forms: dict[int, Any] = {}
        """Index of a row -> its form alone, once a text was found that it may fit."""
        self._plain: set[str] = set()
        """Short texts that are known to hold nothing: names, media types and the like come by again and again."""

    def apart(self) -> "Scanner":
        """The same forms with a memory of their own."""
        other = copy.copy(self)
        other._plain = set()
        return other

    def suspicious(self, text: str) -> bool:
        """Whether any form may occur, or a line begins like a JSON document. False is certain for every line."""
        if text in self._plain:
            return False
        encoded = text.encode()  # once for all passes
        found = any(each.form.search(encoded) for each in self._passes)
        if not found:
            self.remember(text)
        return found

    def look(self, texts: Iterable[str]) -> frozenset[str]:
        """As `flagged`, for short texts that may have come by before."""
        new = [text for text in texts if text and text not in self._plain]
        found = self.flagged(new) if new else frozenset()
        for text in new:
            if text not in found:
                self.remember(text)
        return found

    def remember(self, text: str) -> None:
        """Take a text, in which `replace` found nothing, for not suspicious from now on."""
        if len(text) > _SHORT:
            return
        if len(self._plain) > _REMEMBERED:
            self._plain.clear()
        self._plain.add(text)

    def flagged(self, texts: list[str]) -> frozenset[str]:
        """Those of the texts that are `suspicious`, found in one pass over all of them."""
        joined = "\n".join(texts)
        encoded = joined.encode()
        hits = [each.form for each in self._passes if not each.is_own and each.form.search(encoded)]
        found = {text for each in self._passes if each.is_own for text in texts if each.form.search(text)}
        if not hits:
            return frozenset(found)
        ends = list(accumulate(len(text) + 1 for text in texts))
        for match in chain.from_iterable(form.finditer(joined) for form in hits):
            low, high = match.span()
            first, last = bisect_right(ends, low), bisect_right(ends, max(low, high - 1))
            found.update(texts[first : last + 1])
        return frozenset(found)

    def replace(self, text: str, cut: Cut, skip: Iterable[str] = (), depth: int = 0, look: Look | None = None) -> str:
        """The text with each find replaced by what `cut` gives; `skip` names detectors that are not asked. Placeholders are left alone.

        depth: encodings that the text stood in. look: asked for what stands inside an encoding; else these forms are.
        """
        for index, row in self._fitting(text):
            if row.id not in skip:
                text = self._replace_one(row, self._form(index), text, cut, depth, look or self.finds)
        return text

    def _fitting(self, text: str) -> list[tuple[int, Detector]]:
        """The rows whose form occurs in the text, each with its index, in the table's order."""
        encoded = text.encode()
        indices = sorted(index for each in self._passes if each.form.search(encoded) for index in each.rows)
        return [(index, self.rows[index]) for index in indices if self._form(index).search(encoded)]

    def _form(self, index: int) -> Any:
        found = self._forms.get(index)
        if found is None:
            found = self._forms[index] = re2.compile(f"(?m){self.rows[index].form}", _options())
        return found

    def finds(self, text: str, depth: int = 0) -> bool:
        """Whether anything would be cut from the text."""
        return self.replace(text, _mark, depth=depth) != text

    def _replace_one(self, row: Detector, form: Any, text: str, cut: Cut, depth: int, look: Look) -> str:
        pieces, end, taken = [], 0, _Taken(text)
        for match in form.finditer(text):
            group = match.lastindex or 0
            low, high = match.span(group)
            if low < end or not _holds(row.check, match.group(group), depth, look) or taken.touches(low, high):
                continue
            pieces += [text[end:low], cut(row, match.group(group))]
            end = high
        return "".join((*pieces, text[end:])) if pieces else text


def _mark(_: Detector, value: str) -> str:
    return f"{value}\0"


def _holds(check: str, value: str, depth: int, look: Look) -> bool:
    if check in _INSIDE:  # what is encoded more often than anybody looks is cut
        return any(depth >= _DEEP or look(inner, depth + 1) for inner in _INSIDE[check](value))
    return not check or checks.predicate(check)(value)


class _Taken:
    """The placeholders of one text, looked for once: a text of many finds would otherwise take time that grows with its square."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._spans: list[tuple[int, int]] | None = None

    def touches(self, low: int, high: int) -> bool:
        """Whether a placeholder stands in a part of it."""
        if self._spans is None:
            self._spans = placeholder.spans(self._text)
        before = bisect_left(self._spans, (high, 0))  # those that begin before the part ends; the last of them reaches furthest
        return before > 0 and self._spans[before - 1][1] > low


def _from_base64(run: str) -> Iterator[str]:
    plain = checks.decoded(run)
    if plain is not None:
        yield plain


def _from_percent(text: str) -> Iterator[str]:
    plain = unquote(text)
    if plain != text:
        yield plain


_INSIDE: Final[dict[str, Callable[[str], Iterator[str]]]] = {"hides": _from_base64, "hides_escaped": _from_percent}
"""Checks that look into an encoding instead of at the text itself."""


@lru_cache(maxsize=1)
def across() -> Scanner:
    """The scanner for forms that span several segments of a path."""
    return Scanner(row for row in DETECTORS if row.across)


@lru_cache(maxsize=8)
def scanner(profile: str, patterns: tuple[tuple[str, str], ...] = ()) -> Scanner:
    """The scanner of a profile: `strict` or `standard`. patterns: (name, form) of the user's own, which are asked first."""
    own = (Detector(f"{_OWN}{name}", "secret", form=form) for name, form in patterns)
    return Scanner((*own, *(row for row in DETECTORS if profile == "strict" or not row.strict)))


@lru_cache(maxsize=8)
def remembering(profile: str, patterns: tuple[tuple[str, str], ...], keys: frozenset[str], keep: frozenset[str]) -> Scanner:
    """The scanner of those who ask by the same names of their own.

    A text in which nothing was found is remembered, and whether anything is found in an encoded document depends on the names that are cut in
    it: a memory that others share would let pass what they do not look for.
    """
    return scanner(profile, patterns).apart()


@lru_cache(maxsize=1 << 16)
def is_sensitive(text: str) -> bool:
    """Whether any detector of the strict profile finds something in the text, or a placeholder stands in it."""
    return placeholder.contains(text) or (scanner("strict").suspicious(text) and scanner("strict").finds(text))
