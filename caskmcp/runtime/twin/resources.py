"""Resources: operations on one kind of thing that belong together: get, list, create, update, delete.

They are found by their paths (`/orders` and `/orders/{id}`) and by flows: an operation whose answers gave the id that another one takes. Where
the thing and its id stand in an answer is told by what was recorded: the value that the path had.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from caskmcp.runtime.twin import places
from caskmcp.runtime.twin.operations import Heard, Known, Operation
from caskmcp.runtime.twin.places import Way

Role = Literal["get", "list", "create", "update", "delete"]
PREFERRED: Final = ("id", "uuid", "key", "slug", "name")
"""Names of fields that are ids, where several fields of a thing have its id as their value."""
PATH: Final = "path "


@dataclass(frozen=True)
class Resource:
    """One kind of thing."""

    host: str
    form: tuple[str, ...]
    """Of the path of one thing; its last segment is the id."""
    roles: dict[Role, tuple[Operation, ...]]
    root: Way = ()
    """Where the thing stands in the answer that gets it."""
    name: str = "id"
    """Its member that is the id."""
    ids: tuple[tuple[str, ...], ...] = ()
    """Arguments of the things that were recorded, sorted."""
    lists: dict[str, Way] = field(default_factory=dict)
    """Listing operation -> where the list stands in its answer."""

    @property
    def depth(self) -> int:
        """How many arguments name one thing."""
        return self.form.count("{}")

    @property
    def label(self) -> str:
        """For people and seeds."""
        return f"{self.host}/{'/'.join(self.form)}"

    def holds(self, operation: Operation) -> bool:
        """Whether an operation's path is that of one thing, or lies below it."""
        return operation.host == self.host and operation.form[: len(self.form)] == self.form

    def below(self, operation: Operation) -> bool:
        """Whether it lies below one thing."""
        return self.holds(operation) and len(operation.form) > len(self.form)

    def parents(self, operation: Operation, arguments: tuple[str, ...]) -> tuple[str, ...] | None:
        """The arguments of what things that this operation lists or makes lie in; None if its path does not say."""
        if operation.form == self.form[:-1]:
            return arguments
        return () if self.depth == 1 else None


def resources(known: Known) -> tuple[Resource, ...]:
    """The resources of the operations, sorted by path."""
    found: dict[tuple[str, tuple[str, ...]], list[Operation]] = {}
    for row in known.operations:
        if row.form and row.form[-1] == "{}" and row.contract.call is None and row.contract.method in ITEM:
            found.setdefault((row.host, row.form), []).append(row)
    return tuple(_resource(known, host, form, rows) for (host, form), rows in sorted(found.items()))


ITEM: Final[dict[str, Role]] = {"GET": "get", "PUT": "update", "PATCH": "update", "DELETE": "delete"}


def _resource(known: Known, host: str, form: tuple[str, ...], items: list[Operation]) -> Resource:
    roles: dict[Role, tuple[Operation, ...]] = {}
    for row in items:
        roles[ITEM[row.contract.method]] = (*roles.get(ITEM[row.contract.method], ()), row)
    got = [heard for row in roles.get("get", ()) for heard in known.good(row)]
    root, name = _identity(got) or ((), _flowed(items) or "id")
    base = Resource(host, form, roles, root, name)
    members = _members(got, root)
    near = [row for row in known.operations if row.host == host and row.contract.call is None and row not in items]
    close = [row for row in near if row.form == form[:-1] or _gives(row, items, name)]
    ways = {row.id: way for row in close if (way := _list(known, row, name, members)) is not None}
    roles["list"] = tuple(row for row in close if row.id in ways)
    roles["create"] = tuple(
        row for row in close if row.contract.method == "POST" and row.id not in ways and _makes(known, row, name, members)
    )
    return Resource(host, form, roles, root, name, _ids(known, base), ways)


def _members(got: list[Heard], root: Way) -> frozenset[str]:
    thing = places.at(got[0].answer.value, root) if got else None
    return frozenset(thing) if isinstance(thing, Mapping) else frozenset()


def _gives(operation: Operation, items: list[Operation], name: str) -> bool:
    """Whether answers of an operation gave ids of the thing, by the name that it has in the thing itself: not as a reference to it."""
    return any(
        flow.source == operation.id and flow.argument == f"{PATH}{row.names[-1]}" and flow.field.rsplit("/", 1)[-1] == name
        for row in items
        for flow in row.contract.flows
    )


def _alike(thing: Mapping[str, Any], members: frozenset[str]) -> bool:
    """Whether an object has the members of the thing: most of its own, where the thing is known."""
    return not members or 2 * len(members & thing.keys()) >= min(len(thing), len(members))


def _identity(rows: list[Heard]) -> tuple[Way, str] | None:
    """Where the thing and its id stand, in every answer that got one."""
    said = [(row.arguments[-1], row.answer.value) for row in rows if row.answer.kind == "json"]
    fitting = [
        (way, name)
        for way, thing in (places.objects(said[0][1]) if said else ())
        for name in thing
        if all(places.text(places.at(value, (*way, name))) == given for given, value in said)
    ]
    return min(fitting, key=lambda row: (len(row[0]), _preference(row[1]), row), default=None)


def _preference(name: str) -> int:
    return PREFERRED.index(name) if name in PREFERRED else len(PREFERRED) - 2 if name.endswith("_id") else len(PREFERRED)


def _flowed(items: list[Operation]) -> str:
    """The id's field by the flows: what most answers call it."""
    names = [
        flow.field.rsplit("/", 1)[-1]
        for row in items
        for flow in row.contract.flows
        if flow.argument == f"{PATH}{row.names[-1]}" and not flow.field.endswith("*")
    ]
    return min(names, key=lambda name: (_preference(name), -names.count(name), name), default="")


def _list(known: Known, operation: Operation, name: str, members: frozenset[str]) -> Way | None:
    """Where the answers of an operation hold a list of things."""
    ways = [
        way
        for row in known.good(operation)
        for way, rows in places.lists(row.answer.value)
        if any(isinstance(item, dict) and places.text(item.get(name)) is not None and _alike(item, members) for item in rows)
    ]
    return min(ways, key=lambda way: (-ways.count(way), len(way), way), default=None)


def made(value: Any, name: str) -> tuple[Way, dict[str, Any]] | None:
    """Where an answer holds one thing with an id."""
    return next(((way, dict(row)) for way, row in places.objects(value) if places.text(row.get(name)) is not None), None)


def _makes(known: Known, operation: Operation, name: str, members: frozenset[str]) -> bool:
    found = [made(row.answer.value, name) for row in known.good(operation)]
    return any(row is not None and _alike(row[1], members) for row in found)


def _ids(known: Known, resource: Resource) -> tuple[tuple[str, ...], ...]:
    found = {
        row.arguments[: resource.depth] for operation in known.operations if resource.holds(operation) for row in known.good(operation)
    }
    return tuple(sorted(found))


def listed(known: Known, resource: Resource) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    """Things that lists showed, with their arguments."""
    for operation in resource.roles["list"]:
        for row in known.good(operation):
            parents, rows = resource.parents(operation, row.arguments), places.at(row.answer.value, resource.lists[operation.id])
            if parents is not None and isinstance(rows, list):
                yield from (((*parents, own), item) for item in rows if (own := identity(item, resource.name)) is not None)


def identity(item: Any, name: str) -> str | None:
    """The id of a thing as its path has it; None for what is no thing."""
    return places.text(item.get(name)) if isinstance(item, dict) else None
