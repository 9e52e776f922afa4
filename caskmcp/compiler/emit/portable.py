"""Schemas for arguments that every client can read: draft 2020-12, one type a place, references into `$defs` alone, nothing hidden, nothing that orders.

Takes any JSON value for a schema and always gives one that compiles; what it cannot carry (look-arounds, dangling references, unknown keywords)
is left out, so the result accepts at least what the source accepts. The request plan narrows it again where it matters (`request.py`).
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

import re2

from caskmcp import canon
from caskmcp.compiler.emit.hygiene import clean, is_visible, order_in
from caskmcp.model.record import JsonSchema

TYPES: Final = ("string", "number", "boolean", "object", "array", "null")
ANYTHING: Final[JsonSchema] = {"anyOf": [{"type": name} for name in TYPES]}
"""Accepts everything, and says so (a bare `{}` or `true` is refused by some clients)."""

_DESCRIPTION: Final = 200
_EXAMPLES: Final = 3
_PATTERN: Final = 500

# fmt: off
_OF_TYPE: Final[Mapping[str, tuple[str, ...]]] = {
    "string":  ("minLength", "maxLength", "pattern", "format"),
    "number":  ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
    "integer": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
    "array":   ("items", "prefixItems", "minItems", "maxItems", "uniqueItems", "contains"),
    "object":  ("properties", "required", "additionalProperties", "patternProperties", "propertyNames", "minProperties", "maxProperties"),
    "boolean": (),
    "null":    (),
}
"""Type -> keywords that concern it alone."""
# fmt: on


class Portable:
    """Converts the schemas of one tool and gathers the definitions that they share."""

    def __init__(self) -> None:
        self.definitions: dict[str, JsonSchema] = {}
        """Name -> converted schema, of everything that was referred to."""
        self.notes: set[str] = set()
        """What was left out, in words."""
        self._origins: dict[str, str] = {}
        self._local: Mapping[str, Any] = {}
        self._document = b""
        """What tells `_local` from another schema's definitions."""
        self._waiting: list[tuple[str, str]] = []
        """(name given, name in `_local`) of definitions that were referred to and are not converted yet."""

    def convert(self, schema: Any) -> JsonSchema | None:
        """The schema of one argument, with its own `$defs`; None if nothing can be given there."""
        self._local = schema.get("$defs", {}) if isinstance(schema, Mapping) else {}
        self._document = canon.compact(self._local)
        made = self._node(schema)
        # One after the other, not one inside the other: a document may hold a chain of as many definitions as it likes.
        while self._waiting:
            given, name = self._waiting.pop()
            self.definitions[given] = self._node(self._local[name]) or dict(ANYTHING)
        return made

    def _node(self, node: Any) -> JsonSchema | None:
        if node is False:
            return None
        if not isinstance(node, Mapping):
            return dict(ANYTHING)
        self.notes |= {f"`{word}`" for word in NOT_CARRIED & node.keys()}
        out: JsonSchema = {}
        for word in sorted(KEYWORDS.keys() & node.keys()):
            value = KEYWORDS[word](self, node[word])
            if value is not _LEFT_OUT:
                out[word] = value
        if "enum" in node and "enum" not in out:
            return None
        return _one_type(_typed(self._tagged(out, node), node))

    def _tagged(self, out: JsonSchema, node: Mapping[str, Any]) -> JsonSchema:
        """A discriminator as what it means: a branch takes the names that are mapped to it (OpenAPI 3.1 section 4.8.25), and its own.

        A branch that nothing is mapped to stays as it is: which name it has is the document's secret.
        """
        stated = node.get("discriminator")
        if not isinstance(stated, Mapping):
            return out
        name, mapping = stated.get("propertyName"), stated.get("mapping")
        branches = next((word for word in ("oneOf", "anyOf") if word in out), None)
        if branches is None or not isinstance(mapping, Mapping) or not isinstance(name, str) or unfit_name(name):
            self.notes.add("a discriminator")
            return out
        names: dict[str, list[str]] = {}
        for tag, target in sorted(mapping.items()):
            if is_plain_value(tag) and isinstance(self._reference(target), str):
                names.setdefault(self._reference(target), [str(target).removeprefix("#/$defs/")]).append(tag)
        return out | {branches: [_with_tag(row, name, names.get(str(row.get("$ref")), [])) for row in out[branches]]}

    # ---------------------------------------------------------------- values of keywords
    def _reference(self, value: Any) -> Any:
        name = str(value).removeprefix("#/$defs/").replace("~1", "/").replace("~0", "~")
        if not str(value).startswith("#/$defs/") or name not in self._local:
            self.notes.add("a reference that leads nowhere")
            return _LEFT_OUT
        return f"#/$defs/{self._define(name)}"

    def _define(self, name: str) -> str:
        origin = canon.digest_bytes(canon.compact(name) + self._document)
        wanted = re.sub(r"[^A-Za-z0-9_]+", "_", name)[:40] or "Definition"
        given = wanted if self._origins.get(wanted, origin) == origin else f"{wanted}_{canon.hexadecimal(origin)[:8]}"
        if given not in self._origins:
            self._origins[given] = origin
            self._waiting.append((given, name))
        return given

    def _schema(self, value: Any) -> Any:
        converted = self._node(value)
        return _LEFT_OUT if converted is None else converted

    def _items(self, value: Any) -> Any:
        return value if isinstance(value, bool) else self._schema(value)

    def _schemas(self, value: Any) -> Any:
        rows = [row for row in map(self._node, value if isinstance(value, list) else ()) if row is not None]
        return rows or _LEFT_OUT

    def _properties(self, value: Any) -> Any:
        if not isinstance(value, Mapping):
            return _LEFT_OUT
        out = {}
        for name, row in sorted(value.items()):
            if isinstance(row, Mapping) and row.get("readOnly") is True:
                continue
            if (reason := unfit_name(name)) or (converted := self._node(row)) is None:
                self.notes.add(reason or "a field that takes no value")
                continue
            out[name] = converted
        return out

    def _by_pattern(self, value: Any) -> Any:
        rows = {name: self._node(row) for name, row in sorted(value.items())} if isinstance(value, Mapping) else {}
        return {name: row for name, row in rows.items() if row is not None and is_plain_pattern(name)} or _LEFT_OUT

    def _text(self, value: Any) -> Any:
        cleaned = clean(value, _DESCRIPTION) if isinstance(value, str) else None
        if cleaned and cleaned.dropped:
            self.notes.add(f"a description ({cleaned.dropped})")
        return cleaned.text if cleaned and cleaned.text else _LEFT_OUT

    def _enum(self, value: Any) -> Any:
        rows = value if isinstance(value, list) else []
        kept = [row for row in rows if is_plain_value(row)]
        if len(kept) != len(rows):
            self.notes.add("a value of an enumeration")
        return _unique(kept) or _LEFT_OUT

    def _value(self, value: Any) -> Any:
        return value if is_plain_value(value) else _LEFT_OUT

    def _values(self, value: Any) -> Any:
        return [row for row in value if is_plain_value(row)][:_EXAMPLES] or _LEFT_OUT if isinstance(value, list) else _LEFT_OUT

    def _pattern(self, value: Any) -> Any:
        if isinstance(value, str) and is_plain_pattern(value):
            return value
        self.notes.add("a pattern")
        return _LEFT_OUT

    def _format(self, value: Any) -> Any:
        known = isinstance(value, str) and re.fullmatch(r"[a-z][a-z0-9-]{0,30}", value) and value not in ("binary", "byte", "password")
        return value if known else _LEFT_OUT

    def _types(self, value: Any) -> Any:
        rows = [row for row in (value if isinstance(value, list) else [value]) if row in _OF_TYPE]
        return _unique(rows) or _LEFT_OUT

    def _names(self, value: Any) -> Any:
        rows = [row for row in value if isinstance(row, str) and not unfit_name(row)] if isinstance(value, list) else []
        return sorted(set(rows)) or _LEFT_OUT

    def _name_lists(self, value: Any) -> Any:
        rows = value.items() if isinstance(value, Mapping) else ()
        kept = {name: self._names(row) for name, row in sorted(rows) if not unfit_name(name)}
        return {name: row for name, row in kept.items() if row is not _LEFT_OUT} or _LEFT_OUT

    def _media(self, value: Any) -> Any:
        return value if isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9.+/-]{0,99}", value) else _LEFT_OUT

    def _count(self, value: Any) -> Any:
        return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else _LEFT_OUT

    def _number(self, value: Any) -> Any:
        return value if isinstance(value, int | float) and not isinstance(value, bool) else _LEFT_OUT

    def _step(self, value: Any) -> Any:
        return value if self._number(value) is not _LEFT_OUT and value > 0 else _LEFT_OUT

    def _flag(self, value: Any) -> Any:
        return value if isinstance(value, bool) else _LEFT_OUT


def _with_tag(branch: JsonSchema, name: str, tags: list[str]) -> JsonSchema:
    if not tags:
        return branch
    tag = {"type": "object", "required": [name], "properties": {name: {"type": "string", "enum": _unique(tags)}}}
    return {"allOf": [branch, tag]}


_LEFT_OUT: Final = object()
NOT_CARRIED: Final = frozenset({"if", "dependentSchemas", "maxContains", "unevaluatedItems", "unevaluatedProperties"})
"""Constraints that many clients cannot read, or that mean more where something inside them was left out; noted by name."""

# fmt: off
KEYWORDS: Final[Mapping[str, Callable[[Portable, Any], Any]]] = {
    "$ref": Portable._reference, "type": Portable._types, "enum": Portable._enum, "const": Portable._value, "format": Portable._format,
    "properties": Portable._properties, "required": Portable._names, "additionalProperties": Portable._items, "patternProperties": Portable._by_pattern,
    "propertyNames": Portable._schema, "minProperties": Portable._count, "maxProperties": Portable._count,
    "items": Portable._items, "prefixItems": Portable._schemas, "contains": Portable._schema, "minItems": Portable._count, "maxItems": Portable._count,
    "minContains": Portable._count, "uniqueItems": Portable._flag, "dependentRequired": Portable._name_lists,
    "contentMediaType": Portable._media, "contentEncoding": Portable._media,
    "minimum": Portable._number, "maximum": Portable._number, "exclusiveMinimum": Portable._number, "exclusiveMaximum": Portable._number,
    "multipleOf": Portable._step,
    "minLength": Portable._count, "maxLength": Portable._count, "pattern": Portable._pattern,
    "anyOf": Portable._schemas, "oneOf": Portable._schemas, "allOf": Portable._schemas, "not": Portable._schema,
    "description": Portable._text, "default": Portable._value, "examples": Portable._values, "deprecated": Portable._flag,
}
"""Every keyword that is carried; the others are left out."""
# fmt: on


def unfit_name(name: str) -> str:
    """Why a field's name is not shown to a model; empty if it may be."""
    if not is_visible(name) or len(name) > 200:
        return "a field whose name hides characters or is too long"
    found = order_in(name)
    return f"a field whose name gives orders ({found})" if found else ""


def is_plain_value(value: Any) -> bool:
    """Whether a value of a document may be shown as it is: scalars, and small containers of them, without hidden characters or orders."""
    if isinstance(value, str):
        return len(value) <= _PATTERN and is_visible(value) and not order_in(value)
    if isinstance(value, Mapping):
        return len(value) <= 20 and all(is_plain_value(key) and is_plain_value(row) for key, row in value.items())
    if isinstance(value, list):
        return len(value) <= 20 and all(map(is_plain_value, value))
    return True


def is_plain_pattern(pattern: str) -> bool:
    """Whether a pattern is regular and short: then no engine needs more than linear time in ours, and clients in other languages can read it."""
    options = re2.Options()
    options.log_errors = False
    try:
        re2.compile(re.sub(r"\\u([0-9A-Fa-f]{4})", r"\\x{\1}", pattern), options)
    except re2.error:
        return False
    return len(pattern) <= _PATTERN and is_visible(pattern)


def _unique(rows: list[Any]) -> list[Any]:
    seen: dict[bytes, Any] = {}
    for row in rows:
        seen.setdefault(canon.compact([type(row).__name__ == "bool", row]), row)
    return list(seen.values())


def _typed(out: JsonSchema, node: Mapping[str, Any]) -> JsonSchema:
    """Say the type where the source only implies it."""
    if out.keys() & {"type", "$ref", "anyOf", "oneOf", "allOf", "enum", "const", "not"}:
        return out
    implied = [name for name in ("object", "array", "string", "number") if out.keys() & set(_OF_TYPE[name])]
    if len(implied) == 1:
        return out | {"type": implied}
    return out | {"anyOf": ANYTHING["anyOf"]}


def _one_type(schema: JsonSchema) -> JsonSchema:
    """`type` as a single name; a list becomes `anyOf` of single types, each with the keywords that concern it."""
    names = schema.pop("type", None)
    if names is None:
        return schema
    if len(names) == 1:
        return schema | {"type": names[0]}
    branches = [{"type": name} | {word: schema[word] for word in _OF_TYPE[name] if word in schema} for name in names]
    rest = {word: value for word, value in schema.items() if not any(word in words for words in _OF_TYPE.values())}
    if "anyOf" in rest:
        rest["allOf"] = [*rest.get("allOf", []), {"anyOf": rest.pop("anyOf")}]
    return rest | {"anyOf": branches}
