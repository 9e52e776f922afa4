"""Containment of JSON Schemas: the one module that knows jsonschema-rs' canonical form, which its authors call experimental.

The answer YES is believed; NO and UNKNOWN both count as "not contained" (so an edit below a recursive reference is INCOMPARABLE).
"""

from collections.abc import Mapping
from typing import Any, Final

import jsonschema_rs

from caskmcp.calculus.verdict import Verdict, contained
from caskmcp.model.record import JsonSchema

WORDS: Final = frozenset({"title", "description", "examples", "default", "$comment", "deprecated", "readOnly", "writeOnly"})
"""Keywords that say something and accept nothing less for it."""


def compare(old: JsonSchema, new: JsonSchema) -> Verdict:
    """How the values that `new` accepts stand to those that `old` accepts. Schemas are draft 2020-12, formats asserted."""
    if _wordless(old) == _wordless(new):
        return Verdict.EQUAL
    try:
        first, second = _canonical(old), _canonical(new)
    except ValueError:  # a schema that the engine cannot read is not known to contain anything
        return Verdict.INCOMPARABLE
    return contained(_covers(first, second), _covers(second, first))


def _canonical(schema: JsonSchema) -> Any:
    return jsonschema_rs.canonicalize(_wordless(schema), draft=jsonschema_rs.Draft202012, validate_formats=True)


def _covers(outer: Any, inner: Any) -> bool:
    return bool(outer.covers(inner) == jsonschema_rs.canonical.Containment.YES)


def _wordless(schema: Any, *, names: bool = False) -> Any:
    """The schema without its words. names: the keys here are property names, not keywords."""
    if isinstance(schema, Mapping):
        return {
            key: _wordless(value, names=not names and key in ("properties", "$defs", "patternProperties"))
            for key, value in schema.items()
            if names or key not in WORDS
        }
    if isinstance(schema, list):
        return [_wordless(item) for item in schema]
    return schema
