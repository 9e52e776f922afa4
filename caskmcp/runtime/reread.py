"""Reads arguments back out of what stands on the wire: values by their schema's type, and whole bodies.

Promises: it reads what `wire` and `plan` write; a text that is no value of its schema's type stays a text, for the closed check to refuse; what a
body holds beside its tool's fields is noted as `BEYOND`. `recognize` reads path, query and headers, and chooses the tool.
"""

import re
from collections.abc import Mapping
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
PART: Final = re.compile(rb'content-disposition:[^\r\n]*?[; ]name="([^"\r\n]*)"', re.IGNORECASE)

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
def body(tool: Tool, data: bytes, media: str) -> Found:
    """The arguments in a body. media: its Content-Type. Raises Strange for a body that is none of the tool's."""
    plan = tool.request.body
    if plan is None or plan.kind == "query":
        return {BEYOND: True} if data else {}
    if not data:
        if plan.constants:
            raise Strange("a body without its constants")
        return {}
    if media.partition(";")[0].strip().lower() != plan.media.partition(";")[0].strip().lower():
        return {BEYOND: True}
    return _BODIES[plan.kind](plan, tool, data, media)


def json_of(data: bytes) -> Any:
    """A JSON text. Raises Strange for what is none, or nests too deep."""
    try:
        value = parse_json(data, "the request", limit=len(data))
    except CaskError as cause:
        raise Strange("no JSON") from cause
    if is_deeper(value, DEEPEST):
        raise Strange("too deep")
    return value


def _json_body(plan: BodyPlan, _: Tool, data: bytes, __: str) -> Found:
    value = json_of(data)
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


def _text_body(plan: BodyPlan, tool: Tool, data: bytes, _: str) -> Found:
    try:
        return {plan.argument: typed(data.decode("utf-8"), schema_of(tool, plan.argument))}
    except UnicodeDecodeError as cause:
        raise Strange("no UTF-8") from cause


def _form_body(plan: BodyPlan, tool: Tool, data: bytes, _: str) -> Found:
    try:
        rows = parse_qsl(data.decode("ascii"), keep_blank_values=True, strict_parsing=True, errors="strict", max_num_fields=1000)
    except ValueError as cause:
        raise Strange("no form") from cause
    return _form(plan, tool, rows)


def _multipart_body(plan: BodyPlan, tool: Tool, data: bytes, media: str) -> Found:
    boundary = media.partition("boundary=")[2].partition(";")[0].strip('" ')
    parts = (b"\r\n" + data).split(b"\r\n--" + boundary.encode("ascii", "replace")) if boundary else []
    if len(parts) < 2 or parts[0] or not parts[-1].startswith(b"--"):
        raise Strange("no multipart body")
    try:
        return _form(plan, tool, [_part(part) for part in parts[1:-1]])
    except UnicodeDecodeError as cause:
        raise Strange("no UTF-8") from cause


def _part(part: bytes) -> tuple[str, str]:
    head, _, content = part.partition(b"\r\n\r\n")
    named = PART.search(head)
    if named is None:
        raise Strange("a part without a name")
    return named[1].decode("utf-8"), content.decode("utf-8")


def _form(plan: BodyPlan, tool: Tool, rows: list[tuple[str, str]]) -> Found:
    found: Found = {}
    for name, text in plan.constants.items():
        if rows.count((name, text)) != 1:
            raise Strange("another constant")
    for field in plan.fields:
        schema = schema_of(tool, field.argument)
        mine = [text for name, text in rows if name == field.wire]
        if mine:
            found[field.argument] = _field(schema, mine)
    known = {*plan.constants, *(field.wire for field in plan.fields)}
    return found if all(name in known for name, _ in rows) else {**found, BEYOND: True}


def _field(schema: Mapping[str, Any], texts: list[str]) -> Any:
    if "array" in kinds_of(schema):
        return [typed(text, items_of(schema)) for text in texts]
    if len(texts) > 1:
        return texts
    return json_of(texts[0].encode()) if "object" in kinds_of(schema) else typed(texts[0], schema)


_BODIES: Final = {"json": _json_body, "text": _text_body, "form": _form_body, "multipart": _multipart_body}
