"""How a record becomes a file: JSON or YAML for people, the schema always named, everything else that holds its default left out."""

from typing import Any

from caskmcp import canon, text
from caskmcp.model.record import Record


def document(record: Record) -> dict[str, Any]:
    """The record as plain JSON values with its `schema`."""
    return {"schema": type(record).model_fields["format"].default, **record.plain()}


def as_json(record: Record) -> bytes:
    """Sorted keys, two spaces, a final newline."""
    return canon.pretty(document(record))


def as_yaml(record: Record) -> bytes:
    """Block style, sorted keys."""
    return text.dump_yaml(document(record))
