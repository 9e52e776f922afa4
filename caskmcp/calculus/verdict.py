"""The four verdicts, and how verdicts about parts make one about the whole."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """How a new language stands to an old one."""

    EQUAL = "equal"
    NARROWS = "narrows"
    BROADENS = "broadens"
    INCOMPARABLE = "incomparable"

    @property
    def widens(self) -> bool:
        """Whether something may be allowed that was not: BROADENS, or INCOMPARABLE."""
        return self in (Verdict.BROADENS, Verdict.INCOMPARABLE)


@dataclass(frozen=True)
class Change:
    """One difference between two tool languages."""

    area: str
    """A row of the table in `tools.py`: `host`, `path`, `input`, `policy`, …"""
    place: str
    """Where in the served record, e.g. `request.segments`."""
    verdict: Verdict
    message: str


def contained(old_covers_new: bool, new_covers_old: bool) -> Verdict:
    """The verdict that two containments make. "Not known" has to be given as False."""
    if old_covers_new and new_covers_old:
        return Verdict.EQUAL
    if old_covers_new:
        return Verdict.NARROWS
    return Verdict.BROADENS if new_covers_old else Verdict.INCOMPARABLE


def together(verdicts: Iterable[Verdict]) -> Verdict:
    """The verdict of a product of languages: one narrower and one broader part are incomparable; no part at all is EQUAL."""
    seen = set(verdicts) - {Verdict.EQUAL}
    if not seen:
        return Verdict.EQUAL
    return seen.pop() if len(seen) == 1 else Verdict.INCOMPARABLE
