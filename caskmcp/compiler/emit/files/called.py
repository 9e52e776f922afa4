"""A call of a shared endpoint in `openapi.json`: the whole body as it is sent, constants included, so that nobody takes the arguments for it."""

from collections.abc import Mapping
from typing import Any

from caskmcp.compiler.emit.arguments import chosen
from caskmcp.compiler.emit.components import Components
from caskmcp.model.contract import Contract
from caskmcp.model.observation import Call

Plain = dict[str, Any]


def summary(contract: Contract, call: Call) -> Plain:
    """What is asked for, in short: which members of the body are constants, and where the arguments lie; with all that is sent where there is no body."""
    rows: Plain = {"protocol": call.protocol, "name": call.name, "kind": call.kind, "digest": call.digest, "within": list(call.within)}
    rows |= {"query": call.constants} if contract.method.upper() == "GET" else {"constants": sorted(call.constants)}
    return {key: value for key, value in rows.items() if value}


def body(contract: Contract, components: Components) -> Plain:
    """The request body; nothing if the request stands in the query string, which is no body."""
    if contract.call is None or contract.method.upper() == "GET":
        return {}
    arguments = chosen(contract.bodies)
    schema = components.place(arguments.schema_) if arguments else None
    within = contract.call.within if arguments else ()
    whole = placed(contract.call.constants, within, schema, needed=bool(arguments and arguments.required))
    return {"content": {"application/json": {"schema": whole}}, "required": True}


def placed(constants: Mapping[str, Any], within: tuple[str, ...], schema: Plain | None, *, needed: bool) -> Plain:
    """An object of constants, with a schema at its place in it."""
    rows: Plain = {name: {"const": value} for name, value in constants.items()}
    names = set(constants)
    if not within and schema is not None:
        rows |= schema.get("properties", {})
        names |= set(schema.get("required", ()))
    if within and schema is not None:
        inner = constants.get(within[0], {})
        rows[within[0]] = placed(inner, within[1:], schema, needed=needed) if within[1:] else schema
        names |= {within[0]} if needed else set()
    return {"type": "object", "properties": dict(sorted(rows.items())), "required": sorted(names), "additionalProperties": False}
