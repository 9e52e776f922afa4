"""Random pairs of served records with request grammars, random calls, and what a call would put on the wire by the runtime's own builder.

Two requests are the same if a server that takes parameters by name would take them for the same: order counts among values of one name alone.
"""

import copy
import json
import random
from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any, Final
from urllib.parse import parse_qsl, unquote

import jsonschema_rs

from caskmcp.errors import CaskError
from caskmcp.model.tool import Tool
from caskmcp.runtime.arguments import compiled
from caskmcp.runtime.plan import PreparedRequest, prepare
from tests.support import labelled

Record = dict[str, Any]
Wire = tuple[Any, ...]

ARGUMENTS: Final = ("p", "r", "q", "l", "o", "h", "c", "n", "m")
KINDS: Final[Mapping[str, tuple[Any, ...]]] = {
    "p": ({"type": "integer"}, {"type": "string"}, {"type": "integer", "minimum": 1}, {"enum": ["orders", "7"]}, {"type": ["string", "integer"]}, {"type": "number"}),
    "r": ({"type": "string"}, {"type": "string", "maxLength": 3}, {"type": "boolean"}),
    "q": ({"type": "string"}, {"type": "integer"}, {"type": ["string", "null"]}, {"enum": ["a", "b"]}, {"type": "array", "items": {"type": "string"}}),
    "l": ({"type": "array", "items": {"type": "string"}}, {"type": "array", "items": {"type": "integer"}, "maxItems": 2}, {"type": "string"}),
    "o": (
        {"type": "object", "properties": {"a": {"type": "string"}, "q": {"type": "string"}}, "additionalProperties": False},
        {"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": False},
        {"allOf": [{"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": False}]},
        {"$ref": "#/$defs/o"},
    ),
    "h": ({"type": "string"}, {"type": "integer"}),
    "c": ({"type": "string"}, {"type": "boolean"}),
    "n": ({"type": "string"}, {"type": "string", "format": "binary"}, {"type": "object"}, {"type": "integer"}),
    "m": ({"type": "string"}, {"type": "array", "items": {"type": "integer"}}),
}  # fmt: skip
DEFINED: Final = {"o": {"type": "object", "properties": {"a": {"type": "string"}, "q": {"type": "string"}}, "additionalProperties": False}}
TEXTS: Final = ("a", "b", "orders", "7", "..", ".", "a b", "é", "-1", "", "x", "1234", "a/b", "q", "12")


# ---------------------------------------------------------------- records
def record(rnd: random.Random) -> Record:
    """A served record that the runtime can send."""
    made = labelled.base()
    schema = {"type": "object", "additionalProperties": False, "properties": {name: rnd.choice(KINDS[name]) for name in ARGUMENTS}}
    schema["required"] = ["p", *(name for name in ARGUMENTS[1:] if rnd.random() < 0.15)]
    made["input_schema"] = {**schema, "$defs": DEFINED}
    made["request"] |= {
        "segments": _segments(rnd),
        "query": [_row(rnd, name) for name in ("q", "l", "o") if rnd.random() < 0.7],
        "headers": [_row(rnd, "h")] if rnd.random() < 0.6 else [],
        "cookies": [_row(rnd, "c")] if rnd.random() < 0.6 else [],
        "body": _body(rnd),
    }
    return made


def _segments(rnd: random.Random) -> list[Any]:
    first = rnd.choice([_literal("orders"), _argument(rnd, "r")]) if rnd.random() < 0.3 else _literal("orders")
    shapes = (
        [_argument(rnd, "p")],
        [_argument(rnd, "p"), _literal("x")],
        [_literal("v"), _argument(rnd, "p")],
        [_argument(rnd, "p"), _literal(".."), _argument(rnd, "r")],
    )
    return [{"pieces": [first]}, {"pieces": rnd.choice(shapes) if rnd.random() < 0.5 else shapes[0]}]


def _literal(text: str) -> Record:
    return {"text": text, "argument": "", "charset": "", "max_length": 0}


def _argument(rnd: random.Random, name: str) -> Record:
    return {"text": "", "argument": name, "charset": rnd.choice(["", "integer", "token", "text"]), "max_length": rnd.choice([0, 1, 2, 10])}


def _row(rnd: random.Random, name: str) -> Record:
    style, explode = rnd.choice([("form", True), ("form", True), ("form", False), ("deepObject", True), ("pipeDelimited", False)])
    made = {"argument": name, "wire": rnd.choice([name, name, "a"]), "style": style, "explode": explode}
    return made | ({"default": rnd.choice(["1", "a"])} if rnd.random() < 0.1 and name in ("q", "h") else {})


def _body(rnd: random.Random) -> Record | None:
    if rnd.random() < 0.2:
        return None
    kind, media = rnd.choice(
        [("json", "application/json")] * 3 + [("form", "application/x-www-form-urlencoded"), ("multipart", "multipart/form-data")]
    )
    names = [name for name in ("n", "m", "l") if rnd.random() < 0.6]
    made: Record = {
        "media": media,
        "kind": kind,
        "argument": "",
        "fields": [{"argument": name, "wire": name, "style": "form", "explode": True} for name in names],
    }
    made["required"] = rnd.random() < 0.3
    if kind == "json" and rnd.random() < 0.2:
        made |= {"constants": {"act": rnd.choice(["x", "y"])}, "within": rnd.choice([[], ["in"]])}
    return made


# ---------------------------------------------------------------- pairs
def pair(rnd: random.Random) -> tuple[Record, Record]:
    """Two records a few edits apart, in either direction."""
    old = record(rnd)
    new = copy.deepcopy(old)
    for _ in range(rnd.choice([0, 1, 1, 1, 2, 2, 3])):
        rnd.choice(_EDITS)(rnd, new)
    return (old, new) if rnd.random() < 0.5 else (new, old)


def _edit_rows(rnd: random.Random, made: Record) -> None:
    rows = made["request"][rnd.choice(["query", "query", "headers", "cookies"])]
    _edit_some(rnd, rows)


def _edit_fields(rnd: random.Random, made: Record) -> None:
    if made["request"]["body"]:
        _edit_some(rnd, made["request"]["body"]["fields"])


def _edit_some(rnd: random.Random, rows: list[Any]) -> None:
    if not rows:
        return
    turn, at = rnd.random(), rnd.randrange(len(rows))
    if turn < 0.6:
        del rows[at]
    elif turn < 0.75:
        rows.reverse()
    else:
        rows[at] = {**_row(rnd, rows[at]["argument"]), "wire": rows[at]["wire"]}


def _edit_body(rnd: random.Random, made: Record) -> None:
    if rnd.random() < 0.4:
        made["request"]["body"] = None if rnd.random() < 0.6 else _body(rnd)
    elif made["request"]["body"]:
        made["request"]["body"]["required"] = rnd.random() < 0.5


def _edit_piece(rnd: random.Random, made: Record) -> None:
    pieces = rnd.choice(made["request"]["segments"])["pieces"]
    piece = rnd.choice(pieces)
    if not piece["argument"]:
        return
    if rnd.random() < 0.2 and len(pieces) == 1:
        pieces[0] = _literal(rnd.choice(["orders", "7", "a"]))
    elif rnd.random() < 0.5:
        piece["charset"] = rnd.choice(["", "integer", "token", "text"])
    else:
        piece["max_length"] = rnd.choice([0, 1, 2, 10, 4096])


def _edit_argument(rnd: random.Random, made: Record) -> None:
    name = rnd.choice(ARGUMENTS)
    made["input_schema"]["properties"][name] = rnd.choice(KINDS[name])


def _edit_bound(rnd: random.Random, made: Record) -> None:
    name = rnd.choice(ARGUMENTS)
    found = made["input_schema"]["properties"].get(name, {})
    if found.get("type") == "string":
        made["input_schema"]["properties"][name] = {**found, "maxLength": rnd.choice([1, 2, 3])}


def _edit_names(rnd: random.Random, made: Record) -> None:
    name = rnd.choice(ARGUMENTS[1:])
    required = made["input_schema"]["required"]
    if rnd.random() < 0.5:
        made["input_schema"]["required"] = [row for row in required if row != name] if name in required else [*required, name]
    else:
        made["input_schema"]["properties"].pop(name, None)
        made["input_schema"]["required"] = [row for row in required if row != name]


def _edit_root(rnd: random.Random, made: Record) -> None:
    made["input_schema"] |= rnd.choice(
        [{"minProperties": 2}, {"dependentRequired": {"q": ["l"]}}, {"anyOf": [{"required": ["q"]}, {"required": ["n"]}]}]
    )


_EDITS: Final = (
    _edit_rows,
    _edit_rows,
    _edit_fields,
    _edit_body,
    _edit_piece,
    _edit_piece,
    _edit_argument,
    _edit_bound,
    _edit_names,
    _edit_root,
)


# ---------------------------------------------------------------- calls
def call(rnd: random.Random, made: Record) -> dict[str, Any]:
    """Arguments that may fit."""
    schema = made["input_schema"]
    names = [name for name in ARGUMENTS if name in schema["required"] or rnd.random() < 0.3]
    return {name: _value(rnd, schema["properties"].get(name, {})) for name in names if name in schema["properties"] or rnd.random() < 0.2}


def _value(rnd: random.Random, schema: Mapping[str, Any]) -> Any:
    if "enum" in schema:
        return rnd.choice(schema["enum"])
    if "$ref" in schema or "allOf" in schema or schema.get("type") == "object":
        return {key: rnd.choice(TEXTS) for key in ("a", "q") if rnd.random() < 0.6}
    kinds = schema.get("type", "string")
    kind = kinds if isinstance(kinds, str) else rnd.choice(kinds)
    plain: dict[str, Any] = {
        "integer": rnd.choice([0, 1, 7, -1, 12, 10**21]),
        "number": rnd.choice([1.0, 2.5, 1e21, 7, -0.0]),
        "boolean": rnd.random() < 0.5,
        "null": None,
    }
    if kind == "array":
        inner = schema.get("items", {})
        return [_value(rnd, inner) for _ in range(rnd.randint(0, 3))]
    return plain.get(kind, rnd.choice(TEXTS))


class Sender:
    """One record as the runtime has it."""

    def __init__(self, made: Record) -> None:
        """Raises CaskError or ValueError for a record that the runtime would not serve."""
        signed = {key: value for key, value in made.items() if key not in ("policy", "toolsets", "schema")}
        self.record = made
        self.tool = Tool.model_validate_json(json.dumps({**signed, "operation": ""}))
        self.check = compiled(self.tool)
        self.schema = jsonschema_rs.Draft202012Validator(made["input_schema"], validate_formats=True)

    def accepts(self, arguments: Mapping[str, Any]) -> bool:
        """Whether the arguments pass the check."""
        return bool(self.schema.is_valid(dict(arguments)))

    def sent(self, arguments: Mapping[str, Any]) -> Wire | None:
        """What goes out; None if the call is refused."""
        try:
            self.check.refuse(arguments)
            return told(prepare(self.tool, arguments))
        except CaskError:
            # A refusal is the answer that is asked for.
            return None

    def can_send(self, wire: Wire, arguments: Mapping[str, Any]) -> bool:
        """Whether some call makes that request; the calls that are tried are near the given one."""
        return any(self.sent(near) == wire for near in self._near(wire, arguments))

    def _near(self, wire: Wire, arguments: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        yield arguments
        known = {name: value for name, value in arguments.items() if name in self.record["input_schema"]["properties"]}
        required = set(self.record["input_schema"]["required"])
        loose = [name for name in known if name not in required]
        for kept in product([True, False], repeat=len(loose)):
            gone = {name for name, keep in zip(loose, kept, strict=True) if not keep}
            rest = {name: value for name, value in known.items() if name not in gone}
            yield rest
            yield {name: _whole(value) for name, value in rest.items()}
            yield from ({**rest, **said} for said in self._from_path(wire, arguments))

    def _from_path(self, wire: Wire, given: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """Values of path arguments that stand alone in a segment, read back from the path."""
        said: dict[str, list[Any]] = {}
        for segment, text in zip(self.record["request"]["segments"], wire[4], strict=False):
            if len(segment["pieces"]) == 1 and segment["pieces"][0]["argument"]:
                plain, name = unquote(text), segment["pieces"][0]["argument"]
                own = [given[name]] if name in given else []
                said[name] = [*own, plain, *([int(plain)] if plain.lstrip("-").isdecimal() else [])]
        for values in product(*said.values()):
            yield dict(zip(said, values, strict=True))


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def told(request: PreparedRequest) -> Wire:
    """A request as a value that does not know the order of names."""
    path, _, query = request.target.decode().partition("?")
    headers = {name.lower(): value for name, value in request.headers if name.lower() != "content-length"}
    cookies = sorted(headers.pop("cookie", "").split("; "))
    body, headers["content-type"] = _told_body(request.body, headers.get("content-type", ""))
    pairs = sorted((pair.partition("=")[::2] for pair in query.split("&") if query), key=lambda row: row[0])
    return (request.method, request.scheme, request.host, request.port, path.split("/")[1:], pairs, sorted(headers.items()), cookies, body)


def _told_body(body: bytes, kind: str) -> tuple[Any, str]:
    if kind.startswith("multipart/"):
        mark = b"--" + kind.partition("boundary=")[2].encode()
        return sorted(body.split(mark), key=lambda part: part.partition(b"\r\n\r\n")[0]), kind.partition(";")[0]
    if "urlencoded" in kind:
        return sorted(parse_qsl(body.decode(), keep_blank_values=True), key=lambda row: row[0]), kind
    return (json.dumps(json.loads(body), sort_keys=True) if body else ""), kind
