"""`openapi.json`: the surface as an OpenAPI 3.1 document, with the strict schemas. Every operation is in it, a tool or not.

Operations that share a path and method (calls of a shared endpoint, other hosts, methods that OpenAPI does not know) stand in `x-cask-operations`.
"""

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

from caskmcp.compiler.emit.arguments import chosen, object_fields
from caskmcp.compiler.emit.components import Components
from caskmcp.compiler.emit.files import called
from caskmcp.compiler.emit.files.form import pretty
from caskmcp.compiler.emit.hygiene import clean
from caskmcp.compiler.emit.request import is_always_sent
from caskmcp.compiler.emit.surface import Compiled
from caskmcp.compiler.infer.marks import is_doubtful
from caskmcp.compiler.infer.schema import MARK
from caskmcp.compiler.infer.unobserved import RESPONSE
from caskmcp.model.contract import Contract, Parameter, Response
from caskmcp.model.tool import Tool

Plain = dict[str, Any]

METHODS: Final = frozenset({"get", "put", "post", "delete", "options", "head", "patch", "trace"})
_STATUS: Final = re.compile(r"[1-5](?:[0-9]{2}|XX)|default", re.ASCII)
_TEXT: Final = 300

# fmt: off
_STYLES: Final[Mapping[str, tuple[str, ...]]] = {
    "path": ("simple", "label", "matrix"), "query": ("form", "spaceDelimited", "pipeDelimited", "deepObject"), "header": ("simple",), "cookie": ("form",),
}
"""Styles that OpenAPI 3.1 allows at each place (section 4.8.12.3)."""
_SCHEMES: Final[Mapping[str, Plain]] = {"bearer": {"type": "http", "scheme": "bearer"}, "basic": {"type": "http", "scheme": "basic"}}
_PHRASES: Final[Mapping[str, str]] = {
    "200": "OK", "201": "Created", "202": "Accepted", "204": "No content", "206": "Partial content", "301": "Moved permanently", "302": "Found",
    "303": "See other", "304": "Not modified", "400": "Bad request", "401": "Not authenticated", "403": "Forbidden", "404": "Not found",
    "405": "Method not allowed", "409": "Conflict", "410": "Gone", "412": "Precondition failed", "413": "Content too large", "415": "Unsupported media type",
    "422": "Not processable", "429": "Too many requests", "500": "Server error", "502": "Bad gateway", "503": "Not available", "504": "Gateway timeout",
    "default": "Any other answer",
}
"""Ours: those of the standard library change between Pythons."""
# fmt: on


def emit(compiled: Compiled) -> bytes:
    """The file."""
    return pretty(document(compiled))


def document(compiled: Compiled) -> Plain:
    """The whole document."""
    main = main_origin(compiled.contracts)
    components = Components()
    paths: dict[str, Plain] = {}
    shapes: dict[str, list[str]] = {}
    others: list[Plain] = []
    for contract in compiled.contracts:
        names = shapes.setdefault(_shape(contract), _names(contract))
        path, method = _path(contract, names), contract.method.lower()
        operation = _operation(contract, compiled, names, components)
        if origin(contract) != main:
            operation["servers"] = [{"url": origin(contract)}]
        if contract.call is None and method in METHODS and method not in paths.get(path, {}):
            paths.setdefault(path, {})[method] = operation
        else:
            others.append({"path": path, "method": contract.method, "operation": operation})
    others += [_composite(tool) for tool in compiled.composites]
    schemes = {_scheme_name(row): _scheme(row) for contract in compiled.contracts for row in contract.auth}
    parts = {"schemas": components.schemas, "securitySchemes": schemes}
    return {
        "openapi": "3.1.0",
        "info": {"title": compiled.id, "version": "1"},
        "servers": [{"url": main}] if main else [],
        "paths": paths,
        **({"components": kept} if (kept := {name: rows for name, rows in parts.items() if rows}) else {}),
        **({"x-cask-operations": others} if others else {}),
    }


def _composite(tool: Tool) -> Plain:
    """A tool of other tools' calls: it has no path, and is no operation for who reads the document again."""
    rows = {"operationId": tool.name, "summary": tool.title, "description": tool.description, "x-cask-risk": tool.risk}
    plan = tool.composite.plain() if tool.composite else {}
    return {"composite": plan, "operation": {**rows, "x-cask-input": tool.input_schema}}


def origin(contract: Contract) -> str:
    """Scheme, host and port."""
    return f"{contract.scheme}://{contract.host}{f':{contract.port}' if contract.port else ''}"


def main_origin(contracts: tuple[Contract, ...]) -> str:
    """The origin of most operations; of two, the first by name."""
    counted = Counter(map(origin, contracts))
    return min(counted, key=lambda name: (-counted[name], name), default="")


# ---------------------------------------------------------------- paths
def _names(contract: Contract) -> list[str]:
    """Names of the path's parameters in order: a document's own, else the domain's."""
    return [piece.wire or piece.name for row in contract.segments for piece in row.pieces if piece.name]


def _shape(contract: Contract) -> str:
    return _path(contract, [""] * len(_names(contract)))


def _path(contract: Contract, names: list[str]) -> str:
    """The template. Methods of one path have one set of names, since templates that differ in names alone are one path to OpenAPI."""
    rest = iter(names)
    rows = ("".join(f"{{{next(rest)}}}" if piece.name else piece.text for piece in row.pieces) for row in contract.segments)
    return "/" + "/".join(rows)


# ---------------------------------------------------------------- operations
def _operation(contract: Contract, compiled: Compiled, names: list[str], components: Components) -> Plain:
    judged = compiled.classified[contract.id]
    title, description = clean(contract.title, _TEXT).text, clean(contract.description, _TEXT).text
    reason = compiled.left_out.get(contract.id, "")
    rows: Plain = {
        "operationId": compiled.names[contract.id],
        "summary": title,
        "description": description,
        "deprecated": contract.deprecated,
        "parameters": _parameters(contract, names, components),
        "requestBody": called.body(contract, components) if contract.call else _body(contract, components),
        "security": [{_scheme_name(row): []} for row in contract.auth],
        "x-cask-risk": judged.risk,
        # Read again as a source, such an operation must not count as documented: that would be evidence out of nothing.
        "x-cask-observed": "spec" not in contract.evidence.sources,
        "x-cask-left-out": reason,
        "x-cask-call": called.summary(contract, contract.call) if contract.call else None,
    }
    return {key: value for key, value in rows.items() if value} | {"responses": _responses(contract, components)}


def _parameters(contract: Contract, names: list[str], components: Components) -> list[Plain]:
    known = {row.name: row for row in contract.parameters if row.location == "path"}
    own = [piece.name for row in contract.segments for piece in row.pieces if piece.name]
    missing = Parameter.model_validate({"name": "", "wire": "", "location": "path", "schema": {"type": "string"}})
    in_path = [_parameter(known.get(name, missing), given, components) for name, given in zip(own, names, strict=True)]
    secret = {row.lower() for row in contract.auth}
    rest = {(row.location, row.wire): row for row in contract.parameters if row.location != "path"}
    shown = [row for key, row in sorted(rest.items()) if f"{row.location}:{row.wire.lower()}" not in secret]
    return [*in_path, *(_parameter(row, row.wire, components) for row in shown)]


def _parameter(row: Parameter, name: str, components: Components) -> Plain:
    style = row.style if row.style in _STYLES[row.location] else ""
    rows: Plain = {
        "name": name,
        "in": row.location,
        "required": row.required or row.location == "path",
        "description": clean(row.description, _TEXT).text,
        "style": style,
        "explode": row.explode,
        "schema": components.place(row.schema_),
        "x-cask-constant": row.constant,
        MARK: "low" if is_doubtful(row) else "",
    }
    return {key: value for key, value in rows.items() if value not in ("", None) and (key, value) != ("required", False)}


def _body(contract: Contract, components: Components) -> Plain:
    if not contract.bodies:
        return {}
    content = {row.media or "application/octet-stream": {"schema": components.place(row.schema_)} for row in contract.bodies}
    required = all(row.required for row in contract.bodies) or _is_sent_empty(contract)
    return {"content": content} | ({"required": True} if required else {})


def _is_sent_empty(contract: Contract) -> bool:
    """Whether the tool sends an object also where no field is given; of one with required fields this would say that they are needed."""
    body = chosen(contract.bodies)
    return (
        body is not None
        and body.kind == "json"
        and not body.schema_.get("required")
        and object_fields(body.schema_) is not None
        and is_always_sent(contract)
    )


def _responses(contract: Contract, components: Components) -> Plain:
    out: dict[str, Plain] = {status: _answer(status) for status in sorted(contract.statuses) if _STATUS.fullmatch(status)}
    for row in contract.responses:
        if _STATUS.fullmatch(row.status):
            out.setdefault(row.status, _answer(row.status)).setdefault("content", {}).update(_content(row, components))
    for status in (status for status in out if status.startswith("2") and status != "204" and RESPONSE in contract.unobserved):
        out[status]["description"] += " (body unobserved)"
    rows = {status: {key: value for key, value in answer.items() if value} for status, answer in out.items()}
    return rows or {"default": {"description": "Not known"}}


def _content(row: Response, components: Components) -> Plain:
    return {} if not row.media else {row.media: {} if row.schema_ is None else {"schema": components.place(row.schema_)}}


def _answer(status: str) -> Plain:
    return {"description": _PHRASES.get(status, f"Status {status}")}


# ---------------------------------------------------------------- authentication
def _scheme_name(auth: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "_", auth)


def _scheme(auth: str) -> Plain:
    place, _, name = auth.partition(":")
    return dict(_SCHEMES[auth]) if auth in _SCHEMES else {"type": "apiKey", "in": place, "name": name}
