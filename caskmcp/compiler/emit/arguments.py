"""The flat arguments of a tool: parameters and body fields under safe keys, each with its wire name and schema (SPEC section 6).

Promises unique keys, a closed list and no argument that could become a credential, a host or a message's framing. How they are sent is `request.py`'s.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from caskmcp import canon
from caskmcp.compiler.capture.streams import is_stream
from caskmcp.compiler.emit.hygiene import visible
from caskmcp.compiler.emit.portable import Portable, is_plain_pattern, unfit_name
from caskmcp.compiler.normalize import words
from caskmcp.model.contract import Body, Contract, Parameter
from caskmcp.model.record import JsonSchema

Location = Literal["path", "query", "header", "cookie", "body"]

LOCATIONS: Final[tuple[Location, ...]] = ("path", "query", "header", "cookie", "body")
KEY: Final = re.compile(r"[a-zA-Z0-9_.-]{1,64}", re.ASCII)
"""Keys that every model's interface takes."""
TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}", re.ASCII)
"""Names of headers and cookies (RFC 9110 section 5.6.2)."""

# fmt: off
FRAMING: Final = frozenset({
    "accept", "accept-charset", "accept-encoding", "authorization", "connection", "content-encoding", "content-length", "content-type", "cookie", "cookie2", "date",
    "expect", "forwarded", "host", "http2-settings", "keep-alive", "origin", "proxy-authenticate", "proxy-authorization", "proxy-connection", "range", "referer",
    "set-cookie", "te", "trailer", "transfer-encoding", "upgrade", "user-agent", "via", "x-http-method", "x-http-method-override", "x-method-override",
    "x-original-host", "x-original-uri", "x-original-url", "x-real-ip", "x-rewrite-url", "x-host", "x-client-ip", "x-cluster-client-ip", "true-client-ip",
    "cf-connecting-ip",
})
"""Headers that say who asks, whom, and where a message ends. `sec-*`, `proxy-*` and `x-forwarded-*` belong to them."""
_FRAMING_STARTS: Final = ("sec-", "proxy-", "x-forwarded-", ":")
METHOD_FIELDS: Final = frozenset({"_method", "x-http-method", "x-http-method-override", "x-method-override", "_httpmethod"})
"""Query parameters and form fields that servers take for the method."""
# fmt: on

_RANK: Final[Mapping[str, int]] = {"json": 0, "form": 1, "multipart": 2, "text": 3, "binary": 4}


@dataclass(frozen=True)
class Argument:
    """One argument of a tool."""

    key: str
    location: Location
    wire: str
    """Name as sent; of a path argument the name of its piece; empty for a whole body."""
    schema: JsonSchema
    required: bool
    style: str = ""
    explode: bool | None = None
    default: str = ""
    """What is sent where it is not given; empty: nothing."""


@dataclass(frozen=True)
class Arguments:
    """All arguments of a tool."""

    rows: tuple[Argument, ...]
    body: Body | None
    definitions: Mapping[str, JsonSchema]
    notes: tuple[str, ...]
    """What was left out and why, sorted."""

    def at(self, location: Location) -> tuple[Argument, ...]:
        """Those of one location, in order."""
        return tuple(row for row in self.rows if row.location == location)


@dataclass(frozen=True)
class _Wanted:
    """What wants to be an argument, before it has a key."""

    location: Location
    name: str
    """What its key is made of."""
    wire: str
    schema: Any
    required: bool
    description: str = ""
    style: str = ""
    explode: bool | None = None
    default: str = ""
    file: bool = False


def arguments(contract: Contract, credentials: frozenset[str] = frozenset()) -> Arguments:
    """The arguments of a contract. credentials: `location:name` in lower case of what authenticates, beyond what the contract says."""
    body = chosen(contract.bodies)
    secret = credentials | {row.lower() for row in contract.auth}
    wanted: list[_Wanted] = []
    notes: set[str] = set()
    wanted += _path(contract)
    gone = {row.place: f"it is ephemeral ({row.rule})" for row in contract.fleeting if not row.argument}
    notes |= set(_unchecked(contract))
    for row in sorted(contract.parameters, key=lambda row: (LOCATIONS.index(row.location), row.wire, row.name)):
        reason = gone.get(f"{row.location} {row.wire}") or _left_out(row, secret)
        notes |= {f"{row.location} parameter `{visible(row.wire)[:60]}` left out: {reason}"} if reason else set()
        wanted += [_parameter(row)] if row.location != "path" and not reason else []
    inside = _in_call(contract, _body(body, notes)) if body else []
    wanted += [row for row in inside if f"body {row.wire}" not in gone]
    notes |= {f"body field `{visible(row.wire)[:60]}` left out: {gone[f'body {row.wire}']}" for row in inside if f"body {row.wire}" in gone}
    portable = Portable()
    rows = tuple(_arguments(wanted, portable))
    notes |= {f"left out of the input schema: {note}" for note in portable.notes}
    return Arguments(rows, body, dict(sorted(portable.definitions.items())), tuple(sorted(notes)))


def chosen(bodies: Iterable[Body]) -> Body | None:
    """The body that the tool sends, if the operation takes several: JSON before forms before text."""
    rows = sorted(bodies, key=lambda row: (_RANK[row.kind], row.media != "application/json", row.media))
    return rows[0] if rows else None


def _path(contract: Contract) -> list[_Wanted]:
    """In the order of the path. A document's own name wins over the domain name, so that its readers find their parameters."""
    known = {row.name: row for row in contract.parameters if row.location == "path"}
    pieces = [piece for segment in contract.segments for piece in segment.pieces if piece.name]
    rows = [(piece, known.get(piece.name)) for piece in pieces]
    return [
        _Wanted("path", piece.wire or piece.name, piece.name, path_schema(row.schema_ if row else {}), True, row.description if row else "")
        for piece, row in rows
    ]


def _unchecked(contract: Contract) -> Iterator[str]:
    """What path parameters say and their text is not held to."""
    for row in contract.parameters:
        if row.location == "path":
            schema = _present(resolved(row.schema_))
            yield from (
                f"path parameter `{visible(row.wire)[:60]}`: `{word}` is not checked" for word in sorted(_BEYOND_TEXT & schema.keys())
            )


_BEYOND_TEXT: Final = frozenset({"anyOf", "oneOf", "allOf", "not", "if", "items", "properties"})


def _left_out(row: Parameter, secret: frozenset[str]) -> str:
    name = row.wire.lower()
    if row.location == "path":
        return ""
    if f"{row.location}:{name}" in secret:
        return "a credential is given by reference, never as an argument"
    if row.location == "header" and (name in FRAMING or name.startswith(_FRAMING_STARTS)):
        return "it belongs to the message, not to the operation"
    if name in METHOD_FIELDS:
        return "it would change the method"
    if row.location in ("header", "cookie") and not TOKEN.fullmatch(row.wire):
        return "it is no name for a header or cookie"
    return unfit_name(row.wire)


def _parameter(row: Parameter) -> _Wanted:
    default = row.constant if _says_form(row) and not row.required else ""
    schema = row.schema_ | ({"default": default} if default else {})
    return _Wanted(row.location, row.wire, row.wire, schema, row.required, row.description, row.style, row.explode, default)


_FORM_WORDS: Final = frozenset((
    "alt", "channel", "client", "encoding", "expand", "fields", "format", "include", "lang", "language", "locale", "mode", "output", "platform",
    "profile", "representation", "source", "style", "version", "view",
))  # fmt: skip


def _says_form(row: Parameter) -> bool:
    """Whether an input says in what form or for which client something is asked. One that chooses among data (`state`, `q`) is never sent unasked."""
    return row.location == "header" or not _FORM_WORDS.isdisjoint(words.split(row.wire)[-1:])


# ---------------------------------------------------------------- the body
def _body(body: Body, notes: set[str]) -> list[_Wanted]:
    if body.kind in ("text", "binary"):
        return [_Wanted("body", "body", "", {"type": "string", "description": _text_words(body)}, body.required)]
    fields = object_fields(body.schema_)
    if fields is None and body.kind == "json":
        return [_Wanted("body", "body", "", body.schema_, body.required, _WHOLE)]
    if fields is None:
        notes.add("body left out: a form whose fields are not known")
        return []
    return list(_fields(body, fields, notes))


def _in_call(contract: Contract, rows: list[_Wanted]) -> list[_Wanted]:
    """The arguments of a call; one that is a whole is called as its place in the body."""
    name = contract.call.within[-1] if contract.call and contract.call.within else ""
    return [replace(row, name=name) if name and not row.wire else row for row in rows]


_WHOLE: Final = "The whole body."
"""Of a body that is no object of known fields: its name says nothing."""


def _text_words(body: Body) -> str:
    return f"The body as text, of type {body.media}." if is_stream(body.media) else "The body as text."


def _fields(body: Body, fields: "ObjectFields", notes: set[str]) -> Iterator[_Wanted]:
    shared = {"$defs": body.schema_["$defs"]} if "$defs" in body.schema_ else {}
    for name, schema in sorted(fields.properties.items()):
        reason = unfit_name(name) or ("it would change the method" if body.kind != "json" and name.lower() in METHOD_FIELDS else "")
        if isinstance(schema, Mapping) and schema.get("readOnly") is True:
            continue
        if reason:
            notes.add(f"body field `{visible(name)[:60]}` left out: {reason}")
            continue
        required = body.required and name in fields.required
        yield _Wanted(
            "body", name, name, {**schema, **shared} if isinstance(schema, Mapping) else schema, required, file=is_file(body, schema)
        )


def is_file(body: Body, schema: Any) -> bool:
    """Whether a field of a multipart body is a file's content."""
    rows = (schema, schema.get("items")) if isinstance(schema, Mapping) else ()
    marks = [row for row in rows if isinstance(row, Mapping)]
    return body.kind == "multipart" and any(row.get("format") == "binary" or "contentMediaType" in row for row in marks)


@dataclass(frozen=True)
class ObjectFields:
    """The fields of an object schema, references and `allOf` at the root resolved."""

    properties: Mapping[str, Any]
    required: frozenset[str]


_BRANCHES: Final = frozenset(
    {"anyOf", "oneOf", "not", "if", "patternProperties", "propertyNames", "enum", "const", "minProperties", "maxProperties"}
    | {"dependentRequired", "dependentSchemas"}
)


def object_fields(schema: JsonSchema, depth: int = 0) -> ObjectFields | None:
    """The fields, if the schema says no more than which fields an object has; else None: then the body is one argument."""
    definitions = schema.get("$defs", {})
    reference = schema.get("$ref")
    if isinstance(reference, str) and depth < 20:
        target = definitions.get(reference.removeprefix("#/$defs/"))
        return object_fields({**target, "$defs": definitions}, depth + 1) if isinstance(target, Mapping) else None
    properties, extra = schema.get("properties", {}), schema.get("additionalProperties")
    if schema.get("type", "object") != "object" or schema.keys() & _BRANCHES or not isinstance(properties, Mapping) or depth >= 20:
        return None
    if isinstance(extra, Mapping) and extra:
        return None  # fields whose names are data are no arguments, and without them the object could not be sent
    parts = [
        object_fields({**part, "$defs": definitions}, depth + 1) if isinstance(part, Mapping) else None for part in schema.get("allOf", [])
    ]
    if any(part is None for part in parts):
        return None
    if not properties and not parts and extra is not False:
        return None
    merged = dict(properties)
    for part in filter(None, parts):
        for name, row in part.properties.items():
            merged[name] = {"allOf": [merged[name], row]} if name in merged and merged[name] != row else row
    required = {name for name in schema.get("required", []) if isinstance(name, str)}
    return ObjectFields(merged, frozenset(required.union(*(part.required for part in parts if part))))


# ---------------------------------------------------------------- keys and schemas
def _arguments(wanted: Iterable[_Wanted], portable: Portable) -> Iterator[Argument]:
    taken: set[str] = set()
    for row in wanted:
        schema = portable.convert(row.schema)
        if schema is None:
            portable.notes.add(f"`{visible(row.name)[:60]}`, which takes no value")
            continue
        key = next(name for name in keys(row.location, row.name) if name not in taken)
        taken.add(key)
        yield Argument(key, row.location, row.wire, _described(schema, row, portable), row.required, row.style, row.explode, row.default)


def keys(location: Location, name: str) -> Iterator[str]:
    """Keys for a name, best first; the last is unique to location and name."""
    key = safe_key(name)
    stamp = canon.hexadecimal(canon.digest([location, name]))
    yield key
    yield f"{location}_{key}"[:64]
    yield f"{key[:50]}_{stamp[:12]}"
    yield f"{location}_{stamp[:40]}"


def safe_key(name: str) -> str:
    """A name as a key: `filter[id]` -> `filter_id`, `X-Trace` as it is."""
    if KEY.fullmatch(name):
        return name
    key = re.sub(r"[^A-Za-z0-9_.-]+", "_", name).strip("_.-")[:64]
    return key or "arg_" + canon.hexadecimal(canon.digest(name))[:8]


def _described(schema: JsonSchema, row: _Wanted, portable: Portable) -> JsonSchema:
    if row.file:
        # The runtime sends a part of format `binary` with a file name, as servers expect of uploads.
        return {"type": "string", "format": "binary", "description": "The file's content as text, never a path."}
    given = portable.convert({"description": row.description}) if row.description else None
    return {"description": given["description"], **schema} if given and "description" in given else schema


# ---------------------------------------------------------------- what a path may hold
PATH_TEXT: Final = r"^(?:\.{0,2}[^.\x00-\x1f\x7f][^\x00-\x1f\x7f]*|\.{3}[^\x00-\x1f\x7f]*)$"
"""Any text without control characters but the empty one, `.` and `..`. Plain ECMA-262, no look-around."""
PATH_LENGTH: Final = 512
PATH_FORMATS: Final = {"uuid": 36, "date": 10}
"""Formats all of whose members may stand in a path -> their characters: whoever reads the tool needs no pattern beside them."""


def path_schema(schema: JsonSchema) -> JsonSchema:
    """The schema of a path argument: a number or boolean, one of a few words, a format that says it all, else text with a pattern and a length."""
    schema = _present(resolved(schema))
    if schema.get("type") in ("integer", "number", "boolean"):
        return schema
    pattern, length, enum = schema.get("pattern"), schema.get("maxLength"), schema.get("enum", [schema.get("const")])
    least = schema.get("minLength")
    words: JsonSchema = {word: schema[word] for word in ("format", "description", "default", "examples") if word in schema}
    own = pattern if isinstance(pattern, str) and is_plain_pattern(pattern) else ""
    texts = [row for row in enum if isinstance(row, str)] if isinstance(enum, list) else []
    if schema.get("format") in PATH_FORMATS and not own and not texts:
        return {**words, "type": "string"}
    text = {
        **words,
        "type": "string",
        "pattern": own or PATH_TEXT,
        "minLength": max(least, 1) if isinstance(least, int) else 1,
        "maxLength": min(length, PATH_LENGTH) if isinstance(length, int) else PATH_LENGTH,
    }
    return {**text, "enum": texts} if texts else text


def _present(schema: JsonSchema) -> JsonSchema:
    """A schema without the choice of null: a path always has a value."""
    options = [row for row in schema.get("anyOf", ()) if row != {"type": "null"}]
    if len(options) != 1 or not isinstance(options[0], dict):
        return schema
    return resolved({**{word: value for word, value in schema.items() if word != "anyOf"}, **options[0]})


def resolved(schema: JsonSchema) -> JsonSchema:
    """A schema with a reference at its root followed into its own `$defs`."""
    for _ in range(10):
        name = str(schema.get("$ref", "")).removeprefix("#/$defs/")
        target = schema.get("$defs", {}).get(name) if "$ref" in schema else None
        if not isinstance(target, dict):
            return schema
        schema = {**target, "$defs": schema["$defs"]}
    return schema
