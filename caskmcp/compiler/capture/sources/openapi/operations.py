"""The operations of a document, each as `Declared` once a server, checked as a whole before the first one is given out.

What a document says beside its operations (callbacks, webhooks, links, other protocols) is listed as left out, with its place.
"""

from collections.abc import Iterator
from typing import Final

from caskmcp.compiler.capture.sources.openapi import messages, parameters, security, servers
from caskmcp.compiler.capture.sources.openapi.document import Node, Spec
from caskmcp.compiler.capture.sources.openapi.schemas import Schemas
from caskmcp.model.exchange import Declared, DeclaredBody, DeclaredResponse, Skipped

METHODS: Final = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
ROOT_FIELDS: Final = frozenset(
    ["openapi", "info", "jsonSchemaDialect", "servers", "paths", "webhooks", "components", "security", "tags", "externalDocs"]
)
ITEM_FIELDS: Final = frozenset({"$ref", "summary", "description", "servers", "parameters", *METHODS})
OPERATION_FIELDS: Final = frozenset(
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


def read_all(spec: Spec) -> list[Declared | Skipped]:
    """Everything that the document states, in its order. Raises CASK-C002 for the first rule that it breaks; then nothing is given out."""
    schemas = Schemas(spec)
    root = spec.root
    _check_root(root, schemas)
    found: list[Declared | Skipped] = [*servers.skipped(root), *security.skipped(root)]
    named: dict[str, str] = {}
    shapes: dict[str, str] = {}
    for name, item in _paths(root):
        shape = parameters.shape(name)
        if shape in shapes:
            raise item.refuse(f"the paths `{shapes[shape]}` and `{name}` mean the same")
        shapes[shape] = name
        found.extend(_item(root, item, name, schemas=schemas, named=named))
    webhooks = root.get("webhooks")
    found.extend(Skipped(f"webhooks.{name}", "unsupported") for name, _ in (() if webhooks is None else webhooks.fields("`webhooks`")))
    return found


def _check_root(root: Node, schemas: Schemas) -> None:
    for _ in root.fields("the document", known=ROOT_FIELDS):
        pass
    components = root.get("components")
    for section, node in () if components is None else components.fields("`components`"):
        for _, child in node.fields(f"`{section}`"):
            if section == "schemas":
                schemas.check(child)
            else:
                child.object(f"an entry of `{section}`")


def _paths(root: Node) -> Iterator[tuple[str, Node]]:
    paths = root.get("paths")
    if paths is None:
        if root.spec.is_30:
            raise root.refuse("the document needs `paths`")
        return
    for name, item in paths.fields("`paths`"):
        yield name, _merged(item)


def _merged(item: Node) -> Node:
    """A path item; one that refers to another takes what it does not say itself from there."""
    item.object("a path item")
    target = item.followed()
    if target.at == item.at:
        return item
    own = {key: value for key, value in item.value.items() if key != "$ref"}
    return Node(item.spec, {**target.object("a path item"), **own}, target.at)


def _item(root: Node, item: Node, name: str, *, schemas: Schemas, named: dict[str, str]) -> Iterator[Declared | Skipped]:
    place = f"paths.{name}"
    parameters.template_names(item, name)
    yield from servers.skipped(item)
    for method, operation in item.fields("a path item", known=ITEM_FIELDS):
        if method in METHODS:
            operation.object("an operation")
            _check_operation(operation, f"{place}.{method}", named)
            yield from _operation(root, item, operation, place=(name, method), schemas=schemas)


def _check_operation(operation: Node, place: str, named: dict[str, str]) -> None:
    for _ in operation.fields("an operation", known=OPERATION_FIELDS):
        pass
    name = operation.text_of("operationId")
    if name and name in named:
        raise operation.refuse(f"the operationId `{name}` stands at {named[name]} too")
    if name:
        named[name] = place


def _operation(root: Node, item: Node, operation: Node, *, place: tuple[str, str], schemas: Schemas) -> Iterator[Declared | Skipped]:
    name, method = place
    here = f"paths.{name}.{method}"
    yield from servers.skipped(operation)
    callbacks = operation.get("callbacks")
    for callback, _ in () if callbacks is None else callbacks.fields("`callbacks`"):
        yield Skipped(f"{here}.callbacks.{callback}", "unsupported")
    auth = security.auth(root, operation)
    written = parameters.written(item, name, parameters.read_all((item, operation), schemas), auth)
    bodies = list(messages.bodies(operation, schemas))
    responses = list(messages.responses(operation, schemas))
    yield from (row for row in (*bodies, *responses) if isinstance(row, Skipped))
    if written is None:
        yield Skipped(here, "unsupported")
        return
    body = messages.request_body(operation)
    for origin in servers.origins((operation, item, root)):
        yield Declared(
            method=method.upper(),
            scheme=origin.scheme,
            host=origin.host,
            port=origin.port,
            path=origin.base + written.path,
            operation_id=operation.text_of("operationId"),
            title=operation.text_of("summary") or item.text_of("summary"),
            description=operation.text_of("description") or item.text_of("description"),
            tags=_tags(operation),
            deprecated=operation.flag_of("deprecated"),
            parameters=written.parameters,
            bodies=tuple(row for row in bodies if isinstance(row, DeclaredBody)),
            body_required=body is not None and body.flag_of("required"),
            responses=tuple(row for row in responses if isinstance(row, DeclaredResponse)),
            auth=auth,
        )


def _tags(operation: Node) -> tuple[str, ...]:
    tags = operation.get("tags")
    return () if tags is None else tuple(tag.string("a tag") for tag in tags.items("`tags`"))
