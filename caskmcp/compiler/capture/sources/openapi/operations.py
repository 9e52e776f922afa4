"""The operations of a document, each as `Declared` once a server, checked as a whole before the first one is given out.

A document that breaks a rule of its standard on which a tool depends is refused whole, by rule and line; what is right but cannot be sent, or
is more than a tool can carry, is left out by name. What no tool depends on (`info`, tags, external documents, XML, headers of answers) is not checked.
"""

from collections.abc import Iterator
from typing import Final

from caskmcp.compiler.capture.sources.openapi import carried, openapi3, others, parameters, servers, swagger
from caskmcp.compiler.capture.sources.openapi.carried import Operation
from caskmcp.compiler.capture.sources.openapi.document import Spec
from caskmcp.compiler.capture.sources.openapi.node import Node
from caskmcp.compiler.capture.sources.openapi.schemas import Schemas
from caskmcp.compiler.capture.sources.openapi.stated import UNSUPPORTED, Stated, unsupported
from caskmcp.model.exchange import Declared, Skipped

OBSERVED: Final = "x-cask-observed"
"""Marks an operation of a document that we compiled ourselves, of which no document had said anything (`emit.files.openapi`)."""
_SINCE_31: Final = ("3.1", "3.2")


def read_all(spec: Spec) -> list[Declared | Skipped]:
    """Everything that the document states, in its order. Raises CASK-C002 for the first rule that it breaks; then nothing is given out."""
    schemas, root = Schemas(spec), spec.root
    version = swagger if spec.version == "2.0" else openapi3
    root.check("the document", version.ROOT[spec.version])
    found: list[Operation | Skipped] = list(version.check(root, schemas))
    named: dict[str, str] = {}
    shapes: dict[str, str] = {}
    for name, item in _paths(root):
        shape = parameters.shape(name)
        if shape in shapes:
            raise item.refuse(f"the paths `{shapes[shape]}` and `{name}` mean the same")
        shapes[shape] = name
        parameters.template_names(item, name)
        found.extend(servers.skipped(item))
        for method, operation in version.operations(item):
            place = f"paths.{name}.{method.lower()}"
            operation.object("an operation")
            _check_id(operation, place, named)
            stated = version.read(root, item, operation, schemas)
            found.extend(_operation(item, operation, stated, place=(name, method, place)))
    found.extend(_beside(root, schemas, named) if version is openapi3 else ())
    return list(carried.complete(schemas, [*found, *version.ending(root)]))


def _beside(root: Node, schemas: Schemas, named: dict[str, str]) -> Iterator[Operation | Skipped]:
    """What a document of ours could not put under its paths."""
    for name, method, operation in others.entries(root):
        if not parameters.TOKEN.fullmatch(method):
            raise operation.refuse(f"`{method}` is no method")
        item = Node(root.spec, {}, operation.at)
        parameters.template_names(item, name)
        operation.object("an operation")
        _check_id(operation, operation.place, named)
        stated = openapi3.read(root, item, operation, schemas)
        yield from others.asked(operation, _operation(item, operation, stated, place=(name, method, operation.place)))


def _paths(root: Node) -> Iterator[tuple[str, Node]]:
    if root.get("paths") is None and root.spec.version not in _SINCE_31:
        raise root.refuse("the document needs `paths`")
    for name, item in root.fields_of("paths"):
        yield name, _merged(item)


def _merged(item: Node) -> Node:
    """A path item; one that refers to another takes what it does not say itself from there."""
    item.object("a path item")
    target = item.followed()
    if target.at == item.at:
        return item
    own = {key: value for key, value in item.value.items() if key != "$ref" and not key.startswith("x-")}
    elsewhere = item.spec.file_of(item.at) != item.spec.file_of(target.at)
    for key in own:
        if key in target.object("a path item") or (elsewhere and key not in ("summary", "description")):
            raise item.child(key).refuse(f"`{key}` stands beside a reference to a path item that may say it otherwise")
    return Node(item.spec, {**target.object("a path item"), **own}, target.at)


def _check_id(operation: Node, place: str, named: dict[str, str]) -> None:
    name = operation.text_of("operationId")
    if name and name in named:
        raise operation.refuse(f"the operationId `{name}` stands at {named[name]} too")
    if name:
        named[name] = place


def _operation(item: Node, operation: Node, stated: Stated, *, place: tuple[str, str, str]) -> Iterator[Operation | Skipped]:
    name, method, here = place
    written = parameters.written(item, name, stated.placed, stated.auth)
    yield from stated.skipped
    yield from (unsupported(row.node, row.unsent) for row in stated.placed.values() if row.unsent and not row.declared.required)
    if unsent := stated.unsent or written.unsent:
        yield Skipped(here, UNSUPPORTED, detail=unsent)
        return
    for origin in stated.origins:
        declared = Declared(
            method=method,
            scheme=origin.scheme,
            host=origin.host,
            port=origin.port,
            path=origin.base + written.path,
            operation_id=operation.text_of("operationId"),
            title=operation.text_of("summary") or item.text_of("summary"),
            description=operation.text_of("description") or item.text_of("description"),
            tags=operation.texts_of("tags"),
            deprecated=operation.flag_of("deprecated"),
            parameters=written.parameters,
            body_required=stated.body_required,
            auth=stated.auth,
            compiled=operation.value.get(OBSERVED) is True,
        )
        answers = tuple((f"{here}.responses.{row.declared.status}", row.declared, row.schema) for row in stated.answers)
        yield Operation(here, declared, stated.bodies, answers)
