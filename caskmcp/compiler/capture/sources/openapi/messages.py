"""Request bodies and responses of an operation, one a media type."""

import re
from collections.abc import Iterator
from typing import Final

from caskmcp.compiler.capture.sources.openapi.document import Node
from caskmcp.compiler.capture.sources.openapi.schemas import Direction, Schemas
from caskmcp.model.exchange import DeclaredBody, DeclaredResponse, Skipped
from caskmcp.model.record import JsonSchema

BODY_FIELDS: Final = frozenset({"description", "content", "required", "$ref"})
CONTENT_FIELDS: Final = frozenset({"schema", "example", "examples", "encoding"})
NO_RESPONSE: Final = "0"
"""What some recorders put in place of a status where the connection broke."""

_STATUS: Final = re.compile(r"[1-5][0-9]{2}|[1-5]XX|default", re.ASCII)
_MEDIA: Final = re.compile(r"[^\s/;]+/[^\s/;]+", re.ASCII)


def bodies(operation: Node, schemas: Schemas) -> Iterator[DeclaredBody | Skipped]:
    """The bodies that the operation takes. A part's own encoding is no part of the plan, and said to be left out."""
    body = request_body(operation)
    if body is None:
        return
    for _ in body.fields("a request body", known=BODY_FIELDS):
        pass
    for media, node in _content(body.need("content", "a request body")):
        schema = node.get("schema")
        yield DeclaredBody(media, {} if schema is None else schemas.standalone(schema, Direction.REQUEST))
        if node.get("encoding") is not None:
            yield Skipped(_place(node, "encoding"), "unsupported")


def request_body(operation: Node) -> Node | None:
    """The request body's object, if there is one."""
    body = operation.get("requestBody")
    return None if body is None else body.followed()


def responses(operation: Node, schemas: Schemas) -> Iterator[DeclaredResponse | Skipped]:
    """Every status and media type that the document states; links are left out by name."""
    listed = operation.get("responses")
    if listed is None:
        if operation.spec.is_30:
            raise operation.refuse("an operation needs `responses`")
        return
    for status, node in listed.fields("`responses`"):
        if status == NO_RESPONSE:
            yield Skipped(_place(node), "no response")
        elif _STATUS.fullmatch(status.upper() if status != "default" else status):
            yield from _response(status if status == "default" else status.upper(), node.followed(), schemas)
        else:
            raise node.refuse(f"`{status}` is no status, no range such as 2XX and not `default`")


def _response(status: str, node: Node, schemas: Schemas) -> Iterator[DeclaredResponse | Skipped]:
    content = node.get("content")
    rows = [] if content is None else list(_content(content))
    for media, part in rows:
        schema = part.get("schema")
        yield DeclaredResponse(status, media, None if schema is None else _schema(schema, schemas))
    if not rows:
        yield DeclaredResponse(status, "")
    links = node.get("links")
    for name, link in () if links is None else links.fields("`links`"):
        yield Skipped(_place(link) if name else "links", "unsupported")


def _schema(node: Node, schemas: Schemas) -> JsonSchema:
    return schemas.standalone(node, Direction.RESPONSE)


def _content(content: Node) -> Iterator[tuple[str, Node]]:
    """Media type in lower case without parameters, and its object; of two that then are the same the first counts."""
    seen: set[str] = set()
    for key, node in content.fields("`content`"):
        media = key.partition(";")[0].strip().lower()
        if not _MEDIA.fullmatch(media):
            raise node.refuse(f"`{key}` is no media type")
        for _ in node.fields("a media type", known=CONTENT_FIELDS):
            pass
        if media not in seen:
            seen.add(media)
            yield media, node


def _place(node: Node, *below: str) -> str:
    return ".".join(str(step) for step in (*node.at, *below))
