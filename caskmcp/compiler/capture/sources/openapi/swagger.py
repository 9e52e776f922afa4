"""An operation of Swagger 2.0: what it writes in other words than 3.x, read where it stands, so that lines and references stay the document's own.

Bodies and answers have the media types of `consumes` and `produces`, form fields become one body, `collectionFormat` becomes a style.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from caskmcp.compiler.capture.sources.openapi import parameters
from caskmcp.compiler.capture.sources.openapi.messages import media, status
from caskmcp.compiler.capture.sources.openapi.node import Node
from caskmcp.compiler.capture.sources.openapi.parameters import FORM, NOT_PARAMETERS, checked_name
from caskmcp.compiler.capture.sources.openapi.schemas import Direction, Part, Schemas
from caskmcp.compiler.capture.sources.openapi.servers import DEFAULT_PORTS, Origin
from caskmcp.compiler.capture.sources.openapi.stated import Answer, Placed, Stated
from caskmcp.model.exchange import DeclaredParameter, DeclaredResponse, Skipped
from caskmcp.model.record import JsonSchema

METHODS: Final = ("get", "put", "post", "delete", "options", "head", "patch")
ROOT: Final[Mapping[str, frozenset[str]]] = {
    "2.0": frozenset(
        [
            "swagger",
            "info",
            "host",
            "basePath",
            "schemes",
            "consumes",
            "produces",
            "paths",
            "definitions",
            "parameters",
            "responses",
            "securityDefinitions",
            "security",
            "tags",
            "externalDocs",
        ]
    )
}
ITEM: Final = frozenset({"$ref", "parameters", *METHODS})
OPERATION: Final = frozenset(
    [
        "tags",
        "summary",
        "description",
        "externalDocs",
        "operationId",
        "consumes",
        "produces",
        "parameters",
        "responses",
        "schemes",
        "deprecated",
        "security",
    ]
)
PLACES: Final = ("path", "query", "header", "formData", "body")
_CONSTRAINTS: Final = frozenset(
    [
        "type",
        "format",
        "items",
        "default",
        "maximum",
        "exclusiveMaximum",
        "minimum",
        "exclusiveMinimum",
        "maxLength",
        "minLength",
        "pattern",
        "maxItems",
        "minItems",
        "uniqueItems",
        "enum",
        "multipleOf",
    ]
)
FIELDS: Final = _CONSTRAINTS | {"name", "in", "description", "required", "allowEmptyValue", "collectionFormat"}
BODY_FIELDS: Final = frozenset({"name", "in", "description", "required", "schema"})
RESPONSE_FIELDS: Final = frozenset({"description", "schema", "headers", "examples", "$ref"})
MULTIPART: Final = "multipart/form-data"
JSON: Final = "application/json"
"""What a body or an answer is where neither the operation nor the document says it."""

# fmt: off
STYLES: Final[Mapping[tuple[str, str], tuple[str, bool | None]]] = {
    # format, where              style             explode
    ("csv",   "query"):          ("",              False),
    ("ssv",   "query"):          ("spaceDelimited", None),
    ("pipes", "query"):          ("pipeDelimited",  None),
    ("multi", "query"):          ("",              None),
    ("multi", "formData"):       ("",              None),
    ("csv",   "path"):           ("",              None),
    ("csv",   "header"):         ("",              None),
}
"""The formats of lists that a request plan can send, as 3.x says them."""
# fmt: on
FORMATS: Final = ("csv", "ssv", "tsv", "pipes", "multi")


def check(root: Node, schemas: Schemas) -> Iterator[Skipped]:
    """Check what stands beside the paths, used or not."""
    for _, node in root.fields_of("definitions"):
        schemas.check(node)
    for _, node in root.fields_of("parameters"):
        _parameter(node.followed(), schemas)
    for _, node in root.fields_of("responses"):
        _response("default", node.followed(), (), schemas)
    for _, scheme in root.fields_of("securityDefinitions"):
        _word(scheme)
    yield from _not_http(root)


def ending(root: Node) -> Iterator[Skipped]:
    """What stands beside the paths and can be no tool: nothing."""
    yield from ()


def operations(item: Node) -> Iterator[tuple[str, Node]]:
    """Method and object of each operation of a path item."""
    for name, node in item.fields("a path item", known=ITEM):
        if name in METHODS:
            yield name.upper(), node


def read(root: Node, item: Node, operation: Node, schemas: Schemas) -> Stated:
    """The parts of an operation. Raises CASK-C002 for the first rule that it breaks."""
    operation.check("an operation", OPERATION)
    nodes = _parameters(item, operation)
    rows = {key: _parameter(node, schemas) for key, node in nodes.items()}
    found = _body(nodes, rows, _media(root, operation, "consumes"), schemas)
    produces = _media(root, operation, "produces")
    answers = [
        row
        for name, node in operation.need("responses", "an operation").fields("`responses`")
        for row in _response(status(node, name), node.followed(), produces, schemas)
    ]
    placed = {key: row for key, row in rows.items() if row is not None and key[0] != "formData" and not _is_ignored(key)}
    return Stated(
        placed=placed,
        bodies=tuple((name, part) for name, part in found[0]),
        body_required=any(node.flag_of("required") for (where, _), node in nodes.items() if where in ("body", "formData")),
        answers=tuple(row for row in answers if isinstance(row, Answer)),
        auth=_auth(root, operation),
        origins=_origins(root, operation),
        skipped=(
            *_not_http(operation),
            *(row for each in placed.values() for row in parameters.skipped(each)),
            *(row for row in answers if isinstance(row, Skipped)),
        ),
        unsent=found[1],
    )


# ---------------------------------------------------------------- where
def _origins(root: Node, operation: Node) -> tuple[Origin, ...]:
    given = operation.texts_of("schemes") or root.texts_of("schemes") or ("https",)
    schemes = [name for name in ("https", "http") if name in given]
    host, base = root.text_of("host").lower(), root.text_of("basePath").strip("/")
    match = re.fullmatch(r"([a-z0-9._-]*)(?::([0-9]{1,5}))?", host)
    if match is None or int(match[2] or 0) > 65535:
        raise root.child("host").refuse("`host` has to be a name with an optional port, without scheme and path")
    if re.search(r"[?#{}\\\x00-\x20\x7f]", base):
        raise root.child("basePath").refuse("`basePath` has to be a path")
    port = int(match[2] or 0)
    rows = (
        Origin(name, match[1], 0 if port == DEFAULT_PORTS[name] else port, parameters.encoded(f"/{base}" if base else ""))
        for name in schemes
    )
    return tuple(rows)[:1]


def _not_http(holder: Node) -> Iterator[Skipped]:
    for node in holder.items_of("schemes"):
        if node.string("a scheme") not in ("http", "https", "ws", "wss"):
            raise node.refuse("a scheme is one of http, https, ws and wss")
        if node.value.startswith("ws"):
            yield Skipped(node.place, "not http")


def _media(root: Node, operation: Node, field: str) -> tuple[str, ...]:
    holder = operation if operation.get(field) is not None else root
    rows = tuple(media(node, node.string(f"an item of `{field}`")) for node in holder.items_of(field))
    return tuple(dict.fromkeys(rows)) or (JSON,)


# ---------------------------------------------------------------- parameters
def _parameters(item: Node, operation: Node) -> dict[tuple[str, str], Node]:
    """(where, name) -> parameter, of the path item and of the operation, which wins."""
    found: dict[tuple[str, str], Node] = {}
    for holder in (item, operation):
        here: dict[tuple[str, str], Node] = {}
        for given in holder.items_of("parameters"):
            node = given.followed()
            where = _where(node)
            key = (where, "" if where == "body" else checked_name(node, where))
            if key in here:
                raise given.refuse("a second body" if where == "body" else f"the {where} parameter `{key[1]}` stands twice")
            here[key] = node
        found |= here
    places = {where for where, _ in found}
    if {"body", "formData"} <= places:
        raise operation.refuse("an operation has a body or form fields, not both")
    return found


def _is_ignored(key: tuple[str, str]) -> bool:
    return key[0] == "header" and key[1].lower() in NOT_PARAMETERS


def _where(node: Node) -> str:
    where = node.need("in", "a parameter").string("`in`")
    if where not in PLACES:
        raise node.refuse(f"`in: {where}` is none of {', '.join(PLACES)}")
    node.check("a parameter", BODY_FIELDS if where == "body" else FIELDS)
    return where


def _parameter(node: Node, schemas: Schemas) -> Placed | None:
    """One parameter; None for a body, whose schema is read with its media types."""
    where = _where(node)
    if where == "body":
        schemas.part(node.need("schema", "a body"), Direction.REQUEST)
        return None
    name = checked_name(node, where)
    kind = node.need("type", "a parameter").string("`type`")
    if kind == "object" or (kind == "file" and where != "formData"):
        raise node.refuse(f"a {where} parameter has no type `{kind}`")
    style, explode, unsent = _style(node, where)
    declared = DeclaredParameter(
        name=name,
        location="query" if where == "formData" else where,  # type: ignore[arg-type]  # one of PLACES; a form field is no parameter later
        schema=schemas.standalone(_bare(node), Direction.REQUEST),
        required=where == "path" or node.flag_of("required"),
        description=node.text_of("description"),
        style=style,
        explode=explode,
    )
    return Placed(declared, node, unsent)


def _bare(node: Node) -> Node:
    """The parameter or the items of one as a schema."""
    value: JsonSchema = {key: given for key, given in node.object("a schema").items() if key in _CONSTRAINTS or key == "x-nullable"}
    if value.get("type") == "file":
        value |= {"type": "string", "format": "binary"}
    if value.get("type") == "array":
        value["items"] = _bare(node.need("items", "a list")).value
    return Node(node.spec, value, node.at)


def _style(node: Node, where: str) -> tuple[str, bool | None, str]:
    """Style, explode, and why a list cannot be sent."""
    if node.value.get("type") != "array":
        return "", None, ""
    form = node.text_of("collectionFormat") or "csv"
    if form not in FORMATS:
        raise node.child("collectionFormat").refuse(f"`{form}` is none of {', '.join(FORMATS)}")
    if (form, where) not in STYLES:
        return "", None, f"`collectionFormat: {form}` in {where}"
    nested = "a list of lists" if node.need("items", "a list").object("`items`").get("type") == "array" else ""
    return (*STYLES[form, where], nested)


# ---------------------------------------------------------------- bodies
def _body(
    nodes: Mapping[tuple[str, str], Node], rows: Mapping[tuple[str, str], Placed | None], consumes: tuple[str, ...], schemas: Schemas
) -> tuple[list[tuple[str, Part]], str]:
    """(media type, schema) of each body, and why none can be sent."""
    body = nodes.get(("body", ""))
    if body is not None:
        part = schemas.part(body.need("schema", "a body"), Direction.REQUEST)
        return [(name, part) for name in consumes], ""
    fields = [row for (where, _), row in rows.items() if where == "formData" and row is not None]
    if not fields:
        return [], ""
    has_file = any(row.node.value.get("type") == "file" for row in fields)
    stated = [name for name in consumes if name == MULTIPART or (name == FORM and not has_file)]
    names = stated or [MULTIPART if has_file else FORM]
    schema: JsonSchema = {"type": "object", "properties": {row.declared.name: _described(row.declared) for row in fields}}
    needed = [row.declared.name for row in fields if row.declared.required]
    whole = schema | ({"required": needed} if needed else {})
    return [(name, Part(whole, Direction.REQUEST)) for name in names], next((row.unsent for row in fields if row.unsent), "")


def _described(declared: DeclaredParameter) -> JsonSchema:
    return {"description": declared.description, **declared.schema} if declared.description else declared.schema


# ---------------------------------------------------------------- answers
def _response(code: str, node: Node, produces: tuple[str, ...], schemas: Schemas) -> list[Answer | Skipped]:
    if not code:
        return [Skipped(node.place, "no response")]
    node.check("a response", RESPONSE_FIELDS)
    schema = node.get("schema")
    if schema is None:
        return [Answer(node, DeclaredResponse(code, ""), None)]
    if isinstance(schema.value, dict) and schema.value.get("type") == "file":
        part = Part({"type": "string", "format": "binary"}, Direction.RESPONSE)
    else:
        part = schemas.part(schema, Direction.RESPONSE)
    return [Answer(node, DeclaredResponse(code, name), part) for name in produces]


# ---------------------------------------------------------------- security
def _auth(root: Node, operation: Node) -> tuple[str, ...]:
    """As `security.auth`."""
    holder = operation if operation.get("security") is not None else root
    schemes = dict(root.fields_of("securityDefinitions"))
    found: set[str] = set()
    for requirement in holder.items_of("security"):
        for name in requirement.object("a security requirement"):
            if name not in schemes:
                raise requirement.refuse(f"the security scheme `{name}` is not declared")
            found.add(_word(schemes[name]))
    return tuple(sorted(found))


def _word(scheme: Node) -> str:
    kind = scheme.need("type", "a security scheme").string("`type`")
    if kind == "apiKey":
        place, name = (scheme.need(key, "an apiKey security scheme").string(f"`{key}`") for key in ("in", "name"))
        if place not in ("header", "query"):
            raise scheme.refuse("`in` of an apiKey is header or query")
        return f"{place}:{name.lower() if place == 'header' else name}"
    if kind not in ("basic", "oauth2"):
        raise scheme.refuse(f"`{kind}` is no type of security scheme")
    return "basic" if kind == "basic" else "bearer"
