"""What the manifest says of a tool's answers (`tools.answers`): the fields that are passed on, and how long an answer may be."""

from collections.abc import Iterator
from typing import Any

from caskmcp.compiler.emit.arguments import resolved
from caskmcp.compiler.emit.output import answers, is_object, output_schema
from caskmcp.errors import CaskError
from caskmcp.model.contract import Contract
from caskmcp.model.place import ITEMS, steps, tree
from caskmcp.model.project import Answers
from caskmcp.model.record import JsonSchema
from caskmcp.model.tool import Tool


def chosen(tool: Tool, contract: Contract, said: Answers) -> Tool:
    """The tool with what is said of its answers. Raises CASK-I010 for a field that its answers are not known to have."""
    known = answers(contract)
    if said.keep and not known:
        raise _refusal(tool.name, "no JSON answer is known, so no field of one can be chosen")
    for place in said.keep:
        if not any(_has(row, steps(place)) for row in known):
            raise _refusal(tool.name, f"no answer is known to have `{place}`")
    sizes = {} if said.max_bytes is None else {"max_bytes": said.max_bytes}
    plan = tool.response.model_copy(update={"keep": tuple(sorted(set(said.keep))), **sizes})
    shown = output_schema(contract, tree(said.keep).keys() if said.keep else None)
    return tool.model_copy(update={"response": plan, "output_schema": shown})


def passed_on(contract: Contract, keep: tuple[str, ...]) -> tuple[JsonSchema, ...]:
    """Strict schemas of what a tool passes on: of its answers, the fields that are kept."""
    rows = answers(contract)
    return tuple(_pruned(row, row.get("$defs", {}), tree(keep)) for row in rows) if keep else rows


def _refusal(name: str, what: str) -> CaskError:
    return CaskError("CASK-I010", f"`tools.answers.{name}`: {what}", place=f"cask.yaml#tools/answers/{name}", mend=f"cask explain {name}")


def _forms(schema: Any, definitions: JsonSchema) -> Iterator[JsonSchema]:
    if isinstance(schema, dict):
        whole = resolved({**schema, "$defs": definitions})
        yield whole
        for branch in (*whole.get("anyOf", ()), *whole.get("oneOf", ())):
            yield from _forms(branch, definitions)


def _has(schema: Any, way: tuple[str, ...], definitions: JsonSchema | None = None) -> bool:
    """Whether a place is known; below what is not known at all, each place may be."""
    if not way:
        return True
    known = definitions if definitions is not None else schema.get("$defs", {})
    key = "items" if way[0] == ITEMS else "properties"
    found = [form[key] for form in _forms(schema, known) if isinstance(form.get(key), dict)]
    inner = found if way[0] == ITEMS else [row[way[0]] for row in found if way[0] in row]
    return any(_has(row, way[1:], known) for row in inner)


def _pruned(schema: Any, definitions: JsonSchema, below: dict[str, Any]) -> Any:
    if not below or not isinstance(schema, dict):
        return schema
    row = resolved({**schema, "$defs": definitions})
    if isinstance(row.get("anyOf"), list):
        return {**row, "anyOf": [_pruned(each, definitions, below) for each in row["anyOf"]]}
    if "items" in row:
        return {**row, "items": _pruned(row["items"], definitions, below.get(ITEMS, below))}
    rows = row.get("properties", {})
    return {**row, "properties": {name: _pruned(rows[name], definitions, inner) for name, inner in below.items() if name in rows}}


def structured(contract: Contract, keep: tuple[str, ...]) -> JsonSchema:
    """The schema of a tool's structured content; empty where nothing is known or answers have several forms."""
    rows = passed_on(contract, keep)
    if len(rows) != 1:
        return {}
    row = rows[0]
    return row if is_object(contract) else {"type": "object", "properties": {"data": row}, "$defs": row.get("$defs", {})}
