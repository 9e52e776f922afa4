"""Insomnia: the export of version 4 (JSON, YAML) and the files of version 5 (YAML).

A request states an operation; Insomnia exports no answers. Variables are those of the base environment, else of the first environment below
it that has one, and of folders; template tags (`{% … %}`) and scripts are never run. Source: https://docs.insomnia.rest/.
"""

import re
from collections.abc import Iterator
from itertools import count
from typing import Any, ClassVar, Final, NamedTuple

from caskmcp.compiler.capture.sources.collection import document, loose
from caskmcp.compiler.capture.sources.collection.document import Collection
from caskmcp.compiler.capture.sources.collection.request import (
    FORM,
    JSON,
    MULTIPART,
    OCTETS,
    SECRETS,
    WAYS,
    Sent,
    Written,
    api_key,
    recorded,
)
from caskmcp.compiler.capture.sources.collection.variables import Variables
from caskmcp.compiler.capture.sources.interface import Blocks, Recorded
from caskmcp.model.exchange import Pair, Skipped

WHAT: Final = "export of Insomnia, version 4 or 5"
MEND: Final = "in Insomnia: Export, as a collection of version 5"
_TAG: Final = re.compile(r"\{%[^%]{0,2000}%\}")
_OTHERS: Final = frozenset({"websocket_request", "grpc_request", "socketio_request", "mcp_request"})
_OTHER_URLS: Final = re.compile(r"\s*(?:wss?|grpcs?)://", re.IGNORECASE)
_DEEPEST: Final = 50
"""Folders inside folders; more are a circle of parents."""


class Scope(NamedTuple):
    """What a folder hands down."""

    variables: Variables
    headers: tuple[Pair, ...]
    auth: dict[str, Any]


class Insomnia:
    """The source `insomnia`."""

    kind: ClassVar[str] = "insomnia"

    def read(self, blocks: Blocks) -> Iterator[Recorded | Skipped]:
        """Yield each request. Raises CASK-C001 for another format, with its line."""
        file = document.parse(document.joined(blocks), WHAT, MEND)
        items, values = _version_4(file) if "resources" in file.value else _version_5(file)
        if _has_script(items):
            yield Skipped("scripts", "unsupported")
        yield from _items(items, Scope(Variables(values), (), {}), count())


# ---------------------------------------------------------------- two forms, one tree
def _version_5(file: Collection) -> tuple[list[dict[str, Any]], dict[str, str]]:
    kind = loose.text(file.value.get("type"))
    if not re.fullmatch(r"(?:collection|spec)\.insomnia\.rest/5\.[0-9]+", kind) or not isinstance(file.value.get("collection"), list):
        raise file.refuse(("type",), f"this is no {WHAT}", MEND)
    base = loose.mapping(file.value.get("environments"))
    return loose.objects(file.value["collection"]), _values([base, *loose.objects(base.get("subEnvironments"))])


def _version_4(file: Collection) -> tuple[list[dict[str, Any]], dict[str, str]]:
    resources = file.value["resources"]
    if file.value.get("__export_format") != 4 or not isinstance(resources, list):
        raise file.refuse(("__export_format",), f"this is no {WHAT}", MEND)
    rows = loose.objects(resources)
    environments = [row for row in rows if row.get("_type") == "environment"]
    spaces = {row.get("_id") for row in rows if row.get("_type") == "workspace" if isinstance(row.get("_id"), str)}
    bases = [row for row in environments if _parent(row) in spaces]
    return _tree(rows), _values([*bases, *(row for row in environments if row not in bases)])


def _tree(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Requests and folders as version 5 nests them. What has no folder here stands at the top."""
    held = [row for row in rows if row.get("_type") in ("request", "request_group", *_OTHERS)]
    folders = {loose.text(row.get("_id")) for row in held if row.get("_type") == "request_group"}
    below: dict[str, list[dict[str, Any]]] = {}
    for row in held:
        parent = _parent(row)
        below.setdefault(parent if parent in folders else "", []).append(row)
    return _nested("", below, _DEEPEST)


def _nested(parent: str, below: dict[str, list[dict[str, Any]]], depth: int) -> list[dict[str, Any]]:
    # Each folder's rows are handed out once: a circle of parents hangs on nothing, and a folder that stands twice is not walked twice.
    rows = below.pop(parent, []) if depth else []
    return [
        row | {"children": _nested(loose.text(row.get("_id")), below, depth - 1)} if row.get("_type") == "request_group" else row
        for row in rows
    ]


def _parent(row: dict[str, Any]) -> str:
    return loose.text(row.get("parentId"))


def _values(environments: list[dict[str, Any]]) -> dict[str, str]:
    """Values of environments, the first of which wins."""
    out: dict[str, str] = {}
    for environment in reversed(environments):
        out |= _texts(environment.get("data"))
    return out


def _texts(data: Any) -> dict[str, str]:
    return {name: _plain(value) for name, value in loose.flat(data).items()}


def _plain(text: str) -> str:
    """The text with each template tag as a variable that has no value."""
    return _TAG.sub("{{tag}}", text) if "{%" in text else text


def _has_script(items: list[dict[str, Any]]) -> bool:
    """Whether a request or folder has a script that is not empty."""
    found = ((row.get("preRequestScript"), row.get("afterResponseScript"), *loose.mapping(row.get("scripts")).values()) for row in items)
    return any(loose.text(text).strip() for texts in found for text in texts) or any(
        _has_script(loose.objects(row.get("children"))) for row in items
    )


# ---------------------------------------------------------------- requests
def _items(items: list[dict[str, Any]], scope: Scope, numbers: Iterator[int]) -> Iterator[Recorded | Skipped]:
    for row in items:
        if isinstance(row.get("children"), list):
            inner = Scope(
                scope.variables.within(_texts(_environment(row))), (*scope.headers, *_pairs(row.get("headers"))), _auth(row, scope)
            )
            yield from _items(loose.objects(row["children"]), inner, numbers)
        else:
            yield _request(row, scope, f"request {next(numbers)}")


def _environment(folder: dict[str, Any]) -> Any:
    """A folder's variables: an object, in some versions below `data`."""
    found = loose.mapping(folder.get("environment"))
    return found["data"] if isinstance(found.get("data"), dict) else found


def _auth(row: dict[str, Any], scope: Scope) -> dict[str, Any]:
    auth = loose.mapping(row.get("authentication"))
    return auth if loose.text(auth.get("type")) not in ("", "inherit") else scope.auth


def _request(row: dict[str, Any], scope: Scope, place: str) -> Recorded | Skipped:
    url = _plain(loose.text(row.get("url")))
    if row.get("_type") in _OTHERS or _OTHER_URLS.match(url):
        return Skipped(place, "unsupported")
    if not url.strip():
        return Skipped(place, "broken", detail="the request has no URL")
    written = Written(
        place,
        loose.text(row.get("method")) or "GET",
        url,
        query=_pairs(row.get("parameters")),
        parameters=dict(_pairs(row.get("pathParameters"))),
        headers=(*scope.headers, *_pairs(row.get("headers"))),
        body=_body(loose.mapping(row.get("body"))),
        credentials=_credentials(_auth(row, scope)),
    )
    return recorded(written, scope.variables)


def _pairs(value: Any) -> tuple[Pair, ...]:
    return tuple((_plain(name), _plain(text)) for name, text in loose.pairs(value))


def _body(body: dict[str, Any]) -> Sent | None:
    media = loose.text(body.get("mimeType"))
    if media in (FORM, MULTIPART) and isinstance(body.get("params"), list):
        rows = loose.enabled(body["params"])
        return Sent(media, pairs=tuple((_plain(loose.text(row.get("name"))), _field(row)) for row in rows))
    if media == "application/graphql":
        return Sent(JSON, _plain(loose.text(body.get("text"))))
    text = _plain(loose.text(body.get("text")))
    return Sent(media, text) if text else Sent(media or OCTETS) if body.get("fileName") else None


def _field(row: dict[str, Any]) -> str:
    return "" if row.get("type") == "file" else _plain(loose.text(row.get("value")))


def _credentials(auth: dict[str, Any]) -> tuple[Pair, ...]:
    kind = loose.text(auth.get("type"))
    if auth.get("disabled") is True:
        return ()
    given = {name: _plain(loose.text(value)) for name, value in auth.items()}
    if kind == "apikey":
        return api_key(given.get("key", ""), given.get("value", ""), given.get("addTo", "header"))
    secrets = [given[name] for name in SECRETS if given.get(name)]
    return tuple((WAYS[kind], secret) for secret in secrets or [""]) if kind in WAYS else ()
