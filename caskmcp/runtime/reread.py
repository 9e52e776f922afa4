"""Reads arguments back out of what stands on the wire: values by their schema's type, and whole bodies.

Promises: it reads what `wire` and `plan` write; a text that is no value of its schema's type stays a text, for the closed check to refuse; what a
body holds beside its tool's fields is noted as `BEYOND`. `recognize` reads path, query and headers, and chooses the tool.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl, unquote_plus, unquote_to_bytes

from caskmcp.errors import CaskError
from caskmcp.model.tool import BodyPlan, Tool
from caskmcp.runtime.plan import schema_of
from caskmcp.text import is_deeper, parse_json

BEYOND: Final = "(beyond the approved request)"
"""The argument that no tool takes: parts of a request that its tool has no place for."""
DIGITS: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,1000})", re.ASCII)
NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,300})(?:\.[0-9]{1,300})?(?:[eE][+-]?[0-9]{1,3})?", re.ASCII)
DEEPEST: Final = 64
MOST: Final = 1000
"""Fields of a form."""
PART: Final = re.compile(rb'\r\ncontent-disposition:[^\r\n]*?[; ]name="([^"\r\n]*)"', re.IGNORECASE)
OF_PARTS: Final = frozenset({b"", b"content-disposition", b"content-type"})
"""Headers that a part of a form may have."""
CHARSETS: Final = frozenset({"", "utf-8", "utf8", "us-ascii"})
"""What bytes are read as here; said to be anything else they mean another text."""


Found = dict[str, Any]


class Strange(ValueError):
    """The request is not one of the tool's, whatever its arguments."""


def typed(text: str, schema: Mapping[str, Any]) -> Any:
    """A text as the schema's type has it; one that is none of them stays a text, for the closed check to refuse."""
    kinds = kinds_of(schema)
    if "string" in kinds or not kinds:
        return text
    if "integer" in kinds and DIGITS.fullmatch(text):
        return int(text)
    if "number" in kinds and NUMBER.fullmatch(text):
        return int(text) if DIGITS.fullmatch(text) else float(text)
    if "boolean" in kinds and text in ("true", "false"):
        return text == "true"
    return text


def kinds_of(schema: Mapping[str, Any]) -> frozenset[str]:
    """The types that a schema takes, its options' included."""
    stated = schema.get("type", ())
    own = {stated} if isinstance(stated, str) else set(stated)
    options = (row for key in ("anyOf", "oneOf") for row in schema.get(key, ()) if isinstance(row, Mapping))
    return frozenset(own).union(*(kinds_of(row) for row in options))


def items_of(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema of a list's items."""
    rows = (schema, *(row for key in ("anyOf", "oneOf") for row in schema.get(key, ())))
    return next((row["items"] for row in rows if isinstance(row, Mapping) and isinstance(row.get("items"), Mapping)), {})


def decoded(text: str) -> str:
    """Percent-decoded text. Raises Strange for what is no UTF-8."""
    try:
        return unquote_to_bytes(text).decode("utf-8")
    except UnicodeDecodeError as cause:
        raise Strange("no UTF-8") from cause


def spaced(text: str) -> str:
    """Of a query or form, where a plus sign is a space."""
    try:
        return unquote_plus(text, errors="strict")
    except UnicodeDecodeError as cause:
        raise Strange("no UTF-8") from cause


# ---------------------------------------------------------------- bodies
@dataclass(frozen=True)
class Content:
    """A request's body. It is read once, however many tools are held against it."""

    data: bytes
    media: str
    """The Content-Type; empty without one."""
    known: dict[str, Any] = field(default_factory=dict)

    def read(self, kind: str) -> Any:
        """What it says as a body of that kind. Raises Strange where it is none."""
        if kind not in self.known:
            self.known[kind] = _tried(_READERS[kind], self.data, self.media)
        found = self.known[kind]
        if isinstance(found, Strange):
            raise Strange(*found.args)
        return found


def _tried(reader: Callable[[bytes, str], Any], data: bytes, media: str) -> Any:
    try:
        return reader(data, media)
    except Strange as no:
        return no


def body(tool: Tool, given: Content) -> Found:
    """The arguments in a body. Raises Strange for a body that is none of the tool's."""
    plan, media = tool.request.body, given.media
    if plan is None or plan.kind == "query":
        return {BEYOND: True} if given.data else {}
    if not given.data:
        if plan.constants:
            raise Strange("a body without its constants")
        return {}
    if media.partition(";")[0].strip().lower() != plan.media.partition(";")[0].strip().lower() or _charset(media) not in CHARSETS:
        return {BEYOND: True}
    return _BODIES[plan.kind](plan, tool, given.read(plan.kind))


def _charset(media: str) -> str:
    return media.lower().replace(" ", "").partition("charset=")[2].partition(";")[0].strip('"')


def json_of(data: bytes) -> Any:
    """A JSON text. Raises Strange for what is none, or nests too deep."""
    try:
        value = parse_json(data, "the request", limit=len(data))
    except CaskError as cause:
        raise Strange("no JSON") from cause
    if is_deeper(value, DEEPEST):
        raise Strange("too deep")
    return value


def _json_body(plan: BodyPlan, _: Tool, value: Any) -> Found:
    if plan.argument and not plan.within and not plan.constants:
        return {plan.argument: value}
    return content(plan, value) if isinstance(value, Mapping) else {BEYOND: True}


def content(plan: BodyPlan, value: Mapping[str, Any]) -> Found:
    """The arguments of an object that holds constants as well. Raises Strange where a constant is another one."""
    wires = {plan.within[-1]: plan.argument} if plan.argument else {field.wire: field.argument for field in plan.fields}
    found: Found = {}
    place, constants = value, plan.constants
    for name in plan.within[:-1] if plan.argument else plan.within:
        _fixed_members(place, {key: row for key, row in constants.items() if key != name}, {name}, found)
        place, constants = place.get(name, {}), constants.get(name, {})
        if not isinstance(place, Mapping):
            raise Strange("no object where the arguments stand")
    _fixed_members(place, constants, set(wires), found)
    return {**found, **{wires[name]: place[name] for name in wires if name in place}}


def _fixed_members(place: Mapping[str, Any], constants: Mapping[str, Any], taken: set[str], found: Found) -> None:
    """Hold the members beside the arguments against the constants; what is more than those is noted."""
    if any(name not in place or place[name] != row for name, row in constants.items()):
        raise Strange("another constant")
    if set(place) - set(constants) - taken:
        found[BEYOND] = True


def _text_body(plan: BodyPlan, tool: Tool, text: str) -> Found:
    return {plan.argument: typed(text, schema_of(tool, plan.argument))}


def _text_of(data: bytes, _: str) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as cause:
        raise Strange("no UTF-8") from cause


def _form_of(data: bytes, _: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(data.decode("ascii"), keep_blank_values=True, strict_parsing=True, errors="strict", max_num_fields=MOST)
    except ValueError as cause:
        raise Strange("no form") from cause


def _multipart_of(data: bytes, media: str) -> list[tuple[str, str]]:
    boundary = media.partition("boundary=")[2].partition(";")[0].strip('" ')
    parts = (b"\r\n" + data).split(b"\r\n--" + boundary.encode("ascii", "replace")) if boundary else []
    if not 2 <= len(parts) <= MOST or parts[0] or not parts[-1].startswith(b"--"):
        raise Strange("no multipart body")
    try:
        return [_part(part) for part in parts[1:-1]]
    except UnicodeDecodeError as cause:
        raise Strange("no UTF-8") from cause


def _part(part: bytes) -> tuple[str, str]:
    head, _, content = part.partition(b"\r\n\r\n")
    named, lines = PART.findall(head), head.lower().split(b"\r\n")
    if len(named) != 1 or not {line.partition(b":")[0] for line in lines} <= OF_PARTS:
        raise Strange("a part without one name, or with headers that have no place")
    if any(_charset(line.decode("latin-1")) not in CHARSETS for line in lines if line.startswith(b"content-type:")):
        raise Strange("a part of another character set")
    return named[0].decode("utf-8"), content.decode("utf-8")


def _form(plan: BodyPlan, tool: Tool, rows: list[tuple[str, str]]) -> Found:
    found: Found = {}
    for name, text in plan.constants.items():
        if rows.count((name, text)) != 1:
            raise Strange("another constant")
    for place in plan.fields:
        schema = schema_of(tool, place.argument)
        mine = [text for name, text in rows if name == place.wire]
        if mine:
            found[place.argument] = _field(schema, mine)
    known = {*plan.constants, *(place.wire for place in plan.fields)}
    return found if all(name in known for name, _ in rows) else {**found, BEYOND: True}


def _field(schema: Mapping[str, Any], texts: list[str]) -> Any:
    if "array" in kinds_of(schema):
        return [typed(text, items_of(schema)) for text in texts]
    if len(texts) > 1:
        return texts
    return json_of(texts[0].encode()) if "object" in kinds_of(schema) else typed(texts[0], schema)


_READERS: Final[Mapping[str, Callable[[bytes, str], Any]]] = {
    "json": lambda data, _: json_of(data),
    "text": _text_of,
    "form": _form_of,
    "multipart": _multipart_of,
}
_BODIES: Final[Mapping[str, Callable[[BodyPlan, Tool, Any], Found]]] = {
    "json": _json_body,
    "text": _text_body,
    "form": _form,
    "multipart": _form,
}
