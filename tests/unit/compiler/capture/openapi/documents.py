"""Small OpenAPI documents for tests: one operation, with what a test wants to put in it."""

import json
from typing import Any

from caskmcp.compiler.capture.sources.openapi import OpenApi
from caskmcp.model.exchange import Declared, Skipped
from caskmcp.model.record import JsonSchema

OK: dict[str, Any] = {"200": {"description": "ok"}}


def document(
    *, version: str = "3.1.0", path: str = "/a", components: Any = None, root: Any = None, item: Any = None, **operation: Any
) -> dict[str, Any]:
    """A document with one GET at `path`; `operation` holds its fields, `item` those of its path item, `root` those of the document."""
    made = {"responses": OK, **operation}
    return {
        "openapi": version,
        "info": {"title": "t", "version": "1"},
        "paths": {path: {"get": made, **(item or {})}},
        **({"components": components} if components is not None else {}),
        **(root or {}),
    }


def rows(value: Any) -> list[Declared | Skipped]:
    """What the source reads from a document."""
    return list(OpenApi().read([json.dumps(value, indent=1, ensure_ascii=False).encode()]))


def only(value: Any) -> Declared:
    """The document's one operation."""
    (row,) = (row for row in rows(value) if isinstance(row, Declared))
    return row


def request(schema: Any, *, version: str = "3.1.0", schemas: Any = None) -> JsonSchema:
    """A schema as it is read in a request body."""
    body = {"content": {"application/json": {"schema": schema}}}
    return only(document(version=version, components={"schemas": schemas or {}}, requestBody=body)).bodies[0].schema


def response(schema: Any, *, version: str = "3.1.0", schemas: Any = None) -> JsonSchema | None:
    """A schema as it is read in a response."""
    answers = {"200": {"description": "ok", "content": {"application/json": {"schema": schema}}}}
    return only(document(version=version, components={"schemas": schemas or {}}, responses=answers)).responses[0].schema
