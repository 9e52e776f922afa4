"""Access logs: one line a call, without bodies. The text of nginx, Apache (common, combined, with virtual host), Kong, Traefik and Envoy, and
JSON of nginx, Kong, Envoy, Caddy, Traefik, Zeek and Suricata, or of any server whose keys have one of the usual names.

A literal table says under which names a field stands. A log that does not name the host means the first party. Who called, with which client
and from where, is not read.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Final, NamedTuple

from caskmcp.compiler.capture.sources.interface import Blocks, Recorded, RecordedBody
from caskmcp.compiler.capture.sources.lines import lines, number, parsed, text
from caskmcp.errors import CaskError
from caskmcp.model.exchange import Pair, Skipped

Path = tuple[str, ...]

# fmt: off
NAMES: Final[Mapping[str, tuple[Path, ...]]] = {
    # field     where it stands, the first that holds something (a server that writes it so)
    "line":     (("request",), ("http_request",)),                                                   # nginx's $request
    "method":   (("method",), ("request_method",), ("RequestMethod",), ("request", "method"), ("http", "http_method"), ("requestMethod",),
                 ("http_method",), ("httpRequest", "requestMethod")),
    "url":      (("request", "url"), ("httpRequest", "requestUrl"), ("url",)),                       # Kong, Google's load balancer
    "target":   (("request_uri",), ("uri",), ("path",), ("x-envoy-origin-path",), ("RequestPath",), ("request", "uri"), ("http", "url"), ("url_path",)),
    "query":    (("args",), ("query_string",), ("query",)),
    "host":     (("host",), ("http_host",), ("authority",), ("RequestHost",), ("request", "host"), ("http", "hostname"), ("vhost",), ("server_name",)),
    "port":     (("http", "http_port"),),
    "scheme":   (("scheme",), ("RequestScheme",), ("x_forwarded_proto",), ("forwarded_proto",)),
    "secure":   (("request", "tls"), ("ssl_protocol",), ("tls_version",), ("request", "tls", "version"), ("TLSVersion",)),
    "status":   (("status",), ("response_code",), ("DownstreamStatus",), ("response", "status"), ("status_code",), ("http", "status"),
                 ("httpRequest", "status")),
    "size":     (("body_bytes_sent",), ("response_body_len",), ("http", "length"), ("DownstreamContentSize",)),
    "media":    (("sent_http_content_type",), ("upstream_http_content_type",), ("response_content_type",), ("http", "http_content_type"),
                 ("downstream_Content-Type",), ("resp_mime_types",)),
    "sent":     (("content_type",), ("http_content_type",), ("request_Content-Type",)),
    "headers":  (("request", "headers"),),                                                           # Kong, Caddy
    "answered": (("response", "headers"), ("resp_headers",)),
    "route":    (("http_route",), ("route_template",)),
}
# fmt: on
_WORDS: Final = r'"(?:[^"\\]|\\.)*+"'
_COMMON: Final = re.compile(
    r"(?:(?P<host>[A-Za-z0-9.-]{1,253}(?::[0-9]{1,5})?) )?\S+ \S+ \S+ \[[^\]]{10,40}\] "
    rf"(?P<request>{_WORDS}) (?P<status>[0-9]{{3}}|-) (?P<size>[0-9]+|-)(?: .*)?"
)
_ENVOY: Final = re.compile(rf"\[[0-9]{{4}}-[^\]]{{10,40}}\] (?P<request>{_WORDS}) (?P<status>[0-9]{{1,3}}) (?P<rest>.*)")
_QUOTED: Final = re.compile(r'"(?:[^"\\]|\\.?)*+(?:"|\Z)')  # one that is not closed takes the rest: else each would look through it again
_REQUEST: Final = re.compile(r"(?P<method>[!#$%&'*+.^_`|~0-9A-Za-z-]{1,32}) (?P<target>\S+)(?: HTTP/[0-9.]+)?")
_BYTE: Final = re.compile(r"\\x([0-9A-Fa-f]{2})")
_WITH_BODY: Final = frozenset(("POST", "PUT", "PATCH"))
_WEB: Final = ("http://", "https://")


class _Line(NamedTuple):
    """What a line says, as text; empty where it says nothing."""

    method: str
    target: str
    """Path and query, or a full URL."""
    status: str
    host: str = ""
    scheme: str = ""
    size: int = -1
    media: str = ""
    headers: tuple[Pair, ...] = ()
    answered: tuple[Pair, ...] = ()
    route: str = ""


class AccessLog:
    """The source of `cask capture import --as access_log`."""

    kind: ClassVar[str] = "access_log"

    def read(self, blocks: Blocks) -> Iterator[Recorded | Skipped]:
        """As `Source.read`; places are `line N`, counted from 1. A file without any line of a log is CASK-C001."""
        seen, read = 0, 0
        for count, line in lines(blocks):
            if line.startswith(b"#"):  # a comment of W3C and Zeek logs
                continue
            seen += 1
            found = _taken(line, f"line {count}")
            read += isinstance(found, Recorded) or found.reason != "broken"
            yield found
        if not read:
            what = "no line is one of an access log that is known here" if seen else "the log is empty"
            raise CaskError("CASK-C001", what, place="line 1")


def _taken(line: bytes, place: str) -> Recorded | Skipped:
    try:
        said = _json(parsed(line)) if line.startswith(b"{") else _text(line.decode("utf-8", "replace"))
    except ValueError as cause:
        return Skipped(place, "broken", detail=str(cause))
    return Skipped(place, "not http") if said is None else _recorded(said, place)


# ---------------------------------------------------------------- text
def _text(line: str) -> _Line:
    match = _COMMON.fullmatch(line)
    if match is not None:
        host, _, port = (match["host"] or "").partition(":")
        method, target = _request(match["request"][1:-1])
        size = 0 if match["size"] == "-" else int(match["size"][:18])
        return _Line(method, target, match["status"], match["host"] or "", "http" if host and port == "80" else "", size)
    if match := _ENVOY.fullmatch(line):
        quoted = _QUOTED.findall(match["rest"])
        method, target = _request(match["request"][1:-1])
        return _Line(method, target, match["status"], quoted[-2][1:-1] if len(quoted) > 1 else "")
    raise ValueError("the line is none of an access log")


def _request(line: str) -> Pair:
    match = _REQUEST.fullmatch(_BYTE.sub(r"%\1", line).replace('\\"', "%22").replace("\\\\", "%5C"))
    if match is None:
        raise ValueError("the request of the line is none")
    return match["method"], match["target"]


# ---------------------------------------------------------------- JSON
def _json(value: Any) -> _Line | None:
    """None for a line of the same log that tells of something else than a call."""
    if not isinstance(value, dict):
        raise ValueError("the line is no object")
    method, target = text(_of(value, "method")), text(_of(value, "target"))
    if line := _of(value, "line"):
        method, target = _request(line) if isinstance(line, str) else (method, target)
    url = text(_of(value, "url"))
    target = url if url.startswith(_WEB) else target or url
    status = text(_of(value, "status"))
    if not method or not target:
        return None
    query = text(_of(value, "query")).removeprefix("?")
    sent, headers, answered = _first(_of(value, "sent")), tuple(_headers(_of(value, "headers"))), tuple(_headers(_of(value, "answered")))
    return _Line(
        method,
        f"{target}?{query}" if query.strip("-") and "?" not in target else target,
        status,
        _host(value),
        text(_of(value, "scheme")) or ("https" if _of(value, "secure") else ""),
        number(_of(value, "size")),
        _first(_of(value, "media")),
        headers or ((("content-type", sent),) if sent else ()),
        answered,
        text(_of(value, "route")),
    )


def _of(value: dict[str, Any], field: str) -> Any:
    return next((found for path in NAMES[field] if (found := _at(value, path)) not in (None, "", "-")), None)


def _at(value: Any, path: Path) -> Any:
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return None if isinstance(value, dict) and path[-1] not in ("headers", "resp_headers", "tls") else value


def _host(value: dict[str, Any]) -> str:
    host, port = text(_of(value, "host")), number(_of(value, "port"))
    return f"{host}:{port}" if host and port > 0 and ":" not in host else host


def _headers(value: Any) -> Iterator[Pair]:
    """An object of names and values; Caddy and Go write lists of values."""
    for name, held in value.items() if isinstance(value, dict) else ():
        yield from ((name, text(item)) for item in (held if isinstance(held, list) else [held]))


def _first(value: Any) -> str:
    return text(value[0] if isinstance(value, list) and value else value)


# ---------------------------------------------------------------- a call
def _recorded(said: _Line, place: str) -> Recorded | Skipped:
    url = _url(said)
    if not url:
        return Skipped(place, "not http")
    media = said.media or next((value for name, value in said.answered if name.lower() == "content-type"), "")
    status = number(said.status)
    return Recorded(
        place,
        said.method,
        url,
        headers=said.headers,
        request=_sent(said),
        status=max(status, 0),
        response_headers=said.answered or ((("content-type", media),) if media else ()),
        response=RecordedBody(media, size=said.size),
        hostless=":///" in url[:9],
        route=said.route,
    )


def _url(said: _Line) -> str:
    """The full URL; `https:///orders` without a host. Empty for `*` and for what CONNECT asks for."""
    if said.target.startswith(_WEB):
        return said.target
    scheme = said.scheme.lower() if said.scheme.lower() in ("http", "https") else "https"
    return f"{scheme}://{said.host}{said.target}" if said.target.startswith("/") else ""


def _sent(said: _Line) -> RecordedBody | None:
    """A log does not say whether there was a body: of a method that usually has one, it is not denied."""
    media = next((value for name, value in said.headers if name.lower() == "content-type"), "")
    size = next((number(value) for name, value in said.headers if name.lower() == "content-length"), -1)
    return RecordedBody(media, size=size) if size > 0 or (size < 0 and said.method.upper() in _WITH_BODY) else None
