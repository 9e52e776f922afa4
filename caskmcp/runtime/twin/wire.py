"""What goes in and out of a twin: one request as it came in, one answer before it is bytes, and how requests are told apart.

Promises: a body that says it is JSON is JSON by our strict reader, or broken; two requests that mean the same (order of the query, of members, spelling of the path) have one key; a JSON-RPC request's `id` is no part of it.
"""

import json
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

from caskmcp import canon
from caskmcp.errors import CaskError
from caskmcp.model.exchange import Body, Exchange, Pair
from caskmcp.text import parse_json

LARGEST: Final = 4096
"""Bytes of a body that the recording does not hold."""
FORM: Final = "application/x-www-form-urlencoded"


class Key(NamedTuple):
    """What tells one request from another."""

    method: str
    host: str
    """The authority: with the port where that is not the scheme's."""
    path: str
    """Decoded."""
    query: tuple[Pair, ...]
    """Sorted."""
    body: str
    """Digest of the decoded body; empty without one that could be decoded."""


@dataclass(frozen=True)
class Request:
    """One request."""

    method: str
    host: str
    path: str
    """Decoded."""
    query: tuple[Pair, ...] = ()
    body: Any = None
    """JSON value; of a form its [name, value] pairs; None for anything else."""
    broken: bool = False
    """Whether it says that it is JSON, and is none."""

    @property
    def key(self) -> Key:
        """What tells it from others."""
        return Key(self.method, self.host, self.path, tuple(sorted(self.query)), _digest(self.body))

    @property
    def fields(self) -> dict[str, Any]:
        """Members of the body by name; none where it is no object and no form."""
        if isinstance(self.body, dict):
            return self.body
        pairs = self.body if isinstance(self.body, list) else []
        return {row[0]: row[1] for row in pairs if isinstance(row, list) and len(row) == 2 and isinstance(row[0], str)}


@dataclass(frozen=True)
class Answer:
    """One answer. `value` as `exchange.Body.value`."""

    status: int
    value: Any = None
    kind: str = "absent"
    media: str = ""
    size: int = 0
    headers: tuple[Pair, ...] = ()

    @property
    def good(self) -> bool:
        """Whether it is a success."""
        return 200 <= self.status < 300

    def saying(self, value: Any) -> "Answer":
        """The same with another JSON value."""
        return replace(self, value=value, kind="json")


def parsed(method: str, host: str, target: str, media: str, data: bytes) -> Request:
    """A request from its parts on the wire. media: its content type."""
    path, asked_for = _split(target)
    kind = media.partition(";")[0].strip().lower()
    query = tuple(parse_qsl(asked_for, keep_blank_values=True))
    value, broken = _decoded(kind, data)
    return Request(method, host.lower(), unquote(path), query, value, broken)


def _split(target: str) -> tuple[str, str]:
    """Path and query. What is written as no URL is a path that nobody has."""
    try:
        parts = urlsplit(target)
    except ValueError:
        return target, ""
    return parts.path, parts.query


def _decoded(kind: str, data: bytes) -> tuple[Any, bool]:
    try:
        if data and (kind.endswith("json") or not kind):
            return parse_json(data, "the body", limit=len(data)), False
        if kind == FORM:
            return [[name, value] for name, value in parse_qsl(data.decode("utf-8"), keep_blank_values=True)], False
    except (CaskError, ValueError):
        return None, True
    return None, False


def authority(scheme: str, host: str, port: int) -> str:
    """The host as requests name it."""
    return host if port in (0, {"http": 80, "https": 443}.get(scheme, 0)) else f"{host}:{port}"


def asked(row: Exchange) -> Request:
    """The request of a recorded exchange."""
    value = row.request.value if row.request is not None and row.request.kind in ("json", "form") else None
    return Request(row.method, authority(row.scheme, row.host, row.port), unquote(row.path), row.query, value)


def answered(row: Exchange) -> Answer:
    """The answer of a recorded exchange."""
    body = row.response or Body("", "absent")
    location = (("location", row.location),) if row.location else ()
    kept = tuple(pair for pair in row.response_headers if pair[0] != "content-type")
    media = next((value for name, value in row.response_headers if name == "content-type"), body.media)
    return Answer(row.status, body.value, body.kind, body.media or media, body.size, (*kept, *location))


def _digest(value: Any) -> str:
    if value is None:
        return ""
    plain = {name: each for name, each in value.items() if name != "id"} if isinstance(value, dict) and "jsonrpc" in value else value
    try:
        return str(canon.digest(plain))
    except (CaskError, RecursionError):
        return "none"  # a value without canonical form was never recorded


# ---------------------------------------------------------------- bytes
def body(answer: Answer) -> bytes:
    """The bytes of an answer's body. What the recording does not hold is as long as it was, up to a bound, and says nothing."""
    if answer.status in (204, 304) or (answer.kind == "absent" and not answer.size):
        return b""
    if answer.kind == "json":
        return _json(answer.value)
    if answer.kind == "stream":
        return _stream(answer)
    return b"." * min(answer.size, LARGEST)


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def _stream(answer: Answer) -> bytes:
    items = answer.value if isinstance(answer.value, list) else []
    if answer.media == "text/event-stream":
        return b"".join(_event(item) for item in items)
    before = b"\x1e" if answer.media.endswith("seq") else b""
    return b"".join(before + _json(item) + b"\n" for item in items)


def _event(item: Any) -> bytes:
    """A server-sent event, its fields in the order of their names."""
    fields = sorted(item.items()) if isinstance(item, dict) else [("data", item)]
    texts = ((name, value if isinstance(value, str) else _json(value).decode("utf-8")) for name, value in fields)
    return ("".join(f"{name}: {line}\n" for name, text in texts for line in text.split("\n")) + "\n").encode("utf-8", "replace")
