"""Request bodies and answers of an operation, from traffic and from documents. A document's schema is kept whole and wins."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from caskmcp.compiler.capture.streams import is_stream
from caskmcp.compiler.infer.evidence import COLLECTION, fields, sources, successes
from caskmcp.compiler.infer.parameters import wire_schema
from caskmcp.compiler.infer.recursion import gathered
from caskmcp.compiler.infer.schema import FEWEST_SAMPLES, PARTIAL, REQUEST, RESPONSE, STATED, Side, mark_doubtful, required, schema, total
from caskmcp.model.contract import Body, Evidence, Response
from caskmcp.model.observation import BodySeen, Group, Shape
from caskmcp.model.record import JsonSchema

Plain = Mapping[str, Any]
_KINDS: Final = {"application/x-www-form-urlencoded": "form", "multipart/form-data": "multipart"}
_FORMS: Final = ("form", "multipart")
NO_CONTENT: Final = ("204", "304")


def bodies(group: Group, declared: Sequence[Plain]) -> list[Body]:
    """Request bodies by media type."""
    stated = {item["media"]: item["schema"] for operation in reversed(declared) for item in operation.get("bodies", ())}
    seen = {media: found for media, found in (group.row.requests if group.row else {}).items() if media and _was_accepted(found)}
    by_spec = any(operation.get("body_required") for operation in declared)
    needed = by_spec if stated else _is_needed(group, seen)
    found = [
        _body(media, stated.get(media), seen.get(media), PARTIAL if group.method == "PATCH" else REQUEST, needed=needed)
        for media in sorted(stated.keys() | seen.keys())
    ]
    listed = {media: row for media, row in (group.stated.requests if group.stated else {}).items() if media and _was_accepted(row)}
    return found + [_listed(media, listed[media]) for media in sorted(listed.keys() - stated.keys() - seen.keys())]


def _listed(media: str, row: BodySeen) -> Body:
    """A body that a collection alone shows."""
    kind = kind_of(media, row)
    return Body(media=media, kind=kind, schema_=request_schema(row.shape or Shape(), kind, STATED), evidence=Evidence(sources=COLLECTION))


def _was_accepted(found: BodySeen) -> bool:
    return found.shape is not None or found.unread > 0


def _is_needed(group: Group, seen: Mapping[str, BodySeen]) -> bool:
    """Whether every success had a body, three or more of them."""
    bodiless = group.row.bodiless if group.row else {}
    count = sum(_samples(found) for found in seen.values())
    return count >= FEWEST_SAMPLES and not successes(bodiless)


def _samples(found: BodySeen) -> int:
    return found.unread + (total(found.shape) if found.shape else 0)


def _body(media: str, stated: JsonSchema | None, seen: BodySeen | None, side: Side, *, needed: bool) -> Body:
    kind = kind_of(media, seen)
    shape = seen.shape if seen and seen.shape else Shape()
    counted = _samples(seen) if seen else 0
    found = sources(spec=stated is not None, traffic=seen is not None)
    if seen is not None and seen.same:
        # The same request again is no further sample: it does not show what may be left out.
        side = side._replace(fewest=None)
    return Body(
        media=media,
        kind=kind,
        schema_=stated if stated is not None else _sequence(media, shape, side) if is_stream(media) else request_schema(shape, kind, side),
        required=needed,
        evidence=Evidence(seen=counted, total=counted, sources=found),
        fields=fields(shape, found) if seen else {},
    )


def kind_of(media: str, seen: BodySeen | None = None) -> Any:
    """How a body of a media type is written: `json`, `form`, `multipart`, `text` or `binary`."""
    if is_stream(media):
        return "text"
    # A body that nobody holds counts as binary; what its media type is, is known all the same.
    if (
        seen is not None
        and seen.kind in ("json", *_FORMS, "text", "binary")
        and (seen.shape is not None or seen.kind not in ("json", "binary"))
    ):
        return seen.kind
    if media in _KINDS:
        return _KINDS[media]
    if media.endswith(("/json", "+json")):
        return "json"
    return "text" if media.startswith("text/") and (seen is None or seen.kind != "binary") else "binary"


def request_schema(shape: Shape, kind: str, side: Side = REQUEST) -> JsonSchema:
    """The schema of what was accepted. Fields of forms travel as text; what is no JSON and no form has no schema."""
    if kind in _FORMS:
        out: JsonSchema = {"type": "object", "properties": {key: _form_field(child) for key, child in sorted(shape.properties.items())}}
        needed = required(shape, side)
        mark_doubtful(out["properties"], shape, needed, side)
        return out | ({"required": needed} if needed else {}) | ({"additionalProperties": False} if side.closed else {})
    return schema(shape, side) if kind == "json" else {}


def _sequence(media: str, shape: Shape, side: Side) -> JsonSchema:
    """A body that is sent as text and holds a sequence: what its items are stands in `contentSchema` (JSON Schema 2020-12, section 8.5)."""
    return gathered({"type": "string", "contentMediaType": media} | ({"contentSchema": schema(shape, side)} if shape.arrays else {}))


def _form_field(shape: Shape) -> JsonSchema:
    return {"type": "array", "items": wire_schema(shape.items or Shape())} if shape.arrays else wire_schema(shape)


def responses(group: Group, declared: Sequence[Plain]) -> list[Response]:
    """Answers by status and media type; a status that was answered without any body has an empty media type."""
    stated = {
        (item["status"], item["media"]): item.get("schema") for operation in reversed(declared) for item in operation.get("responses", ())
    }
    row = group.row
    seen = {(status, media): found for status, by_media in (row.responses if row else {}).items() for media, found in by_media.items()}
    answered = set(row.statuses if row else {}) - {status for status, _ in (*seen, *stated)} - {"0"}
    keys = sorted(stated.keys() | seen.keys() | {(status, "") for status in answered})
    return [_response(group, key, (key in stated, stated.get(key)), seen.get(key)) for key in keys]


def _response(group: Group, key: tuple[str, str], stated: tuple[bool, JsonSchema | None], seen: BodySeen | None) -> Response:
    status, media = key
    count = seen.seen if seen else 0
    of = group.row.statuses.get(status, 0) if group.row else 0
    found = sources(spec=stated[0], traffic=of > 0)
    shape = seen.shape if seen else None
    inferred = schema(shape, RESPONSE) if shape is not None else None
    return Response(
        status=status,
        media=media,
        schema_=stated[1] if stated[0] and stated[1] is not None else inferred,
        evidence=Evidence(seen=count, total=of, sources=found),
        fields=fields(shape, found) if shape is not None else {},
    )
