"""The life of one thing in a twin: make it, get it, find it listed, take it away, and find that it is gone. Through requests alone."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from caskmcp.runtime.twin import places
from caskmcp.runtime.twin.invent import invent
from caskmcp.runtime.twin.operations import Heard, Operation
from caskmcp.runtime.twin.play import Twin
from caskmcp.runtime.twin.resources import Resource
from caskmcp.runtime.twin.wire import Request


class Life(NamedTuple):
    """What was seen of one thing; None where there is no operation for it."""

    resource: str
    made: int
    got: int
    shown: bool | None
    hidden: bool | None
    deleted: int
    after: int

    @property
    def whole(self) -> bool:
        """Whether it went as a life does."""
        return self.made in (200, 201) and self.got == 200 and self.deleted in (200, 202, 204) and self.after == 404 and self.listed

    @property
    def listed(self) -> bool:
        """Whether lists showed it while it was there, and only then."""
        return self.shown in (None, True) and self.hidden in (None, True)


def lives(twin: Twin) -> Iterator[Life]:
    """One life for each resource that can be made, got and taken away."""
    for resource in twin.resources:
        roles = resource.roles
        creates = [
            row for row in roles["create"] if resource.parents(row, ("",) * row.form.count("{}")) is not None and twin.known.good(row)
        ]
        gets = [row for row in roles.get("get", ()) if twin.known.good(row)]
        deletes = [row for row in roles.get("delete", ()) if twin.known.good(row)]
        if creates and gets and deletes:
            yield _life(twin, resource, creates[0], gets[0], deletes[0])


def _life(twin: Twin, resource: Resource, create: Operation, get: Operation, delete: Operation) -> Life:
    like = twin.known.good(create)[0]
    made = twin.answer(_changed(create, like, resource))
    own = next((str(row[resource.name]) for _, row in places.objects(made.value) if resource.name in row), "none")
    arguments = (*(like.arguments if create.form == resource.form[:-1] else ()), own)
    got = twin.answer(Request("GET", resource.host, path(get, arguments)))
    shown = _listed(twin, resource, arguments)
    gone = twin.answer(Request("DELETE", resource.host, path(delete, arguments)))
    after = twin.answer(Request("GET", resource.host, path(get, arguments)))
    still = _listed(twin, resource, arguments)
    return Life(resource.label, made.status, got.status, shown, None if still is None else not still, gone.status, after.status)


def _changed(create: Operation, like: Heard, resource: Resource) -> Request:
    """A recorded creation with another name, or what the contract allows: as a caller would make one more."""
    body = dict(like.request.fields) or {
        name: value for row in create.contract.bodies for name, value in invent(row.schema_, "more").items()
    }
    if isinstance(body.get(resource.name), str):
        body[resource.name] = f"{body[resource.name]}-more"
    return Request("POST", resource.host, like.request.path, like.request.query, body)


def path(operation: Operation, arguments: tuple[str, ...]) -> str:
    """The path of an operation with its arguments."""
    left = iter(arguments)
    rows = (
        next(left) if any(piece.name for piece in segment.pieces) else "".join(piece.text for piece in segment.pieces)
        for segment in operation.contract.segments
    )
    return "/" + "/".join(rows)


def _listed(twin: Twin, resource: Resource, arguments: tuple[str, ...]) -> bool | None:
    """Whether any list that says in which things it lies shows the thing; None if there is no such list."""
    seen: list[bool] = []
    for operation in resource.roles["list"]:
        rows = [row for row in twin.known.good(operation) if resource.parents(operation, row.arguments) == arguments[:-1]]
        if rows and operation.form in (resource.form[:-1], (*resource.form[:-1], "filter")):
            said = twin.answer(Request(operation.contract.method, resource.host, rows[0].request.path, (), _plain(operation)))
            found = places.at(said.value, resource.lists[operation.id])
            seen.append(any(places.text(item.get(resource.name)) == arguments[-1] for item in found if isinstance(item, dict)))
    return any(seen) if seen else None


def _plain(operation: Operation) -> Any:
    return {} if operation.contract.method == "POST" else None
