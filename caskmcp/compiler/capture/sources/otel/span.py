"""One span as a call over HTTP: attributes of the semantic conventions, old and new, to what was requested and answered.

A literal table says which attribute tells what, the newer name first (https://opentelemetry.io/docs/specs/semconv/http/http-spans/).
Spans carry no bodies: those are said to be there and not held. What is no call over HTTP is `Skipped`.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote

import msgspec

from caskmcp.compiler.capture.sources.interface import Recorded, RecordedBody
from caskmcp.errors import CaskError
from caskmcp.model.exchange import Pair, Skipped

SERVER: Final = 2
CLIENT: Final = 3
"""`Span.SpanKind` of OTLP; 0 is said by those who do not know."""
KINDS: Final = {
    "SPAN_KIND_UNSPECIFIED": 0, "SPAN_KIND_INTERNAL": 1, "SPAN_KIND_SERVER": SERVER, "SPAN_KIND_CLIENT": CLIENT,
    "SPAN_KIND_PRODUCER": 4, "SPAN_KIND_CONSUMER": 5,
}  # fmt: skip
EMPTY: Final = 100_000
"""Spans of one file that may say nothing: neither whose trace they are of nor any attribute. No exporter writes such a span."""
Scalar = str | int | float | bool
Attributes = Mapping[str, "Scalar | list[Scalar]"]


class Span(msgspec.Struct, frozen=True, gc=False):
    """What is read of a span, whatever it was written in."""

    place: str
    trace: str
    """Trace id and span ids in lower-case hexadecimal; empty if there is none."""
    id: str
    parent: str
    kind: int
    attributes: Attributes


# fmt: off
METHOD: Final = ("http.request.method", "http.method")
ORIGINAL: Final = ("http.request.method_original",)
STATUS: Final = ("http.response.status_code", "http.status_code")
URL: Final = ("url.full", "http.url")
SCHEME: Final = ("url.scheme", "http.scheme")
PATH: Final = ("url.path",)
QUERY: Final = ("url.query",)
TARGET: Final = ("http.target",)
ROUTE: Final = ("http.route", "url.template")
HOST: Final = {
    SERVER: (("server.address", "server.port"), ("http.host", ""), ("http.server_name", "net.host.port"), ("net.host.name", "net.host.port")),
    CLIENT: (("server.address", "server.port"), ("http.host", ""), ("net.peer.name", "net.peer.port")),
}
"""By kind: attributes with the host and its port; an empty name where the host tells its port itself."""
SENT: Final = ("http.request.body.size", "http.request_content_length", "http.request.size")
RECEIVED: Final = ("http.response.body.size", "http.response_content_length", "http.response.size")
# fmt: on
REQUEST_HEADER: Final = "http.request.header."
RESPONSE_HEADER: Final = "http.response.header."
OTHER: Final = "_OTHER"
"""What stands for a method that the instrumentation does not know."""
_WITH_BODY: Final = frozenset(("POST", "PUT", "PATCH"))
_WEB: Final = frozenset(("http", "https"))


def counted(spans: Iterable[Span | Skipped]) -> Iterator[Span | Skipped]:
    """The spans. Raises CaskError CASK-C005 where too many say nothing."""
    empty = 0
    for span in spans:
        if isinstance(span, Span) and not span.trace and not span.attributes:
            empty += 1
            if empty > EMPTY:
                raise hollow(span.place)
        yield span


def hollow(place: str) -> CaskError:
    """What a file is that holds nothing, too often."""
    return CaskError("CASK-C005", f"more than {EMPTY:,} spans or messages say nothing", place=place, mend="record or export less at once")


def call(span: Span) -> Recorded | Skipped:
    """What a span records; `Skipped` for one that is no call over HTTP or says not where it went."""
    attributes = span.attributes
    method = _method(attributes)
    if not method or span.kind not in (0, SERVER, CLIENT):
        return Skipped(span.place, "not http")
    url = _url(attributes, CLIENT if span.kind == CLIENT else SERVER)
    if not url:
        return Skipped(span.place, "broken", detail="the span has a method, and neither URL nor path nor route")
    headers = tuple(_headers(attributes, REQUEST_HEADER))
    answered = tuple(_headers(attributes, RESPONSE_HEADER))
    return Recorded(
        span.place,
        method,
        url,
        headers=headers,
        request=_sent(method, attributes, headers),
        status=_number(_first(attributes, STATUS)),
        response_headers=answered,
        response=RecordedBody(_media(answered), size=_size(attributes, RECEIVED)),
        hostless=":///" in url[:9],
        route=_text(_first(attributes, ROUTE)),
    )


def _method(attributes: Attributes) -> str:
    method = _text(_first(attributes, METHOD))
    return _text(_first(attributes, ORIGINAL)) if method == OTHER else method


def _url(attributes: Attributes, kind: int) -> str:
    """The full URL; without a host, `scheme:///path`, and without a path the route stands for one."""
    if url := _text(_first(attributes, URL)):
        return url
    target = _target(attributes)
    if target.partition("://")[0] in _WEB:  # an absolute form, as proxies get it
        return target
    if not target:
        return ""
    scheme = _text(_first(attributes, SCHEME)).lower()
    return f"{scheme if scheme in _WEB else 'https'}://{_host(attributes, kind)}{'' if target.startswith('/') else '/'}{target}"


def _target(attributes: Attributes) -> str:
    """Path and query as they were sent."""
    path, query = _text(_first(attributes, PATH)), _text(_first(attributes, QUERY)).removeprefix("?")
    if not path and (target := _text(_first(attributes, TARGET))):
        return target
    # Who keeps paths out of traces still names the route: each parameter is then one value that nobody knows.
    path = path or quote(_text(_first(attributes, ROUTE)), safe="/")
    return f"{path}?{query}" if path and query else path


def _host(attributes: Attributes, kind: int) -> str:
    for name, port_name in HOST[kind]:
        host = _text(attributes.get(name)).strip()
        if host:
            bare = f"[{host}]" if host.count(":") > 1 and not host.startswith("[") else host
            port = _number(attributes.get(port_name)) if port_name else 0
            return f"{bare}:{port}" if port and not _has_port(bare) else bare
    return ""


def _has_port(host: str) -> bool:
    return host.rpartition(":")[2].isdigit() and not host.endswith("]")


def _headers(attributes: Attributes, beginning: str) -> Iterator[Pair]:
    """Headers that the instrumentation was told to record; older ones write `content_type`."""
    for name, value in attributes.items():
        if name.startswith(beginning):
            header = name.removeprefix(beginning)
            header = header if "-" in header else header.replace("_", "-")
            yield from ((header, _text(item)) for item in (value if isinstance(value, list) else [value]))


def _sent(method: str, attributes: Attributes, headers: tuple[Pair, ...]) -> RecordedBody | None:
    """A body that is there and not held; of a method that usually has one, none is said to be none only by its size."""
    size = _size(attributes, SENT)
    if size > 0 or (size < 0 and method.upper() in _WITH_BODY):
        return RecordedBody(_media(headers), size=size)
    return None


def _media(headers: tuple[Pair, ...]) -> str:
    return next((value for name, value in headers if name.lower() == "content-type"), "")


def _size(attributes: Attributes, names: tuple[str, ...]) -> int:
    found = _first(attributes, names)
    return -1 if found is None else _number(found)


def _first(attributes: Attributes, names: tuple[str, ...]) -> Any:
    return next((attributes[name] for name in names if name in attributes), None)


def _text(value: Any) -> str:
    """Text without lone surrogates, which no encoding can write; a list stands for its first item."""
    if isinstance(value, list):
        value = value[0] if value else ""
    return "" if value is None else str(value).encode("utf-8", "replace").decode("utf-8")


def _number(value: Any) -> int:
    try:
        return int(float(_text(value) or 0))
    except (ValueError, OverflowError):
        return 0
