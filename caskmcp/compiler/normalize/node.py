"""A node holds all values seen at one place, without an order. Texts and figures wait in short lists and are counted together: half of
a build's time is spent here (docs/explanation/performance), and the calls that one value needs cost more than the work.
"""

import math
from typing import Final

from caskmcp.compiler.normalize.forms import BY_NAME, form, found_words, is_word, may_stand, suspects
from caskmcp.redact.placeholder import kind_of

MOST_VALUES: Final = 20
"""Distinct values of a vocabulary (ARCHITECTURE section 4)."""
FEWEST_DISTINCT: Final = 5
"""Distinct values below which no length and no bound is kept."""
WAITING: Final = 64
"""Values that may wait at one place."""
LARGE: Final = 4096
"""Characters of a text that does not wait, so that little memory is held."""
_LOWEST_PLACEHOLDER: Final = 900_000_000
"""Numbers that stand for what was cut are above this."""


class Node:
    """All values at one place. Counts are complete after `finish`."""

    __slots__ = (
        "arrays", "booleans", "doubtful", "empties", "empty_arrays", "fields", "figures", "formats", "high", "integers", "items", "kept",
        "longest", "low", "maps", "named", "nulls", "numbers", "objects", "redacted", "rest", "shortest", "strings", "texts",
        "waiting", "waiting_floats", "waiting_integers", "words",
    )  # fmt: skip

    def __init__(self, *, named: bool = False, words: set[str] | None = None) -> None:
        self.words = words
        """Where words that are whole strings are noted (`body_words`); one set for all bodies of a part, None outside bodies."""
        self.named = named
        """Whether the place is called like one for names of people or things: then no text here may be kept."""
        self.nulls = self.booleans = self.integers = self.numbers = self.strings = 0
        self.arrays = self.objects = self.empty_arrays = self.maps = self.empties = 0
        self.redacted: dict[str, int] = {}
        self.formats: dict[str, int] = {}
        self.kept: dict[str, list[int]] | None = None if named else {}
        """Candidate value -> [occurrences, exchanges, last exchange]; None as soon as one text here may not stand in a vocabulary."""
        self.texts: set[str] = set()
        self.figures: set[float] = set()
        self.shortest, self.longest = 1 << 62, 0
        self.low: float = math.inf
        self.high: float = -math.inf
        self.waiting: list[str] = []
        self.waiting_integers: list[int] = []
        self.waiting_floats: list[float] = []
        self.fields: dict[str, Node] = {}
        self.doubtful: dict[str, Node] = {}
        """Unknown keys that stood in plain records; kept apart, so that each object is asked again."""
        self.items: Node | None = None
        self.rest: Node | None = None

    def below_array(self) -> "Node":
        """The node of the items of arrays here."""
        if self.items is None:
            self.items = Node(named=self.named, words=self.words)
        return self.items

    def below_map(self) -> "Node":
        """The node of values under keys that are data."""
        if self.rest is None:
            self.rest = Node(named=self.named, words=self.words)
        return self.rest

    def add_candidate(self, text: str, serial: int) -> None:
        """Count a text where a vocabulary is still possible. `serial` numbers the exchange: a value counts once for each."""
        kept = self.kept
        if kept is None:
            self.add_text(text)
        elif (seen := kept.get(text)) is not None:
            seen[0] += 1
            if seen[2] != serial:
                seen[1] += 1
                seen[2] = serial
        elif len(kept) < MOST_VALUES and may_stand(text):
            kept[text] = [1, 1, serial]
            if self.words is not None and is_word(text):
                self.words.add(text)
        else:
            self.open()
            self.add_text(text)

    def add_candidates(self, texts: list[str], serial: int) -> None:
        """Count texts of one exchange where a vocabulary is still possible."""
        distinct = set(texts)
        if len(distinct) > MOST_VALUES:
            self.open()
        for text in distinct:
            self.add_candidate(text, serial)
            if more := texts.count(text) - 1:
                self._repeat(text, more)

    def _repeat(self, text: str, times: int) -> None:
        if self.kept is None:
            self.waiting += [text] * times
        elif text in self.kept:
            self.kept[text][0] += times

    def add_text(self, text: str) -> None:
        """Count a text where no vocabulary is possible any more."""
        self.waiting.append(text)
        if len(self.waiting) >= WAITING or len(text) > LARGE:
            self.count_texts()

    def open(self) -> None:
        """Give the vocabulary up."""
        kept, self.kept = self.kept, None
        for text, seen in (kept or {}).items():
            self.waiting += [text] * seen[0]
            self.count_texts()

    def count_texts(self) -> None:
        """Count the texts that wait."""
        batch, self.waiting = self.waiting, []
        self.strings += len(batch)
        if "" in batch:
            self.empties += batch.count("")
            batch = [text for text in batch if text]
        kinds = list(map(kind_of, batch))
        if any(kinds):
            batch = self._cut(batch, kinds)
        if not batch:
            return
        sizes = list(map(len, batch))
        self.longest = max(self.longest, *sizes)
        self.shortest = min(self.shortest, *sizes)
        if len(self.texts) < FEWEST_DISTINCT:
            self.texts.update(batch)
        self._count_forms(batch)

    def _cut(self, batch: list[str], kinds: list[str | None]) -> list[str]:
        """Count placeholders with their kind and format, and give the other texts back."""
        for text, kind in zip(batch, kinds, strict=True):
            if kind is not None:
                self.redacted[kind] = self.redacted.get(kind, 0) + 1
                self._count_form(form(text))
        return [text for text, kind in zip(batch, kinds, strict=True) if kind is None]

    def _count_forms(self, batch: list[str]) -> None:
        first = form(batch[0])
        if first:  # most places hold one format: one check for each text tells
            held = list(map(BY_NAME[first], batch))
            self.formats[first] = self.formats.get(first, 0) + len(batch) - held.count(False)
            batch = [text for text, holds in zip(batch, held, strict=True) if not holds]
        for text in suspects(batch):
            self._count_form(form(text))
        if self.words is not None:
            self.words.update(found_words(batch, self.words))

    def _count_form(self, name: str) -> None:
        if name:
            self.formats[name] = self.formats.get(name, 0) + 1

    def count_figures(self) -> None:
        """Count the integers and numbers that wait."""
        integers, floats = self.waiting_integers, self.waiting_floats
        self.waiting_integers, self.waiting_floats = [], []
        self.integers += len(integers)
        self.numbers += len(floats)
        figures: list[float] = [*integers, *floats]
        if figures and max(figures) > _LOWEST_PLACEHOLDER:
            figures = self._cut_figures(figures)
        if not figures:
            return
        self.low = min(self.low, *figures)
        self.high = max(self.high, *figures)
        if len(self.figures) < FEWEST_DISTINCT:
            self.figures.update(figures)

    def _cut_figures(self, figures: list[float]) -> list[float]:
        kinds = [kind_of(figure) if math.isfinite(figure) else None for figure in figures]
        for kind in kinds:
            if kind is not None:
                self.redacted[kind] = self.redacted.get(kind, 0) + 1
        return [figure for figure, kind in zip(figures, kinds, strict=True) if kind is None]

    def finish(self) -> None:
        """Count all that waits here."""
        self.count_texts()
        self.count_figures()
