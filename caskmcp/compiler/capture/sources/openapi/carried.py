"""How much the operations of a document may carry: what many of them share is written once, but read with each of them, and tools stand for themselves.

All bodies share one room evenly, and all answers the rest. A schema that needs more than its share keeps what lies nearest and is named; what is
missing accepts any value. The shares depend on the document alone, not on any order. Never stricter than the document: what it accepts is accepted.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from caskmcp.compiler.capture.sources.openapi.node import Path
from caskmcp.compiler.capture.sources.openapi.schemas import Part, Schemas
from caskmcp.errors import CaskError
from caskmcp.model.exchange import Declared, DeclaredBody, DeclaredResponse, Skipped
from caskmcp.model.record import JsonSchema

ALL: Final = 256 << 20
"""Bytes of schemas as compact JSON that the bodies and answers of a document hold together, each with all that it refers to: what is read, and never written so."""
OWN: Final = 6 << 20
"""Bytes of these that answers hold beside what they refer to: what is written with each of them."""
BODIES: Final = 4 << 20
"""Bytes of these that bodies may have: a tool holds all of its body's schema."""
REASON: Final = "too large"

_MAPS: Final = frozenset({"properties", "patternProperties", "$defs", "dependentSchemas"})
_VALUES: Final = frozenset({"enum", "const", "default", "examples", "required", "dependentRequired"})
_UNSURE: Final = frozenset({"oneOf", "not", "if", "then", "else", "maxContains", "unevaluatedItems", "unevaluatedProperties"})
"""Keywords that accept less where a schema inside them accepts more, or where it saw less."""


class Operation(NamedTuple):
    """A declared operation before its schemas are complete."""

    place: str
    declared: Declared
    """Without bodies and responses."""
    bodies: tuple[tuple[str, Part], ...]
    """Media type and schema."""
    responses: tuple[tuple[str, DeclaredResponse, Part | None], ...]
    """Place, status and media type, schema."""


class Rooms(NamedTuple):
    """Bytes that each may have."""

    body: int
    answer: int
    own: int
    """Of an answer, without what it refers to."""


def complete(schemas: Schemas, rows: Sequence[Operation | Skipped]) -> Iterator[Declared | Skipped]:
    """Each operation with its schemas, as far as the room allows, and each row that says what it did not. Raises CASK-C005 if nothing is left."""
    wanted = [row for row in rows if isinstance(row, Operation)]
    bodies = sorted(schemas.size(part) for row in wanted for _, part in row.bodies)
    answers = sorted(schemas.size(part) for row in wanted for _, _, part in row.responses if part)
    body = _share(bodies, BODIES)
    answer = _share(answers, ALL - sum(min(size, body) for size in bodies))
    own = _share(sorted(schemas.own_size(part) for row in wanted for _, _, part in row.responses if part), OWN)
    rooms = Rooms(body, answer, own)
    found = [each for row in rows for each in ([row] if isinstance(row, Skipped) else _completed(schemas, row, rooms))]
    if wanted and not any(isinstance(each, Declared) for each in found):
        raise CaskError("CASK-C005", f"the bodies of each operation need more than {BODIES >> 20} MiB", mend="split the document")
    yield from found


def _share(sizes: Sequence[int], room: int) -> int:
    """What each may have at most, so that all together fit; those that need less leave the rest to the others."""
    for index, size in enumerate(sizes):
        left = len(sizes) - index
        if size * left > room:
            return max(room // left, 0)
        room -= size
    return max(sizes, default=0)


def _completed(schemas: Schemas, row: Operation, rooms: Rooms) -> list[Declared | Skipped]:
    """The operation with what was cut of it."""
    bodies = [(media, *_fitting(schemas, part, rooms.body)) for media, part in row.bodies]
    if any(schema is None for _, schema, _ in bodies):
        return [Skipped(row.place, REASON, detail="its body is too large even without what it refers to")]
    responses = [_answer(schemas, declared, part, rooms) for _, declared, part in row.responses]
    cut = [(f"{row.place}.requestBody", said) for _, _, said in bodies]
    cut += [(place, said) for (place, _, _), (_, said) in zip(row.responses, responses, strict=True)]
    declared = msgspec.structs.replace(
        row.declared,
        bodies=tuple(DeclaredBody(media, schema) for media, schema, _ in bodies if schema is not None),
        responses=tuple(each for each, _ in responses),
    )
    return [*(Skipped(place, REASON, detail=said) for place, said in cut if said), declared]


def _answer(schemas: Schemas, answer: DeclaredResponse, part: Part | None, rooms: Rooms) -> tuple[DeclaredResponse, str]:
    fits = part is not None and schemas.own_size(part) <= rooms.own
    schema, said = _fitting(schemas, part, rooms.answer if fits else 0) if part else (None, "")
    return msgspec.structs.replace(answer, schema=schema), said


def _fitting(schemas: Schemas, part: Part, room: int) -> tuple[JsonSchema | None, str]:
    """A schema as far as it fits, and what was cut of it, in words."""
    if schemas.size(part) <= room:
        return schemas.completed(part), ""
    schema, count = nearest(schemas, part, room)
    return schema, f"{count} of {schemas.count(part)} definitions are kept" if schema is not None else "its schema is not kept"


def nearest(schemas: Schemas, part: Part, room: int) -> tuple[JsonSchema | None, int]:
    """A schema with as many of its nearest definitions as fit, and their number; what refers to the others accepts any value."""
    room -= schemas.size(Part(part.root, part.direction))
    if room < 0:
        return None, 0
    kept: list[Path] = []
    for at in schemas.nearest(part):
        room -= schemas.size_of(at, part.direction)
        if room < 0:
            break
        kept.append(at)
    names = {schemas.name(at) for at in kept}
    root: JsonSchema = {**_cut(part.root, names)}
    definitions = {schemas.name(at): _cut(schemas.definition(at, part.direction), names) for at in sorted(kept, key=schemas.name)}
    return (root | {"$defs": definitions} if definitions else root), len(kept)


def _cut(schema: Any, names: set[str]) -> Any:
    """The schema without references to other names; it accepts at least what it accepted."""
    if not isinstance(schema, Mapping):
        return schema
    out: JsonSchema = {}
    for key, value in schema.items():
        if key == "$ref" and not _is_known(value, names):
            continue
        if key == "oneOf" and "anyOf" not in schema and not _is_whole(value, names):
            out["anyOf"] = _parts("anyOf", value, names)
            continue
        if key == "discriminator" or (key in _UNSURE and (key.startswith(("unevaluated", "max")) or not _is_whole(value, names))):
            continue
        out[key] = value if key in _VALUES else _parts(key, value, names)
    return out


def _parts(key: str, value: Any, names: set[str]) -> Any:
    if key in _MAPS:
        return {name: _cut(child, names) for name, child in value.items()}
    return [_cut(child, names) for child in value] if isinstance(value, list) and key != "type" else _cut(value, names)


def _is_known(reference: Any, names: set[str]) -> bool:
    return str(reference).removeprefix("#/$defs/") in names


def _is_whole(value: Any, names: set[str]) -> bool:
    """Whether a value refers to known names alone, and those nowhere: what a known definition refers to may be cut itself."""
    if isinstance(value, Mapping):
        return "$ref" not in value and all(_is_whole(child, names) for child in value.values())
    return all(_is_whole(child, names) for child in value) if isinstance(value, list) else True
