"""A review as a value: what waits, what was said of each, and what comes of it. Pure; whoever shows it asks the person and calls `decided`.

The plain prompts (`reviewing`) and a full-screen view end in the same `outcome`: one request to sign all that was allowed, and the blocks.
Promises that nothing is allowed which may not be, nor without the reason that its tier needs; what nobody decided stays as it is.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Literal, NamedTuple

from caskmcp.errors import CaskError
from caskmcp.workflows.approve import Request

Verdict = Literal["allow", "block", "skip"]


class Section(NamedTuple):
    """A part of what is read of one subject."""

    title: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Item:
    """One subject that waits."""

    subject: str
    name: str
    """As people type it."""
    risk: str
    """Empty for a shared subject."""
    status: str
    why: str
    """Why it waits."""
    lines: tuple[str, ...]
    """What a person reads before deciding, as prompts show it."""
    needs_reason: bool = False
    """Whether an approval of it does."""
    barred: str = ""
    """Why it cannot be allowed here; empty if it can."""
    sections: tuple[Section, ...] = ()
    """The same by parts, as a screen shows it."""


@dataclass(frozen=True)
class Said:
    """What a person said of one item."""

    verdict: Verdict
    reason: str = ""


@dataclass(frozen=True)
class Outcome:
    """What is to be done when the review has ended."""

    allow: Request | None
    """None if nothing was allowed."""
    block: Mapping[str, tuple[str, ...]]
    """Reason -> names, both sorted."""


@dataclass(frozen=True)
class Review:
    """Where a review stands."""

    items: tuple[Item, ...]
    said: Mapping[str, Said] = field(default_factory=dict)
    """Subject -> what was said of it."""
    ended: bool = False
    """Whether the person ended it before the last item."""

    @property
    def current(self) -> Item | None:
        """The first item that nothing was said of; None when the review is over."""
        return None if self.ended else next((item for item in self.items if item.subject not in self.said), None)

    def decided(self, subject: str, verdict: Verdict, reason: str = "") -> "Review":
        """The review with one more answer, or another one. Raises CASK-I010, CASK-K004 for what cannot be allowed, CASK-A003 for a missing reason."""
        item = next((item for item in self.items if item.subject == subject), None)
        if item is None:
            raise CaskError("CASK-I010", f"{subject} is not under review", mend="cask gate status")
        if verdict == "allow" and item.barred:
            raise CaskError("CASK-K004", f"{item.name} cannot be allowed here: {item.barred}", mend="cask trust show")
        if verdict == "allow" and item.needs_reason and not reason.strip():
            raise CaskError("CASK-A003", f"a reason is needed for {item.name}", mend="cask gate review")
        return replace(self, said={**self.said, subject: Said(verdict, reason.strip())})

    def end(self) -> "Review":
        """End it here: what was decided counts, the rest stays as it is."""
        return replace(self, ended=True)

    def outcome(self, *, key: str | None = None, expires: str | None = None) -> Outcome:
        """What comes of it. key, expires: as `cask gate allow` takes them."""
        return Outcome(_request(self, key, expires), _blocks(self))


@dataclass
class Board:
    """A review as a screen changes it, one answer at a time: `ports.Board`."""

    review: Review

    @property
    def sheets(self) -> tuple[Item, ...]:
        """What waits."""
        return self.review.items

    def said(self, subject: str) -> tuple[str, str]:
        """The verdict on a subject and the reason; two empty texts where nothing was said."""
        found = self.review.said.get(subject)
        return (found.verdict, found.reason) if found else ("", "")

    def decide(self, subject: str, verdict: Verdict, reason: str) -> None:
        """Say something of a subject. Raises what `Review.decided` does; then nothing changed."""
        self.review = self.review.decided(subject, verdict, reason)

    def end(self, *, keep: bool) -> None:
        """End the review. keep: what was decided counts; else none of it does."""
        self.review = (self.review if keep else Review(self.review.items)).end()


ANSWERS: Final[Mapping[str, Verdict]] = {"a": "allow", "allow": "allow", "b": "block", "block": "block", "s": "skip", "skip": "skip"}
"""What prompts take; no other word begins an answer."""
QUIT: Final = ("q", "quit")


def _request(review: Review, key: str | None, expires: str | None) -> Request | None:
    allowed = [item for item in review.items if _verdict(review, item) == "allow"]
    if not allowed:
        return None
    reasons = {item.subject: review.said[item.subject].reason for item in allowed}
    return Request(tuple(item.subject for item in allowed), reasons=reasons, expires=expires, key=key)


def _blocks(review: Review) -> Mapping[str, tuple[str, ...]]:
    blocked = [item for item in review.items if _verdict(review, item) == "block"]
    reasons = sorted({review.said[item.subject].reason for item in blocked})
    return {reason: _names(item for item in blocked if review.said[item.subject].reason == reason) for reason in reasons}


def _names(items: Iterable[Item]) -> tuple[str, ...]:
    return tuple(sorted(item.subject for item in items))


def _verdict(review: Review, item: Item) -> str:
    return review.said[item.subject].verdict if item.subject in review.said else ""
