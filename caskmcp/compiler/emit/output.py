"""What a tool says of its answers: a schema that no answer can fail, and beside it the types that drift is noticed by.

Clients check every answer against the schema that they were shown and throw away what differs, so the shown one names the fields in words and
constrains nothing (SPEC promise 7). The words stand in one text: a schema for each field would say no more and cost twice the tokens. The strict
schemas stand in `contracts.yaml`, `baseline.json` and `openapi.json`.
"""

from collections.abc import Collection, Mapping
from typing import Any, Final

from caskmcp.compiler.emit.arguments import resolved
from caskmcp.compiler.emit.describe import plain_name, shape_words, success
from caskmcp.compiler.emit.request import is_json
from caskmcp.model.contract import Contract
from caskmcp.model.record import JsonSchema

_MOST: Final = 40
_INNER: Final = 3
"""Fields of an object inside of an answer that are named."""
_DEPTH: Final = 3


def answers(contract: Contract) -> tuple[JsonSchema, ...]:
    """Strict schemas of successful JSON answers."""
    return tuple(resolved(row.schema_) for row in success(contract) if row.schema_ is not None and is_json(row.media))


def is_object(contract: Contract) -> bool:
    """Whether each successful answer is an object; others are passed on as `{"data": …}`."""
    return all(row.get("type") == "object" for row in answers(contract))


def output_schema(contract: Contract, kept: Collection[str] | None = None) -> JsonSchema | None:
    """What a client is shown: an object, open, nothing required, its fields in words. None if no successful answer is JSON.

    kept: names of the fields that are passed on, where not all are.
    """
    rows = answers(contract)
    if not rows:
        return None
    if not is_object(contract):
        words = " or ".join(dict.fromkeys(shape_words(row) for row in rows))
        return {"type": "object", "description": f"data: {words}."}
    fields = {name: words for name, words in _in_words(rows).items() if kept is None or name in kept}
    more = "; and more" if len(fields) > _MOST else ""
    told = "; ".join(f"{name}: {words}" for name, words in sorted(fields.items())[:_MOST])
    return {"type": "object", "description": f"{told}{more}." if told else "An object."}


def _in_words(rows: tuple[JsonSchema, ...]) -> dict[str, str]:
    fields: dict[str, str] = {}
    for row in rows:
        for name, schema in sorted(row.get("properties", {}).items()):
            if plain_name(name) and isinstance(schema, dict):
                fields.setdefault(name, _field_words(resolved({**schema, "$defs": row.get("$defs", {})})))
    return fields


def _field_words(schema: JsonSchema) -> str:
    branches = [row for row in schema.get("anyOf", []) if isinstance(row, dict)]
    words = " or ".join(dict.fromkeys(shape_words(resolved({**row, "$defs": schema.get("$defs", {})}), _INNER) for row in branches))
    form = schema.get("format")
    return (words or shape_words(schema, _INNER)) + (f" ({form})" if isinstance(form, str) and form.isascii() and len(form) <= 20 else "")


# ---------------------------------------------------------------- what drift is noticed by
def expected(contract: Contract) -> JsonSchema | None:
    """Types of a successful answer's structured content, to a depth of 3: open, nothing required. None if no successful answer is JSON."""
    rows = answers(contract)
    if not rows:
        return None
    if not is_object(contract):
        return {
            "type": "object",
            "required": ["data"],
            "properties": {"data": _either([_types(row, row.get("$defs", {}), 0) for row in rows])},
        }
    return _either([_types(row, row.get("$defs", {}), 0) | _whole(row) for row in rows])


def _whole(row: JsonSchema) -> JsonSchema:
    """An answer that is no object arrives as `{"data": …}`, which an open object would take for its own."""
    return {} if "data" in row.get("properties", {}) else {"not": {"required": ["data"]}}


def _either(rows: list[JsonSchema]) -> JsonSchema:
    distinct = [row for index, row in enumerate(rows) if row not in rows[:index]]
    return distinct[0] if len(distinct) == 1 else {"type": "object", "anyOf": distinct} if _objects(distinct) else {"anyOf": distinct}


def _objects(rows: list[JsonSchema]) -> bool:
    return all(row.get("type") == "object" for row in rows)


def _types(node: Any, definitions: Mapping[str, Any], depth: int) -> JsonSchema:
    """Types alone; nothing where nothing is known, or beyond the depth (definitions may be recursive)."""
    if not isinstance(node, Mapping) or depth > _DEPTH:
        return {}
    node = resolved({**node, "$defs": definitions})
    kind, branches = node.get("type"), node.get("anyOf") or node.get("oneOf")
    if isinstance(kind, list):
        return {"anyOf": [{"type": name} for name in kind]} if kind else {}
    if isinstance(branches, list) and kind is None:
        rows = [_types(row, definitions, depth + 1) for row in branches]
        return {"anyOf": rows} if all(rows) else {}
    out: JsonSchema = {"type": kind} if isinstance(kind, str) else {}
    if fields := _typed_fields(node.get("properties"), definitions, depth):
        out["properties"] = fields
    if items := _types(node.get("items"), definitions, depth + 1):
        out["items"] = items
    return out


def _typed_fields(properties: Any, definitions: Mapping[str, Any], depth: int) -> dict[str, JsonSchema]:
    rows = properties.items() if isinstance(properties, Mapping) else ()
    typed = {name: _types(row, definitions, depth + 1) for name, row in sorted(rows)}
    return {name: row for name, row in typed.items() if row}
