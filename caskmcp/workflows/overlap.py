"""Recordings that hold the same exchanges: told when one is imported, since their exchanges count twice.

Each capture remembers the smallest digests of its exchanges; two such samples say how much of both is the same (bottom-k sketch), exactly as
long as both captures are small. An exchange has no time, so a page that is asked for the same thing every day looks like an overlap as well:
this only tells, and changes nothing.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from caskmcp.ports import Files
from caskmcp.store.layout import Root

FEWEST: Final = 4
"""Equal exchanges from which it is no accident."""
SHARE: Final = 0.2
"""Share of the exchanges of both from which it is told."""


def told(files: Files, root: Root, taken: Mapping[str, Any]) -> Iterator[str]:
    """A line for each other capture here that holds much of the same. taken: the head of a capture."""
    for capture in files.listing(root.captures):
        if capture != taken["id"] and files.exists(root.redaction(capture)):
            share = common(taken.get("sample", ()), _sample(files, root, capture))
            if share >= SHARE:
                yield (
                    f"  about {share:.0%} of its exchanges and of capture {capture[:12]} are the same: if both hold one session, they count twice"
                    f" (cask capture forget {capture[:12]})"
                )


def common(one: Iterable[str], other: Iterable[str]) -> float:
    """The share of all exchanges of two captures that both hold, by their samples; 0 if it is too little to tell."""
    mine, theirs = set(one), set(other)
    size = min(len(mine), len(theirs))
    smallest = set(sorted(mine | theirs)[: max(size, FEWEST)]) if max(len(mine), len(theirs)) >= LONGEST else mine | theirs
    both = smallest & mine & theirs
    return len(both) / len(smallest) if len(both) >= FEWEST else 0.0


LONGEST: Final = 64
"""As `compiler.capture.stage.SAMPLE`: a sample of that length is not the whole capture."""


def _sample(files: Files, root: Root, capture: str) -> tuple[str, ...]:
    try:
        return tuple(map(str, json.loads(files.read(root.redaction(capture))).get("sample", ())))
    except (ValueError, AttributeError, TypeError):
        return ()  # a receipt that cannot be read is told by `capture list`
