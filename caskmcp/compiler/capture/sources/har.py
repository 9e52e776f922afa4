"""HAR 1.2 as real tools write it: browsers, Charles, mitmproxy, Insomnia, Playwright; plain, gzip or zstd, with or without a byte order mark.

An entry of the usual form is typed as it is parsed and costs next to nothing; an odd one (headers as an object, numbers where text belongs,
nulls, NaN) is read again leniently; one that is no request at all is `Skipped` with what is wrong. Nothing is filtered or decoded here.
Source of the format: http://www.softwareishard.com/blog/har-12-spec/.
"""

import base64
import binascii
import json
from collections.abc import Iterator
from typing import Any, ClassVar, Final

import msgspec

from caskmcp.compiler.capture.inflate import text_blocks
from caskmcp.compiler.capture.sources.interface import Blocks, Recorded, RecordedBody
from caskmcp.compiler.capture.stream import Broken, elements
from caskmcp.model.exchange import Declared, Pair, Skipped


class Named(msgspec.Struct, gc=False):
    """A header, cookie, query parameter or form field."""

    name: str
    value: str = ""


class Field(msgspec.Struct, gc=False):
    """A form field; a file has a name of its own, and its content is nobody's business."""

    name: str
    value: str | None = None
    fileName: str | None = None


class PostData(msgspec.Struct, gc=False):
    """What was sent. `encoding` is no part of HAR 1.2; Playwright and Charles write it."""

    mimeType: str = ""
    text: str | None = None
    params: list[Field] | None = None
    encoding: str | None = None


class Content(msgspec.Struct, gc=False):
    """What came back."""

    size: int = -1
    mimeType: str = ""
    text: str | None = None
    encoding: str | None = None


class Request(msgspec.Struct, gc=False):
    """Only what we read; everything else in the file is skipped unparsed."""

    method: str
    url: str
    headers: list[Named] = []
    cookies: list[Named] = []
    queryString: list[Named] = []
    postData: PostData | None = None


class Response(msgspec.Struct, gc=False):
    """As `Request`."""

    status: int = 0
    headers: list[Named] = []
    content: Content | None = None
    redirectURL: str = ""


class Entry(msgspec.Struct, gc=False):
    """As `Request`. `_resourceType` is written by Chrome, Playwright and mitmproxy."""

    request: Request
    response: Response | None = None
    _resourceType: str | None = None


PATH: Final = ("log", "entries")
"""Where the entries are listed."""
Fields = tuple[tuple[str, str | None], ...]
_decode: Final = msgspec.json.Decoder(list[Entry]).decode


class Har:
    """The source `har:`."""

    kind: ClassVar[str] = "har"

    def read(self, blocks: Blocks) -> Iterator[Recorded | Declared | Skipped]:
        """As `Source.read`. A broken entry is `Skipped("entry N", "broken", detail=…)`; N counts from 0."""
        yield from recorded(blocks)


def recorded(blocks: Blocks, *, closes: bool = False) -> Iterator[Recorded | Declared | Skipped]:
    """As `Har.read`; `closes` as in `stream.elements`."""
    for number, entry in elements(text_blocks(blocks), PATH, _decode, closes=closes):
        place = f"entry {number}"
        yield _odd(entry.raw, place) if isinstance(entry, Broken) else _recorded(entry, place)


def _odd(raw: bytes, place: str) -> Recorded | Skipped:
    try:
        return _recorded(_lenient(json.loads(raw, strict=False)), place)
    except (ValueError, TypeError) as cause:
        return Skipped(place, "broken", detail=str(cause))


def _recorded(entry: Entry, place: str) -> Recorded:
    request, response = entry.request, entry.response or Response()
    return Recorded(
        place,
        request.method,
        request.url,
        headers=_pairs(request.headers),
        cookies=tuple(cookie.name for cookie in request.cookies),
        query=tuple((item.name, item.value) for item in request.queryString if item.name or item.value),
        request=_sent(request.postData),
        status=response.status,
        response_headers=_answered(response),
        response=_received(response.content),
        kind=(entry._resourceType or "").lower(),
    )


def _pairs(named: list[Named]) -> tuple[Pair, ...]:
    return tuple((item.name, item.value) for item in named)


def _answered(response: Response) -> tuple[Pair, ...]:
    pairs = _pairs(response.headers)
    listed = any(name.lower() == "location" for name, _ in pairs)
    return pairs if listed or not response.redirectURL else (*pairs, ("location", response.redirectURL))


def _sent(post: PostData | None) -> RecordedBody | None:
    if post is None or not (post.text or post.params):  # Insomnia writes an empty `postData` for a GET
        return None
    fields = tuple((field.name, None if field.fileName else field.value or "") for field in post.params or ())
    return _body(post.mimeType, post.text or None, post.encoding, -1, fields or None)


def _received(content: Content | None) -> RecordedBody | None:
    if content is None:
        return None
    return _body(content.mimeType, content.text, content.encoding, content.size, None)


def _body(media: str, text: str | None, encoding: str | None, size: int, pairs: Fields | None) -> RecordedBody:
    if text is None or encoding != "base64":
        return RecordedBody(media, text=text, pairs=pairs, size=size)
    try:
        return RecordedBody(media, data=base64.b64decode(text, validate=True), pairs=pairs, size=size)
    except (binascii.Error, ValueError):
        # Not what it says: the exchange still counts, its body does not.
        return RecordedBody(media, pairs=pairs)


def _lenient(value: Any) -> Entry:
    """An entry from whatever a tool wrote. Raises ValueError or TypeError, with what is wrong, if there is no request in it."""
    if not isinstance(value, dict):
        raise TypeError("the entry is no object")
    request, response = value.get("request"), value.get("response")
    if not isinstance(request, dict):
        raise TypeError("the entry has no request")
    method, url = request.get("method"), request.get("url")
    if not isinstance(method, str) or not isinstance(url, str):
        raise TypeError("the request has no method or no URL")
    return Entry(
        _request(method, url, request), _response(response) if isinstance(response, dict) else None, _word(value.get("_resourceType"))
    )


def _request(method: str, url: str, value: dict[str, Any]) -> Request:
    post = value.get("postData")
    return Request(
        _text(method),
        _text(url),
        headers=_named(value.get("headers")),
        cookies=_named(value.get("cookies")),
        queryString=_named(value.get("queryString")),
        postData=_post(post) if isinstance(post, dict) else None,
    )


def _post(value: dict[str, Any]) -> PostData:
    params = [Field(item.name, item.value) for item in _named(value.get("params"))]
    return PostData(_text(value.get("mimeType")), _optional(value.get("text")), params, _word(value.get("encoding")))


def _response(value: dict[str, Any]) -> Response:
    content = value.get("content")
    return Response(
        _number(value.get("status")),
        headers=_named(value.get("headers")),
        content=_content(content) if isinstance(content, dict) else None,
        redirectURL=_text(value.get("redirectURL")),
    )


def _content(value: dict[str, Any]) -> Content:
    text, encoding = _optional(value.get("text")), _word(value.get("encoding"))
    return Content(_number(value.get("size", -1)), _text(value.get("mimeType")), text, encoding)


def _named(value: Any) -> list[Named]:
    """`[{name, value}]`, or an object of names and values; what is neither is left out."""
    if isinstance(value, dict):
        return [Named(_text(name), _text(item)) for name, item in value.items() if not isinstance(item, dict | list)]
    items = value if isinstance(value, list) else []
    return [Named(_text(item["name"]), _text(item.get("value"))) for item in items if isinstance(item, dict) and "name" in item]


def _text(value: Any) -> str:
    """Text without lone surrogates, which no encoding can write."""
    if value is None or isinstance(value, dict | list):
        return ""
    text = value if isinstance(value, str) else json.dumps(value)
    return text.encode("utf-8", "replace").decode("utf-8")


def _optional(value: Any) -> str | None:
    return None if value is None else _text(value)


def _word(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _number(value: Any) -> int:
    """A count or status: Charles and others write floats, text or null."""
    try:
        return int(float(value))
    except (TypeError, ValueError, OverflowError):
        return 0
