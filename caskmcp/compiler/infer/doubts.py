"""What an operation's evidence lacks or contradicts, as rows of a table: said where it is found, so that nobody takes little for much.

A doubt changes no schema and no risk. It names places and counts, never a value; each row says what a person can do about it.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Final, NamedTuple

from caskmcp.compiler.infer.evidence import successes
from caskmcp.compiler.infer.schema import MOST_KINDS, total
from caskmcp.compiler.normalize import words
from caskmcp.model.contract import Doubt
from caskmcp.model.observation import BodySeen, Group, Row, Shape

_PAGES: Final = ("text/html", "application/xhtml+xml")
_ERRORS: Final = frozenset({"error", "errors", "error code", "error message", "errcode", "errmsg", "exception", "fault"})
"""Names of fields that answers of failure have, words apart."""
_DEEPEST: Final = 12

Finds = Callable[[Group, Row], Iterator[tuple[str, str]]]


class Rule(NamedTuple):
    """A row: how it is found, what it means, and what to do."""

    id: str
    finds: Finds
    """Place and what was seen there."""
    why: str
    mend: str


def _one_sample(group: Group, row: Row) -> Iterator[tuple[str, str]]:
    if not group.declared and successes(row.statuses) == 1:
        yield "operation", "1 success"


def _error_in_success(_: Group, row: Row) -> Iterator[tuple[str, str]]:
    """Fields named like errors that some answers of success have and some have not, or that are mostly null."""
    if any(status.startswith(("4", "5")) for status in row.statuses):
        return
    for status, media, body in _answers(row):
        shape = body.shape
        for name, field in shape.properties.items() if shape else ():
            told = total(field) - field.nulls
            if " ".join(words.split(name)) in _ERRORS and shape is not None and 0 < told < shape.objects:
                yield f"answer {status} {media} /{name}", f"{told} of {shape.objects}"


def _page_among_data(_: Group, row: Row) -> Iterator[tuple[str, str]]:
    pages = sum(body.seen for _, media, body in _answers(row) if media in _PAGES)
    others = sum(body.seen for _, media, body in _answers(row) if media and media not in _PAGES)
    if pages and others:
        yield "answer 2xx", f"{pages} of {pages + others}"


def _unreadable(_: Group, row: Row) -> Iterator[tuple[str, str]]:
    bodies = [(f"answer {status} {media}", media, body) for status, media, body in _answers(row)]
    bodies += [(f"body {media}", media, body) for media, body in row.requests.items()]
    for place, media, body in bodies:
        if media.endswith(("/json", "+json")) and body.unread and body.shape is not None:
            yield place, f"{body.unread} of {body.seen}"


def _contradictory(_: Group, row: Row) -> Iterator[tuple[str, str]]:
    for status, media, body in _answers(row):
        yield from _mixed(body.shape, f"answer {status} {media} ", "", _DEEPEST)
    for media, body in row.requests.items():
        yield from _mixed(body.shape, f"body {media} ", "", _DEEPEST)


def _mixed(shape: Shape | None, place: str, pointer: str, depth: int) -> Iterator[tuple[str, str]]:
    if shape is None or depth == 0:
        return
    found = _kinds(shape)
    if len(found) > MOST_KINDS:
        yield f"{place}{pointer or '/'}", ", ".join(f"{name} {count}" for name, count in found.items())
    for name, child in sorted(shape.properties.items()):
        yield from _mixed(child, place, f"{pointer}/{name}", depth - 1)
    for below in (shape.items, shape.map_values):
        yield from _mixed(below, place, f"{pointer}/*", depth - 1)


def _kinds(shape: Shape) -> dict[str, int]:
    counts = {"array": shape.arrays, "boolean": shape.booleans, "number": shape.integers + shape.numbers, "object": shape.objects}
    return {name: count for name, count in (counts | {"string": shape.strings}).items() if count}


def _answers(row: Row) -> Iterator[tuple[str, str, BodySeen]]:
    for status, bodies in sorted(row.responses.items()):
        for media, body in sorted(bodies.items()) if status.startswith("2") else ():
            yield status, media, body


# fmt: off
RULES: Final = (
    #    id                    finds               why                                                                          mend
    Rule("contradictory-types", _contradictory,    "one place held three kinds of values or more: it may hold anything",        "cask capture import OPENAPI"),
    Rule("error-in-success",    _error_in_success, "answers of success hold errors: a call that failed may look like one that did not", "cask capture import OPENAPI"),
    Rule("one-sample",          _one_sample,       "one success shows one way to call and one answer",                          "cask capture import FILE"),
    Rule("page-among-data",     _page_among_data,  "some successes were answered with a page: a login or an error page, most likely", "cask capture import FILE"),
    Rule("unreadable-answer",   _unreadable,       "bodies that call themselves JSON are none: a page, or cut off",             "cask capture import FILE"),
)
# fmt: on
BY_ID: Final[Mapping[str, Rule]] = {row.id: row for row in RULES}


def doubts(group: Group) -> tuple[Doubt, ...]:
    """All of an operation, sorted by rule and place."""
    if group.row is None:
        return ()
    row = group.row
    found = (Doubt(rule=rule.id, place=place, seen=seen) for rule in RULES for place, seen in rule.finds(group, row))
    return tuple(sorted(found, key=lambda each: (each.rule, each.place)))
