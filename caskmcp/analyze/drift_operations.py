"""What was observed of one operation, before and now: its calls, its parameters, bodies and answers, place by place.

Both sides are groups of the same code, so that another inference is never a change of the service. Everything that differs is given with its
odds; what was not called at all differs in nothing.
"""

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from caskmcp.analyze.drift_chance import Gone, Odds, Rose
from caskmcp.analyze.drift_shapes import ANSWER, REQUEST, Difference, compare
from caskmcp.compiler.infer.parameters import PATH_SCHEMAS, parameters, path_schema, wire_schema
from caskmcp.compiler.infer.schema import is_closed, total
from caskmcp.compiler.infer.stage import infer
from caskmcp.model.observation import BodySeen, Group, Piece, Row, Seen, Shape

GONE: Final = frozenset({"404", "405", "410", "501"})
"""Statuses that say that there is no such operation; with ids in the path, the first and third may mean the thing alone."""
NO_ROUTE: Final = frozenset({"405", "501"})
NO_CONTENT: Final = "304"


class Both(NamedTuple):
    """An operation that both sides called."""

    old: Group
    new: Group

    @property
    def rows(self) -> tuple[Row, Row]:
        """What was observed; only asked where both were."""
        assert self.old.row is not None
        assert self.new.row is not None
        return self.old.row, self.new.row


def differences(old: Group, new: Group) -> list[Difference]:
    """Everything that was observed to differ; nothing where one side did not call the operation, and only that it is gone where it is."""
    if new.row is None or not new.row.count:
        return []
    if gone := [*_gone(old, new, new.row)]:
        return gone
    return [row for finds in FINDS for row in finds(Both(old, new))] if old.row is not None and old.row.count else []


# ---------------------------------------------------------------- calls
def _gone(old: Group, new: Group, row: Row) -> Iterator[Difference]:
    """Every call says that there is no such operation, where calls succeeded or a document states it. Of a path with ids it takes several."""
    statuses = {status for status, count in row.statuses.items() if count}
    succeeded = successes(old.row) if old.row is not None else 0
    if not statuses or not statuses <= GONE or not (succeeded or old.declared):
        return
    has_ids = any(piece.name for segment in new.segments for piece in segment.pieces)
    known = 0 if old.row is None else old.row.count - sum(old.row.statuses.get(status, 0) for status in GONE)
    odds = None if statuses <= NO_ROUTE or not has_ids else Odds(row.count, row.count, known)
    said = _listed(old.row.statuses) if old.row is not None else "documented"
    yield Difference("endpoint-removed", "status", said, _listed(row.statuses), odds)


def _scheme(both: Both) -> Iterator[Difference]:
    if both.old.scheme != both.new.scheme and "unknown" not in (both.old.scheme, both.new.scheme):
        yield Difference("scheme-changed", "scheme", both.old.scheme, both.new.scheme)


def _statuses(both: Both) -> Iterator[Difference]:
    old, new = both.rows
    before, after = _successful(old), _successful(new)
    if fresh := sorted(after.keys() - before.keys()):
        odds = Odds(sum(after[status] for status in fresh), sum(after.values()), sum(before.values()))
        yield Difference("status-changed", "status", _listed(before), _listed(after), odds)


def _failures(both: Both) -> Iterator[Difference]:
    old, new = both.rows
    rose = Rose(_failed(new), new.count, _failed(old), old.count)
    if rose.failed * old.count > rose.failed_before * new.count:
        yield Difference("errors-rose", "status", _listed(old.statuses), _listed(new.statuses), rose)


def _auth(both: Both) -> Iterator[Difference]:
    """Another credential in the place of the one that every call had, or beside it. Calls without any may just have been made signed out."""
    old, new = both.rows
    always = [way for way, count in old.auth.items() if count >= old.count]
    for way in sorted(new.auth.keys() - old.auth.keys()):
        swapped = any(not new.auth.get(other) for other in always)
        if always and (swapped or not way.startswith("cookie:")):
            odds = Odds(new.auth[way], new.count, old.count)
            yield Difference("auth-changed", "auth", ", ".join(sorted(old.auth)), ", ".join(sorted(new.auth)), odds)


# ---------------------------------------------------------------- requests
def _paths(both: Both) -> Iterator[Difference]:
    """Values of path parameters by their classes; where they are of several, each new one counts."""
    pairs = zip(_named(both.old), _named(both.new), strict=False)
    for (name, before), (_, after) in pairs:
        one, other = before.classes, after.classes
        if one and other and (fresh := sum(count for kind, count in other.items() if kind not in one)) and _narrow(one):
            odds = Odds(fresh, sum(other.values()), sum(one.values()))
            schemas = (path_schema(before), path_schema(after))
            yield Difference("parameter-type", f"path {name}", _words(one), _words(other), odds, schemas)


def _narrow(classes: Mapping[str, int]) -> bool:
    """Whether values are of one class that says how they look: of several, another one is no news."""
    return len(classes) == 1 and next(iter(classes)) in PATH_SCHEMAS


def _named(group: Group) -> list[tuple[str, Piece]]:
    return [(piece.name, piece) for segment in group.segments for piece in segment.pieces if piece.name]


def _queries(both: Both) -> Iterator[Difference]:
    old, new = both.rows
    good, good_before = successes(new), successes(old)
    for name in sorted(new.query.keys() | old.query.keys()):
        before, after = old.query.get(name), new.query.get(name)
        if before is None and after is not None:
            odds = Odds(_good(after), good, good_before)
            yield Difference("parameter-added", f"query {name}", "absent", "sent", odds)
        elif before is not None and after is not None:
            yield from _wire(before.shape, after.shape, f"query {name}")


def _wire(old: Shape, new: Shape, place: str) -> Iterator[Difference]:
    """Values that travel as text: a number is one of its readings, so that any text may follow a text."""
    before, after = wire_schema(old), wire_schema(new)
    fresh = total(new) - sum(getattr(new, field) for field in _READINGS if getattr(old, field))
    if fresh and not old.strings and not (old.numbers and new.integers == fresh):
        yield Difference(
            "parameter-type",
            place,
            str(before.get("type", "")),
            str(after.get("type", "")),
            Odds(fresh, total(new), total(old)),
            (before, after),
        )
    elif is_closed(old) and is_closed(new) and (words := sorted(new.values.keys() - old.values.keys())):
        odds = Odds(sum(new.values[word] for word in words), new.strings, old.strings)
        yield Difference("request-enum-grown", place, ", ".join(sorted(old.values)), ", ".join(words), odds, (before, after))


_READINGS: Final = ("strings", "booleans", "integers", "numbers", "arrays")


def _bodies(both: Both) -> Iterator[Difference]:
    old, new = both.rows
    yield from _media(_all_bodies(old.requests), _all_bodies(new.requests), "body", "body-media-changed")
    for media in sorted(old.requests.keys() & new.requests.keys()):
        before, after = old.requests[media].shape, new.requests[media].shape
        if before is not None and after is not None:
            yield from compare(before, after, "body", REQUEST)


def _required(both: Both) -> Iterator[Difference]:
    """Parameters without which a call is refused now: inference says so of both sides."""
    old, new = (parameters(observed(side), ()) for side in both)
    before = {(row.location, row.wire): row.required for row in old}
    for row in new:
        if row.location != "path" and row.required and not before.get((row.location, row.wire), False):
            yield Difference("parameter-required", f"{row.location} {row.wire}", "optional", "a call without it is refused")


def _paging(both: Both) -> Iterator[Difference]:
    """How a list is paged through, where both sides say it. Most operations send nothing that could."""
    if not all(row.query or row.requests for row in both.rows):
        return
    one, other = (infer(observed(side)).paging for side in both)
    if one is not None and other is not None:
        said = [(one.style, other.style), (one.argument, other.argument), (one.size, other.size)]
        if any(before and after and before != after for before, after in said):
            before, after = (f"{row.style} {row.argument}".rstrip() for row in (one, other))
            yield Difference("paging-changed", "paging", before, after, _unused(both, one.argument))


def _unused(both: Both, argument: str) -> Gone | None:
    """That no call uses the argument any more that said where a piece begins."""
    old, new = both.rows
    name = argument.removeprefix("query ")
    return Gone(old.query[name].seen, old.count, 0 if name in new.query else new.count) if name in old.query else None


# ---------------------------------------------------------------- answers
def _answers(both: Both) -> Iterator[Difference]:
    old, new = both.rows
    for status in sorted(old.responses.keys() & new.responses.keys()):
        before, after = old.responses[status], new.responses[status]
        if status.startswith("2"):
            yield from _media(_all_bodies(before), _all_bodies(after), f"answer {status}", "media-changed")
            yield from _held(before, after, f"answer {status}")
        elif status[:1] in "45":
            yield from _error(before, after, f"answer {status}")
    yield from _moved(old, new)


def _held(old: Mapping[str, BodySeen], new: Mapping[str, BodySeen], place: str) -> Iterator[Difference]:
    for media in sorted(old.keys() & new.keys()):
        before, after = old[media].shape, new[media].shape
        if before is not None and after is not None:
            yield from compare(before, after, place, ANSWER)


def _error(old: Mapping[str, BodySeen], new: Mapping[str, BodySeen], place: str) -> Iterator[Difference]:
    """Errors are read by people and agents: their form is told as one thing, what is personal in them as ever."""
    for row in _held(old, new, place):
        if row.kind in ("pii-appeared", "secret-appeared"):
            yield row
        elif row.kind not in ("field-added", "enum-grown", ""):
            yield row._replace(kind="error-changed", place=place, before=row.place.removeprefix(place).strip(), schemas=None)


def _moved(old: Row, new: Row) -> Iterator[Difference]:
    """Where success has one status before and another one now: what its answers hold is compared all the same."""
    before, after = _successful(old), _successful(new)
    if len(before) == len(after) == 1 and before.keys() != after.keys():
        (one,), (other,) = before, after
        yield from _held(old.responses.get(one, {}), new.responses.get(other, {}), f"answer {other}")


def _media(old: Mapping[str, int], new: Mapping[str, int], place: str, kind: str) -> Iterator[Difference]:
    if old and (fresh := sorted(new.keys() - old.keys())):
        odds = Odds(sum(new[media] for media in fresh), sum(new.values()), sum(old.values()))
        yield Difference(kind, place, _words(old), _words(new), odds)


def _all_bodies(found: Mapping[str, BodySeen]) -> dict[str, int]:
    """Bodies by media type; one that nobody recorded has none."""
    return {media: body.seen for media, body in found.items() if media and body.seen}


# ---------------------------------------------------------------- counts
def observed(group: Group) -> Group:
    """What traffic alone says of an operation."""
    return group.model_copy(update={"declared": (), "stated": None})


def successes(row: Row) -> int:
    """Calls that succeeded."""
    return sum(count for status, count in row.statuses.items() if status.startswith("2") or status == NO_CONTENT)


def _successful(row: Row) -> dict[str, int]:
    return {status: count for status, count in row.statuses.items() if status.startswith("2") and count}


def _failed(row: Row) -> int:
    """Calls that gave no answer of their own: errors, and redirects, which to a caller of an API mean a login more often than not."""
    return sum(count for status, count in row.statuses.items() if status[:1] in "345" and status != NO_CONTENT)


def _good(seen: Seen) -> int:
    return sum(count for status, count in seen.statuses.items() if status.startswith("2") or status == NO_CONTENT)


def _listed(statuses: Mapping[str, int]) -> str:
    return ", ".join(f"{status} ({count})" for status, count in sorted(statuses.items()))


def _words(names: Mapping[str, int]) -> str:
    return ", ".join(sorted(names))


# fmt: off
FINDS: Final = (
    _scheme, _statuses, _failures, _auth, _paths, _queries, _required, _paging, _bodies, _answers,
)
# fmt: on
