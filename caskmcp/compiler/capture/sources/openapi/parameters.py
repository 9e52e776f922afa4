"""Parameters of an operation, and the path template that they fill in.

A path parameter in style `label` or `matrix` becomes plain text of the template around it (`.{id}`, `;id={id}`), which is the same on the
wire. A parameter with `content` is text of that media type: draft 2020-12 says this with `contentMediaType` and `contentSchema`.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import quote

import msgspec

from caskmcp.compiler.capture.sources.openapi.node import Node
from caskmcp.compiler.capture.sources.openapi.schemas import Direction, Schemas
from caskmcp.compiler.capture.sources.openapi.stated import Placed, unsupported_fields
from caskmcp.model.exchange import DeclaredParameter, Skipped
from caskmcp.model.record import JsonSchema

CONSTANT: Final = "x-cask-constant"
"""The one value that all traffic carried, at a parameter of a document that we compiled ourselves (`emit.files.openapi`)."""
STYLES: Final[Mapping[str, tuple[str, ...]]] = {
    # where     styles that it may have, the default first (OpenAPI 3.1 section 4.8.12.3)
    "path": ("simple", "label", "matrix"),
    "query": ("form", "spaceDelimited", "pipeDelimited", "deepObject"),
    "header": ("simple",),
    "cookie": ("form",),
}
FIELDS: Final = frozenset(
    [
        "name",
        "in",
        "description",
        "required",
        "deprecated",
        "allowEmptyValue",
        "style",
        "explode",
        "allowReserved",
        "schema",
        "example",
        "examples",
        "content",
        "$ref",
    ]
)
SINCE_32: Final[Mapping[str, tuple[str, ...]]] = {**STYLES, "cookie": ("form", "cookie"), "querystring": ()}
"""The same in 3.2."""
TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}", re.ASCII)
"""A method or the name of a header (RFC 9110 section 5.6.2)."""
FORM: Final = "application/x-www-form-urlencoded"
NOT_PARAMETERS: Final = frozenset({"accept", "content-type", "authorization"})
"""Header names that a document may list and that mean nothing there (3.1 section 4.8.12.1)."""

_NAME: Final = re.compile(r"\{([^{}]*)\}")
_LITERAL: Final = "/%!$&'()*+,;=:@~"


class Written(NamedTuple):
    """A template and its parameters as they are on the wire."""

    path: str
    parameters: tuple[DeclaredParameter, ...]
    unsent: str = ""
    """Why the operation cannot be sent; empty if it can."""


def written(template: Node, name: str, placed: Mapping[tuple[str, str], Placed], auth: tuple[str, ...]) -> Written:
    """The template with its parameters, checked against each other.

    template: the path item; name: its key. auth: parameters that carry the credential are no parameters of the operation.
    """
    names = template_names(template, name)
    declared = {row.declared.name: row for row in placed.values() if row.declared.location == "path"}
    for missing in sorted(set(names) - set(declared)):
        raise template.refuse(f"no parameter declares `{missing}` of `{name}`")
    for stray in sorted(set(declared) - set(names)):
        raise declared[stray].node.refuse(f"the path parameter `{stray}` is not in `{name}`")
    wanted = [row for key, row in placed.items() if _word(key) not in auth]
    path = _NAME.sub(lambda match: _around(declared[match.group(1)].declared), encoded(name))
    unsent = next((f"{row.declared.name}: {row.unsent}" for row in wanted if row.unsent and row.declared.required), "")
    return Written(path, tuple(_plain_style(row.declared) for row in wanted if not row.unsent), unsent)


def skipped(placed: Placed) -> Iterator[Skipped]:
    """What a parameter says that no request plan can do, although it can be sent."""
    yield from unsupported_fields(placed.node, [name for name in ("allowReserved", "allowEmptyValue") if placed.node.flag_of(name)])


def _word(key: tuple[str, str]) -> str:
    """As `Exchange.auth` would name a credential in that place."""
    return f"{key[0]}:{key[1].lower() if key[0] == 'header' else key[1]}"


def template_names(template: Node, name: str) -> list[str]:
    """The parameter names of a path, in order. Raises CASK-C002 for a path that is no template."""
    names = _NAME.findall(name)
    rest = _NAME.sub("x", name)
    if not name.startswith("/"):
        raise template.refuse(f"the path `{name}` has to begin with `/`")
    if re.search(r"[{}?#\\\x00-\x1f\x7f]", rest) or "" in names:
        raise template.refuse(f"the path `{name}` is no template")
    if {".", ".."} & set(rest.split("/")) or {".", ".."} & set(re.sub(r"%2[eE]", ".", rest).split("/")):
        raise template.refuse(f"the path `{name}` climbs")
    if len(set(names)) != len(names):
        raise template.refuse(f"the path `{name}` names a parameter twice")
    return names


def shape(name: str) -> str:
    """The template without its names: two paths of one shape mean the same (3.1 section 4.8.8.2)."""
    return _NAME.sub("{}", name)


def encoded(name: str) -> str:
    """The template with its literal text as it stands on the wire."""
    pieces = re.split(r"(\{[^{}]*\})", name)
    return "".join(piece if piece.startswith("{") else quote(piece, safe=_LITERAL) for piece in pieces)


# ---------------------------------------------------------------- one parameter
def read_all(holders: tuple[Node, ...], schemas: Schemas) -> dict[tuple[str, str], Placed]:
    """(where, name) -> parameter, of the path item and of the operation, which wins."""
    found: dict[tuple[str, str], Placed] = {}
    for holder in holders:
        listed = holder.get("parameters")
        here: dict[tuple[str, str], Placed] = {}
        for item in () if listed is None else listed.items("`parameters`"):
            for row in _rows(item.followed(), schemas):
                key = (row.declared.location, row.declared.name)
                if key in here:
                    raise item.refuse(f"the {key[0]} parameter `{key[1]}` stands twice")
                here[key] = row
        found |= here
    whole = next((row.node for row in found.values() if row.node.value.get("in") == "querystring"), None)
    if whole is not None and any(row.node.value.get("in") == "query" for row in found.values()):
        raise whole.refuse("`in: querystring` is the whole query: no parameter `in: query` can stand beside it")
    return {key: row for key, row in found.items() if not (key[0] == "header" and key[1].lower() in NOT_PARAMETERS)}


def _rows(node: Node, schemas: Schemas) -> list[Placed]:
    return _querystring(node, schemas) if _where(node) == "querystring" else [read(node, schemas)]


def _where(node: Node) -> str:
    """Where a parameter stands. Raises CASK-C002 for a place that its version does not have."""
    node.check("a parameter", FIELDS)
    where, places = node.need("in", "a parameter").string("`in`"), _styles(node)
    if where not in places:
        raise node.refuse(f"`in: {where}` is none of {', '.join(places)}")
    return where


def _styles(node: Node) -> Mapping[str, tuple[str, ...]]:
    return SINCE_32 if node.spec.version == "3.2" else STYLES


def checked_name(node: Node, where: str) -> str:
    """The name of a parameter. Raises CASK-C002 for one that cannot be sent, and for a path parameter that is said to be optional."""
    name = node.need("name", "a parameter").string("`name`")
    if not name or re.search(r"[\x00-\x1f\x7f]", name):
        raise node.refuse("a parameter's name is empty or holds a control character")
    if where == "path" and node.get("required") is not None and not node.flag_of("required"):
        raise node.refuse(f"the path parameter `{name}` cannot be optional")
    return name


def read(node: Node, schemas: Schemas) -> Placed:
    """One parameter. Raises CASK-C002 with the rule that it breaks."""
    where = _where(node)
    name = checked_name(node, where)
    if where == "querystring":
        return Placed(DeclaredParameter(name, "query", _schema(node, schemas), node.flag_of("required")), node, "`in: querystring`")
    style, explode = _style(node, where)
    declared = DeclaredParameter(
        name=name,
        location=where,  # type: ignore[arg-type]  # one of the keys of STYLES
        schema=_schema(node, schemas),
        required=where == "path" or node.flag_of("required"),
        description=node.text_of("description"),
        style=style,
        explode=explode,
        constant=node.text_of(CONSTANT),
    )
    return Placed(declared, node, _unsent(declared))


def _unsent(declared: DeclaredParameter) -> str:
    if declared.style == "cookie":
        return "`style: cookie`"
    return f"`style: {declared.style}` with `explode`" if _is_exploded(declared) else ""


def _querystring(node: Node, schemas: Schemas) -> list[Placed]:
    """The whole query as one value (3.2 section 4.12.4): a form of plain fields is as many query parameters; nothing else can be sent."""
    whole, content = read(node, schemas), node.need("content", "a parameter `in: querystring`")
    media = next(iter(content.object("`content`")))
    form = whole.declared.schema.get("contentSchema", {})
    is_open = form.get("additionalProperties", False) is not False or not form.get("properties")
    if media.partition(";")[0].strip().lower() != FORM or form.keys() - _FORM_WORDS or is_open:
        return [whole]
    definitions = {"$defs": form["$defs"]} if "$defs" in form else {}
    fields = {name: {**_dict(schema), **definitions} for name, schema in form.get("properties", {}).items()}
    if not all(_is_single(schema) or schema.get("type") == "array" for schema in fields.values()):
        return [whole]
    needed = form.get("required", ()) if whole.declared.required else ()
    return [Placed(DeclaredParameter(name, "query", schema, name in needed), node) for name, schema in fields.items()]


_FORM_WORDS: Final = frozenset({"type", "properties", "required", "additionalProperties", "$defs", "title", "description", "examples"})


def _dict(schema: Any) -> JsonSchema:
    return schema if isinstance(schema, dict) else {}


def _style(node: Node, where: str) -> tuple[str, bool | None]:
    styles = _styles(node)[where]
    style = node.text_of("style") or styles[0]
    if style not in styles:
        raise node.refuse(f"a {where} parameter has no style `{style}`")
    usual = style in ("form", "cookie")
    explode = node.flag_of("explode") if node.get("explode") is not None else usual
    return "" if style == styles[0] else style, None if explode == usual else explode


def _schema(node: Node, schemas: Schemas) -> JsonSchema:
    schema, content = node.get("schema"), node.get("content")
    if (schema is None) == (content is None):
        raise node.refuse("a parameter needs `schema` or `content`, and not both")
    if schema is not None and node.text_of("in") == "querystring":
        raise node.refuse("a parameter `in: querystring` needs `content`")
    made = schemas.standalone(schema, Direction.REQUEST) if schema is not None else _content(content or node, schemas)
    extra: dict[str, Any] = {"deprecated": True} if node.flag_of("deprecated") else {}
    examples = [*_examples(node), *made.get("examples", ())]
    return {**made, **extra, **({"examples": examples} if examples else {})}


def _content(content: Node, schemas: Schemas) -> JsonSchema:
    rows = [(media, content.child(media)) for media in content.object("`content`")]
    if len(rows) != 1:
        raise content.refuse("`content` of a parameter has exactly one media type")
    media, node = rows[0]
    node = node.followed() if node.spec.version == "3.2" else node
    schema = node.get("schema")
    inner = {} if schema is None else {"contentSchema": schemas.standalone(schema, Direction.REQUEST)}
    return {"type": "string", "contentMediaType": media.split(";")[0].strip().lower(), **inner}


def _examples(node: Node) -> list[Any]:
    """Values of `example` and `examples`; those that lie elsewhere (`externalValue`) are not fetched."""
    single, several = node.get("example"), node.get("examples")
    rows = [] if several is None else [several.child(key).followed() for key in several.object("`examples`")]
    values = [] if single is None else [single.value]
    words = ("value", "dataValue") if node.spec.version == "3.2" else ("value",)
    return values + [row.value[word] for row in rows for word in words if word in row.object("an example")]


# ---------------------------------------------------------------- label and matrix
def _around(parameter: DeclaredParameter) -> str:
    before = {"label": ".", "matrix": f";{quote(parameter.name, safe='')}="}.get(parameter.style, "")
    return f"{before}{{{parameter.name}}}"


def _is_exploded(parameter: DeclaredParameter) -> bool:
    """Whether a list or object repeats the style's own marks, which no text around it can say."""
    return parameter.style in ("label", "matrix") and bool(parameter.explode) and not _is_single(parameter.schema)


def _is_single(schema: JsonSchema) -> bool:
    kinds = schema.get("type", [])
    return bool(kinds) and not {"array", "object"} & set([kinds] if isinstance(kinds, str) else kinds)


def _plain_style(declared: DeclaredParameter) -> DeclaredParameter:
    return msgspec.structs.replace(declared, style="", explode=None) if declared.style in ("label", "matrix") else declared
