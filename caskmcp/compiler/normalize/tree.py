"""The tree of raw paths of one origin, and whether two places in it look alike. TEMPLATING section 4, `alike(a, b)`."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

DEPTH: Final = 4
"""Levels of keys that are compared."""
HIGH: Final = 0.8
LOW: Final = 0.5
FAR: Final = 0.3
UNANSWERED: Final = "0"
"""Status of requests that a collection states."""
_LEVELS: Final = 3
"""Levels of common children that are compared below two places."""


class Facts:
    """What is known of one method at a place: how often, how it ended, which key paths went in and out."""

    __slots__ = ("count", "requests", "responses", "scalar", "successes")

    def __init__(self) -> None:
        self.count = self.successes = 0
        self.requests: set[str] = set()
        self.responses: set[str] = set()
        self.scalar = False
        """Whether an answer was a bare string, number or boolean."""

    def take(self, other: "Facts") -> None:
        """Add another's facts."""
        self.count += other.count
        self.successes += other.successes
        self.requests |= other.requests
        self.responses |= other.responses
        self.scalar |= other.scalar


class Place:
    """A node: the raw paths that run through it."""

    __slots__ = ("children", "methods", "routed", "rows")

    def __init__(self) -> None:
        self.children: dict[str, Place] = {}
        self.methods: dict[str, Facts] = {}
        self.rows: list[int] = []
        self.routed = False
        """Whether a router names the label of this place: then it is no value, unless it is a class."""

    def insert(self, number: int, row: dict[str, Any]) -> None:
        """Put a row below this root."""
        place, named = self, row.get("named", {})
        for index, segment in enumerate(row["segments"]):
            place = place.children.setdefault(segment, Place())
            place.routed |= row.get("routed", False) and str(index) not in named
        place.rows.append(number)
        place.methods.setdefault(row["method"], Facts()).take(facts(row))

    def succeeded(self) -> bool:
        """Whether anything here or below ever succeeded."""
        return bool(self.good) or any(child.succeeded() for child in self.children.values())

    @property
    def good(self) -> frozenset[str]:
        """Methods that succeeded here."""
        return frozenset(method for method, found in self.methods.items() if found.successes)


def union(places: Iterable[Place]) -> Place:
    """The sub-trees of several places as one. The places stay as they are."""
    out = Place()
    below: dict[str, list[Place]] = {}
    for place in places:
        out.rows += place.rows
        out.routed |= place.routed
        for method, found in place.methods.items():
            out.methods.setdefault(method, Facts()).take(found)
        for label, child in place.children.items():
            below.setdefault(label, []).append(child)
    out.children = {label: found[0] if len(found) == 1 else union(found) for label, found in below.items()}
    return out


def is_success(status: str) -> bool:
    """A 2xx, or a 304, which says that the client has the answer already."""
    return status.startswith("2") or status == "304"


def facts(row: dict[str, Any]) -> Facts:
    """The facts of one row."""
    out = Facts()
    out.count = row["count"]
    # A person who wrote a request down says that its path is there: for templating that is as good as an answer.
    out.successes = sum(count for status, count in row["statuses"].items() if is_success(status) or status == UNANSWERED)
    for status, bodies in row.get("responses", {}).items():
        for body in bodies.values() if status.startswith("2") else ():
            out.responses.update(key_paths(body.get("shape", {})))
            out.scalar |= _is_scalar(body.get("shape", {}))
    for body in row.get("requests", {}).values():
        out.requests.update(key_paths(body.get("shape", {})))
    return out


def key_paths(shape: dict[str, Any], prefix: str = "", depth: int = DEPTH) -> Iterator[str]:
    """Paths of keys in a shape: `id`, `owner.id`, `[]`, `[].id`."""
    if depth == 0:
        return
    if "items" in shape or shape.get("arrays"):
        yield f"{prefix}[]"
        yield from key_paths(shape.get("items", {}), f"{prefix}[].", depth)
    if shape.get("maps"):
        yield f"{prefix}*"
    for key, child in shape.get("properties", {}).items():
        yield prefix + key
        yield from key_paths(child, f"{prefix}{key}.", depth - 1)


def alike(one: Place, two: Place, levels: int = _LEVELS) -> tuple[int, int]:
    """How much says that two places are the same, and how much that they are not."""
    pos = neg = 0
    for method in sorted(one.methods.keys() & two.methods.keys()):
        more, less = _compare(method, one.methods[method], two.methods[method])
        pos, neg = pos + more, neg + less
    pos += _same_below(one, two)
    if levels:
        for label in one.children.keys() & two.children.keys():
            more, less = alike(one.children[label], two.children[label], levels - 1)
            pos, neg = pos + more, neg + less
    return pos, neg


def _compare(method: str, one: Facts, two: Facts) -> tuple[int, int]:
    pos = neg = 0
    if min(len(one.responses), len(two.responses)) >= 2:
        share = _overlap(one.responses, two.responses)
        pos, neg = pos + (share >= HIGH), neg + (share < LOW)
    elif (one.responses and two.scalar and not two.responses) or (two.responses and one.scalar and not one.responses):
        neg += 1
    if one.requests and two.requests:
        share = _overlap(one.requests, two.requests)
        contained = one.responses <= two.responses or two.responses <= one.responses
        pos += share >= HIGH and contained
        neg += share < FAR and method != "PATCH"
    return pos, neg


def _overlap(one: set[str], two: set[str]) -> float:
    """Share of the smaller set: containment, since one exchange is compared with the union of a hundred."""
    return len(one & two) / min(len(one), len(two))


def _same_below(one: Place, two: Place) -> int:
    mine, theirs = ({label for label in place.children if label and not label.startswith("{")} for place in (one, two))
    shared = mine & theirs
    return int(len(shared) >= 2 or (len(shared) == 1 and mine == theirs))


def _is_scalar(shape: dict[str, Any]) -> bool:
    return any(shape.get(name) for name in ("strings", "integers", "numbers", "booleans"))
