"""Exchanges as lines of JSON: a form of our own that any script can write (docs/reference/exchanges.md), and what k6 writes with `--out json`.

`{"method": "POST", "url": "https://api.example.com/orders", "status": 201, "request_body": {"sku": "a"}, "response_body": {"id": 17}}`.
"""

import base64
import binascii
import json
from collections.abc import Iterator
from typing import Any, ClassVar, Final

from caskmcp.compiler.capture.sources.interface import Blocks, Recorded, RecordedBody
from caskmcp.compiler.capture.sources.lines import lines, number, parsed, text
from caskmcp.errors import CaskError
from caskmcp.model.exchange import Pair, Skipped

KEYS: Final = (
    "method", "url", "status", "request_headers", "request_body", "request_body_base64", "response_headers", "response_body",
    "response_body_base64", "route",
)  # fmt: skip
"""What a line may hold; other members are not read."""
_WITH_BODY: Final = frozenset(("POST", "PUT", "PATCH"))
_K6: Final = "http_reqs"
"""The metric that k6 writes once a request; the others tell of the same one again."""


class Ndjson:
    """The source of `cask capture import --as ndjson`."""

    kind: ClassVar[str] = "ndjson"

    def read(self, blocks: Blocks) -> Iterator[Recorded | Skipped]:
        """As `Source.read`; places are `line N`, counted from 1. A file without any exchange is CASK-C001."""
        read = 0
        for count, line in lines(blocks):
            found = _taken(line, f"line {count}")
            if found is not None:
                read += isinstance(found, Recorded)
                yield found
        if not read:
            raise CaskError("CASK-C001", "no line is an exchange: each needs `method` and `url`", place="line 1")


def _taken(line: bytes, place: str) -> Recorded | Skipped | None:
    try:
        value = parsed(line)
        if not isinstance(value, dict):
            raise ValueError("the line is no object")
        return _point(value, place) if _is_k6(value) else _exchange(value, place)
    except ValueError as cause:
        return Skipped(place, "broken", detail=str(cause))


def _exchange(value: dict[str, Any], place: str) -> Recorded:
    method, url = text(value.get("method")), text(value.get("url"))
    if not method or not url:
        raise ValueError("the line has no method or no URL")
    sent, answered = tuple(_headers(value.get("request_headers"))), tuple(_headers(value.get("response_headers")))
    url = f"https://{url}" if url.startswith("/") else url
    return Recorded(
        place,
        method,
        url,
        headers=sent,
        request=_body(value, "request_body", sent, is_expected=method.upper() in _WITH_BODY),
        status=max(number(value.get("status")), 0),
        response_headers=answered,
        response=_body(value, "response_body", answered, is_expected=True),
        hostless=":///" in url[:9],
        route=text(value.get("route")),
    )


def _headers(value: Any) -> Iterator[Pair]:
    """An object of names and values (or lists of values), or a list of pairs."""
    pairs = value.items() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for pair in pairs:
        if not isinstance(pair, list | tuple) or len(pair) != 2:
            raise ValueError("a header is no pair of name and value")
        name, held = pair
        yield from ((text(name), text(item)) for item in (held if isinstance(held, list) else [held]))


def _body(value: dict[str, Any], key: str, headers: tuple[Pair, ...], *, is_expected: bool) -> RecordedBody | None:
    """Text as it was sent, or any other JSON value, which is the body's; null: none. Without the key it was not observed."""
    media = next((held for name, held in headers if name.lower() == "content-type"), "")
    if f"{key}_base64" in value:
        return RecordedBody(media, data=_decoded(value[f"{key}_base64"]))
    if key not in value:
        return RecordedBody(media) if is_expected else None
    held = value[key]
    if held is None or held == "":
        return None
    return (
        RecordedBody(media, text=text(held)) if isinstance(held, str) else RecordedBody(media or "application/json", text=json.dumps(held))
    )


def _decoded(value: Any) -> bytes:
    try:
        return base64.b64decode(text(value), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("a body is not base64") from None


# ---------------------------------------------------------------- k6
def _is_k6(value: dict[str, Any]) -> bool:
    return value.get("type") in ("Metric", "Point") and "metric" in value


def _point(value: dict[str, Any], place: str) -> Recorded | None:
    """A request as k6 counts it; its bodies are not written."""
    data = value.get("data")
    tags = data.get("tags") if isinstance(data, dict) else None
    if value["type"] != "Point" or value["metric"] != _K6 or not isinstance(tags, dict):
        return None
    return _exchange({"method": tags.get("method"), "url": tags.get("url"), "status": tags.get("status")}, place)
