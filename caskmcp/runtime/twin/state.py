"""What callers changed: things that they made or changed, and things that they took away. Everything else is as it was recorded."""

from collections.abc import Mapping
from typing import Any

from caskmcp.runtime.twin import places
from caskmcp.runtime.twin.operations import Known, Operation
from caskmcp.runtime.twin.resources import Resource, listed, made

Name = tuple[str, tuple[str, ...]]
"""A resource's label and the arguments of one thing."""
Thing = dict[str, Any]
Saved = tuple[dict[Name, Thing], dict[Name, Thing], set[Name]]


class State:
    """The things of a twin."""

    def __init__(self, known: Known, rows: tuple[Resource, ...]) -> None:
        self._known = known
        self._ids = {row.label: frozenset(row.ids) for row in rows}
        self._shown = {row.label: _shown(known, row) for row in rows}
        self._written: dict[Name, Thing] = {}
        self._made: dict[Name, Thing] = {}
        self._gone: set[Name] = set()

    def saved(self) -> Saved:
        """How things are now."""
        return dict(self._written), dict(self._made), set(self._gone)

    def restore(self, saved: Saved | None = None) -> None:
        """Set everything back to how it was; without more, to how it was recorded."""
        self._written, self._made, self._gone = ({}, {}, set()) if saved is None else (dict(saved[0]), dict(saved[1]), set(saved[2]))

    def exists(self, resource: Resource, arguments: tuple[str, ...]) -> bool:
        """Whether a thing is there."""
        name = (resource.label, arguments)
        return name not in self._gone and (
            name in self._written or arguments in self._ids[resource.label] or arguments in self._shown[resource.label]
        )

    def is_gone(self, resource: Resource, arguments: tuple[str, ...]) -> bool:
        """Whether a caller took it away."""
        return (resource.label, arguments) in self._gone

    def written(self, resource: Resource, arguments: tuple[str, ...]) -> Thing | None:
        """The thing as callers left it; None if none wrote it."""
        return self._written.get((resource.label, arguments))

    def created(self, resource: Resource) -> tuple[tuple[tuple[str, ...], Thing], ...]:
        """What callers made and nobody took away, in the order in which it was made."""
        return tuple((name[1], self._written[name]) for name in self._made if name[0] == resource.label and name in self._written)

    def ids(self, resource: Resource) -> frozenset[str]:
        """Every id that was ever taken."""
        label = resource.label
        recorded = (row[-1] for row in (*self._ids[label], *self._shown[label]))
        return frozenset((*recorded, *(name[1][-1] for name in (*self._written, *self._gone) if name[0] == label)))

    def thing(self, resource: Resource, arguments: tuple[str, ...]) -> Thing:
        """The thing as it is now; one that only its id is known of looks like another one."""
        if (found := self.written(resource, arguments)) is not None:
            return found
        rows = [row for operation in resource.roles.get("get", ()) for row in self._known.good(operation)]
        exact = next((row for row in rows if row.arguments == arguments), None)
        if exact is not None:
            return _object(places.at(exact.answer.value, resource.root))
        like = _object(places.at(rows[0].answer.value, resource.root)) if rows else {}
        shown = self._shown[resource.label].get(arguments, {})
        return named({**places.common(like, shown), **({} if like else shown)}, resource, arguments)

    def write(self, resource: Resource, arguments: tuple[str, ...], thing: Thing) -> None:
        """Keep a thing as it is now."""
        self._gone.discard((resource.label, arguments))
        self._written[resource.label, arguments] = thing

    def make(self, resource: Resource, arguments: tuple[str, ...], thing: Thing) -> None:
        """Keep a new thing."""
        self.write(resource, arguments, thing)
        self._made[resource.label, arguments] = thing

    def remove(self, resource: Resource, arguments: tuple[str, ...]) -> None:
        """Take a thing away, with all that lies below it."""
        self._written.pop((resource.label, arguments), None)
        self._made.pop((resource.label, arguments), None)
        self._gone.add((resource.label, arguments))


def named(thing: Mapping[str, Any], resource: Resource, arguments: tuple[str, ...]) -> Thing:
    """The thing with the id that its path says."""
    old = thing.get(resource.name)
    counted = places.number(arguments[-1]) if isinstance(old, int) and not isinstance(old, bool) else None
    return {**thing, resource.name: arguments[-1] if counted is None else counted}


def _object(value: Any) -> Thing:
    return dict(value) if isinstance(value, Mapping) else {}


def _shown(known: Known, resource: Resource) -> dict[tuple[str, ...], Thing]:
    """Things that lists and creations showed, by their arguments."""
    found: dict[tuple[str, ...], Thing] = {}
    for operation in resource.roles["create"]:
        for row in known.good(operation):
            _take(found, resource, operation, row.arguments, row.answer.value)
    for arguments, item in listed(known, resource):
        found[arguments] = {**found.get(arguments, {}), **item}
    return found


def _take(found: dict[tuple[str, ...], Thing], resource: Resource, operation: Operation, arguments: tuple[str, ...], value: Any) -> None:
    parents, thing = resource.parents(operation, arguments), made(value, resource.name)
    if parents is not None and thing is not None:
        found[*parents, str(thing[1][resource.name])] = thing[1]
