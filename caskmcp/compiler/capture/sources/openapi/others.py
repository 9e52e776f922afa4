"""The operations that stand beside the paths of a document that we compiled (`x-cask-operations`): other hosts, other methods, calls of shared endpoints.

What a call asks for is read again from the constants of its body, as `normalize` reads it from a recording: what a document claims of it (that it
only reads) counts for nothing. A call that cannot be read again so is left out by name.
"""

from collections.abc import Iterator
from typing import Any, Final

from msgspec.structs import replace

from caskmcp.compiler.capture.sources.openapi.carried import Operation
from caskmcp.compiler.capture.sources.openapi.node import Node
from caskmcp.compiler.capture.sources.openapi.schemas import Part
from caskmcp.compiler.capture.sources.openapi.stated import unsupported
from caskmcp.load import load
from caskmcp.model.exchange import Skipped

KEY: Final = "x-cask-operations"
CALL: Final = "x-cask-call"
JSON: Final = "application/json"
_PROTOCOLS: Final = "compiler.normalize.calls:PROTOCOLS"

Plain = dict[str, Any]


def entries(root: Node) -> Iterator[tuple[str, str, Node]]:
    """Path, method and object of each. Raises CASK-C002 for an entry without them."""
    for entry in root.items_of(KEY):
        entry.object("an entry")
        if entry.get("composite") is not None:
            continue  # calls of other tools: whoever compiles them declares them in the manifest
        path, method = (entry.need(name, "an entry").string(f"`{name}`") for name in ("path", "method"))
        if not path.startswith("/"):
            raise entry.child("path").refuse("a path begins with `/`")
        yield path, method, entry.need("operation", "an entry")


def asked(operation: Node, rows: Iterator[Operation | Skipped]) -> Iterator[Operation | Skipped]:
    """The rows of an operation, each with what it asks a shared endpoint for, and with the arguments alone as its body."""
    said = operation.get(CALL)
    if said is None:
        yield from rows
        return
    for row in rows:
        yield _called(said, row) if isinstance(row, Operation) else row


def _called(said: Node, row: Operation) -> Operation | Skipped:
    said.object(f"`{CALL}`")
    whole = next((part for media, part in row.bodies if media == JSON), None)
    names, within = said.texts_of("constants"), said.texts_of("within")
    constants = _constants(whole.root, names) if whole else None
    call = _read(said.text_of("protocol"), constants, within) if constants else None
    if whole is None or call is None:
        return unsupported(said, "a call that cannot be read again from its body")
    inner = _arguments(whole.root, frozenset(names), within)
    declared = replace(row.declared, call=call, body_required=bool(inner and "required" in inner))
    return row._replace(declared=declared, bodies=((JSON, Part(inner, whole.direction, whole.starts)),) if inner else ())


def _constants(schema: Plain, names: tuple[str, ...]) -> Plain | None:
    """The members of a body that have one value; None if one of them has not."""
    rows = schema.get("properties", {})
    fixed = all(isinstance(rows.get(name), dict) and "const" in rows[name] for name in names)
    return {name: rows[name]["const"] for name in names} if fixed else None


def _read(protocol: str, constants: Plain, within: tuple[str, ...]) -> Plain | None:
    """What constants ask for, in the words of the protocol's own reader; None if it reads something else in them, or nothing."""
    reader = next((row for row in load(_PROTOCOLS) if row.name == protocol), None)
    if reader is None or within not in ((), (reader.arguments,)) or not reader.fits(constants):
        return None
    said = reader.reads(constants)
    if not isinstance(said, dict) or said["constants"] != constants:
        return None
    return {"protocol": protocol, **({"within": list(within)} if within else {}), **said}


def _arguments(schema: Plain, names: frozenset[str], within: tuple[str, ...]) -> Plain | None:
    """The schema of the arguments: the member that holds them, or the members that are no constants; None if there are none."""
    rows = schema.get("properties", {})
    if within:
        found = rows.get(within[0])
        return found if isinstance(found, dict) else None
    rest = {name: row for name, row in rows.items() if name not in names}
    required = [name for name in schema.get("required", ()) if name not in names]
    kept = {key: value for key, value in schema.items() if key not in ("properties", "required")}
    return {**kept, "properties": rest, **({"required": required} if required else {})} if rest else None
