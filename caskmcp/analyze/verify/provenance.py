"""Provenance: which answer a text on a page came from. Texts are matched to fields of answers, tools ranked by what they explain.

A text that several tools could have given says little of each: it counts for each by its share. What matches nothing is counted and
never guessed. Texts and values stay here: what is told is names, places and numbers.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

EQUAL: Final = 1.0
WITHIN: Final = 0.5
"""Worth of a field that stands inside a longer text."""
SHORTEST: Final = 4
"""Characters from which a value is looked for inside of texts: shorter ones stand everywhere."""
DEEPEST: Final = 24
_SPACE: Final = re.compile(r"\s+")
_NUMBER: Final = re.compile(r"-?[0-9]+(?:[.,][0-9]+)?", re.ASCII)


class Field(NamedTuple):
    """One value of an answer."""

    tool: str
    place: str
    """JSON pointer, `*` for any item."""
    text: str
    """Normalized."""


class Source(NamedTuple):
    """A tool that texts of one name can have come from."""

    tool: str
    score: float
    """Sum over its texts: how well each matches, by the number of tools that match it as well."""
    texts: int
    places: tuple[str, ...]
    """Fields that were matched, the most frequent first."""


class Traced(NamedTuple):
    """What is known of the texts of one name."""

    name: str
    sources: tuple[Source, ...]
    """Ranked: the best first."""
    texts: int
    unknown: int


def fields(tool: str, body: Any) -> Iterator[Field]:
    """Every scalar of an answer that a page could show."""
    for place, value in _leaves(body, ""):
        text = _normal(str(value)) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""
        if text:
            yield Field(tool, place, text)


def traced(name: str, texts: Sequence[str], known: Iterable[Field]) -> Traced:
    """Rank the tools whose answers hold these texts."""
    by_text: dict[str, list[Field]] = defaultdict(list)
    for field in known:
        by_text[field.text].append(field)
    score: dict[str, float] = defaultdict(float)
    counts: dict[str, int] = defaultdict(int)
    places: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    wanted = [text for text in map(_normal, texts) if text]
    unknown = 0
    for text in wanted:
        found, worth = _matches(text, by_text)
        tools = {field.tool for field in found}
        unknown += not tools
        for tool in tools:
            score[tool] += worth / len(tools)
            counts[tool] += 1
        for tool, place in {(field.tool, field.place) for field in found}:
            places[tool][place] += 1
    rows = [Source(tool, round(score[tool], 4), counts[tool], _often(places[tool])) for tool in score]
    return Traced(name, tuple(sorted(rows, key=lambda row: (-row.score, row.tool))), len(wanted), unknown)


def _matches(text: str, known: Mapping[str, Sequence[Field]]) -> tuple[Sequence[Field], float]:
    """Fields with just this text; else those whose value stands in it, the longest alone."""
    if equal := known.get(text) or known.get(_digits(text)):
        return equal, EQUAL
    inside = [value for value in known if len(value) >= SHORTEST and _stands_in(value, text)]
    longest = max(map(len, inside), default=0)
    return [field for value in inside if len(value) == longest for field in known[value]], WITHIN


def _stands_in(value: str, text: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(value)}(?!\w)", text) is not None


def _digits(text: str) -> str:
    """The one number of a text: `EUR 29,50` shows 29.5."""
    found = _NUMBER.findall(text)
    if len(found) != 1:
        return ""
    number = found[0].replace(",", ".")
    return f"{float(number):g}" if "." in number else number


def _normal(text: str) -> str:
    return _SPACE.sub(" ", unicodedata.normalize("NFKC", text)).strip().casefold()


def _often(places: Mapping[str, int]) -> tuple[str, ...]:
    return tuple(sorted(places, key=lambda place: (-places[place], place)))[:5]


def _leaves(value: Any, place: str) -> Iterator[tuple[str, Any]]:
    if place.count("/") > DEEPEST:
        return
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _leaves(item, f"{place}/{name}")
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(item, f"{place}/*")
    else:
        yield place or "/", value
