"""Parameters of an operation: path, query and header, from traffic and from documents.

Path parameters are always required. Another one is required only if a document says so, or if it was never absent in a success and its
absence was answered 400 or 422 (SPEC section 6).
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from caskmcp import canon
from caskmcp.compiler.infer.evidence import sources, successes
from caskmcp.compiler.infer.schema import is_closed
from caskmcp.compiler.normalize import names, total
from caskmcp.model.contract import Evidence, Location, Parameter
from caskmcp.model.observation import Group, Piece, Row, Seen, Shape
from caskmcp.model.record import JsonSchema

Plain = Mapping[str, Any]
_REFUSALS: Final = ("400", "422")
PATH_SCHEMAS: Final[dict[str, JsonSchema]] = {
    "integer": {"type": "integer"},
    "uuid": {"type": "string", "format": "uuid"},
    "ulid": {"type": "string", "pattern": "^[0-7][0-9A-HJKMNP-TV-Z]{25}$"},
    "hex": {"type": "string", "pattern": "^[0-9A-Fa-f]+$"},
    "date": {"type": "string", "format": "date"},
}
"""Class of all values of a segment -> schema; another class, or several, is any string."""


def parameters(group: Group, declared: Sequence[Plain]) -> list[Parameter]:
    """All parameters: path first in order, then query and header by name."""
    stated = {(item["location"], item["name"]): item for operation in reversed(declared) for item in operation.get("parameters", ())}
    found = _path(group, stated)
    row = group.row
    listed = group.stated
    places: tuple[tuple[Location, Mapping[str, Seen], Mapping[str, Seen]], ...] = (
        ("query", row.query if row else {}, listed.query if listed else {}),
        ("header", row.headers if row else {}, listed.headers if listed else {}),
    )
    for location, seen, by_people in places:
        wires = {name for where, name in stated if where == location} | {name for name, item in seen.items() if successes(item.statuses)}
        found += [
            _outside(group, location, wire, stated.get((location, wire)), seen.get(wire), by_people.get(wire))
            for wire in sorted(wires | by_people.keys())
        ]
    found += [_outside(group, "cookie", wire, item, None) for (where, wire), item in sorted(stated.items()) if where == "cookie"]
    return _named(found)


def _path(group: Group, stated: Mapping[tuple[str, str], Plain]) -> list[Parameter]:
    pieces = [piece for segment in group.segments for piece in segment.pieces if piece.name]
    return [_segment(group, piece, stated.get(("path", piece.wire))) for piece in pieces]


def _segment(group: Group, piece: Piece, stated: Plain | None) -> Parameter:
    count = group.row.count if group.row else 0
    return Parameter(
        name=piece.name,
        wire=piece.name,
        location="path",
        schema_=stated["schema"] if stated else path_schema(piece),
        required=True,
        why="path",
        description=stated.get("description", "") if stated else "",
        style=stated.get("style", "") if stated else "",
        explode=stated.get("explode") if stated else None,
        evidence=Evidence(
            seen=count,
            total=count,
            sources=sources(spec=stated is not None, traffic=count > 0, collection=group.stated is not None),
        ),
    )


def path_schema(piece: Piece) -> JsonSchema:
    """The schema of a path parameter by the classes of its values."""
    if piece.values:
        return {"type": "string", "enum": sorted(piece.values)}
    known = set(piece.classes)
    return PATH_SCHEMAS.get(next(iter(known)), {"type": "string"}) if len(known) == 1 else {"type": "string"}


def _outside(group: Group, location: Location, wire: str, stated: Plain | None, seen: Seen | None, listed: Seen | None = None) -> Parameter:
    """`listed`: as a collection has it; its types count only where no success shows better."""
    row = group.row
    needed, why = _required(row.statuses if row else {}, stated, seen) if stated or seen or not listed else (False, "collection")
    known = listed if listed is not None and not (seen and successes(seen.statuses)) else seen
    sign = delimiter(known) if known else ""
    several = not sign and known is not None and (known.repeated > 0 or wire.endswith("[]"))
    return Parameter(
        name=names.snake(wire) or "value",
        wire=wire,
        location=location,
        schema_=stated["schema"] if stated else _seen_schema(known, sign, several=several),
        constant=_constant(row, stated, seen),
        required=needed,
        why=why,
        description=stated.get("description", "") if stated else "",
        style=stated.get("style", "") if stated else _STYLES.get((location, sign), ""),
        explode=stated.get("explode") if stated else (True if several else False if sign else None),
        evidence=Evidence(
            seen=seen.seen if seen else 0,
            total=row.count if row else 0,
            sources=sources(spec=stated is not None, traffic=seen is not None, collection=listed is not None),
        ),
    )


_STYLES: Final = {("query", "|"): "pipeDelimited"}
"""(location, what stands between the items of a list) -> style, where it is not the location's own."""
FEWEST_CONSTANT: Final = 3
"""Successes that have to carry one and the same value."""


def delimiter(seen: Seen) -> str:
    """What stands between the items, if every value is a list of one kind or a single item; else nothing."""
    return next(iter(seen.lists)) if len(seen.lists) == 1 and not seen.loose and not seen.repeated else ""


def _seen_schema(seen: Seen | None, sign: str, *, several: bool) -> JsonSchema:
    shape = seen.shape if seen else Shape()
    if not sign:
        return wire_schema(shape, several=several)
    alone = {name: value for name, value in shape.plain().items() if name not in ("arrays", "items")}
    rows = [alone, shape.items.plain()] if shape.items else [alone]
    return wire_schema(Shape.model_validate_json(canon.compact(total.shape(rows))), several=True)


def _constant(row: Row | None, stated: Plain | None, seen: Seen | None) -> str:
    """The one text that every success carried; of a document, what it says that it knows from there."""
    if stated is not None:
        return str(stated.get("constant", ""))
    if row is None or seen is None or seen.shape.arrays or seen.repeated or not 0 < seen.shape.strings == sum(seen.shape.values.values()):
        return ""
    good = successes(row.statuses)
    always = successes(seen.statuses) == good >= FEWEST_CONSTANT and _wire_kinds(seen.shape) == ["strings"]
    return next(iter(seen.shape.values)) if always and len(seen.shape.values) == 1 else ""


def _required(statuses: Mapping[str, int], stated: Plain | None, seen: Seen | None) -> tuple[bool, str]:
    if stated is not None:
        return bool(stated.get("required")), "spec"
    if seen is None:
        return False, "never-from-traffic"
    absent = {status: count - seen.statuses.get(status, 0) for status, count in statuses.items()}
    refused = any(absent.get(status, 0) for status in _REFUSALS)
    return (True, "absence-refused") if refused and not successes(absent) else (False, "never-from-traffic")


def wire_schema(shape: Shape, *, several: bool = False) -> JsonSchema:
    """The schema of values that travel as text. Mixed readings are text: on the wire they are nothing else."""
    one = _wire_scalar(shape)
    return {"type": "array", "items": one} if several else one


def _wire_scalar(shape: Shape) -> JsonSchema:
    kinds = _wire_kinds(shape)
    if shape.arrays:
        return {"type": "string"}  # some were lists, and others were text with a comma in it
    if kinds == ["strings"]:
        return _wire_text(shape)
    if kinds == ["booleans"]:
        return {"type": "boolean"}
    if kinds == ["integers"]:
        return {"type": "integer"}
    return {"type": "number"} if kinds in (["numbers"], ["integers", "numbers"]) else {"type": "string"}


def _wire_kinds(shape: Shape) -> list[str]:
    return [name for name in ("strings", "booleans", "integers", "numbers") if getattr(shape, name)]


def _wire_text(shape: Shape) -> JsonSchema:
    if is_closed(shape):
        return {"type": "string", "enum": sorted(shape.values)}
    name = next((name for name, count in shape.formats.items() if count == shape.strings), None)
    return {"type": "string"} | ({"format": name} if name else {})


def _named(found: list[Parameter]) -> list[Parameter]:
    """The parameters with names that are unique in the operation."""
    given = names.unique(parameter.name for parameter in found)
    return [parameter.model_copy(update={"name": name}) for parameter, name in zip(found, given, strict=True)]
