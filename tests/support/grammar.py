"""Whether a request that an upstream logged is a member of its tool's grammar: told from the signed record and the bytes alone, without our writer.

The request language of a tool is said here a second time, the other way round: as what may stand on the wire. A judge of fuzzed calls, so it imports
nothing of the runtime. It is no narrower than the record: a value is asked for its form, not for its schema.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, unquote, unquote_to_bytes

Record = Mapping[str, Any]

UNRESERVED: Final = r"(?:[A-Za-z0-9._~-]|%[0-9A-F]{2})"
CHARSETS: Final = {"integer": r"-?[0-9]+", "token": r"[A-Za-z0-9._~-]+", "text": f"{UNRESERVED}+", "": r"[A-Za-z0-9._~-]+"}
VALUE: Final = re.compile(rf"(?:{UNRESERVED}|,)*")
OWN: Final = frozenset({"host", "user-agent", "accept", "accept-encoding", "content-type", "content-length", "cookie"})
PRINTABLE: Final = re.compile(r"[\x20-\x7e]*")
CONTROL: Final = re.compile(rb"[\x00-\x1f\x7f]")


def outside(tool: Record, head: str, body: bytes, *, credential: str = "") -> str:
    """Why a request is none of the tool's; empty if it is one. credential: the header that the tool's `auth` fills, in lower case."""
    request, (line, *rows) = tool["request"], head.split("\r\n")
    parts = line.split(" ")
    if len(parts) != 3 or parts[0] != request["method"] or parts[2] != "HTTP/1.1":
        return f"request line {line[:80]!r}"
    path, question, query = parts[1].partition("?")
    headers = [(name.lower(), value.strip()) for name, _, value in (row.partition(":") for row in rows if row)]
    return next(
        filter(
            None,
            (
                _path(request, path),
                _query(tool, query) if question else "",
                _headers(request, headers, credential),
                _body(tool, dict(headers).get("content-type", ""), body),
            ),
        ),
        "",
    )


# ---------------------------------------------------------------- the path
def _path(request: Record, path: str) -> str:
    wanted, given = request["segments"], path.split("/")[1:]
    if not path.startswith("/") or (len(given) != len(wanted) and not (wanted == [] and given == [""])):
        return f"{len(given)} segments in {path[:80]!r}"
    return next((why for segment, text in zip(wanted, given, strict=False) if (why := _segment(segment["pieces"], text))), "")


def _segment(pieces: list[Any], text: str) -> str:
    pattern = "".join(_piece(piece) for piece in pieces)
    if not re.fullmatch(pattern, text):
        return f"segment {text[:80]!r} is none of {pattern}"
    if not any(piece.get("argument") for piece in pieces):
        return ""
    raw = unquote_to_bytes(text)
    climbs = {part.split(b";")[0].strip() for part in re.split(rb"[/\\]", raw)} & {b".", b".."}
    return f"segment {text[:80]!r} climbs or holds a control character" if climbs or CONTROL.search(raw) else ""


def _piece(piece: Record) -> str:
    if not piece.get("argument"):
        return re.escape(str(piece.get("text", "")))
    # A character takes at most four bytes, each of them three on the wire.
    most = piece.get("max_length", 0)
    return f"(?=.{{1,{12 * most}}})(?:{CHARSETS[piece.get('charset', '')]})" if most else f"(?:{CHARSETS[piece.get('charset', '')]})"


# ---------------------------------------------------------------- the query
def _query(tool: Record, query: str) -> str:
    names, loose = _names(tool)
    for pair in query.split("&"):
        name, equals, value = pair.partition("=")
        if not equals or not re.fullmatch(f"{UNRESERVED}+", name) or not VALUE.fullmatch(value):
            return f"pair {pair[:80]!r}"
        plain = unquote(name)
        if plain not in names and not any(re.fullmatch(re.escape(wire) + r"\[[^\[\]]*\]", plain) for wire in loose):
            return f"parameter {plain[:80]!r}"
        if plain in names and (fixed := names[plain]) is not None and unquote(value) != fixed:
            return f"constant {plain!r} is {value[:80]!r}"
    return ""


def _names(tool: Record) -> tuple[dict[str, str | None], list[str]]:
    """Parameters of the query, with what a constant has to say; and those whose fields stand in brackets."""
    request = tool["request"]
    fields = request.get("query", [])
    names: dict[str, str | None] = {row["wire"]: None for row in fields}
    for row in fields:
        if row.get("style", "form") == "form" and row.get("explode", True):
            names |= dict.fromkeys(_declared(tool, row["argument"]))
    body = request.get("body") or {}
    if body.get("kind") == "query":
        within = body.get("within", [])
        names |= {
            name: value if isinstance(value, str) else None for name, value in body.get("constants", {}).items() if name not in within
        }
        names |= dict.fromkeys([*within[:1], *(row["wire"] for row in body.get("fields", []) if not within)])
    return names, [row["wire"] for row in fields if row.get("style") == "deepObject"]


def _declared(tool: Record, argument: str) -> Iterator[str]:
    """The names that an object argument may have, wherever its schema says them."""
    schema = tool["input_schema"]
    yield from _properties(schema.get("properties", {}).get(argument, {}), schema.get("$defs", {}))


def _properties(schema: Any, defined: Record) -> Iterator[str]:
    if isinstance(schema, dict):
        yield from schema.get("properties", {})
        yield from _properties(defined.get(str(schema.get("$ref", "")).removeprefix("#/$defs/")), {})
        for part in ("allOf", "anyOf", "oneOf"):
            for each in schema.get(part, []):
                yield from _properties(each, defined)


# ---------------------------------------------------------------- headers
def _headers(request: Record, headers: list[tuple[str, str]], credential: str) -> str:
    fixed = {name.lower(): value for name, value in request.get("constants", {}).items()}
    filled = {row["wire"].lower() for row in request.get("headers", [])}
    names = [name for name, _ in headers]
    if len(names) != len(set(names)):
        return f"a header twice in {sorted(names)}"
    for name, value in headers:
        if name not in OWN | filled | fixed.keys() | ({credential} if credential else set()):
            return f"header {name[:80]!r}"
        if not PRINTABLE.fullmatch(value) or (name in fixed and fixed[name] != value):
            return f"header {name}: {value[:80]!r}"
    given = dict(headers)
    if given.get("host") != _authority(request):
        return f"host {given.get('host')!r}"
    return _cookies(request, given.get("cookie", ""))


def _authority(request: Record) -> str:
    port = request.get("port", 0)
    return f"{request['host']}:{port}" if port and port != {"http": 80, "https": 443}[request["scheme"]] else str(request["host"])


def _cookies(request: Record, text: str) -> str:
    known = {row["wire"] for row in request.get("cookies", [])}
    for pair in text.split("; ") if text else []:
        name, equals, value = pair.partition("=")
        if name not in known or not equals or not re.fullmatch(f"{UNRESERVED}*", value):
            return f"cookie {pair[:80]!r}"
    return ""


# ---------------------------------------------------------------- the body
def _body(tool: Record, media: str, body: bytes) -> str:
    plan = tool["request"].get("body")
    if not body:
        return ""
    if plan is None or plan["kind"] == "query":
        return "a body that the plan has not got"
    if media.partition(";")[0].strip() != plan["media"].partition(";")[0].strip():
        return f"media type {media[:80]!r}"
    return _BODIES[plan["kind"]](plan, media, body)


def _json(plan: Record, _: str, body: bytes) -> str:
    value = json.loads(body)
    constants, within = plan.get("constants", {}), plan.get("within", [])
    if plan.get("argument") and not within and not constants:
        return ""
    return _placed(plan, constants, within, value)


def _placed(plan: Record, constants: Any, within: list[str], value: Any) -> str:
    """The constants as they are, and at the place of the arguments nothing but these."""
    if not isinstance(value, dict):
        return "the body is no object"
    free = {within[0]} if within else {row["wire"] for row in plan.get("fields", [])}
    for name, said in value.items():
        if name not in free and (name not in constants or json.dumps(constants[name]) != json.dumps(said)):
            return f"member {name[:80]!r}"
    if missing := constants.keys() - value.keys():
        return f"constants {sorted(missing)} are missing"
    if len(within) > (1 if plan.get("argument") else 0) and within[0] in value:
        return _placed(plan, constants.get(within[0], {}), within[1:], value[within[0]])
    return ""


def _form(plan: Record, _: str, body: bytes) -> str:
    rows = parse_qsl(body.decode("ascii"), keep_blank_values=True, strict_parsing=True)
    fixed, free = plan.get("constants", {}), {row["wire"] for row in plan.get("fields", [])}
    odd = [name for name, value in rows if name not in free and fixed.get(name) != value]
    return f"field {odd[0][:80]!r}" if odd else ""


def _multipart(plan: Record, media: str, body: bytes) -> str:
    mark = b"--" + media.partition("boundary=")[2].encode("ascii")
    first, *parts, last = body.split(mark)
    if first or last != b"--\r\n":
        return "the parts are not framed"
    free = {row["wire"] for row in plan.get("fields", [])}
    for part in parts:
        found = re.match(
            rb'\r\nContent-Disposition: form-data; name="([^"\r\n]*)"(?:; filename="[^"\r\n]*"\r\nContent-Type: [a-z/-]+)?\r\n\r\n', part
        )
        if not found or found[1].decode() not in free:
            return f"part {part[:80]!r}"
    return ""


def _text(_: Record, __: str, body: bytes) -> str:
    body.decode("utf-8")
    return ""


_BODIES: Final[Mapping[str, Callable[[Record, str, bytes], str]]] = {"json": _json, "form": _form, "multipart": _multipart, "text": _text}
