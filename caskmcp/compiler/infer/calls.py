"""The arguments of a call of a shared endpoint: by the types in its GraphQL text, and by what was observed where these say nothing."""

from caskmcp.compiler.infer.evidence import fields, sources
from caskmcp.compiler.infer.recursion import gathered
from caskmcp.compiler.infer.schema import REQUEST, schema, total
from caskmcp.model.contract import Body, Evidence
from caskmcp.model.observation import BodySeen, Call, Group, Shape, Variable
from caskmcp.model.record import JsonSchema

JSON = "application/json"


def arguments(group: Group, call: Call, found: list[Body]) -> list[Body]:
    """The body of arguments. found: as it would be without a text: by a document, which wins, or by observation alone."""
    if group.declared:
        return found
    if call.protocol == "rpc":
        return [_without(row, call) for row in found if row.media == JSON]
    if not call.within or (call.digest and not call.variables):
        return []
    if not call.digest:
        return [row for row in found if row.kind == "json"]
    return [_typed(group, call, _seen(group))]


def _seen(group: Group) -> BodySeen:
    return group.row.requests.get(JSON, BodySeen(seen=0)) if group.row else BodySeen(seen=0)


def _typed(group: Group, call: Call, seen: BodySeen) -> Body:
    shape = seen.shape or Shape()
    # What the text defines is a fact of what will be sent; a variable that it does not define would be refused.
    known = {name: _variable(variable, shape, name) for name, variable in sorted(call.variables.items())}
    needed = sorted(name for name, variable in call.variables.items() if variable.required)
    count = total(shape) if seen.shape else 0
    found = sources(spec=bool(group.declared), traffic=group.row is not None)
    return Body(
        media=JSON,
        kind="json",
        schema_=gathered({"type": "object", "properties": known, "additionalProperties": False} | ({"required": needed} if needed else {})),
        required=bool(needed),
        evidence=Evidence(seen=count, total=count, sources=found),
        fields=fields(shape, found),
    )


def _variable(variable: Variable, shape: Shape, name: str) -> JsonSchema:
    """By its type, or as observed; with null, if requests held it where the type allows it."""
    child = shape.properties.get(name)
    if not variable.schema_:
        return _observed(shape, name)
    holds_null = child is not None and child.nulls > 0 and not variable.required
    return {"anyOf": [variable.schema_, {"type": "null"}]} if holds_null else variable.schema_


def _without(body: Body, call: Call) -> Body:
    """A whole body without the field that chooses: that is a constant."""
    whole = body.schema_
    rows = {name: row for name, row in whole.get("properties", {}).items() if name not in call.constants}
    needed = [name for name in whole.get("required", ()) if name not in call.constants]
    closed = {"type": "object", "properties": rows, "additionalProperties": False} | ({"required": needed} if needed else {})
    closed |= {"$defs": whole["$defs"]} if "$defs" in whole else {}
    kept = {pointer: found for pointer, found in body.fields.items() if pointer.split("/")[1] not in call.constants}
    return body.model_copy(update={"schema_": closed, "required": bool(needed), "fields": kept})


def _observed(shape: Shape, name: str) -> JsonSchema:
    child = shape.properties.get(name)
    return schema(child, REQUEST, name) if child is not None else {}
