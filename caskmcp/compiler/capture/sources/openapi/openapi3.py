"""An operation of OpenAPI 3.0, 3.1 and 3.2: its parameters, bodies, answers, security and servers."""

from collections.abc import Iterator, Mapping
from typing import Final

from caskmcp.compiler.capture.sources.openapi import messages, parameters, security, servers
from caskmcp.compiler.capture.sources.openapi.node import Node
from caskmcp.compiler.capture.sources.openapi.schemas import Schemas
from caskmcp.compiler.capture.sources.openapi.stated import Stated, unsupported
from caskmcp.model.exchange import Skipped

METHODS: Final = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
_ROOT: Final = ("openapi", "info", "jsonSchemaDialect", "servers", "paths", "webhooks", "components", "security", "tags", "externalDocs")
_ITEM: Final = ("$ref", "summary", "description", "servers", "parameters", *METHODS)
OPERATION: Final = frozenset(
    [
        "tags",
        "summary",
        "description",
        "externalDocs",
        "operationId",
        "parameters",
        "requestBody",
        "responses",
        "callbacks",
        "deprecated",
        "security",
        "servers",
    ]
)
ROOT: Final[Mapping[str, frozenset[str]]] = {
    "3.0": frozenset(_ROOT) - {"jsonSchemaDialect", "webhooks"},
    "3.1": frozenset(_ROOT),
    "3.2": frozenset((*_ROOT, "$self")),
}
"""Version -> fields of the document."""
ITEM: Final[Mapping[str, frozenset[str]]] = {
    "3.0": frozenset(_ITEM),
    "3.1": frozenset(_ITEM),
    "3.2": frozenset((*_ITEM, "query", "additionalOperations")),
}
"""Version -> fields of a path item."""
_SECTIONS: Final = ("schemas", "responses", "parameters", "examples", "requestBodies", "headers", "securitySchemes", "links", "callbacks")
SECTIONS: Final[Mapping[str, frozenset[str]]] = {
    "3.0": frozenset(_SECTIONS),
    "3.1": frozenset((*_SECTIONS, "pathItems")),
    "3.2": frozenset((*_SECTIONS, "pathItems", "mediaTypes")),
}
"""Version -> fields of `components`."""


def check(root: Node, schemas: Schemas) -> Iterator[Skipped]:
    """Check what stands under `components`, used or not. Gives what no operation can have."""
    components = root.get("components")
    known = SECTIONS[root.spec.version]
    for section, node in () if components is None else components.fields("`components`", known=known):
        for _, child in node.fields(f"`{section}`"):
            if section == "schemas":
                schemas.check(child)
            else:
                child.object(f"an entry of `{section}`")
                _CHECKS.get(section, _nothing)(child.followed(), schemas)
    yield from servers.skipped(root)
    yield from security.skipped(root)


def ending(root: Node) -> Iterator[Skipped]:
    """What stands beside the paths and can be no tool."""
    yield from (unsupported(node, "a webhook") for _, node in root.fields_of("webhooks"))


def _nothing(node: Node, schemas: Schemas) -> None:
    """Sections of which nothing becomes part of a tool unless an operation refers to it."""


def _parameter(node: Node, schemas: Schemas) -> None:
    parameters.read(node, schemas)


def _body(node: Node, schemas: Schemas) -> None:
    messages.body(node, schemas)


def _response(node: Node, schemas: Schemas) -> None:
    messages.response("default", node, schemas)


_CHECKS: Final = {"parameters": _parameter, "requestBodies": _body, "responses": _response}


def operations(item: Node) -> Iterator[tuple[str, Node]]:
    """Method and object of each operation of a path item."""
    methods = (*METHODS, "query") if item.spec.version == "3.2" else METHODS
    for name, node in item.fields("a path item", known=ITEM[item.spec.version]):
        if name in methods:
            yield name.upper(), node
        if name == "additionalOperations":
            yield from _additional(node, methods)


def _additional(node: Node, methods: tuple[str, ...]) -> Iterator[tuple[str, Node]]:
    for method, operation in node.fields("`additionalOperations`"):
        if method.lower() in methods:
            raise operation.refuse(f"`{method}` has a field of its own in a path item")
        if not parameters.TOKEN.fullmatch(method):
            raise operation.refuse(f"`{method}` is no method")
        yield method, operation


def read(root: Node, item: Node, operation: Node, schemas: Schemas) -> Stated:
    """The parts of an operation. Raises CASK-C002 for the first rule that it breaks."""
    operation.check("an operation", OPERATION)
    auth = security.auth(root, operation)
    body = operation.get("requestBody")
    found = None if body is None else messages.body(body.followed(), schemas)
    answers, left_out = messages.responses(operation, schemas)
    placed = parameters.read_all((item, operation), schemas)
    skipped = (
        *servers.skipped(operation),
        *(unsupported(node, "a callback") for _, node in operation.fields_of("callbacks")),
        *(row for each in placed.values() for row in parameters.skipped(each)),
        *(found.skipped if found else ()),
        *left_out,
    )
    return Stated(
        placed=placed,
        bodies=found.rows if found else (),
        body_required=found is not None and found.required,
        answers=answers,
        auth=auth,
        origins=servers.origins((operation, item, root)),
        skipped=skipped,
    )
