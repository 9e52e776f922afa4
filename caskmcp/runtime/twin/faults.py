"""Faults that a twin can have on purpose: named, deterministic, one row each. For tests of what is meant to find them.

A fault has an effect on the operations to which it applies (`lost-update` on updates, `repeated-page` on lists), or on one of them by its id. It
changes what the twin would have said, or forgets what it was told; the request and the rest of the twin stay as they are.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

from caskmcp.errors import CaskError
from caskmcp.runtime.twin import listing, places
from caskmcp.runtime.twin.operations import Operation
from caskmcp.runtime.twin.play import Twin
from caskmcp.runtime.twin.resources import Role, made
from caskmcp.runtime.twin.wire import Answer, Request

OTHER: Final = "twin-other"
"""What stands where a value is another one."""
Run = Callable[[Twin, Request, Operation], Answer]
Change = Callable[[Answer, Operation], Answer]


class Fault(NamedTuple):
    """One row."""

    name: str
    what: str
    """What is wrong, for people."""
    roles: tuple[Role | None, ...]
    """What the operations that have it do with things; None: nothing that is known."""
    run: Run


@dataclass(frozen=True)
class Planted:
    """A fault in its place."""

    fault: Fault
    operation: str = ""
    """The id of the one operation that has it; empty: all to which it applies."""

    def hits(self, twin: Twin, operation: Operation) -> bool:
        """Whether an operation has it."""
        return operation.id == self.operation or (not self.operation and twin.role(operation) in self.fault.roles)


class Faulty:
    """A twin with faults. Where several hit one operation, the first counts."""

    def __init__(self, twin: Twin, planted: Iterable[Planted]) -> None:
        self._twin = twin
        self._planted = tuple(planted)

    def answer(self, request: Request) -> Answer:
        """As `Twin.answer`, but for the faults."""
        found = self._twin.known.find(request)
        row = next((row for row in self._planted if found is not None and row.hits(self._twin, found[0])), None)
        return self._twin.answer(request) if row is None or found is None else row.fault.run(self._twin, request, found[0])


def planted(twin: Twin, given: Iterable[str]) -> tuple[Planted, ...]:
    """Read `NAME` or `NAME:OPERATION`. Raises CASK-I010 for a fault or an operation that there is none of."""
    return tuple(_planted(twin, text) for text in sorted(given))


def _planted(twin: Twin, given: str) -> Planted:
    name, _, operation = given.partition(":")
    row = next((row for row in FAULTS if row.name == name), None)
    if row is None:
        raise CaskError(
            "CASK-I010", f"there is no fault `{name}`; there are: {', '.join(row.name for row in FAULTS)}", mend="cask verify --help"
        )
    if operation and all(each.id != operation for each in twin.known.operations):
        raise CaskError("CASK-I010", f"the toolpack has no operation `{operation}`", mend="cask gate status")
    return Planted(row, operation)


# ---------------------------------------------------------------- answers that are other ones
def _reply(change: Change) -> Run:
    """A fault that changes successes."""

    def run(twin: Twin, request: Request, operation: Operation) -> Answer:
        answer = twin.answer(request)
        return change(answer, operation) if answer.good else answer

    return run


def _status(status: int) -> Change:
    return lambda answer, _: replace(answer, status=status, value={"error": OTHER}, kind="json", media="application/json")


def _media(answer: Answer, _: Operation) -> Answer:
    return replace(answer, kind="text", value=None, media="text/html", size=64)


def _cut(answer: Answer, _: Operation) -> Answer:
    return replace(answer, kind="text", value=None, size=16)


def _member(change: Callable[[dict[str, Any], str], dict[str, Any]], wanted: Callable[[Any], bool]) -> Change:
    """A fault in one member of each thing of an answer: the first by name that fits and is no id."""

    def changed(answer: Answer, _: Operation) -> Answer:
        way, things = _things(answer.value)
        new = [_with(thing, change, wanted) for thing in things]
        return (
            answer.saying(places.put(answer.value, way, new if isinstance(places.at(answer.value, way), list) else new[0]))
            if new
            else answer
        )

    return changed


def _things(value: Any) -> tuple[places.Way, list[Any]]:
    """The things of an answer and where they stand: of a list, else the innermost object that has something of its own."""
    for way, rows in places.lists(value):
        if rows and all(isinstance(item, dict) for item in rows) and len(way) <= 1:
            return way, rows
    found = [(way, [dict(row)]) for way, row in places.objects(value) if any(_plain(each) for each in row.values())]
    return found[0] if found else ((), [])


def _plain(value: Any) -> bool:
    return isinstance(value, str | int | float) and not isinstance(value, bool)


def _with(thing: dict[str, Any], change: Callable[[dict[str, Any], str], dict[str, Any]], wanted: Callable[[Any], bool]) -> dict[str, Any]:
    name = next((name for name in sorted(thing) if wanted(thing[name]) and name != "id" and not name.endswith("_id")), None)
    return thing if name is None else change(thing, name)


def _other(thing: dict[str, Any], name: str) -> dict[str, Any]:
    value = thing[name]
    return {**thing, name: f"{value}-{OTHER}" if isinstance(value, str) else value + 1}


def _type(thing: dict[str, Any], name: str) -> dict[str, Any]:
    value = thing[name]
    return {**thing, name: [value] if isinstance(value, str) else str(value)}


def _enum(answer: Answer, operation: Operation) -> Answer:
    """A word that no answer had, in a member whose words are known."""
    names = frozenset(name for row in operation.contract.responses for name in _worded(row.schema_ or {}))
    return answer.saying(_reworded(answer.value, names))


def _worded(schema: Any, name: str = "") -> Iterator[str]:
    """Names of members that have one of a few words."""
    if isinstance(schema, Mapping):
        if schema.get("enum") and name:
            yield name
        for keyword, each in schema.items():
            if keyword in ("properties", "$defs") and isinstance(each, Mapping):
                for inner, row in each.items():
                    yield from _worded(row, inner)
            elif keyword in ("items", "anyOf", "oneOf", "additionalProperties"):
                for row in each if isinstance(each, list) else [each]:
                    yield from _worded(row, name)


def _reworded(value: Any, names: frozenset[str]) -> Any:
    if isinstance(value, list):
        return [_reworded(each, names) for each in value]
    if not isinstance(value, dict):
        return value
    return {name: OTHER if name in names and isinstance(each, str) else _reworded(each, names) for name, each in value.items()}


def _rows(change: Callable[[list[Any]], list[Any]]) -> Change:
    """A fault in the list of an answer."""

    def changed(answer: Answer, _: Operation) -> Answer:
        way, rows = _things(answer.value)
        return answer.saying(places.put(answer.value, way, change(rows))) if isinstance(places.at(answer.value, way), list) else answer

    return changed


def _total(answer: Answer, _: Operation) -> Answer:
    for name in listing.TOTALS:
        total = places.at(answer.value, (name,))
        if isinstance(total, int):
            return answer.saying(places.put(answer.value, (name,), total + 1))
    return answer


# ---------------------------------------------------------------- requests that are other ones, writes that are lost
def _lost(twin: Twin, request: Request, _: Operation) -> Answer:
    before = twin.state.saved()
    answer = twin.answer(request)
    twin.state.restore(before)
    return answer


def _stale(twin: Twin, request: Request, _: Operation) -> Answer:
    """As it was recorded, whatever was written since; what was made since is answered."""
    now = twin.state.saved()
    twin.state.restore()
    old = twin.answer(request)
    twin.state.restore(now)
    return old if old.good else twin.answer(request)


def _asking(change: Callable[[Request, Operation], Request]) -> Run:
    return lambda twin, request, operation: twin.answer(change(request, operation))


def _first_page(request: Request, operation: Operation) -> Request:
    paging = operation.contract.paging
    name = paging.argument.rpartition(" ")[2] if paging is not None else ""
    names = {name} if name else {"page", "offset", "cursor"}
    body = {key: value for key, value in request.body.items() if key not in names} if isinstance(request.body, dict) else request.body
    return replace(request, query=tuple(pair for pair in request.query if pair[0] not in names), body=body)


def _no_filter(request: Request, operation: Operation) -> Request:
    return replace(request, query=tuple(pair for pair in request.query if pair[0] in listing.PAGERS))


def _half(request: Request, _: Operation) -> Request:
    """The first half of the members that were given."""
    fields = request.fields
    return replace(request, body={name: fields[name] for name in sorted(fields)[: len(fields) // 2]})


def _another(twin: Twin, request: Request, operation: Operation) -> Answer:
    """The thing of another id."""
    answer = twin.answer(request)
    others = [row.answer for row in twin.known.good(operation) if row.answer.value != answer.value]
    return others[0] if answer.good and others else answer


def _same_id(twin: Twin, request: Request, operation: Operation) -> Answer:
    """A new thing with the id of one that is there."""
    answer, rows = _lost(twin, request, operation), twin.known.good(operation)
    found, old = made(answer.value, "id"), made(rows[0].answer.value, "id") if rows else None
    return answer.saying(places.put(answer.value, (*found[0], "id"), old[1]["id"])) if found and old else answer


READ: Final[tuple[Role | None, ...]] = ("get", "list")
ANY: Final[tuple[Role | None, ...]] = ("get", "list", "create", "update", "delete", None)
# fmt: off
FAULTS: Final = (
    #     name              what is wrong                                          roles         how
    Fault("status-500",     "what succeeded answers 500",                          ANY,          _reply(_status(500))),
    Fault("status-404",     "what is there answers 404",                           READ,         _reply(_status(404))),
    Fault("status-403",     "what was allowed answers 403",                        ANY,          _reply(_status(403))),
    Fault("wrong-media",    "a page is answered in place of data",                 READ,         _reply(_media)),
    Fault("broken-body",    "the body is no JSON",                                 READ,         _reply(_cut)),
    Fault("missing-field",  "a member of each thing is missing",                   READ,         _reply(_member(lambda thing, name: {key: each for key, each in thing.items() if key != name}, _plain))),
    Fault("null-field",     "a member of each thing is null",                      READ,         _reply(_member(lambda thing, name: {**thing, name: None}, _plain))),
    Fault("wrong-type",     "a member of each thing has another type",             READ,         _reply(_member(_type, _plain))),
    Fault("renamed-field",  "a member of each thing has another name",             READ,         _reply(_member(lambda thing, name: {(f"{name}_new" if key == name else key): each for key, each in thing.items()}, _plain))),
    Fault("wrong-value",    "a member of each thing has another value",            READ,         _reply(_member(_other, _plain))),
    Fault("extra-enum",     "a word that was never seen, where few words are",     READ,         _reply(_enum)),
    Fault("wrong-thing",    "another thing than the one that was asked for",       ("get",),     _another),
    Fault("short-list",     "the last thing of a list is missing",                 ("list",),    _reply(_rows(lambda rows: rows[:-1]))),
    Fault("empty-list",     "a list is empty",                                     ("list",),    _reply(_rows(lambda rows: []))),
    Fault("repeated-thing", "the first thing of a list stands in it twice",        ("list",),    _reply(_rows(lambda rows: [*rows[:1], *rows]))),
    Fault("wrong-total",    "a list says that it is longer than it is",            ("list",),    _reply(_total)),
    Fault("repeated-page",  "each page is the first one",                          ("list",),    _asking(_first_page)),
    Fault("ignored-filter", "a filter has no effect",                              ("list",),    _asking(_no_filter)),
    Fault("stale-list",     "a list does not show what was written",               ("list",),    _stale),
    Fault("stale-read",     "a thing is answered as it was before it was changed", ("get",),     _stale),
    Fault("lost-create",    "what was made is not there",                          ("create",),  _lost),
    Fault("reused-id",      "what was made has the id of another thing",           ("create",),  _same_id),
    Fault("lost-update",    "a change is confirmed and not made",                  ("update",),  _lost),
    Fault("partial-update", "half of a change is made",                            ("update",),  _asking(_half)),
    Fault("lost-delete",    "what was taken away is still there",                  ("delete",),  _lost),
)
# fmt: on
