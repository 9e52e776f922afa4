"""From a signed request plan and checked arguments to the bytes of one request (SPEC promise 6: the request language is closed).

Promises: method, scheme, host, port, literal text, constants, names of parameters, headers and cookies come from the plan alone; an argument fills the
one place that the plan gives it, and a value that would reach further is refused with CASK-R003. Same plan and arguments, same bytes.
The arguments have passed `arguments`; whether the request may be sent, and where to, is decided by later steps of the gateway.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import unquote

from caskmcp import __version__, canon
from caskmcp.model.tool import BodyPlan, Field_, PathPiece, PathSegment, RequestPlan, Tool
from caskmcp.runtime import wire
from caskmcp.runtime.wire import leaves

Arguments = Mapping[str, Any]

PORTS: Final = {"http": 80, "https": 443}
LONGEST_TARGET: Final = 32 << 10
LONGEST_PIECE: Final = 4096
"""Characters of an argument in the path, where the plan sets no bound."""
LITERAL: Final = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})*", re.ASCII)
INTEGER: Final = re.compile(r"-?[0-9]+", re.ASCII)
UNRESERVED: Final = re.compile(r"[A-Za-z0-9._~-]+", re.ASCII)
METHOD: Final = re.compile(r"[A-Z]{3,12}", re.ASCII)
MEDIA: Final = re.compile(r"[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+(?:; ?[a-z]+=[A-Za-z0-9._-]+)?", re.ASCII)
ACCEPT: Final = re.compile(r"[\x20-\x7e]{1,200}", re.ASCII)


@dataclass(frozen=True)
class PreparedRequest:
    """One request, ready to be sent to a checked address."""

    method: str
    scheme: str
    host: str
    """Where it goes, as approved or as the chosen environment says; a name or a literal, without brackets."""
    port: int
    target: bytes
    """Path and query as they stand on the wire."""
    headers: tuple[tuple[str, str], ...]
    """In order; `Host` is the approved host, whatever the environment."""
    body: bytes = b""

    def with_header(self, name: str, value: str) -> "PreparedRequest":
        """A copy with one more header; one of that name is replaced."""
        kept = tuple(row for row in self.headers if row[0].lower() != name.lower())
        return replace(self, headers=(*kept, (name, value)))


def prepare(tool: Tool, arguments: Arguments) -> PreparedRequest:
    """The one request that the arguments make. Raises CASK-R003 if they leave the plan's grammar."""
    plan = tool.request
    arguments = {field.argument: field.default for field in (*plan.query, *plan.headers) if field.default} | dict(arguments)
    if not METHOD.fullmatch(plan.method) or not ACCEPT.fullmatch(plan.accept):
        raise leaves("the approved request has a method or an Accept header that is none")
    content_type, body = _body(plan.body, arguments, tool) if plan.body else ("", b"")
    target = _path(plan, arguments) + _query(plan, arguments, tool)
    if len(target) > LONGEST_TARGET:
        raise leaves(f"the request target would be longer than {LONGEST_TARGET} bytes")
    return PreparedRequest(
        method=plan.method,
        scheme=plan.scheme,
        host=plan.host,
        port=plan.port or PORTS[plan.scheme],
        target=target.encode("ascii"),
        headers=tuple(_headers(plan, arguments, content_type, body)),
        body=body,
    )


def authority(plan: RequestPlan) -> str:
    """The approved host as `cask.yaml` writes it: with the port where the plan has one."""
    return f"{plan.host}:{plan.port}" if plan.port and plan.port != PORTS[plan.scheme] else plan.host


# ---------------------------------------------------------------- the path
def _path(plan: RequestPlan, arguments: Arguments) -> str:
    return "/" + "/".join(_segment(segment, arguments) for segment in plan.segments)


def _segment(segment: PathSegment, arguments: Arguments) -> str:
    text = "".join(_piece(piece, arguments) for piece in segment.pieces)
    filled = any(piece.argument for piece in segment.pieces)
    if _climbs(unquote(text)) or (filled and not text):
        raise leaves("a path argument would make a segment that is empty, `.` or `..`")
    return text


def _climbs(decoded: str) -> bool:
    """Whether any reader of the decoded segment could take a part of it for `.` or `..`; `;` begins parameters in some servers."""
    return any(part.split(";")[0].strip() in (".", "..") for part in re.split(r"[/\\]", decoded))


def _piece(piece: PathPiece, arguments: Arguments) -> str:
    if not piece.argument:
        if not LITERAL.fullmatch(piece.text):
            raise leaves("the approved path holds a character that is none of a path")
        return piece.text
    if arguments.get(piece.argument) is None:
        raise leaves(f"`{piece.argument}` is part of the path and is missing")
    text = _path_text(arguments[piece.argument], piece)
    if not text or len(text) > (piece.max_length or LONGEST_PIECE):
        raise leaves(f"`{piece.argument}` has to have 1 to {piece.max_length or LONGEST_PIECE} characters")
    if not _CHARSETS[piece.charset or "token"](text):
        raise leaves(f"`{piece.argument}` holds a character that its place in the path does not take")
    return wire.escaped(text)


def _path_text(value: Any, piece: PathPiece) -> str:
    # JSON Schema takes 3.0 for an integer; on the wire it is 3.
    whole = isinstance(value, float) and value.is_integer() and piece.charset == "integer"
    return wire.plain(int(value) if whole else value, piece.argument)


def _integer(text: str) -> bool:
    return INTEGER.fullmatch(text) is not None


def _token(text: str) -> bool:
    return UNRESERVED.fullmatch(text) is not None


def _text(text: str) -> bool:
    return not _climbs(text)


_CHARSETS: Final[Mapping[str, Callable[[str], bool]]] = {"integer": _integer, "token": _token, "text": _text}


# ---------------------------------------------------------------- query, headers, cookies
def _query(plan: RequestPlan, arguments: Arguments, tool: Tool) -> str:
    made = [(name, value, field) for field in _given(plan.query, arguments) for name, value in _pairs(field, arguments, tool)]
    asked = list(_asked(plan.body, arguments)) if plan.body and plan.body.kind == "query" else []
    reserved = {wire.escaped(field.wire): field.argument for field in plan.query}
    if not {name for name, _, _ in made}.isdisjoint(name for name, _ in asked):
        raise leaves("an argument would take the place of a constant of the approved query")
    for name, _, field in made:
        if reserved.get(name, field.argument) != field.argument:
            raise leaves(f"`{field.argument}` would fill the parameter of another argument")
    rows = [*asked, *((name, value) for name, value, _ in made)]
    return "?" + "&".join(f"{name}={value}" for name, value in rows) if rows else ""


def _asked(plan: BodyPlan, arguments: Arguments) -> Iterator[tuple[str, str]]:
    """An object as query parameters, by name: what a shared endpoint is asked for by GET."""
    for name, value in sorted(_content(plan, arguments).items()):
        yield wire.escaped(name), wire.escaped(value if isinstance(value, str) else wire.json_bytes(value).decode("utf-8"))


def _given(fields: tuple[Field_, ...], arguments: Arguments) -> Iterator[Field_]:
    return (field for field in fields if field.argument in arguments)


def _pairs(field: Field_, arguments: Arguments, tool: Tool) -> Iterator[tuple[str, str]]:
    return wire.pairs(field, arguments[field.argument], schema_of(tool, field.argument).get("properties", {}))


def schema_of(tool: Tool, argument: str) -> Mapping[str, Any]:
    """The schema of one argument, through one reference into its own `$defs`."""
    found = tool.input_schema.get("properties", {}).get(argument, {})
    name = str(found.get("$ref", "")).removeprefix("#/$defs/")
    schema: Mapping[str, Any] = tool.input_schema.get("$defs", {}).get(name, found) if name else found
    return schema


def _headers(plan: RequestPlan, arguments: Arguments, content_type: str, body: bytes) -> Iterator[tuple[str, str]]:
    yield "Host", authority(plan)
    yield "User-Agent", f"caskmcp/{__version__}"
    yield "Accept", plan.accept
    yield "Accept-Encoding", "gzip"
    yield from wire.constant_headers(plan.constants)
    constant = {name.lower() for name in plan.constants}
    for field in _given(plan.headers, arguments):
        if (row := wire.header(field, arguments[field.argument])) is not None:
            if row[0].lower() in constant:
                raise leaves("an argument would take the place of a constant header")
            yield row
    cookies = [text for field in _given(plan.cookies, arguments) if (text := wire.cookie(field, arguments[field.argument])) is not None]
    if cookies:
        yield "Cookie", "; ".join(cookies)
    if content_type:
        yield "Content-Type", content_type
    if body or plan.method in ("POST", "PUT", "PATCH"):
        yield "Content-Length", str(len(body))


# ---------------------------------------------------------------- the body
def _body(plan: BodyPlan, arguments: Arguments, tool: Tool) -> tuple[str, bytes]:
    """Content type and bytes; both empty if nothing was given and the plan does not ask for a body."""
    if not MEDIA.fullmatch(plan.media):
        raise leaves("the approved body has a media type that is none")
    if plan.kind == "query":
        return "", b""
    if plan.kind == "json" and (plan.constants or plan.within):
        return plan.media, wire.json_bytes(_content(plan, arguments))
    if plan.argument:
        if plan.argument not in arguments:
            return "", b""
        return _WHOLE[plan.kind](plan, arguments[plan.argument])
    given = {field.wire: (field, arguments[field.argument]) for field in _given(plan.fields, arguments)}
    return _FIELDS[plan.kind](plan, given, tool) if given or plan.required or plan.constants else ("", b"")


def _content(plan: BodyPlan, arguments: Arguments) -> Mapping[str, Any]:
    """The constants with the arguments at their place: one that stands there whole, or an object of its fields."""
    if plan.argument:
        given = {plan.within[-1]: arguments[plan.argument]} if plan.within and plan.argument in arguments else {}
        return _placed(plan.constants, plan.within[:-1] if given else (), given)
    return _placed(plan.constants, plan.within, {field.wire: arguments[field.argument] for field in _given(plan.fields, arguments)})


def _placed(constants: Mapping[str, Any], within: tuple[str, ...], content: Mapping[str, Any]) -> Mapping[str, Any]:
    """The constants with the content at its place in them. What would take a constant's place is refused."""
    if within:
        inner = constants.get(within[0], {})
        if not isinstance(inner, Mapping):
            raise leaves("the approved body has a constant where its arguments stand")
        return {**constants, within[0]: _placed(inner, within[1:], content)}
    if not constants.keys().isdisjoint(content):
        raise leaves("an argument would take the place of a constant of the approved body")
    return {**constants, **content}


def _whole_json(plan: BodyPlan, value: Any) -> tuple[str, bytes]:
    return plan.media, wire.json_bytes(value)


def _whole_text(plan: BodyPlan, value: Any) -> tuple[str, bytes]:
    return plan.media, wire.form_text(value, plan.argument).encode("utf-8")


def _no_whole(plan: BodyPlan, _: Any) -> tuple[str, bytes]:
    raise leaves(f"`{plan.argument}` cannot be a whole {plan.kind} body")


Given = Mapping[str, tuple[Field_, Any]]


def _json_fields(plan: BodyPlan, given: Given, _: Tool) -> tuple[str, bytes]:
    return plan.media, wire.json_bytes({name: value for name, (_, value) in given.items()})


def _form_fields(plan: BodyPlan, given: Given, _: Tool) -> tuple[str, bytes]:
    if not plan.constants.keys().isdisjoint(given):
        raise leaves("an argument would take the place of a constant of the approved form")
    rows = [wire.form_pair(name, wire.form_text(text, name)) for name, text in sorted(plan.constants.items())]
    rows += [wire.form_pair(name, text) for name, text in _form_rows(given)]
    return plan.media, "&".join(rows).encode("ascii")


def _form_rows(given: Given) -> Iterator[tuple[str, str]]:
    for name, (field, value) in given.items():
        for item in value if isinstance(value, list) and field.explode else [value]:
            if item is not None:
                yield name, wire.form_text(item, field.argument)


def _no_fields(plan: BodyPlan, _: Given, __: Tool) -> tuple[str, bytes]:
    raise leaves(f"a {plan.kind} body has no fields")


def _multipart(plan: BodyPlan, given: Given, tool: Tool) -> tuple[str, bytes]:
    """RFC 7578. The boundary follows from the content, so that equal arguments give equal bytes, and stands nowhere in it."""
    parts = [_part(name, text, schema_of(tool, given[name][0].argument).get("format") == "binary") for name, text in _form_rows(given)]
    boundary = _boundary(b"".join(parts))
    mark = b"--" + boundary.encode("ascii")
    return f"{plan.media}; boundary={boundary}", b"".join(mark + b"\r\n" + part + b"\r\n" for part in parts) + mark + b"--\r\n"


def _part(name: str, text: str, binary: bool) -> bytes:
    quoted = name.replace("\\", "\\\\").replace("\r", "%0D").replace("\n", "%0A").replace('"', "%22")
    # Without a file name a server takes the part for a plain field. The text is the content: no file is ever read.
    kind = f'; filename="{quoted}"\r\nContent-Type: application/octet-stream' if binary else ""
    return f'Content-Disposition: form-data; name="{quoted}"{kind}\r\n\r\n'.encode() + text.encode("utf-8")


def _boundary(content: bytes) -> str:
    digest = canon.hexadecimal(canon.digest_bytes(content))
    return next(mark for start in range(40) if (mark := f"cask-{digest[start : start + 24]}").encode("ascii") not in content)


_WHOLE: Final[Mapping[str, Callable[[BodyPlan, Any], tuple[str, bytes]]]] = {
    "json": _whole_json,
    "text": _whole_text,
    "form": _no_whole,
    "multipart": _no_whole,
}
_FIELDS: Final[Mapping[str, Callable[[BodyPlan, Given, Tool], tuple[str, bytes]]]] = {
    "json": _json_fields,
    "form": _form_fields,
    "multipart": _multipart,
    "text": _no_fields,
}
