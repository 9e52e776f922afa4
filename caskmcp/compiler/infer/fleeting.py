"""Which inputs of an operation live for a session, and which are cursors: by the table, over what traffic and documents name."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from caskmcp.compiler.fleeting import Place, rule
from caskmcp.model.contract import Body, Fleeting, Parameter


def fleeting(parameters: Iterable[Parameter], bodies: Iterable[Body]) -> tuple[Fleeting, ...]:
    """All of them, sorted by place. Path parameters are none: they name what the call is about."""
    named = sorted({*_outside(parameters), *(("body", name) for body in bodies for name in _fields(body.schema_))})
    others = [name for _, name in named]
    found = ((place, name, rule(place, name, others)) for place, name in named)
    return tuple(Fleeting(place=f"{place} {name}", rule=row.id, argument=row.argument) for place, name, row in found if row)


def _outside(parameters: Iterable[Parameter]) -> Iterator[tuple[Place, str]]:
    for row in parameters:
        if row.location != "path":
            yield row.location, row.wire


def _fields(schema: Mapping[str, Any]) -> Iterable[str]:
    properties = schema.get("properties")
    return properties if isinstance(properties, Mapping) else ()
