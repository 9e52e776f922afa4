"""What a document's schema allows at one place, as plain facts: types, words, fields; references, `allOf`, `anyOf` and `oneOf` resolved.

It leaves out what traffic cannot contradict value-free (patterns, lengths, conditions): a fact that is not known is None, never a guess.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from caskmcp.model.record import JsonSchema

_DEEPEST: Final = 24
"""References and combinations that are followed at one place."""
_SCALARS: Final = {str: "string", bool: "boolean", int: "integer", float: "number", type(None): "null", list: "array", dict: "object"}


class Stated(NamedTuple):
    """What one place may hold."""

    types: frozenset[str] | None = None
    """JSON types; None for any."""
    words: frozenset[str] | None = None
    """The texts of an enum or constant; None if there is none, or if something else is in it."""
    format: str = ""
    fields: Mapping[str, JsonSchema] = {}
    """Schema of each known field, with the definitions that it needs."""
    required: frozenset[str] = frozenset()
    closed: bool = True
    """Whether a field beside the known ones is one that nobody documented."""
    items: JsonSchema | None = None


ANY: Final = Stated(closed=False)


def stated(schema: Any, definitions: Mapping[str, Any] | None = None, depth: int = 0) -> Stated:
    """The facts of a schema (draft 2020-12). definitions: those of the schema that it was taken from."""
    if not isinstance(schema, Mapping) or depth > _DEEPEST:
        return ANY
    known = {**(definitions or {}), **schema.get("$defs", {})}
    found = [_own(schema, known)]
    if isinstance(reference := schema.get("$ref"), str):
        target = known.get(reference.removeprefix("#/$defs/")) if reference.startswith("#/$defs/") else None
        found.append(stated(target, known, depth + 1))
    found += [stated(part, known, depth + 1) for part in _parts(schema, "allOf")]
    for name in ("anyOf", "oneOf"):
        if branches := [stated(part, known, depth + 1) for part in _parts(schema, name)]:
            found.append(_either(branches))
    return _all(found)


def _parts(schema: Mapping[str, Any], name: str) -> Sequence[Any]:
    value = schema.get(name)
    return value if isinstance(value, list) else ()


def _own(schema: Mapping[str, Any], known: Mapping[str, Any]) -> Stated:
    values = _values(schema)
    kind = schema.get("type")
    types = [kind] if isinstance(kind, str) else kind if isinstance(kind, list) else None
    if types is None and values is not None:
        types = [_SCALARS[type(value)] for value in values]
    properties = schema.get("properties")
    fields = properties if isinstance(properties, Mapping) else {}
    items = schema.get("items")
    return Stated(
        None if types is None else frozenset(map(str, types)),
        frozenset(values) if values and all(isinstance(value, str) for value in values) else None,
        str(schema.get("format", "")),
        {name: _with(field, known) for name, field in fields.items()},
        frozenset(name for name in _parts(schema, "required") if isinstance(name, str)),
        bool(fields) and schema.get("additionalProperties", False) is False and "patternProperties" not in schema,
        _with(items, known) if isinstance(items, Mapping) else None,
    )


def _values(schema: Mapping[str, Any]) -> list[Any] | None:
    if "const" in schema:
        return [schema["const"]]
    values = schema.get("enum")
    return values if isinstance(values, list) else None


def _with(schema: Any, known: Mapping[str, Any]) -> JsonSchema:
    return {**schema, "$defs": known} if isinstance(schema, Mapping) and known else dict(schema) if isinstance(schema, Mapping) else {}


def _all(found: Sequence[Stated]) -> Stated:
    """What holds if all hold."""
    return Stated(
        _narrowest(row.types for row in found),
        _narrowest(row.words for row in found),
        next((row.format for row in found if row.format), ""),
        _fields(found, "allOf"),
        frozenset().union(*(row.required for row in found)),
        any(row.fields for row in found) and not any(row.fields and not row.closed for row in found),
        next((row.items for row in found if row.items is not None), None),
    )


def _either(found: Sequence[Stated]) -> Stated:
    """What holds if one of them holds."""
    objects = [row for row in found if row.types is None or "object" in row.types]
    texts = [row for row in found if row.types is None or "string" in row.types]
    items = [row.items for row in found if row.items is not None]
    return Stated(
        _widest(row.types for row in found),
        _widest(row.words for row in texts) if texts else None,
        texts[0].format if texts and len({row.format for row in texts}) == 1 else "",
        _fields(found, "anyOf"),
        frozenset.intersection(*(row.required for row in objects)) if objects else frozenset(),
        bool(objects) and all(row.closed for row in objects),
        items[0] if len(items) == 1 else {"anyOf": items} if items else None,
    )


def _fields(found: Iterable[Stated], how: str) -> dict[str, JsonSchema]:
    by_name: dict[str, list[JsonSchema]] = {}
    for row in found:
        for name, field in row.fields.items():
            by_name.setdefault(name, []).append(field)
    return {name: fields[0] if len(fields) == 1 else {how: fields} for name, fields in by_name.items()}


def _narrowest(found: Iterable[frozenset[str] | None]) -> frozenset[str] | None:
    known = [each for each in found if each is not None]
    return frozenset.intersection(*known) if known else None


def _widest(found: Iterable[frozenset[str] | None]) -> frozenset[str] | None:
    known = list(found)
    return None if any(each is None for each in known) else frozenset().union(*(each for each in known if each is not None))
