"""Sketches of identifiers: what is remembered of the values of one place, so that places can be asked whether they share values.

A sketch keeps the smallest digests of a place's values. Those of a union are the smallest of both, so a sketch is the same for every order
and every cut of a recording, and bounded. Values that were cut are keyed by the redaction key, so no sample of them is taken: a place that has
too many of them tells nothing. A digest has 32 bits: two values that share one by accident make no edge, since an edge needs two of them at
one pair of places. A sketch is private: it stays in the candidate form of a part and never reaches an artifact.
"""

import re
import struct
from array import array
from base64 import b64decode, b64encode
from collections.abc import Collection, Iterable
from collections.abc import Set as AbstractSet
from functools import lru_cache
from typing import Final, NamedTuple
from zlib import crc32

import re2

from caskmcp.compiler.normalize import names, words
from caskmcp.redact.placeholder import BEGINNINGS, is_narrow, kind_of

Plain = list[str] | None
"""As JSON: digests of plain values, of cut ones, and of those plain ones of an argument that are specific; None for a place that gives no identifiers."""
GIVEN: Final = 2048
"""Digests kept of a place in answers."""
TAKEN: Final = 256
"""Digests kept of an argument."""
WAITING: Final = 64
"""Values that wait to be looked at together; the first two are looked at at once, since most places give no identifiers."""
FRESH: Final = 256
"""Digests that wait, as a set, to be put in order among those that are kept: a set takes twenty times the memory."""
WIDTH: Final = 1 << 32
"""Digests of plain values are below; it is added to those of values that were cut."""

NAMING: Final = frozenset(
    [
        "id",
        "ids",
        "uuid",
        "guid",
        "uid",
        "iid",
        "pk",
        "key",
        "keys",
        "slug",
        "slugs",
        "code",
        "codes",
        "number",
        "numbers",
        "no",
        "nr",
        "num",
        "ref",
        "refs",
        "reference",
        "handle",
        "login",
        "username",
        "sku",
        "isbn",
        "ean",
        "serial",
        "token",
        "cursor",
        "name",
        "symbol",
        "tag",
        "identifier",
        "hash",
        "sha",
        "external",
        "ulid",
        "oid",
        "urn",
        "arn",
        "marker",
    ]
)
"""Last words of names of fields that name a thing."""

# Both run over many values at once, a line each: RE2 looks at each character once.
_TOKENS: Final = re2.compile(rb"(?:\n[A-Za-z0-9_][A-Za-z0-9._~+/=:-]{0,127})*")
"""One token each."""
_OTHERS: Final = re2.compile(rb"\n(?:[0-9]{4}-[0-9]{2}(?:[^0-9A-Za-z]|\z)|[0-9]+[.:][0-9]|(?:true|false|null|none)(?:\n|\z))|://")
"""Dates and moments, fractions and times of day, words for truth, addresses."""
_MARKS: Final = re2.compile(b"\n(?:%s)" % b"|".join(re.escape(text.encode("ascii")) for text in sorted(BEGINNINGS)))
_DIGIT: Final = re.compile(r"[0-9]", re.ASCII)
_SPECIFIC: Final = 6
"""Characters from which an identifier with a digit is specific: UUIDs, ULIDs, hexadecimal digits, codes with a prefix, long numbers."""


def is_identifier(text: str) -> bool:
    """Whether a text can name a thing: one token that is no date, figure, address or prose."""
    return are_identifiers((text,))


def are_identifiers(texts: Collection[str]) -> bool:
    """Whether all texts can name things."""
    lines = as_lines(texts)
    return lines.count(b"\n") == len(texts) and _are_identifiers(lines)


def as_lines(texts: Iterable[str]) -> bytes:
    """Texts, each after a line end, to be looked through at once."""
    return b"\n" + "\n".join(texts).encode("utf-8", "surrogatepass")


def _are_identifiers(lines: bytes) -> bool:
    return _TOKENS.fullmatch(lines) is not None and _OTHERS.search(lines) is None


def may_be_cut(lines: bytes) -> bool:
    """Whether one of the texts may be a placeholder: only then they are asked one by one."""
    return _MARKS.search(lines) is not None


def is_specific(text: str) -> bool:
    """Whether two things of different kinds hardly ever have this identifier by accident, as they have `17` or `open`."""
    return len(text) >= _SPECIFIC and _DIGIT.search(text) is not None


def _are_specific(texts: Collection[str]) -> bool:
    return min(map(len, texts)) >= _SPECIFIC and all(map(_DIGIT.search, texts))


@lru_cache(maxsize=4096)
def allowed(name: str) -> tuple[bool, bool]:
    """Whether a field of a name may have any identifiers, by its last word; and whether a list of them may have words (`labels`)."""
    parts = words.split(name) if name.isascii() else ()
    last = parts[-1].lower() if parts else ""
    return last in NAMING, names.singular(last) != last


class Sketch:
    """The values of one place. `add` what was seen, `plain` when all is."""

    __slots__ = ("cut", "digests", "figures", "fresh", "patience", "size", "specific", "strict", "waiting")

    def __init__(self, size: int = TAKEN, *, strict: bool = False, figures: bool = True) -> None:
        self.size = size
        """Most digests that are kept."""
        self.strict = strict
        """Whether one value that is not specific says that the place gives no identifiers."""
        self.figures = figures
        """Whether whole numbers may be identifiers here."""
        self.digests: array[int] | None = array("I")
        """The smallest ones, in order. None: the place gives no identifiers, whatever else comes."""
        self.fresh: set[int] = set()
        """Digests that are not among them yet; `shrink` puts them there."""
        self.cut: set[int] = set()
        self.specific: set[int] = set()
        """Of an argument: those of both whose values are specific."""
        self.waiting: set[str] = set()
        self.patience = 1

    @classmethod
    def of_answers(cls, name: str, *, listed: bool = False) -> "Sketch":
        """Of a field of answers. A field whose name says that it names a thing may have any identifiers, another one only specific ones."""
        figures, texts = allowed(name)
        return cls(GIVEN, strict=not (figures or (listed and texts)), figures=figures)

    def add(self, texts: Collection[str], own: AbstractSet[str] = frozenset()) -> bool:
        """Take values in, but for `own`. Whether the place may still give identifiers."""
        self.waiting.update(texts if own.isdisjoint(texts) else set(texts) - own)
        if len(self.waiting) > self.patience:
            self.flush()
            self.patience = WAITING
        return self.digests is not None

    def close(self) -> None:
        """Say that the place gives no identifiers."""
        self.digests = None
        self.cut, self.fresh, self.specific, self.waiting = set(), set(), set(), set()

    def flush(self) -> None:
        """Look at all that waits."""
        batch, self.waiting = self.waiting, set()
        batch.discard("")
        if self.digests is None or not batch:
            return
        lines = as_lines(batch)
        if may_be_cut(lines) and (marked := [text for text in batch if kind_of(text) is not None]):
            batch.difference_update(marked)
            lines = as_lines(batch)
            self._cut(marked)
        if batch and self.digests is not None:
            self._digest(batch, lines)

    def _cut(self, marked: list[str]) -> None:
        self.cut.update(map(digest, marked))
        if any(map(is_narrow, marked)) or len(self.cut) > self.size:
            self.close()

    def _digest(self, batch: set[str], lines: bytes) -> None:
        found = lines.split(b"\n")[1:]
        if len(found) != len(batch) or not _are_identifiers(lines) or (self.strict and not _are_specific(batch)):
            self.close()
            return
        assert self.digests is not None
        is_kept = (self.digests[-1] if len(self.digests) == self.size else WIDTH).__gt__
        self.fresh.update(filter(is_kept, map(crc32, found)))
        if self.size == TAKEN:
            self.specific.update(filter(is_kept, map(digest, filter(is_specific, batch))))
        if len(self.fresh) > FRESH:
            self.shrink()

    def shrink(self) -> None:
        """Keep the smallest digests alone."""
        if self.digests is None or not self.fresh:
            return
        found = self.digests.tolist()
        found += sorted(self.fresh.difference(found))
        found.sort()  # two runs in order: far cheaper than a set of both
        self.digests = array("I", found[: self.size])
        if self.specific:
            self.specific.intersection_update(self.digests)
        self.fresh = set()

    def unite(self, other: "Sketch") -> None:
        """Take in what another sketch of the same kind of place holds."""
        self.finish()
        other.finish()
        if self.digests is None or other.digests is None:
            self.close()
            return
        self.fresh.update(other.digests)
        self.specific |= other.specific
        self.cut |= other.cut
        self.shrink()
        if len(self.cut) > self.size:
            self.close()

    def finish(self) -> None:
        """Look at all that waits, and keep the smallest digests alone."""
        self.flush()
        self.shrink()

    def plain(self) -> Plain:
        """As JSON."""
        self.finish()
        return None if self.digests is None else _plain(self.digests, self.cut, self.specific)


def digest(text: str) -> int:
    """32 bits of a text."""
    return crc32(text.encode("utf-8", "surrogatepass"))


class Values(NamedTuple):
    """A sketch to be compared."""

    digests: frozenset[int]
    """Those of cut values stand above all others."""
    limit: int
    """Digests of plain values that are below were all kept."""
    specific: frozenset[int]
    """Of an argument: those of specific values."""


def union(found: list[Plain], size: int, *, cut: bool = True) -> Values | None:
    """The sketch of all values of several places; None if one of them gives no identifiers. cut: whether values that were cut count."""
    if (joint := joined(found, size)) is None:
        return None
    plain, marked, specific = map(_unpacked, joint)
    above = [digest + WIDTH for digest in marked] if cut else []
    return Values(frozenset((*plain, *above)), plain[-1] + 1 if len(plain) == size else WIDTH, frozenset((*specific, *above)))


def joined(found: list[Plain], size: int) -> Plain:
    """The sketch of all values of several places, as JSON again."""
    if len(found) == 1:
        return found[0]
    if any(sketch is None for sketch in found):
        return None
    plain, cut, specific = (sorted({digest for sketch in found if sketch for digest in _unpacked(sketch[at])}) for at in range(3))
    kept = plain[:size]
    return None if len(cut) > size else _plain(kept, cut, set(specific).intersection(kept))


def of_text(text: str) -> Plain:
    """The sketch of one value of an argument."""
    return _plain([digest(text)], (), [digest(text)] if is_specific(text) else ())


def _plain(digests: Iterable[int], cut: Iterable[int], specific: Iterable[int]) -> list[str]:
    return [_packed(digests), _packed(cut), _packed(specific)]


def _packed(digests: Iterable[int]) -> str:
    found = sorted(digests)
    return b64encode(struct.pack(f">{len(found)}I", *found)).decode("ascii") if found else ""


def _unpacked(text: str) -> tuple[int, ...]:
    data = b64decode(text)
    return struct.unpack(f">{len(data) // 4}I", data)
