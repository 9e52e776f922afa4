"""The twin itself: a request in, the answer out, and what writes leave behind.

Promises: same contracts, same capture, same requests in the same order, same answers. A request that was recorded gets what was recorded, unless a
caller changed what it is about; a thing that was made can be got, listed, changed and taken away; what is not there is answered as it was recorded that
something is not there.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from caskmcp.runtime.twin import listing, places
from caskmcp.runtime.twin.operations import Heard, Known, Operation
from caskmcp.runtime.twin.resources import Resource, Role, made, resources
from caskmcp.runtime.twin.state import State, Thing, named
from caskmcp.runtime.twin.wire import Answer, Request

MISSING: Final = 404
REFUSED: Final = (422, 400)
READS: Final = ("GET", "HEAD", "OPTIONS")
Handle = Callable[["Twin", Operation, Resource, tuple[str, ...], Request], Answer]


class Twin:
    """Answers requests. Not safe for threads: the server asks one at a time."""

    def __init__(self, known: Known) -> None:
        self.known = known
        self.resources = resources(known)
        self.state = State(known, self.resources)
        self._roles = _roles(self.resources)

    def answer(self, request: Request) -> Answer:
        """The answer to a request."""
        found = self.known.find(request)
        if found is None:
            return self.known.heard.get(request.key) or _error(MISSING, "not_found")
        operation, arguments = found
        exact = self.exact(request)
        if self._is_below_nothing(operation, arguments, exact):
            return self.missing(operation)
        if exact is None and (refused := self._refused(operation, request)) is not None:
            return refused
        role, resource = self._roles.get(operation.id, (None, None))
        if role is None or resource is None:
            return self._other(operation, arguments, request)
        return HANDLES[role](self, operation, resource, arguments, request)

    def role(self, operation: Operation) -> Role | None:
        """What an operation does with things; None if it does nothing that is known."""
        return self._roles[operation.id][0] if operation.id in self._roles else None

    def exact(self, request: Request) -> Answer | None:
        """What was recorded for exactly this request."""
        return self.known.heard.get(request.key)

    def similar(self, operation: Operation, arguments: tuple[str, ...], request: Request) -> Heard | None:
        """The recorded success of an operation that is most like a request."""
        rows = self.known.good(operation)
        return max(rows, key=lambda row: _likeness(row, arguments, request), default=None)

    def missing(self, operation: Operation) -> Answer:
        """How it is said that something is not there: as this operation did, or another one."""
        rows = [*self.known.told.get(operation.id, ()), *(row for name in sorted(self.known.told) for row in self.known.told[name])]
        return next((row.answer for row in rows if row.answer.status == MISSING), None) or _error(MISSING, "not_found")

    def _is_below_nothing(self, operation: Operation, arguments: tuple[str, ...], exact: Answer | None) -> bool:
        """Whether the path leads through a thing that is not there."""
        above = [row for row in self.resources if row.below(operation)]
        gone = any(self.state.is_gone(row, arguments[: row.depth]) for row in above)
        return gone or (exact is None and any(row.ids and not self.state.exists(row, arguments[: row.depth]) for row in above))

    def _refused(self, operation: Operation, request: Request) -> Answer | None:
        """A bad request is answered as bad requests were."""
        if operation.contract.method in READS or not (request.broken or _lacking(operation, request)):
            return None
        rows = self.known.told.get(operation.id, ())
        said = next((row.answer for status in REFUSED for row in rows if row.answer.status == status), None)
        return said or _error(400 if request.broken else 422, "invalid")

    def _other(self, operation: Operation, arguments: tuple[str, ...], request: Request) -> Answer:
        """An operation on no thing that is known, or one that does something with it."""
        row, exact = self.similar(operation, arguments, request), self.exact(request)
        answer = exact if exact is not None else _renamed(row, arguments, request) if row is not None else self.missing(operation)
        if answer.good and operation.contract.method not in READS:
            self._follow(operation, arguments, answer)
        return answer

    def _follow(self, operation: Operation, arguments: tuple[str, ...], answer: Answer) -> None:
        """What was done with a thing shows in it: an answer that is the thing says how it is now."""
        for row in (each for each in self.resources if each.below(operation)):
            own, found = arguments[: row.depth], made(answer.value, row.name)
            if found is not None and places.text(found[1][row.name]) == own[-1]:
                self.state.write(row, own, places.common(self.state.thing(row, own), found[1]))


# ---------------------------------------------------------------- what is done with a thing
def _get(twin: Twin, operation: Operation, resource: Resource, arguments: tuple[str, ...], request: Request) -> Answer:
    written, exact = twin.state.written(resource, arguments), twin.exact(request)
    if written is None and exact is not None and not twin.state.is_gone(resource, arguments):
        return exact
    thing = twin.state.thing(resource, arguments) if twin.state.exists(resource, arguments) else _elsewhere(twin, resource, arguments)
    row = twin.similar(operation, arguments, request)
    if thing is None or row is None:
        return twin.missing(operation)
    return row.answer.saying(places.put(row.answer.value, resource.root, thing))


def _elsewhere(twin: Twin, resource: Resource, arguments: tuple[str, ...]) -> Thing | None:
    """A thing that a caller made under another name: `/flows/{id}` and `/flows/name/{name}` lead to the same."""
    if resource.depth != 1 or twin.state.is_gone(resource, arguments):
        return None
    others = (
        row for row in twin.resources if row is not resource and row.host == resource.host and row.lists.keys() & resource.lists.keys()
    )
    things = (thing for row in others for _, thing in twin.state.created(row))
    return next((thing for thing in things if places.text(thing.get(resource.name)) == arguments[-1]), None)


def _list(twin: Twin, operation: Operation, resource: Resource, arguments: tuple[str, ...], request: Request) -> Answer:
    exact, row = twin.exact(request), twin.similar(operation, arguments, request)
    if exact is not None and not exact.good:
        return exact
    base = Heard(request, arguments, exact) if exact is not None else row
    if base is None:
        return twin.missing(operation)
    return listing.listed(twin.known, twin.state, resource, operation, request, base, exact=exact is not None)


def _create(twin: Twin, operation: Operation, resource: Resource, arguments: tuple[str, ...], request: Request) -> Answer:
    exact, row = twin.exact(request), twin.similar(operation, arguments, request)
    base = exact if exact is not None else row.answer if row is not None else twin.missing(operation)
    found = made(base.value, resource.name) if base.good else None
    if found is None:
        return base
    way, like = found
    given = _given(request, way)
    old, own = like[resource.name], given.get(resource.name)
    if places.text(own) is None:
        own = places.fresh(old, twin.state.ids(resource), f"{resource.label} {request.key}")
    new = {**places.common(like, given), resource.name: own}
    new = {**places.renamed(new, {str(old): str(own)}), resource.name: own}
    parents = resource.parents(operation, arguments)
    if parents is not None:
        _keep(twin, resource, (*parents, str(old)), (*parents, str(own)), new, given)
    return base.saying(places.put(base.value, way, new))


def _keep(twin: Twin, resource: Resource, before: tuple[str, ...], name: tuple[str, ...], new: Thing, given: Mapping[str, Any]) -> None:
    """Keep what was made, in the form in which it will be got: like the thing that was made when it was recorded."""
    form = twin.state.thing(resource, before)
    thing = places.common(places.common(form, given), new) if form.keys() - {resource.name} else new
    twin.state.make(resource, name, {**thing, resource.name: new[resource.name]})


def _update(twin: Twin, operation: Operation, resource: Resource, arguments: tuple[str, ...], request: Request) -> Answer:
    exact, row = twin.exact(request), twin.similar(operation, arguments, request)
    if twin.state.is_gone(resource, arguments) or (exact is None and not twin.state.exists(resource, arguments)):
        return twin.missing(operation)
    base = exact if exact is not None else row.answer if row is not None else Answer(204)
    if not base.good:
        return base
    found = made(base.value, resource.name)
    now = places.common(twin.state.thing(resource, arguments), found[1] if found is not None and exact is not None else {})
    new = named(places.common(now, _given(request, found[0] if found else ())), resource, arguments)
    twin.state.write(resource, arguments, new)
    return base if found is None else base.saying(places.put(base.value, found[0], places.common(found[1], new)))


def _delete(twin: Twin, operation: Operation, resource: Resource, arguments: tuple[str, ...], request: Request) -> Answer:
    exact, row = twin.exact(request), twin.similar(operation, arguments, request)
    if twin.state.is_gone(resource, arguments) or (exact is None and not twin.state.exists(resource, arguments)):
        return twin.missing(operation)
    base = exact if exact is not None else row.answer if row is not None else Answer(204)
    if base.good:
        twin.state.remove(resource, arguments)
    return base


HANDLES: Final[Mapping[Role, Handle]] = {"list": _list, "create": _create, "update": _update, "delete": _delete, "get": _get}


# ---------------------------------------------------------------- parts
def _roles(rows: tuple[Resource, ...]) -> dict[str, tuple[Role, Resource]]:
    """Operation -> what it does, with the things that it is about in the first place: those that its own path names."""
    found: dict[str, tuple[Role, Resource]] = {}
    for row in sorted(rows, key=lambda row: (row.depth, row.form)):
        pairs: list[tuple[Role, Operation]] = [(role, operation) for role in HANDLES for operation in row.roles.get(role, ())]
        for role, operation in pairs:
            if operation.id not in found or _distance(row, operation) < _distance(found[operation.id][1], operation):
                found[operation.id] = role, row
    return found


def _distance(resource: Resource, operation: Operation) -> int:
    """How far an operation's path is from that of the things."""
    whole = resource.form[:-1]
    return 0 if operation.form in (whole, resource.form) else 1 if operation.form[: len(whole)] == whole else 2


def _likeness(row: Heard, arguments: tuple[str, ...], request: Request) -> tuple[int, int, int]:
    """How like a recorded request is: its path, its query, its body."""
    path = sum(one == other for one, other in zip(row.arguments, arguments, strict=True))
    query = len(set(row.request.query) & set(request.query)) * 2 - abs(len(row.request.query) - len(request.query))
    mine, other = row.request.fields, request.fields
    return path, query, sum(mine.get(name) == value for name, value in other.items()) - len(mine.keys() ^ other.keys())


def _renamed(row: Heard, arguments: tuple[str, ...], request: Request) -> Answer:
    """A recorded answer as it would be for other arguments."""
    names = {old: new for old, new in zip(row.arguments, arguments, strict=True) if old != new}
    value = places.renamed(row.answer.value, names) if names else row.answer.value
    if isinstance(value, dict) and "jsonrpc" in value and "id" in request.fields:
        value = {**value, "id": request.fields["id"]}
    return replace(row.answer, value=value)


def _given(request: Request, way: places.Way) -> dict[str, Any]:
    """The members that a body gives a thing: of the body, or of the object in it that is called as in the answer."""
    inner = request.fields.get(way[-1]) if way else None
    return inner if isinstance(inner, dict) else request.fields


def _lacking(operation: Operation, request: Request) -> bool:
    """Whether a body lacks a member that every success had, or is none where one is needed."""
    rows = [row for row in operation.contract.bodies if row.kind == "json"]
    if len(rows) != len(operation.contract.bodies) or not rows or operation.contract.call is not None:
        return False
    needed = [frozenset(map(str, row.schema_.get("required", ()))) for row in rows]
    is_object = all(row.schema_.get("type") == "object" for row in rows)
    return any(row.required for row in rows) and is_object and not any(names <= request.fields.keys() for names in needed)


def _error(status: int, what: str) -> Answer:
    return Answer(status, {"error": what}, "json", "application/json")
