"""Bruno collections: `.bru` files, a folder of them, and the exported JSON.

A saved example is an exchange; a request states an operation. Variables are those of the collection, its environments (the first that has
one wins), folders and requests; scripts are never run. `bru` reads the language, `shape` makes one form of all; this reads that form.
"""

import json
from collections.abc import Iterator, Mapping
from itertools import count
from typing import Any, ClassVar, Final, NamedTuple

from caskmcp.compiler.capture.sources.bruno import shape
from caskmcp.compiler.capture.sources.collection import document, loose
from caskmcp.compiler.capture.sources.collection.request import (
    FORM,
    JSON,
    MULTIPART,
    OCTETS,
    SECRETS,
    WAYS,
    Answer,
    Sent,
    Written,
    api_key,
    graphql,
    recorded,
    same,
)
from caskmcp.compiler.capture.sources.collection.variables import Variables
from caskmcp.compiler.capture.sources.interface import Blocks, Recorded, RecordedBody
from caskmcp.model.exchange import Pair, Skipped

WHAT: Final = "collection of Bruno"
MEND: Final = "in Bruno: Export, Bruno Collection; or import its folder"
FOLDER: Final = "caskmcp/bruno-folder/1"
"""The schema of a folder in one JSON file: `files`, path -> text."""
_MEDIA: Final = {"json": JSON, "text": "text/plain", "xml": "application/xml", "sparql": "application/sparql-query", "html": "text/html"}


class Scope(NamedTuple):
    """What a folder hands down."""

    variables: Variables
    headers: tuple[Pair, ...]
    auth: dict[str, Any]


class Bruno:
    """The source `bruno`."""

    kind: ClassVar[str] = "bruno"

    def read(self, blocks: Blocks) -> Iterator[Recorded | Skipped]:
        """Yield each saved example and each request. Raises CASK-C001 for what is neither `.bru` nor an export, with its line."""
        collection = _collection(document.joined(blocks))
        if _has_script(collection):
            yield Skipped("scripts", "unsupported")
        scope = _inner(collection, Scope(Variables({}), (), {}))
        yield from _items(collection, scope._replace(variables=scope.variables.within(_environments(collection))), count())


def packed(files: Mapping[str, str]) -> bytes:
    """A folder as one file. files: path below the folder, with slashes -> text of each `.bru` file."""
    return json.dumps({"schema": FOLDER, "files": dict(sorted(files.items()))}, ensure_ascii=False).encode("utf-8", "replace")


def _collection(data: bytes) -> dict[str, Any]:
    if data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] != b"{":
        return shape.collection({"request.bru": document.text(data)})
    file = document.parse(data, WHAT, MEND)
    if file.value.get("schema") == FOLDER:
        files = loose.mapping(file.value.get("files"))
        return shape.collection({path: loose.text(text).replace("\r\n", "\n") for path, text in files.items()})
    if not isinstance(file.value.get("items"), list):
        raise file.refuse(("items",), f"this is no {WHAT}: `items` has to be a list", MEND)
    return file.value


def _has_script(holder: dict[str, Any]) -> bool:
    """Whether a collection, folder or request has a script that is not empty."""
    requests = (loose.mapping(holder.get("request")), loose.mapping(loose.mapping(holder.get("root")).get("request")))
    texts = (text for request in requests for text in (*loose.mapping(request.get("script")).values(), request.get("tests")))
    return any(loose.text(text).strip() for text in texts) or any(map(_has_script, loose.objects(holder.get("items"))))


def _values(rows: Any) -> dict[str, str]:
    """Values of variables; secret ones and those that are switched off have none."""
    return {loose.text(row.get("name")): loose.text(row.get("value")) for row in loose.enabled(rows) if row.get("secret") is not True}


def _environments(collection: dict[str, Any]) -> dict[str, str]:
    out: dict[str, str] = {}
    for environment in reversed(loose.objects(collection.get("environments"))):
        out |= _values(environment.get("variables"))
    return out


def _inner(holder: dict[str, Any], scope: Scope) -> Scope:
    """The scope inside of a collection or folder."""
    request = loose.mapping(loose.mapping(holder.get("root")).get("request"))
    return Scope(
        scope.variables.within(_values(loose.mapping(request.get("vars")).get("req"))),
        (*scope.headers, *loose.pairs(request.get("headers"))),
        _auth(request, scope),
    )


def _auth(request: dict[str, Any], scope: Scope) -> dict[str, Any]:
    auth = loose.mapping(request.get("auth"))
    return scope.auth if loose.text(auth.get("mode")) in ("", "inherit") else auth


def _items(holder: dict[str, Any], scope: Scope, numbers: Iterator[int]) -> Iterator[Recorded | Skipped]:
    for item in loose.objects(holder.get("items")):
        if isinstance(item.get("items"), list):
            yield from _items(item, _inner(item, scope), numbers)
        elif "request" in item:
            yield from _request(item, scope, f"request {next(numbers)}")


def _request(item: dict[str, Any], scope: Scope, place: str) -> Iterator[Recorded | Skipped]:
    request = loose.mapping(item.get("request"))
    if loose.text(item.get("type") or request.get("type")).removesuffix("-request") in ("grpc", "ws"):
        yield Skipped(place, "unsupported")
        return
    variables = scope.variables.within(_values(loose.mapping(request.get("vars")).get("req")))
    credentials = _credentials(_auth(request, scope))
    answered = [_example(row, scope, place, credentials, variables) for row in loose.objects(item.get("examples"))]
    yield from (row for row in answered if row is not None)
    if not loose.text(request.get("url")):
        yield from () if not request.get("method") else (Skipped(place, "broken", detail="the request has no URL"),)
        return
    asked = recorded(_written(request, scope, place, credentials), variables)
    if not any(row is not None and same(row, asked) for row in answered):
        yield asked


def _example(row: dict[str, Any], scope: Scope, place: str, credentials: tuple[Pair, ...], variables: Variables) -> Recorded | None:
    request, answer = loose.mapping(row.get("request")), _answer(loose.mapping(row.get("response")))
    if not answer.status or not loose.text(request.get("url")):
        return None
    return recorded(_written(request, scope, place, credentials), variables, answer)


def _written(request: dict[str, Any], scope: Scope, place: str, credentials: tuple[Pair, ...]) -> Written:
    rows = loose.enabled(request.get("params"))
    path = {loose.text(row.get("name")): loose.text(row.get("value")) for row in rows if row.get("type") == "path"}
    query = loose.pairs([row for row in rows if row.get("type") != "path"])
    # The URL repeats the parameters that are not switched off.
    url = loose.text(request.get("url"))
    return Written(
        place,
        loose.text(request.get("method")) or "GET",
        url.partition("?")[0] if query else url,
        query=query,
        parameters=path,
        headers=(*scope.headers, *loose.pairs(request.get("headers"))),
        body=_body(loose.mapping(request.get("body"))),
        credentials=credentials,
    )


def _body(body: dict[str, Any]) -> Sent | None:
    mode = loose.text(body.get("mode"))
    if mode in ("formUrlEncoded", "multipartForm"):
        rows = loose.enabled(body.get(mode))
        pairs = tuple((loose.text(row.get("name")), "" if row.get("type") == "file" else loose.text(row.get("value"))) for row in rows)
        return Sent(FORM if mode == "formUrlEncoded" else MULTIPART, pairs=pairs)
    if mode == "graphql":
        given = loose.mapping(body.get("graphql"))
        return graphql(loose.text(given.get("query")), loose.text(given.get("variables")))
    text = loose.text(body.get(mode)) if mode in _MEDIA else ""
    return Sent(_MEDIA[mode], text) if text else Sent(OCTETS) if mode == "file" else None


def _credentials(auth: dict[str, Any]) -> tuple[Pair, ...]:
    kind = loose.text(auth.get("mode")).lower()
    given = {name: loose.text(value) for name, value in loose.mapping(auth.get(loose.text(auth.get("mode")))).items()}
    if kind == "apikey":
        return api_key(given.get("key", ""), given.get("value", ""), given.get("placement", "header"))
    secrets = [given[name] for name in SECRETS if given.get(name)]
    return tuple((WAYS[kind], secret) for secret in secrets or [""]) if kind in WAYS else ()


def _answer(response: dict[str, Any]) -> Answer:
    status = response.get("status")
    code = int(status) if isinstance(status, str) and status.isascii() and status.isdecimal() and len(status) == 3 else status
    headers, body = loose.pairs(response.get("headers")), loose.mapping(response.get("body"))
    media = next((value for name, value in headers if name.lower() == "content-type"), "") or _MEDIA.get(loose.text(body.get("type")), "")
    text = loose.text(body.get("content"))
    return Answer(loose.number(code), headers, RecordedBody(media, text=text) if text else None)
