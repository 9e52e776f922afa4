"""A node holds all values seen at one place, without an order. Texts wait in a short list and are counted together: half of a build's
time is spent here, and the calls that one value needs cost more than the work.
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Final

from caskmcp.compiler.normalize.forms import BY_NAME, Words, form, may_stand, suspects
from caskmcp.compiler.normalize.sketch import Sketch, as_lines, may_be_cut
from caskmcp.compiler.normalize.stamps import Stamps
from caskmcp.compiler.normalize.variants import Noted
from caskmcp.redact.placeholder import BEGINNINGS, NEMO, kind_of

MOST_VALUES: Final = 20
"""Distinct values of a vocabulary (ARCHITECTURE section 4)."""
FEWEST_DISTINCT: Final = 5
"""Distinct values below which no bound is kept."""
WAITING: Final = 64
"""Texts that may wait at one place."""
_LOWEST_PLACEHOLDER: Final = 900_000_000
"""Numbers that stand for what was cut are above this."""


class Node:
    """All values at one place. Counts of strings are complete after `finish`."""

    __slots__ = (
        "arrays", "booleans", "doubtful", "empties", "empty_arrays", "fields", "figures", "formats", "forms", "given", "high", "integers", "items", "kept",
        "low", "maps", "name", "named", "nulls", "numbers", "objects", "own", "redacted", "rest", "strings", "waiting", "words",
    )  # fmt: skip

    def __init__(
        self, *, named: bool = False, words: Words | None = None, own: set[str] | None = None, name: str = "", listed: bool = False
    ) -> None:
        self.name = name
        self.own = own
        """In answers: all that the requests said whose answers are counted now, one set for a media type. None elsewhere."""
        self.given = None if own is None else Sketch.of_answers(name, listed=listed)
        """In answers: the identifiers that the place gives; None as soon as one value is no identifier."""
        self.words = words
        """Where words that are whole strings are noted (`body_words`); one for all bodies of a part, None outside bodies."""
        self.named = named
        """Whether the place is called like one for names of people or things: then no text here may be kept."""
        self.nulls = self.booleans = self.integers = self.numbers = self.strings = 0
        self.arrays = self.objects = self.empty_arrays = self.maps = self.empties = 0
        self.redacted: dict[str, int] = {}
        self.formats: dict[str, int] = {}
        self.kept: dict[str, list[int]] | None = None if named else {}
        """Candidate value -> [occurrences, exchanges, last exchange]; None as soon as one text here may not stand in a vocabulary."""
        self.waiting: list[str] = []
        self.figures: set[float] = set()
        """The first distinct figures; whether there are five of them is all that is ever asked."""
        self.low: float = math.inf
        self.high: float = -math.inf
        self.fields: dict[str, Node] = {}
        self.doubtful: dict[str, Node] = {}
        """Unknown keys that stood in plain records; kept apart, so that each object is asked again."""
        self.items: Node | None = None
        self.rest: Node | None = None
        self.forms: Noted | None = {}
        """Which fields stood together in an object; None as soon as there are too many sets of them."""

    def below_array(self) -> "Node":
        """The node of the items of arrays here."""
        if self.items is None:
            self.items = Node(named=self.named, words=self.words, own=self.own, name=self.name, listed=True)
        return self.items

    def below_map(self) -> "Node":
        """The node of values under keys that are data."""
        if self.rest is None:
            self.rest = Node(named=self.named, words=self.words, own=self.own)
        return self.rest

    # ---------------------------------------------------------------- texts
    def add_text(self, text: str, stamps: Stamps) -> None:
        """Count one text, as `add_texts` does."""
        if self.given is not None:
            self.give((text,), stamps)
        if self.kept is None:
            waiting = self.waiting
            waiting.append(text)
            if len(waiting) >= WAITING:
                self._count()
        elif (seen := self.kept.get(text)) is not None:
            ((serial, _),) = stamps()
            seen[0] += 1
            seen[1] += seen[2] != serial
            seen[2] = serial
        else:
            self._add_texts((text,), stamps)

    def add_texts(self, texts: Sequence[str], stamps: Stamps, _: int = 0) -> None:
        """Count texts. stamps: their exchanges; a value counts once for each."""
        if self.given is not None:
            self.give(texts, stamps)
        self._add_texts(texts, stamps)

    def _add_texts(self, texts: Sequence[str], stamps: Stamps) -> None:
        if self.kept is not None:
            if self._keep(texts, stamps):
                return
            self.open()
        waiting = self.waiting
        waiting += texts
        if len(waiting) >= WAITING:
            self._count()

    def _keep(self, texts: Sequence[str], stamps: Stamps) -> bool:
        """Count the texts as candidates; False, and nothing is counted, if one of them may not stand in a vocabulary."""
        kept = self.kept or {}
        new = set(texts) - kept.keys()
        if len(kept) + len(new) > MOST_VALUES or not all(map(may_stand, new)):
            return False
        for text, count in Counter(texts).items():
            kept.setdefault(text, [0, 0, -1])[0] += count
        for text, serial in dict.fromkeys(zip(texts, [serial for serial, _ in stamps()], strict=True)):
            seen = kept[text]
            seen[1] += seen[2] != serial
            seen[2] = serial
        if self.words is not None:
            for text in new:
                self.words.note(text)
        self.kept = kept
        return True

    def open(self) -> None:
        """Give the vocabulary up: its texts are counted like any others."""
        kept, self.kept = self.kept, None
        for text, seen in (kept or {}).items():
            self.waiting += [text] * seen[0]

    def _count(self) -> None:
        batch, self.waiting = self.waiting, []
        self.strings += len(batch)
        if "" in batch:
            self.empties += batch.count("")
            batch = [text for text in batch if text]
        if may_be_cut(as_lines(batch)) and (marked := [text for text in batch if text[:4] in BEGINNINGS]):
            batch = self._cut(batch, marked)
        if batch:
            self._count_forms(batch)

    def _cut(self, batch: list[str], marked: list[str]) -> list[str]:
        """Count placeholders with their kind and format, and give the other texts back."""
        for text in marked:
            kind = kind_of(text)
            if kind is not None:
                self.redacted[kind] = self.redacted.get(kind, 0) + 1
                self._count_form(form(text))
        return [text for text in batch if text[:4] not in BEGINNINGS or kind_of(text) is None]

    def _count_forms(self, batch: list[str]) -> None:
        first = form(batch[0])
        if first:  # most places hold one format: one check for each text tells
            held = list(map(BY_NAME[first], batch))
            self.formats[first] = self.formats.get(first, 0) + len(batch) - held.count(False)
            batch = [text for text, holds in zip(batch, held, strict=True) if not holds]
        joined = "\n".join(batch)
        for text in suspects(batch, joined):
            self._count_form(form(text))
        if self.words is not None:
            self.words.note_all(batch, joined)

    def _count_form(self, name: str) -> None:
        if name:
            self.formats[name] = self.formats.get(name, 0) + 1

    # ---------------------------------------------------------------- figures
    def add_figures(self, figures: Sequence[float]) -> None:
        """Measure integers or numbers; those that stand for what was cut are counted as such."""
        high, low = max(figures), min(figures)
        if high > _LOWEST_PLACEHOLDER or (low <= NEMO and NEMO in figures):
            figures = self._cut_figures(figures)
            if not figures:
                return
            high, low = max(figures), min(figures)
        if high > self.high:  # noqa: PLR1730 - most figures change nothing, and an attribute costs as much as a comparison
            self.high = high
        if low < self.low:  # noqa: PLR1730
            self.low = low
        if len(self.figures) < FEWEST_DISTINCT:
            self.figures.update(islice(set(figures), FEWEST_DISTINCT))

    def _cut_figures(self, figures: Sequence[float]) -> list[float]:
        kinds = [kind_of(figure) if math.isfinite(figure) else None for figure in figures]
        for kind in kinds:
            if kind is not None:
                self.redacted[kind] = self.redacted.get(kind, 0) + 1
        return [figure for figure, kind in zip(figures, kinds, strict=True) if kind is None]

    # ---------------------------------------------------------------- identifiers
    def give(self, texts: Sequence[str], stamps: Stamps) -> None:
        """Note what answers give, if it is more than what their own requests said. Only while `given` is not None."""
        if not self.own.isdisjoint(texts):  # type: ignore[union-attr]
            texts = [text for text, (_, own) in zip(texts, stamps(), strict=True) if text not in own]
        if not self.given.add(texts):  # type: ignore[union-attr]
            self.given = None

    def give_figures(self, figures: Iterable[int], stamps: Stamps) -> None:
        """As `give`, for whole numbers."""
        if self.given.figures:  # type: ignore[union-attr]
            self.give(list(map(str, figures)), stamps)
        else:
            self.given = None

    def finish(self) -> None:
        """Count all that waits here."""
        if self.waiting:
            self._count()

    def finish_all(self) -> None:
        """Count all that waits here and below."""
        self.finish()
        if self.given is not None:
            self.given.finish()
        for below in (*self.fields.values(), *self.doubtful.values(), self.items, self.rest):
            if below is not None:
                below.finish_all()
