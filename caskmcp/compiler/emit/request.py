"""The request plan: method, origin, path, query, headers, cookies and body as a closed grammar (SPEC promise 6)."""

import re
from typing import Any, Final, Literal
from urllib.parse import quote

from caskmcp.compiler.emit.arguments import PATH_FORMATS, PATH_LENGTH, Argument, Arguments
from caskmcp.model.contract import Body, Contract
from caskmcp.model.observation import Call, Piece, Segment
from caskmcp.model.record import JsonSchema
from caskmcp.model.tool import BodyPlan, Field_, PathPiece, PathSegment, RequestPlan

METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "QUERY"})
"""Methods that a tool may have. CONNECT and TRACE are never offered."""

MCP_ACCEPT: Final = "application/json, text/event-stream"
"""What a client of an MCP server has to accept (MCP 2026-07-28, Streamable HTTP)."""
_PATH_SAFE: Final = "-._~!$&'()*+,;=:@"
"""Characters that stand for themselves in a segment (RFC 3986 section 3.3)."""
_HOST: Final = re.compile(r"[a-z0-9_](?:[a-z0-9_.-]{0,251}[a-z0-9])?", re.ASCII)
_TOKEN_FORMATS: Final = frozenset({"uuid", "date", "ulid"})
_TOKEN_TEXT: Final = re.compile(r"[A-Za-z0-9._~-]+", re.ASCII)
_STYLES: Final = frozenset({"form", "deepObject", "spaceDelimited", "pipeDelimited", "simple"})

Charset = Literal["integer", "token", "text"]


def refusal(contract: Contract) -> str:
    """Why no tool can be made of a contract; empty if one can."""
    if contract.method.upper() not in METHODS:
        return "its method is never offered"
    if contract.scheme not in ("http", "https"):
        return "its scheme is not http or https"
    if not _HOST.fullmatch(contract.host):
        return "its host is not written as a host"
    texts = ("".join(piece.text for piece in row.pieces) for row in contract.segments if not any(piece.name for piece in row.pieces))
    return "a segment of its path is `.` or `..`" if any(text in (".", "..") for text in texts) else ""


def plan(contract: Contract, arguments: Arguments) -> RequestPlan:
    """The plan of a contract that `refusal` has nothing against."""
    return RequestPlan(
        method=contract.method.upper(),
        scheme="https" if contract.scheme == "https" else "http",
        host=contract.host,
        port=contract.port,
        segments=tuple(_segment(row, arguments) for row in contract.segments),
        query=tuple(_field(row, "form") for row in arguments.at("query")),
        headers=tuple(_field(row, "simple") for row in arguments.at("header")),
        cookies=tuple(_field(row, "form") for row in arguments.at("cookie")),
        accept=MCP_ACCEPT if is_mcp(contract) else accept(contract),
        body=_pinned(contract, contract.call, arguments) if contract.call else _body(contract, arguments.body, arguments.at("body")),
        constants=contract.call.headers if contract.call else {},
    )


def is_mcp(contract: Contract) -> bool:
    """Whether the operation is a tool of an MCP server: its answers come in an envelope."""
    return contract.call is not None and contract.call.protocol == "mcp"


def success_media(contract: Contract) -> tuple[str, ...]:
    """Media types of successful answers, sorted."""
    return tuple(sorted({row.media for row in contract.responses if row.status.startswith("2") and row.media}))


def accept(contract: Contract) -> str:
    """The media type to ask for: JSON if the operation has it, else its only one, else anything."""
    media = [row for row in success_media(contract) if re.fullmatch(r"[\w.+-]+/[\w.+-]+", row, re.ASCII)]
    json = [row for row in media if is_json(row)]
    if json or not media:
        return "application/json" if "application/json" in json or not json else json[0]
    return media[0] if len(media) == 1 else "*/*"


def is_json(media: str) -> bool:
    """Whether a media type is JSON (RFC 6839)."""
    return media == "application/json" or media.endswith("+json")


# ---------------------------------------------------------------- path
def _segment(segment: Segment, arguments: Arguments) -> PathSegment:
    return PathSegment(pieces=tuple(_piece(piece, arguments) for piece in segment.pieces))


def _piece(piece: Piece, arguments: Arguments) -> PathPiece:
    if not piece.name:
        return PathPiece(text=quote(piece.text, safe=_PATH_SAFE))
    argument = next(row for row in arguments.at("path") if row.wire == piece.name)
    return PathPiece(argument=argument.key, charset=charset(argument.schema), max_length=max_length(argument.schema))


def charset(schema: JsonSchema) -> Charset:
    """The characters of a path argument: as few as its schema needs."""
    if schema.get("type") == "integer":
        return "integer"
    enum: list[Any] = schema.get("enum", [])
    if schema.get("type") == "boolean" or schema.get("format") in _TOKEN_FORMATS:
        return "token"
    return "token" if enum and all(isinstance(row, str) and _TOKEN_TEXT.fullmatch(row) for row in enum) else "text"


def max_length(schema: JsonSchema) -> int:
    """Characters of a path argument before encoding."""
    if schema.get("type") != "string":
        return 40
    return int(schema.get("maxLength", PATH_FORMATS.get(schema.get("format", ""), PATH_LENGTH)))


# ---------------------------------------------------------------- the rest
def _field(row: Argument, style: Literal["form", "simple"]) -> Field_:
    chosen: Any = row.style if row.style in _STYLES else style
    explode = chosen in ("form", "deepObject") if row.explode is None else row.explode
    return Field_(argument=row.key, wire=row.wire, style=chosen, explode=explode, default=row.default)


def _body(contract: Contract, body: Body | None, rows: tuple[Argument, ...]) -> BodyPlan | None:
    if body is None:
        return None
    kind: Any = "text" if body.kind == "binary" else body.kind
    media = body.media if re.fullmatch(r"[\w.+-]+/[\w.+-]+", body.media, re.ASCII) else _MEDIA[kind]
    if len(rows) == 1 and not rows[0].wire:
        return BodyPlan(media=media, kind=kind, argument=rows[0].key, required=body.required)
    required = body.required or (kind == "json" and is_always_sent(contract))
    return BodyPlan(media=media, kind=kind, fields=tuple(_field(row, "form") for row in rows), required=required)


def is_always_sent(contract: Contract) -> bool:
    """Whether each success had a body, and no document says that one may be missing: an empty object is then what was seen, and none is not."""
    documented = any("spec" in row.evidence.sources for row in contract.bodies)
    return not documented and 0 < contract.evidence.seen <= sum(row.evidence.seen for row in contract.bodies)


def _pinned(contract: Contract, call: Call, arguments: Arguments) -> BodyPlan:
    """The body of a call: what is asked for as constants, the arguments at their place below."""
    rows = tuple(row for row in arguments.at("body") if call.within or (row.wire and row.wire not in call.constants))
    whole = rows[0].key if len(rows) == 1 and not rows[0].wire else ""
    return BodyPlan(
        media=_MEDIA["json"],
        kind="query" if contract.method.upper() == "GET" else "json",
        argument=whole,
        fields=() if whole else tuple(_field(row, "form") for row in rows),
        required=True,
        constants=call.constants,
        within=call.within if rows else (),
    )


_MEDIA: Final = {
    "json": "application/json",
    "form": "application/x-www-form-urlencoded",
    "multipart": "multipart/form-data",
    "text": "text/plain",
}
