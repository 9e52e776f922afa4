"""What the twin answers where nothing was recorded: things that the contracts allow, seeded by the operation they are of.

Promises: an operation that was answered with success in the capture gets nothing from here. The things that one resource's operations speak of are
the same everywhere: what a list shows can be got, and an id leads to the thing that has it.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from caskmcp import canon
from caskmcp.model.contract import Contract, Parameter, Response
from caskmcp.runtime.twin import places
from caskmcp.runtime.twin.invent import invent
from caskmcp.runtime.twin.operations import Known, Operation, with_heard
from caskmcp.runtime.twin.wire import Answer, Request

THINGS: Final = 5
"""Things of a resource of which none was recorded."""
NAMES: Final = ("id", "uuid", "key", "slug", "name")
Form = tuple[str, ...]
Ids = dict[tuple[str, Form], tuple[tuple[str, ...], ...]]


def seeded(base: Known) -> Known:
    """The same, with answers for operations that have none."""
    bare = [row for row in base.operations if not base.good(row)]
    ids = _ids(base)
    return with_heard(base, (pair for row in bare for pair in _said(row, ids)))


def _ids(base: Known) -> Ids:
    """Host and form of a path up to an argument -> the arguments of things: recorded ones, else invented ones, parents first."""
    found: dict[tuple[str, Form], set[tuple[str, ...]]] = {}
    for row in base.operations:
        for form in _forms(row):
            recorded = {each.arguments[: form.count("{}")] for each in base.good(row)}
            found.setdefault((row.host, form), set()).update(recorded)
    ids: Ids = {}
    for host, form in sorted(found, key=lambda name: (len(name[1]), name)):
        rows = found[host, form] or _invented(ids, host, form, [row for row in base.operations if row.host == host and form in _forms(row)])
        ids[host, form] = tuple(sorted(rows))[: max(THINGS, len(found[host, form]))]
    return ids


def _forms(operation: Operation) -> tuple[Form, ...]:
    """Each beginning of its path that ends in an argument."""
    return tuple(operation.form[: index + 1] for index, text in enumerate(operation.form) if text == "{}")


def _invented(ids: Ids, host: str, form: Form, rows: list[Operation]) -> set[tuple[str, ...]]:
    above = max((each for each in ids if each[0] == host and each[1] == form[: len(each[1])]), key=lambda each: len(each[1]), default=None)
    parents = ids[above] if above is not None and above[1].count("{}") == form.count("{}") - 1 else ((),)
    schema = _parameter(rows[0].contract, form.count("{}") - 1)
    made = (_id(schema, f"{host}/{'/'.join(form)} {index}", index) for index in range(THINGS))
    return {(*parents[index % len(parents)], own) for index, own in enumerate(made)}


def _parameter(contract: Contract, index: int) -> Mapping[str, Any]:
    rows: list[Parameter] = [row for row in contract.parameters if row.location == "path"]
    names = Operation(contract).names
    return next((row.schema_ for row in rows if row.name == names[index]), {}) if index < len(names) else {}


def _id(schema: Mapping[str, Any], seed: str, index: int) -> str:
    if schema.get("type") == "integer":
        return str(index + 1)
    value = invent({**schema, "type": "string"}, seed)
    return value if isinstance(value, str) and value and "/" not in value else f"twin-{index + 1}"


# ---------------------------------------------------------------- answers
def _said(operation: Operation, ids: Ids) -> Iterator[tuple[Request, Answer]]:
    """Requests of an operation with their answers: one for each thing that its path can name, one where it names none."""
    response = success(operation.contract) or (Response(status="200") if _is_mcp(operation.contract) else None)
    if response is None:
        return
    forms = _forms(operation)
    for arguments in ids[operation.host, forms[-1]] if forms else ((),):
        path, body = _path(operation, arguments), _asked(operation)
        value = _value(operation, response, arguments, ids)
        answer = _answer(response, value) if not _is_mcp(operation.contract) else Answer(200, _called(value), "json", "application/json")
        yield Request(operation.contract.method, operation.host, path, (), body), answer


def _is_mcp(contract: Contract) -> bool:
    return contract.call is not None and contract.call.protocol == "mcp"


def _called(value: Any) -> Any:
    """The result of an MCP server's tool, as a JSON-RPC response; its number is set where it is answered."""
    text = canon.compact(value).decode("utf-8")
    structured = {"structuredContent": value} if isinstance(value, dict) else {}
    return {"jsonrpc": "2.0", "id": 1, "result": {"content": [{"type": "text", "text": text}], **structured}}


def success(contract: Contract) -> Response | None:
    """The success that is known best."""
    rows = [row for row in contract.responses if row.status.startswith("2")]
    rows = rows or [Response(status=status) for status in contract.statuses if status.startswith("2")]
    return min(rows, key=lambda row: (row.schema_ is None, -row.evidence.seen, row.status, row.media), default=None)


def _answer(response: Response, value: Any) -> Answer:
    status = int(response.status) if response.status.isdecimal() else 200
    if response.schema_ is None or "json" not in (response.media or "json"):
        return Answer(status, None, "absent", response.media)
    return Answer(status, value, "json", response.media or "application/json")


def _path(operation: Operation, arguments: tuple[str, ...]) -> str:
    left = iter(arguments)
    texts = (
        next(left) if any(piece.name for piece in segment.pieces) else "".join(piece.text for piece in segment.pieces)
        for segment in operation.contract.segments
    )
    return "/" + "/".join(texts)


def _asked(operation: Operation) -> Any:
    """What a call of a shared endpoint says of itself; nothing else is known of a body."""
    return dict(operation.contract.call.constants) if operation.contract.call is not None else None


def _value(operation: Operation, response: Response, arguments: tuple[str, ...], ids: Ids) -> Any:
    schema = response.schema_ or {}
    value = invent(schema, f"{operation.id} {'/'.join(arguments)}")
    if operation.form and operation.form[-1] == "{}":
        return _with_id(value, arguments[-1], _name(value, operation))
    below = (operation.host, (*operation.form, "{}"))
    if operation.contract.method == "GET" and below in ids:
        return _with_things(value, operation, [row[-1] for row in ids[below] if row[:-1] == arguments])
    return value


def _name(value: Any, operation: Operation) -> str:
    """What an answer calls the id: as flows do, or as is the custom."""
    argument = operation.names[-1] if operation.names else ""
    known = [name for _, row in places.objects(value) for name in (*NAMES, argument) if name in row]
    return known[0] if known else "id"


def _with_id(value: Any, own: str, name: str) -> Any:
    for way, row in places.objects(value):
        if name in row:
            typed: Any = int(own) if isinstance(row[name], int) and own.isdecimal() else own
            return places.put(value, (*way, name), typed)
    return value


def _with_things(value: Any, operation: Operation, own: list[str]) -> Any:
    """A list's answer that shows the things which there are."""
    way = next((way for way, rows in places.lists(value) if rows and isinstance(rows[0], dict)), None)
    if way is None:
        return value
    like = places.at(value, way)
    rows = [_with_id(like[index % len(like)], each, _name(like[0], operation)) for index, each in enumerate(own)]
    for name in ("total", "count", "total_count"):
        if isinstance(places.at(value, (name,)), int):
            value = places.put(value, (name,), len(rows))
    return places.put(value, way, rows)
