"""Request bodies and responses of an operation of 3.x, one a media type."""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from caskmcp.compiler.capture.sources.openapi.node import Node
from caskmcp.compiler.capture.sources.openapi.schemas import Direction, Part, Schemas
from caskmcp.compiler.capture.sources.openapi.stated import Answer, unsupported, unsupported_fields
from caskmcp.model.exchange import DeclaredResponse, Skipped

BODY_FIELDS: Final = frozenset({"description", "content", "required", "$ref"})
CONTENT_FIELDS: Final = frozenset({"schema", "example", "examples", "encoding"})
STREAM_FIELDS: Final = frozenset({"itemSchema", "prefixEncoding", "itemEncoding"})
"""Fields of a media type in 3.2: of messages that are sequences of items."""
NO_RESPONSE: Final = "0"
"""What some recorders put in place of a status where the connection broke."""

_STATUS: Final = re.compile(r"[1-5][0-9]{2}|[1-5]XX|default", re.ASCII)
_MEDIA: Final = re.compile(r"[^\s/;]+/[^\s/;]+", re.ASCII)


class Bodies(NamedTuple):
    """A request body in each of its media types."""

    rows: tuple[tuple[str, Part], ...]
    required: bool
    skipped: tuple[Skipped, ...]


def body(node: Node, schemas: Schemas) -> Bodies:
    """A request body. A part's own encoding is no part of the plan, and said to be left out."""
    node.check("a request body", BODY_FIELDS)
    rows: list[tuple[str, Part]] = []
    skipped: list[Skipped] = []
    for name, part in _content(node.need("content", "a request body")):
        schema = part.get("schema")
        rows.append((name, anything(Direction.REQUEST) if schema is None else schemas.part(schema, Direction.REQUEST)))
        skipped += unsupported_fields(part, ("encoding", *sorted(STREAM_FIELDS)))
    return Bodies(tuple(rows), node.flag_of("required"), tuple(skipped))


def anything(direction: Direction) -> Part:
    """The schema of what no schema is stated for."""
    return Part({}, direction)


def responses(operation: Node, schemas: Schemas) -> tuple[tuple[Answer, ...], tuple[Skipped, ...]]:
    """Every status and media type that the document states; links are left out by name."""
    if operation.get("responses") is None and operation.spec.is_old:
        raise operation.refuse("an operation needs `responses`")
    found: list[Answer | Skipped] = []
    for name, node in operation.fields_of("responses"):
        code = status(node, name)
        found.extend(response(code, node.followed(), schemas) if code else [Skipped(node.place, "no response")])
    answers, skipped = (row for row in found if isinstance(row, Answer)), (row for row in found if isinstance(row, Skipped))
    return tuple(answers), tuple(skipped)


def status(node: Node, name: str) -> str:
    """The status that a key of `responses` names; empty for what is no response."""
    code = name if name == "default" else name.upper()
    if name == NO_RESPONSE:
        return ""
    if not _STATUS.fullmatch(code):
        raise node.refuse(f"`{name}` is no status, no range such as 2XX and not `default`")
    return code


def response(code: str, node: Node, schemas: Schemas) -> list[Answer | Skipped]:
    """One status in each of its media types."""
    node.object("a response")
    content = node.get("content")
    out: list[Answer | Skipped] = []
    for name, part in () if content is None else _content(content):
        schema = part.get("schema")
        made = None if schema is None else schemas.part(schema, Direction.RESPONSE)
        out.append(Answer(part, DeclaredResponse(code, name), made))
        out += unsupported_fields(part, sorted(STREAM_FIELDS))
    out = out or [Answer(node, DeclaredResponse(code, ""), None)]
    return out + [unsupported(link, "a link") for _, link in node.fields_of("links")]


def _content(content: Node) -> Iterator[tuple[str, Node]]:
    """Media type in lower case without parameters, and its object; of two that then are the same the first counts."""
    seen: set[str] = set()
    fields = CONTENT_FIELDS | STREAM_FIELDS if content.spec.version == "3.2" else CONTENT_FIELDS
    for key, given in content.fields("`content`"):
        name, node = media(given, key), given.followed() if content.spec.version == "3.2" else given
        node.check("a media type", fields)
        if name not in seen:
            seen.add(name)
            yield name, node


def media(node: Node, key: str) -> str:
    """A media type in lower case without parameters."""
    name = key.partition(";")[0].strip().lower()
    if not _MEDIA.fullmatch(name):
        raise node.refuse(f"`{key}` is no media type")
    return name
