"""How much the operations of a document may carry: every schema stands for itself later, so what many of them share is written many times.

A request's schema is never cut, since it is what may be sent: operations whose bodies need the most are left out by name. An answer's schema
is cut to what lies nearest, by name too: what is missing then accepts any value. Both limits depend on the document alone, not on any order.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from caskmcp.compiler.capture.sources.openapi.node import Path
from caskmcp.compiler.capture.sources.openapi.schemas import Part, Schemas
from caskmcp.errors import CaskError
from caskmcp.model.exchange import Declared, DeclaredBody, DeclaredResponse, Skipped
from caskmcp.model.record import JsonSchema

ALL: Final = 8 << 20
"""Bytes of schemas as compact JSON that the bodies and answers of a document hold together: the largest artifact is four times as long."""
BODIES: Final = 6 << 20
"""Bytes of these that bodies may have."""
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


def complete(schemas: Schemas, rows: Sequence[Operation | Skipped]) -> Iterator[Declared | Skipped]:
    """Each operation with its schemas, as far as the limits allow, and each row that says what they did not. Raises CASK-C005 if nothing is left."""
    wanted = [row for row in rows if isinstance(row, Operation)]
    sizes = {index: sum(schemas.size(part) for _, part in row.bodies) for index, row in enumerate(wanted)}
    largest = _largest(sorted(sizes.values()), BODIES)
    kept = {id(row): row for index, row in enumerate(wanted) if sizes[index] <= largest}
    if wanted and not kept:
        raise CaskError("CASK-C005", f"the bodies of each operation need more than {BODIES >> 20} MiB", mend="split the document")
    bodies = sum(size for size in sizes.values() if size <= largest)
    answers = [schemas.size(part) for row in kept.values() for _, _, part in row.responses if part]
    share = _share(sorted(answers), ALL - bodies)
    for row in rows:
        if isinstance(row, Skipped):
            yield row
        elif id(row) in kept:
            yield from _completed(schemas, row, share)
        else:
            yield Skipped(row.place, REASON, detail=f"the schemas of its body are larger than {largest:,} bytes")


def _largest(sizes: Sequence[int], room: int) -> int:
    """The largest size of which all that are as large or smaller fit into the room; -1 if there is none."""
    total, best = 0, -1
    for index, size in enumerate(sizes):
        total += size
        if total > room:
            break
        if index + 1 == len(sizes) or sizes[index + 1] > size:
            best = size
    return best


def _share(sizes: Sequence[int], room: int) -> int:
    """What each may have at most, so that all together fit; those that need less leave the rest to the others."""
    for index, size in enumerate(sizes):
        left = len(sizes) - index
        if size * left > room:
            return max(room // left, 0)
        room -= size
    return max(sizes, default=0)


def _completed(schemas: Schemas, row: Operation, share: int) -> Iterator[Declared | Skipped]:
    answers = [_answer(schemas, place, answer, part, share) for place, answer, part in row.responses]
    yield from (skipped for _, skipped in answers if skipped)
    bodies = tuple(DeclaredBody(media, schemas.completed(part)) for media, part in row.bodies)
    yield msgspec.structs.replace(row.declared, bodies=bodies, responses=tuple(answer for answer, _ in answers))


def _answer(
    schemas: Schemas, place: str, answer: DeclaredResponse, part: Part | None, share: int
) -> tuple[DeclaredResponse, Skipped | None]:
    if part is None:
        return answer, None
    if schemas.size(part) <= share:
        return msgspec.structs.replace(answer, schema=schemas.completed(part)), None
    schema, count = nearest(schemas, part, share)
    detail = f"{count} of {schemas.count(part)} definitions are kept" if schema is not None else "its schema is not kept"
    return msgspec.structs.replace(answer, schema=schema), Skipped(place, REASON, detail=detail)


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
