"""What changed between two texts, word by word. Pure; the pieces of one side put together are that side's text again."""

import re
from collections.abc import Iterator
from difflib import SequenceMatcher
from typing import Final

Piece = tuple[str, str]
"""`same`, `old` or `new`, and the text."""

MOST: Final = 2_000
"""Words and gaps of a text that are compared; a longer one is told as a whole, since comparing takes time in the square of them."""
_WORDS: Final = re.compile(r"\s+|[^\s\w]|\w+")


def word_diff(old: str, new: str) -> tuple[Piece, ...]:
    """The pieces in order, an old one before the new one that stands in its place."""
    before, after = _WORDS.findall(old), _WORDS.findall(new)
    if max(len(before), len(after)) > MOST:
        return tuple(piece for piece in (("old", old), ("new", new)) if piece[1])
    return tuple(_pieces(before, after))


def _pieces(before: list[str], after: list[str]) -> Iterator[Piece]:
    for tag, low, high, first, last in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        old, new = "".join(before[low:high]), "".join(after[first:last])
        if tag == "equal":
            yield "same", old
            continue
        yield from (piece for piece in (("old", old), ("new", new)) if piece[1])
