"""The stage `capture` in pieces: one large HAR is cut between two entries, each piece is read as a document of its own, accounts are added up.

Where to cut is guessed as `stream` guesses, and proved in the same way: a piece that does not end between two entries of the list is no JSON
document, or one in which something stands behind the list, whatever stands in it; then the file is read as a whole. Cuts depend on the file alone, so that any number of processes writes
the same bytes. Compressed files, other encodings and other kinds of sources are read as a whole.
"""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import Any, Final, NamedTuple

from caskmcp.compiler.capture import stage, stream
from caskmcp.compiler.capture.codec import compress
from caskmcp.compiler.capture.sources.har import PATH, Har, recorded
from caskmcp.compiler.pipeline import Gave, Inputs, Outputs, Pieces

SIZE: Final = 8 << 20
"""Bytes of a piece, about; a file of less than two is read as a whole."""
LOOK: Final = 1 << 20
"""Bytes in which the next entry has to begin; else the piece gets longer."""
_BEFORE: Final = re.compile(rb",\s*\{\s*$")
_LONGEST_LEAD: Final = 256

_HEAD: Final = "".join(f"{json.dumps({name: 0})[:-2]}" for name in PATH).encode() + b"["
_TAIL: Final = b"]" + b"}" * len(PATH)


class Span(NamedTuple):
    """One piece: entries between two offsets of the file; before the first and behind the last stands what is around the list."""

    low: int
    high: int
    first: bool
    last: bool


def cut(inputs: Inputs, jobs: int) -> Sequence[Span]:
    """The pieces of a source; none if it is to be read as a whole."""
    size = inputs.size("source") if inputs.value("source.kind") == Har.kind else 0
    key = stream.first_key(b"".join(inputs.window("source", 0, LOOK)), PATH) if size >= 2 * SIZE else None
    if key is None:
        return ()
    found = (_border(inputs, key, place) for place in range(SIZE, size - SIZE // 2, SIZE))
    borders = [border for border in found if border is not None]
    lows = [0, *(brace for _, brace in borders)]
    highs = [*(comma for comma, _ in borders), size]
    return [Span(low, high, low == 0, high == size) for low, high in zip(lows, highs, strict=True)]


def _border(inputs: Inputs, key: bytes, place: int) -> tuple[int, int] | None:
    """Offsets of the comma behind an entry and of the brace that begins the next one, at or after a place; None if none is near."""
    data = b"".join(inputs.window("source", place, place + LOOK))
    at = data.find(key)
    while at >= 0:
        low = max(0, at - _LONGEST_LEAD)
        if found := _BEFORE.search(data[low:at]):
            comma = low + found.start()
            return place + comma, place + data.index(b"{", comma)
        at = data.find(key, at + 1)
    return None


def work(inputs: Inputs, span: Any) -> tuple[Outputs, Callable[[], Any]]:
    """The exchanges of one piece, and its account."""
    span = Span(*span)
    capture = stage.account(inputs)
    # Any list that looks like entries could be cut into two documents. Only in the list of entries itself does a piece end with it.
    lines = capture.some(recorded(_document(inputs, span), closes=not span.last))
    return {"exchanges": compress(lines)}, capture.told


def _document(inputs: Inputs, span: Span) -> Iterator[bytes]:
    """A piece with whatever it takes to make it a document of its own."""
    yield from () if span.first else (_HEAD,)
    yield from inputs.window("source", span.low, span.high)
    yield from () if span.last else (_TAIL,)


def join(inputs: Inputs, gave: Sequence[Gave]) -> Outputs:
    """The exchanges of all pieces, one gzip member each, and one receipt."""
    capture = stage.account(inputs)
    for each in gave:
        capture.add(each.note)
    capture.finish()
    return {"exchanges": chain.from_iterable(_member(each, capture.members) for each in gave), "head": capture.head()}


def _member(gave: Gave, members: list[int]) -> Iterator[bytes]:
    """The bytes of one piece; its length is noted."""
    members.append(0)
    for block in gave.blocks("exchanges"):
        members[-1] += len(block)
        yield block


PIECES: Final = Pieces(cut, work, join)
