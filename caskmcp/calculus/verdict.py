"""The four verdicts, one difference with its verdict, and how verdicts about parts make one about the whole."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from caskmcp import canon


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
    """One difference between two signed records."""

    area: str
    """A row of the table in `tools.py` or `shared.py`: `host`, `path`, `input`, `policy`, …"""
    place: str
    """Where exactly, dotted: `input_schema.properties.status.enum`, `request.query.limit.wire` (rows by their argument), `request.segments.1.pieces.0.charset`.
    `sides.value_at` reads it from a record; nothing else does, since names may hold dots and rows go by their argument."""
    verdict: Verdict
    message: str
    """What a change of that area means."""
    witness: str = ""
    """Compact JSON of something that is accepted, sent, called or shown now and was not before: arguments, a path, a name on the wire, a host, a decision.
    Empty where none was found, and always for what does not widen. It may be words of a stranger: show it as such."""
    before: Any = None
    """The value at the place on the old side; None where there is none."""
    after: Any = None


class Part(NamedTuple):
    """What a judge says of one place; its area and message are its row's."""

    place: str
    verdict: Verdict
    before: Any = None
    after: Any = None
    witness: str = ""


def told(value: Any) -> str:
    """A value as a witness is written: compact JSON with sorted keys."""
    return canon.compact(value).decode()


def same(old: Any, new: Any) -> bool:
    """Whether two JSON values are the same. Python takes `True` for `1`, JSON does not; and 1.0 is 1 there."""
    if old != new:
        return False
    return repr(old) == repr(new) or canon.dump(old) == canon.dump(new)


def contained(old_covers_new: bool | None, new_covers_old: bool | None) -> Verdict:
    """The verdict that two containments make. None: not known; it never lets anything count as narrower, and a loss has to be known to count."""
    if old_covers_new:
        return Verdict.EQUAL if new_covers_old else Verdict.NARROWS
    return Verdict.INCOMPARABLE if new_covers_old is False else Verdict.BROADENS


def together(verdicts: Iterable[Verdict]) -> Verdict:
    """The verdict of a product of languages: one narrower and one broader part are incomparable; no part at all is EQUAL."""
    seen = set(verdicts) - {Verdict.EQUAL}
    if not seen:
        return Verdict.EQUAL
    return seen.pop() if len(seen) == 1 else Verdict.INCOMPARABLE
