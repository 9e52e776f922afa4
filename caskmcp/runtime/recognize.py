"""From a plain HTTP request back to the approved tool whose grammar contains it, and to the arguments that would make it.

Promises: nothing of the request goes on but the arguments that are read out of it here, so what is sent is a member of the signed plan whatever
came in; what the plan has no place for is handed on as an argument that no tool takes, and the gateway's closed check refuses it; reading takes
time that grows with the request's length alone. Whether the call may be made is the gateway's to say.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from caskmcp.errors import CaskError
from caskmcp.model.tool import BodyPlan, Field_, PathSegment, Tool
from caskmcp.runtime.plan import LONGEST_TARGET, PreparedRequest, authority, prepare, schema_of
from caskmcp.runtime.reread import BEYOND, Content, Found, Strange, body, content, decoded, items_of, json_of, kinds_of, spaced, typed
from caskmcp.runtime.surface import ServedTool

NONE: Final = "-"
"""The tool of a request that fits none; no tool can have that name."""
OWN: Final = frozenset({
    "host", "user-agent", "accept", "accept-encoding", "accept-language", "authorization", "connection", "keep-alive", "content-length",
    "content-type", "transfer-encoding", "cookie", "cache-control", "pragma", "traceparent", "tracestate",
})  # fmt: skip
"""Headers of the connection to us: not passed on, since the plan or the runtime says them anew."""


@dataclass(frozen=True)
class Received:
    """A request as a client made it."""

    method: str
    authority: str
    """The host that it is for, with the port where that is not the scheme's own; lower case."""
    target: str
    """Path and query as they stand on the wire."""
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    @property
    def media(self) -> str:
        """The Content-Type; empty without one."""
        return next(iter(self.all("content-type")), "")

    @cached_property
    def content(self) -> Content:
        """The body."""
        return Content(self.body, self.media)

    @cached_property
    def pairs(self) -> tuple[tuple[str, str], ...] | None:
        """Names of the query's parameters, decoded, with the values as they stand there; None where a name is no UTF-8."""
        rows = (row.partition("=") for row in self.target.partition("?")[2].split("&") if row)
        try:
            return tuple((spaced(name), value) for name, _, value in rows)
        except Strange:
            return None

    def all(self, name: str) -> tuple[str, ...]:
        """The values of a header."""
        return tuple(value for key, value in self.headers if key.lower() == name)


def recognized(rows: Iterable[ServedTool], request: Received) -> tuple[str, Found]:
    """The name of the tool, and the arguments. Of several that fit, the one whose grammar holds the whole request; then the one with more fixed text.

    Where none fits, `NONE`: the gateway answers that as it answers every unknown tool.
    """
    read = [(row, found) for row in rows if (found := arguments_of(row.admitted.tool, request)) is not None]
    ranked = sorted(read, key=lambda pair: (not _whole(*pair), -_fixed(pair[0].admitted.tool), pair[0].admitted.tool.name))
    if not ranked:
        return NONE, {}
    row, found = ranked[0]
    return row.admitted.tool.name, found


def arguments_of(tool: Tool, request: Received) -> Found | None:
    """The arguments that would make the request by this tool; None where method, host, path or a constant is another's."""
    plan = tool.request
    if tool.composite is not None or (request.method, request.authority) != (plan.method, authority(plan)):
        return None
    if len(request.target) > LONGEST_TARGET:
        return None
    try:
        places = _places(tool, request)
        found = {name: value for place in places for name, value in place.items()}
        return found if BEYOND in found or _same(tool, found, places) else {**found, BEYOND: True}
    except Strange:
        return None


def _places(tool: Tool, request: Received) -> tuple[Found, ...]:
    """What is read out of the path, the query, the headers and the body."""
    path = request.target.partition("?")[0]
    return _path(tool, path), _query(tool, request), _headers(tool, request), body(tool, request.content)


def received(request: PreparedRequest, approved: str) -> Received:
    """A request of ours as somebody else would send it. approved: its host."""
    return Received(request.method, approved, request.target.decode("ascii"), request.headers, request.body)


def _same(tool: Tool, found: Found, places: tuple[Found, ...]) -> bool:
    """Whether what the arguments make reads as these arguments again, each in its place: what is sent has to mean what came in."""
    try:
        made = prepare(tool, found)
    except CaskError:
        return True  # the gateway makes it again, and says what is wrong with it
    added = {field.argument for field in (*tool.request.query, *tool.request.headers) if field.default} - found.keys()
    back = _places(tool, received(made, authority(tool.request)))
    return tuple({name: value for name, value in place.items() if name not in added} for place in back) == places


def _whole(row: ServedTool, found: Found) -> bool:
    """Whether the tool's grammar holds the whole request."""
    try:
        row.check.refuse(found)
        prepare(row.admitted.tool, found)
    except CaskError:
        return False
    return True


def _fixed(tool: Tool) -> int:
    return sum(len(piece.text) for segment in tool.request.segments for piece in segment.pieces)


# ---------------------------------------------------------------- the path
def _path(tool: Tool, path: str) -> Found:
    segments = path.split("/")
    if segments[0] or len(segments) != len(tool.request.segments) + 1:
        raise Strange("another path")
    found: Found = {}
    for text, segment in zip(segments[1:], tool.request.segments, strict=True):
        for name, value in _segment(decoded(text), segment):
            found[name] = typed(value, schema_of(tool, name))
    return found


def _segment(text: str, segment: PathSegment) -> Iterator[tuple[str, str]]:
    """Arguments of one segment: each reaches to the next fixed text, the last one as far as it can."""
    open_ = ""
    for number, piece in enumerate(segment.pieces):
        if piece.argument:
            if open_:
                raise Strange("two arguments without a fixed text between them")
            open_ = piece.argument
            continue
        fixed, last = decoded(piece.text), number == len(segment.pieces) - 1
        at = (text.rfind(fixed) if last else text.find(fixed, 1)) if open_ else 0
        if not text[max(at, 0) :].startswith(fixed) or at < 0 or (last and len(text) != at + len(fixed)):
            raise Strange("another path")
        if open_:
            yield open_, text[:at]
        text, open_ = text[at + len(fixed) :], ""
    if bool(text) != bool(open_):
        raise Strange("another path")
    if open_:
        yield open_, text


# ---------------------------------------------------------------- query, headers, cookies
def _query(tool: Tool, request: Received) -> Found:
    if request.pairs is None:
        raise Strange("no UTF-8")
    pairs = list(request.pairs)
    found: Found = {}
    if (plan := tool.request.body) is not None and plan.kind == "query":
        found, pairs = _asked(plan, pairs)
    for field in tool.request.query:
        if not pairs:
            break
        schema = schema_of(tool, field.argument)
        names = _names(field, schema)
        mine: list[tuple[str, str]] = []
        others: list[tuple[str, str]] = []
        for row in pairs:
            (mine if names(row[0]) else others).append(row)
        pairs = others
        if mine:
            found[field.argument] = _parameter(field, schema, mine)
    return {**found, BEYOND: True} if pairs else found


def _names(field: Field_, schema: Mapping[str, Any]) -> Callable[[str], bool]:
    """Which names of parameters are parts of the field."""
    if field.style == "deepObject":
        return lambda name: name.startswith(f"{field.wire}[") and name.endswith("]")
    if field.style == "form" and field.explode and "object" in kinds_of(schema):
        return frozenset(schema.get("properties", {})).__contains__
    return field.wire.__eq__


def _parameter(field: Field_, schema: Mapping[str, Any], rows: list[tuple[str, str]]) -> Any:
    if field.style == "deepObject":
        return _object(((name[len(field.wire) + 1 : -1], spaced(value)) for name, value in rows), schema)
    if "object" in kinds_of(schema):
        return _fields(field, schema, rows)
    if "array" not in kinds_of(schema):
        return typed(spaced(rows[0][1]), schema) if len(rows) == 1 else [spaced(value) for _, value in rows]
    texts = [text for _, value in rows for text in _split(field, value)]
    return [typed(text, items_of(schema)) for text in texts]


def _fields(field: Field_, schema: Mapping[str, Any], rows: list[tuple[str, str]]) -> Any:
    if field.explode:
        return _object(((name, spaced(value)) for name, value in rows), schema)
    flat = [spaced(text) for text in rows[0][1].split(",")]
    if len(rows) > 1 or len(flat) % 2:
        return flat
    return _object(zip(flat[::2], flat[1::2], strict=True), schema)


def _object(rows: Iterable[tuple[str, str]], schema: Mapping[str, Any]) -> Found:
    made: Found = {}
    for name, text in rows:
        inner = schema.get("properties", {}).get(name, {})
        if "array" in kinds_of(inner):
            made.setdefault(name, []).append(typed(text, items_of(inner)))
        else:
            made[name] = typed(text, inner) if name not in made else [made[name], text]
    return made


def _split(field: Field_, value: str) -> list[str]:
    """The items of a list that is one value."""
    if field.style in ("spaceDelimited", "pipeDelimited") and not field.explode:
        return spaced(value).split(" " if field.style == "spaceDelimited" else "|")
    joined = field.style == "simple" or not field.explode
    return [spaced(text) for text in value.split(",")] if joined else [spaced(value)]


def _asked(plan: BodyPlan, pairs: list[tuple[str, str]]) -> tuple[Found, list[tuple[str, str]]]:
    """What a shared endpoint is asked for by GET: texts as they are, anything else as JSON."""
    names = {*plan.constants, *plan.within[:1], *(field.wire for field in plan.fields if not plan.within)}
    mine = [(name, spaced(value)) for name, value in pairs if name in names]
    if len({name for name, _ in mine}) != len(mine):
        raise Strange("a parameter is said twice")
    said = {name: text if isinstance(plan.constants.get(name), str) else json_of(text.encode()) for name, text in mine}
    return content(plan, said), [row for row in pairs if row[0] not in names]


def _headers(tool: Tool, request: Received) -> Found:
    plan = tool.request
    constants = {name.lower(): value for name, value in plan.constants.items()}
    fields = {field.wire.lower(): field for field in plan.headers}
    found: Found = {}
    for name, value in ((name.lower(), value) for name, value in request.headers):
        if name in fields:
            found |= {BEYOND: True} if fields[name].argument in found else {fields[name].argument: _header(tool, fields[name], value)}
        elif name in constants and value != constants[name]:
            raise Strange("another constant")
        elif name not in constants and name not in OWN:
            found[BEYOND] = True
    if len(request.all("content-type")) > 1:  # each of its readers would take another one for the body's
        found[BEYOND] = True
    return {**found, **_cookies(tool, request)}


def _header(tool: Tool, field: Field_, value: str) -> Any:
    schema = schema_of(tool, field.argument)
    texts = [text.strip() for text in value.split(",")] if "array" in kinds_of(schema) else []
    return [typed(text, items_of(schema)) for text in texts] if texts else typed(value, schema)


def _cookies(tool: Tool, request: Received) -> Found:
    fields = {field.wire: field.argument for field in tool.request.cookies}
    found: Found = {}
    for row in (row.strip() for value in request.all("cookie") for row in value.split(";")):
        name, _, value = row.partition("=")
        if name in fields and fields[name] not in found:
            found[fields[name]] = typed(decoded(value), schema_of(tool, fields[name]))
        elif row:
            found[BEYOND] = True
    return found
