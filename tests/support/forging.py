"""The tools of `fixtures/hostile/forging/openapi.json`, written down by hand as a reviewer would have approved them."""

from typing import Final

from caskmcp.model.tool import BodyPlan, Field_, PathPiece, PathSegment, Tool
from tests.support.calls import argument, literal, tool

HOST: Final = "forge.tinyshop.example"
TEXT: Final = {"type": "string"}
V1: Final = literal("v1")


def _body(media: str, kind: str, *names: str) -> BodyPlan:
    fields = tuple(Field_(argument=name, wire=name) for name in names)
    return BodyPlan.model_validate_json(
        BodyPlan(media=media, kind="json", fields=fields).model_copy(update={"kind": kind}).model_dump_json()
    )


LIST_POSTS: Final = tool(
    "list_posts",
    host=HOST,
    segments=(V1, literal("users"), argument("id"), literal("posts")),
    properties={
        "id": TEXT,
        "q": TEXT,
        "page": {"type": "integer", "minimum": 1},
        "sort": {"type": "string", "enum": ["new", "old"]},
        "tag": {"type": "array", "items": TEXT},
    },
    required=("id",),
    query=tuple(Field_(argument=name, wire=name) for name in ("q", "page", "sort", "tag")),
)
GET_FILE: Final = tool(
    "get_file",
    host=HOST,
    segments=(V1, literal("files"), argument("name")),
    properties={"name": TEXT, "X-Trace": TEXT, "theme": TEXT},
    required=("name",),
    headers=(Field_(argument="X-Trace", wire="X-Trace", style="simple"),),
    cookies=(Field_(argument="theme", wire="theme"),),
)
GET_RANGE: Final = tool(
    "get_range",
    host=HOST,
    segments=(
        V1,
        literal("range"),
        PathSegment(pieces=(PathPiece(argument="a", charset="integer"), PathPiece(text=".."), PathPiece(argument="b", charset="integer"))),
    ),
    properties={"a": {"type": "integer"}, "b": {"type": "integer"}},
    required=("a", "b"),
)
CREATE_ORDER: Final = tool(
    "create_order",
    method="POST",
    host=HOST,
    effect="write",
    risk="medium",
    segments=(V1, literal("orders")),
    properties={
        "sku": {"type": "string", "pattern": "^[A-Z]{3}-[0-9]{3}$"},
        "count": {"type": "integer", "minimum": 1, "maximum": 100},
        "note": {"type": "string", "maxLength": 200},
        "amount": {"type": "number"},
        "big": {"type": "integer"},
        "meta": {"type": "object"},
    },
    required=("sku", "count"),
    body=_body("application/json", "json", "sku", "count", "note", "amount", "big", "meta"),
)
POST_FORM: Final = tool(
    "post_form",
    method="POST",
    host=HOST,
    effect="write",
    risk="medium",
    segments=(V1, literal("form")),
    properties={"a": TEXT, "b": TEXT},
    required=(),
    body=_body("application/x-www-form-urlencoded", "form", "a", "b"),
)
UPLOAD: Final = tool(
    "upload",
    method="POST",
    host=HOST,
    effect="write",
    risk="medium",
    segments=(V1, literal("upload")),
    properties={"file": {"type": "string", "format": "binary"}, "label": TEXT},
    required=(),
    body=_body("multipart/form-data", "multipart", "file", "label"),
)
TOOLS: Final[dict[str, Tool]] = {
    "listPosts": LIST_POSTS,
    "getFile": GET_FILE,
    "getRange": GET_RANGE,
    "createOrder": CREATE_ORDER,
    "postForm": POST_FORM,
    "upload": UPLOAD,
}
"""operationId -> tool."""
