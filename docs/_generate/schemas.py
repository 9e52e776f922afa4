"""`schemas/NAME.schema.json`: the JSON Schema of each published record."""

import json
from typing import Any

from caskmcp.load import load
from caskmcp.model.schemas import SCHEMAS

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema(name: str, row: str) -> dict[str, Any]:
    """The schema of one record, as a reader of its file would check it."""
    return {"$schema": DIALECT, "$id": f"urn:caskmcp:schema:{name}", **load(row).model_json_schema(by_alias=True, mode="validation")}


def files() -> dict[str, bytes]:
    """One file a row of `SCHEMAS`."""
    return {f"schemas/{name}.schema.json": _bytes(schema(name, row)) for name, row in sorted(SCHEMAS.items())}


def _bytes(value: dict[str, Any]) -> bytes:
    return (json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode("utf-8")
