"""The rule on duplicates: no two tools ask an upstream for the same."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from caskmcp import canon
from caskmcp.analyze.lint.surface import Found, Surface, subject
from caskmcp.model.tool import Tool


def requests(surface: Surface) -> Iterator[Found]:
    """No two request plans are equal, whatever their arguments are called. The second by name is told."""
    known: dict[str, str] = {}
    paths = Counter(map(_path, surface.tools))
    for tool in surface.tools:
        if paths[_path(tool)] == 1:
            continue  # no other one can be equal
        language = canon.digest(_anonymous(tool))
        if first := known.setdefault(language, tool.name).removeprefix(tool.name):
            yield Found(subject(tool), f"it sends the same requests as `{first}`", first)


def _path(tool: Tool) -> tuple[object, ...]:
    """A part of the request plan that holds no name of an argument."""
    plan = tool.request
    return plan.method, plan.host, tuple(tuple(piece.text for piece in row.pieces) for row in plan.segments)


def _anonymous(tool: Tool) -> Any:
    """The request plan with the schemas of its arguments in the place of their names."""
    rows = tool.input_schema.get("properties", {})
    return _replaced({"request": tool.request.model_dump(mode="json"), "composite": tool.composite and tool.composite.plain()}, rows)


def _replaced(value: Any, schemas: dict[str, Any]) -> Any:
    if isinstance(value, dict):
        return {key: _language(schemas.get(row)) if key == "argument" and row else _replaced(row, schemas) for key, row in value.items()}
    return [_replaced(row, schemas) for row in value] if isinstance(value, list) else value


def _language(schema: Any) -> Any:
    """What an argument accepts, without what is said of it."""
    return (
        {key: row for key, row in schema.items() if key not in ("description", "title", "examples")} if isinstance(schema, dict) else schema
    )
