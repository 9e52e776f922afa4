"""How a record becomes a file: JSON or YAML for people, the schema always named, everything else that holds its default left out.

Hidden characters stand as escapes, so that a reviewer sees them and every reader gets the same text as before.
"""

import json
from typing import Any

from caskmcp import text
from caskmcp.compiler.written import pretty as written_as
from caskmcp.model.record import Record


def document(record: Record) -> dict[str, Any]:
    """The record as plain JSON values with its `schema`."""
    return {"schema": type(record).model_fields["format"].default, **record.plain()}


def as_json(record: Record) -> bytes:
    """Sorted keys, two spaces, a final newline."""
    return pretty(document(record))


def as_yaml(record: Record) -> bytes:
    """Block style, sorted keys."""
    written = text.dump_yaml(document(record)).decode("utf-8")
    # Whatever is not plain ASCII words stands in double quotes, where YAML takes these escapes.
    return text.HIDDEN.sub(lambda match: f"\\U{ord(match[0]):08x}", written).encode("utf-8")


def pretty(value: Any) -> bytes:
    """`canon.pretty` with hidden characters as escapes."""
    written = written_as(value).decode("utf-8")
    return text.HIDDEN.sub(lambda match: json.dumps(match[0])[1:-1], written).encode("utf-8")
