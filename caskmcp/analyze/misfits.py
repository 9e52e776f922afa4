"""Where a value or a schema departs from its form, by the reference validator.

Loaded for what a fast validator refused: in most runs nothing is, and importing it takes longer than checking a thousand tools.
"""

from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, best_match


def of_value(schema: dict[str, Any], value: Any) -> str:
    """The JSON path of the worst departure of a value from a schema, and the keyword that it breaks; empty if there is none."""
    worst = best_match(Draft202012Validator(schema).iter_errors(value))
    return "" if worst is None else f"{worst.json_path}: {worst.validator}"


def of_schema(schema: dict[str, Any]) -> str:
    """The JSON path at which a value is no JSON Schema of draft 2020-12; empty if it is one."""
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        return error.json_path
    return ""
