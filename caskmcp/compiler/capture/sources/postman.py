"""Postman collections, format 2.0 and 2.1, as the app and the API export them.

A saved example is an exchange; a request states an operation. Variables are the collection's own and its folders'; scripts are never run.
Source of the format: https://schema.postman.com/.
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
    NOBODY,
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
)  # fmt: skip
from caskmcp.compiler.capture.sources.collection.variables import Variables
from caskmcp.compiler.capture.sources.interface import Blocks, Recorded, RecordedBody
from caskmcp.model.exchange import Pair, Skipped

WHAT: Final = "Postman collection of version 2.0 or 2.1"
MEND: Final = "in Postman: Export, Collection v2.1"
_SCHEMA: Final = re.compile(r"https?://schema\.(?:get)?postman\.com/json/collection/v2\.[01]\.0/(?:collection\.json)?")
_MEDIA: Final = {"json": JSON, "html": "text/html", "xml": "application/xml", "text": "text/plain", "plain": "text/plain"}
"""Languages of a raw body and of a saved response -> media type, where no header says it."""


class Scope(NamedTuple):
    """What a folder hands down."""

    variables: Variables
    auth: dict[str, Any]


class Postman:
    """The source `postman:`."""

    kind: ClassVar[str] = "postman"

    def read(self, blocks: Blocks) -> Iterator[Recorded | Skipped]:
        """Yield each saved example and each request in file order. Raises CASK-C001 for another format, with its line."""
        file = document.parse(document.joined(blocks), WHAT, MEND)
        collection = loose.mapping(file.value.get("collection")) or file.value
        _check(file, collection)
        if _has_script(collection):
            yield Skipped("scripts", "unsupported")
        scope = Scope(Variables(_values(collection)), loose.mapping(collection.get("auth")))
        yield from _items(collection, scope, count())


def _check(file: Collection, collection: dict[str, Any]) -> None:
    schema = loose.text(loose.mapping(collection.get("info")).get("schema"))
    if not _SCHEMA.fullmatch(schema):
        raise file.refuse(("info", "schema"), f"this is no {WHAT}", MEND)
    if not isinstance(collection.get("item"), list):
        raise file.refuse(("item",), "`item` has to be a list", MEND)


def _has_script(holder: dict[str, Any]) -> bool:
    """Whether a collection, folder or request has a script that is not empty."""
    scripts = (loose.mapping(event.get("script")).get("exec") for event in loose.objects(holder.get("event")))
    lines = (line for script in scripts for line in (script if isinstance(script, list) else [script]))
    return any(loose.text(line).strip() for line in lines) or any(map(_has_script, loose.objects(holder.get("item"))))


def _values(holder: dict[str, Any]) -> dict[str, str]:
    """Values of variables; secret ones and those that are switched off have none."""
    listed = [row for row in loose.enabled(holder.get("variable")) if row.get("type") != "secret"]
    return {loose.text(row.get("key") or row.get("id")): value for row in listed if (value := loose.text(row.get("value")))}


def _items(holder: dict[str, Any], scope: Scope, numbers: Iterator[int]) -> Iterator[Recorded | Skipped]:
    for item in holder.get("item") or ():
        if isinstance(item, dict) and isinstance(item.get("item"), list):
            inner = Scope(scope.variables.within(_values(item)), loose.mapping(item.get("auth")) or scope.auth)
            yield from _items(item, inner, numbers)
        else:
            yield from _request(loose.mapping(item), scope, f"request {next(numbers)}")


def _request(item: dict[str, Any], scope: Scope, place: str) -> Iterator[Recorded | Skipped]:
    scope = scope._replace(variables=scope.variables.within(_values(item)))
    request = item.get("request")
    written = _written(request, place, scope)
    examples = [row for row in loose.objects(item.get("response")) if loose.number(row.get("code"))]
    answered = [_example(row, written, place, scope) for row in examples]
    yield from answered
    if written is None:
        yield Skipped(place, "broken", detail="the request has no URL")
        return
    asked = recorded(written, scope.variables)
    if not any(isinstance(row, Recorded) and same(row, asked) for row in answered):
        yield asked


def _example(row: dict[str, Any], base: Written | None, place: str, scope: Scope) -> Recorded | Skipped:
    original = row.get("originalRequest")
    written = _written(original, place, scope) if original else base
    if written is None:
        return Skipped(place, "broken", detail="the example has no request")
    if base is not None and not loose.mapping(loose.mapping(original).get("auth")):
        written = written._replace(credentials=base.credentials)
    return recorded(written, scope.variables, _answer(row))


def _written(request: Any, place: str, scope: Scope) -> Written | None:
    if isinstance(request, str):
        request = {"url": request}
    fields = loose.mapping(request)
    url = fields.get("url")
    if not url or not isinstance(url, str | dict):
        return None
    address, query = (url, ()) if isinstance(url, str) else _address(url)
    return Written(
        place,
        loose.text(fields.get("method")) or "GET",
        address,
        query=query,
        parameters=_parameters(url),
        headers=_headers(fields.get("header")),
        body=_body(loose.mapping(fields.get("body"))),
        credentials=_credentials(loose.mapping(fields.get("auth")) or scope.auth),
    )


def _address(url: dict[str, Any]) -> tuple[str, tuple[Pair, ...]]:
    """URL and query of the parts; `raw` where there are none."""
    host, path = _joined(url.get("host"), "."), _joined(url.get("path"), "/")
    if not host and not path:
        return loose.text(url.get("raw")), ()
    scheme, port = loose.text(url.get("protocol")), loose.text(url.get("port"))
    head = f"{scheme}://{host}" if scheme else host
    return f"{head}{f':{port}' if port else ''}/{path.removeprefix('/')}", loose.pairs(url.get("query"), "key")


def _joined(parts: Any, sign: str) -> str:
    listed = parts if isinstance(parts, list) else [parts]
    return sign.join(loose.text(part.get("value") if isinstance(part, dict) else part) for part in listed)


def _parameters(url: Any) -> dict[str, str]:
    """Values of the path's `:name` segments."""
    return {
        loose.text(row.get("key") or row.get("id")): loose.text(row.get("value"))
        for row in loose.enabled(loose.mapping(url).get("variable"))
    }


def _headers(value: Any) -> tuple[Pair, ...]:
    """A list of pairs, or (2.0) one text with a header a line."""
    if not isinstance(value, str):
        return loose.pairs(value, "key")
    lines = (line.partition(":") for line in loose.text(value).splitlines())
    return tuple((name.strip(), content.strip()) for name, colon, content in lines if colon and name.strip())


# ---------------------------------------------------------------- bodies
def _body(body: dict[str, Any]) -> Sent | None:
    mode = body.get("mode")
    if body.get("disabled") is True or not mode:
        return None
    if mode == "raw":
        text = loose.text(body.get("raw"))
        return Sent(_language(body), text) if text else None
    if mode in ("urlencoded", "formdata"):
        return Sent(FORM if mode == "urlencoded" else MULTIPART, pairs=_form(body.get(mode)))
    return _graphql(loose.mapping(body.get("graphql"))) if mode == "graphql" else Sent(OCTETS)


def _language(body: dict[str, Any]) -> str:
    raw = loose.mapping(loose.mapping(body.get("options")).get("raw"))
    return _MEDIA.get(loose.text(raw.get("language")), "")


def _form(value: Any) -> tuple[Pair, ...]:
    """Fields of a form; of a file only the field's name."""
    rows = loose.enabled(value)
    return tuple((loose.text(row.get("key")), "" if row.get("type") == "file" else loose.text(row.get("value"))) for row in rows)


def _graphql(value: dict[str, Any]) -> Sent:
    return graphql(loose.text(value.get("query")), loose.text(value.get("variables")), loose.text(value.get("operationName")))


# ---------------------------------------------------------------- auth and answers
def _credentials(auth: dict[str, Any]) -> tuple[Pair, ...]:
    kind = loose.text(auth.get("type"))
    given = _settings(auth.get(kind))
    if kind == "apikey":
        return api_key(given.get("key", ""), given.get("value", ""), given.get("in", "header"))
    secrets = [given[name] for name in SECRETS if given.get(name)] or [""]
    if kind == "oauth2" and given.get("addTokenTo") == "queryParams":
        return tuple(("query:access_token", secret) for secret in secrets)
    return tuple((WAYS[kind], secret) for secret in secrets) if kind in WAYS else ()


def _settings(value: Any) -> dict[str, str]:
    """Settings of an auth block: a list of pairs, or (2.0) an object."""
    if isinstance(value, dict):
        return {name: loose.text(item) for name, item in value.items()}
    return {loose.text(row.get("key")): loose.text(row.get("value")) for row in loose.objects(value)}


def _answer(row: dict[str, Any]) -> Answer:
    headers = _headers(row.get("header"))
    media = next((value for name, value in headers if name.lower() == "content-type"), "")
    media = media or _MEDIA.get(loose.text(row.get("_postman_previewlanguage")), "")
    text = loose.text(row.get("body"))
    return NOBODY._replace(status=loose.number(row.get("code")), headers=headers, body=RecordedBody(media, text=text) if text else None)
