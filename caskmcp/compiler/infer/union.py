"""The union of scalar schemas that inference wrote: `anyOf` of single types, each with what all of its kind have in common."""

from collections.abc import Sequence
from typing import Any, Final

from caskmcp.compiler.infer.schema import MOST_KINDS
from caskmcp.compiler.normalize.node import MOST_VALUES

Plain = dict[str, Any]
_ORDER: Final = ("string", "integer", "number", "boolean", "null")
"""As `schema` writes alternatives."""


def kinds(schema: Any) -> frozenset[str]:
    """JSON types that a schema allows; empty for any or unknown ones."""
    rows = schema.get("anyOf", [schema]) if isinstance(schema, dict) else []
    found = [row.get("type") for row in rows]
    return frozenset(found) if all(isinstance(kind, str) for kind in found) else frozenset()


def scalar(schema: Any) -> bool:
    """Whether a schema allows scalars of known types alone."""
    return bool(kinds(schema)) and kinds(schema) <= set(_ORDER)


def unite(own: Plain, others: Sequence[Plain]) -> Plain:
    """What allows all that any of some scalar schemas allows; any value where that is of more kinds than a place may have."""
    pieces: dict[str, list[Plain]] = {}
    for schema in (own, *others):
        for row in schema.get("anyOf", [schema]):
            pieces.setdefault(row["type"], []).append(row)
    if "number" in pieces and "integer" in pieces:
        pieces["number"] += [row | {"type": "number"} for row in pieces.pop("integer")]
    if len(pieces.keys() - {"null"}) not in range(1, MOST_KINDS + 1):
        return {}
    rows = [_common(pieces[kind]) for kind in _ORDER if kind in pieces]
    return rows[0] if len(rows) == 1 else {"anyOf": rows}


def _common(rows: Sequence[Plain]) -> Plain:
    """One type, as the first says it. A format that another lacks was seen to fail; a vocabulary or bound that another lacks was only not known."""
    out = {word: value for word, value in rows[0].items() if word not in _SETTLED}
    if "format" in rows[0] and all(row.get("format") == rows[0]["format"] for row in rows):
        out["format"] = rows[0]["format"]
    if "minimum" in rows[0]:
        out["minimum"] = min(row["minimum"] for row in rows if "minimum" in row)
    words = sorted({value for row in rows for value in row.get("enum", ())})
    if "enum" in rows[0] and len(words) <= MOST_VALUES:
        out["enum"] = words
    return out


_SETTLED: Final = ("enum", "format", "minimum")
