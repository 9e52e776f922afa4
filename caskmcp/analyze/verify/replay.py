"""Replay: what captured reads answer today, against what they answered then: parity by shape, and by value where values stood still.

Shape is judged against everything that was captured of the operation, since one answer shows only what it happened to hold: a kind of value
that no captured answer had at a place, or a field that all of them had, is a difference; a field that is new is told and is none. Values are compared only
where every capture of the same request agrees: they are counted, and what they say is information, since data may change.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from caskmcp.analyze.verify.answers import NOTHING
from caskmcp.analyze.verify.assertions import equal, kind

ANY: Final = "*"
GONE: Final = (404, 410)
NULL: Final = "null"
ENOUGH: Final = 5
"""Answers that bear out that something is always there."""
DEEPEST: Final = 24
"""Levels that are compared."""
Place = tuple[str, ...]


class Captured(NamedTuple):
    """One captured answer."""

    status: int
    body: Any
    """JSON, redacted, or `NOTHING`."""


class Difference(NamedTuple):
    """Where an answer of today is not like those captured."""

    what: str
    """`status`, `kind`, `missing`; and what is information: `news`, `null`, `fewer`, `new`."""
    place: str
    before: str
    after: str


@dataclass
class Shape:
    """What captured successes of one operation hold, by place."""

    kinds: dict[Place, set[str]] = field(default_factory=lambda: defaultdict(set))
    members: dict[Place, list[frozenset[str]]] = field(default_factory=lambda: defaultdict(list))
    """Of each object at a place: its names."""

    formless: bool = False
    """Whether some success was no JSON: then the form of an answer depends on what is asked."""
    answers: Counter[Place] = field(default_factory=Counter)
    """In how many answers something stood at a place."""

    def count(self, answer: "Shape") -> None:
        """Count one more answer."""
        for place, kinds in answer.kinds.items():
            self.kinds[place] |= kinds
            self.answers[place] += 1
        for place, rows in answer.members.items():
            self.members[place] += rows

    def add(self, value: Any, place: Place = ()) -> None:
        """Note a value, and what lies in it."""
        self.kinds[place].add(kind(value))
        if len(place) < DEEPEST:
            if isinstance(value, dict):
                self.members[place].append(frozenset(value))
            for step, item in _members(value):
                self.add(item, (*place, step))

    def always(self, place: Place) -> frozenset[str]:
        """Names that every object at a place had."""
        rows = self.members.get(place, [])
        return frozenset.intersection(*rows) if rows else frozenset()


def shape(captured: Iterable[Captured]) -> Shape:
    """The shape of an operation's captured successes."""
    found = Shape()
    for row in captured:
        found.formless = found.formless or (200 <= row.status < 300 and row.body is NOTHING)
        if 200 <= row.status < 300 and row.body is not NOTHING:
            answer = Shape()
            answer.add(row.body)
            found.count(answer)
    return found


def differences(before: Sequence[Captured], known: Shape, status: int, body: Any, *, by_name: bool = False) -> Iterator[Difference]:
    """How the answer of today differs. before: every captured answer to this request. by_name: whether its arguments name one thing."""
    statuses = {row.status for row in before}
    if status // 100 not in {row // 100 for row in statuses}:
        # What was asked for may have come or gone since: an error that became a success, or a thing that is not there any more, is news and no fault.
        is_news = 200 <= status < 300 or (status in GONE and by_name)
        yield Difference("news" if is_news else "status", "", " or ".join(map(str, sorted(statuses))), str(status))
    elif 200 <= status < 300 and body is NOTHING:
        if not known.formless and all(row.body is not NOTHING for row in before):
            yield Difference("kind", "/", "JSON", "none")
    elif 200 <= status < 300 and known.kinds:
        yield from _shaped(known, body, ())


def _shaped(known: Shape, value: Any, place: Place) -> Iterator[Difference]:
    mine, theirs = kind(value), known.kinds.get(place, set())
    if mine not in theirs:
        # Whether something may be null is for the mode `contracts` to judge, which asks how likely it is that captures just never showed it.
        yield Difference("null" if NULL in (mine, *theirs) else "kind", _pointer(place), " or ".join(sorted(theirs)), mine)
        return
    if isinstance(value, dict):
        yield from _missing(known, value, place)
    told: set[Place] = set()
    for step, item in _members(value):
        below = (*place, step)
        if below in known.kinds:
            yield from _shaped(known, item, below)
        elif below not in told and len(place) < DEEPEST:
            told.add(below)
            if isinstance(value, dict):
                yield Difference("new", _pointer(below), "", kind(item))


def _missing(known: Shape, value: Mapping[str, Any], place: Place) -> Iterator[Difference]:
    """Names that all captured objects had. Where few answers say so, or most names are gone at once (another selection of fields), it is information."""
    always = known.always(place)
    missing = sorted(always - value.keys())
    is_sure = known.answers[place] >= ENOUGH and 2 * len(missing) <= len(always)
    yield from (Difference("missing" if is_sure else "fewer", _pointer((*place, name)), "always there", "") for name in missing)


def _members(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        yield from value.items()
    elif isinstance(value, list):
        yield from ((ANY, item) for item in value)


def _pointer(place: Place) -> str:
    return "/" + "/".join(part.replace("~", "~0").replace("/", "~1") for part in place)


# ---------------------------------------------------------------- values
class Values(NamedTuple):
    """How many values were compared, and how many of them are the same."""

    same: int
    compared: int


def values(before: Sequence[Captured], body: Any) -> Values:
    """Compare scalar values of the answer with those on which all captures of the request agree."""
    held = [_scalars(row.body) for row in before if 200 <= row.status < 300 and row.body is not NOTHING]
    if not held or body is NOTHING:
        return Values(0, 0)
    stable = {place: value for place, value in held[0].items() if all(place in row and equal(row[place], value) for row in held[1:])}
    now = _scalars(body)
    return Values(sum(place in now and equal(now[place], value) for place, value in stable.items()), len(stable))


def _scalars(value: Any) -> Mapping[Place, Any]:
    return dict(_leaves(value, ()))


def _leaves(value: Any, place: Place) -> Iterator[tuple[Place, Any]]:
    if not isinstance(value, dict | list):
        yield place, value
    elif len(place) < DEEPEST:
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for step, item in items:
            yield from _leaves(item, (*place, str(step)))
