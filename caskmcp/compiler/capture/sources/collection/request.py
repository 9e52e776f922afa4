"""A request as a collection writes it becomes a `Recorded`: variables filled in, the body as it would be sent, ways to authenticate beside it.

Promises that a request without a saved answer has status 0, and that values of an auth block are there only to be looked for and cut.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import unquote

from caskmcp.compiler.capture.headers import first
from caskmcp.compiler.capture.sources.collection.target import target
from caskmcp.compiler.capture.sources.collection.variables import Variables
from caskmcp.compiler.capture.sources.interface import Recorded, RecordedBody
from caskmcp.model.exchange import Pair

JSON: Final = "application/json"
FORM: Final = "application/x-www-form-urlencoded"
MULTIPART: Final = "multipart/form-data"
OCTETS: Final = "application/octet-stream"

WAYS: Final = {
    # type of an auth block, as the tools call it -> way as in `Exchange.auth`
    "bearer": "bearer",
    "oauth2": "bearer",
    "jwt": "bearer",
    "basic": "basic",
    "digest": "digest",
    "oauth1": "header:authorization",
    "awsv4": "header:authorization",
    "hawk": "header:authorization",
    "iam": "header:authorization",
    "ntlm": "header:authorization",
    "netrc": "basic",
    "wsse": "header:x-wsse",
    "asap": "header:authorization",
    "edgegrid": "header:authorization",
}


class Sent(NamedTuple):
    """A body as it is written: text, or pairs of a form, or neither (a file on somebody's disk)."""

    media: str
    text: str | None = None
    pairs: tuple[Pair, ...] | None = None


class Written(NamedTuple):
    """One request, variables not yet filled in."""

    place: str
    method: str
    url: str
    query: tuple[Pair, ...] = ()
    """Listed beside the URL, as typed."""
    parameters: Mapping[str, str] | None = None
    """Values of `:name` segments; None if the format has none."""
    headers: tuple[Pair, ...] = ()
    body: Sent | None = None
    credentials: tuple[Pair, ...] = ()
    """As `Recorded.credentials`."""
    secrets: tuple[Pair, ...] = ()
    """As `Recorded.secrets`."""


class Answer(NamedTuple):
    """A saved response."""

    status: int = 0
    headers: tuple[Pair, ...] = ()
    body: RecordedBody | None = None


SECRETS: Final = (
    "token", "password", "accessToken", "refreshToken", "secretKey", "secretAccessKey", "sessionToken", "authKey", "key", "privateKey",
    "clientSecret", "clientToken", "consumerSecret", "tokenSecret",
)  # fmt: skip
"""Settings of auth blocks that are credentials, as the tools call them."""

NOBODY: Final = Answer()


def recorded(written: Written, variables: Variables, answer: Answer = NOBODY) -> Recorded:
    """The request with its answer, or without one."""
    fill = variables.fill
    url, query = target(written.url, variables, written.parameters)
    headers = filled(written.headers, variables)
    return Recorded(
        written.place,
        fill(written.method).strip().upper() or "GET",
        url,
        headers=headers,
        query=(*query, *((unquote(name), unquote(value)) for name, value in filled(written.query, variables))),
        request=None if written.body is None else _body(written.body, headers, variables),
        status=answer.status,
        response_headers=answer.headers,
        response=answer.body,
        stated=True,
        credentials=tuple((way, value if "{{" not in value else "") for way, value in filled(written.credentials, variables)),
        secrets=(*filled(written.secrets, variables), *variables.used(_texts(written))),
    )


def _texts(written: Written) -> Iterator[str]:
    """All that may refer to a variable."""
    yield from (written.method, written.url, *(written.parameters or {}).values())
    form = (written.body and written.body.pairs) or ()
    for pair in (*written.query, *written.headers, *written.credentials, *written.secrets, *form):
        yield from pair
    yield (written.body and written.body.text) or ""


def filled(pairs: tuple[Pair, ...], variables: Variables) -> tuple[Pair, ...]:
    """Names and values with their variables."""
    return tuple((variables.fill(name), variables.fill(value)) for name, value in pairs)


def _body(sent: Sent, headers: tuple[Pair, ...], variables: Variables) -> RecordedBody:
    media = first(headers, "content-type") or sent.media
    if sent.pairs is not None:
        return RecordedBody(media, pairs=filled(sent.pairs, variables), size=0)
    if sent.text is None:
        return RecordedBody(media)
    is_json = "json" in media or sent.text.lstrip()[:1] in ("{", "[")
    return RecordedBody(media, text=variables.fill_json(sent.text) if is_json else variables.fill(sent.text))


def same(one: Recorded, two: Recorded) -> bool:
    """Whether two are one request."""
    return (one.method, one.url, one.query, one.headers, one.request) == (two.method, two.url, two.query, two.headers, two.request)


def api_key(name: str, value: str, place: str) -> tuple[Pair, ...]:
    """How a key with a name of its own authenticates. place: `header`, or anything with `query` in it."""
    if not name:
        return ()
    return ((f"query:{name}", value),) if "query" in place.lower() else ((f"header:{name.lower()}", value),)


def graphql(query: str, variables: str, name: str = "") -> Sent:
    """A GraphQL request as it is sent: JSON with the query's text. variables: a JSON text, or anything else for none."""
    found: dict[str, Any] = {"query": query}
    try:
        given = json.loads(variables) if variables.strip() else None
    except (ValueError, RecursionError):
        given = None  # references without quotes, or nothing but a comment: what the variables are is not known
    found |= {"variables": given} if isinstance(given, dict) else {}
    return Sent(JSON, json.dumps(found | ({"operationName": name} if name else {})))
