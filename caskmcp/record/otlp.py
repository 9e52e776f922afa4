"""A receiver of OTLP over HTTP on 127.0.0.1: what programs here export becomes calls, in memory, until the duration is over or a person ends it.

Protobuf and JSON, plain, gzip or zstd, with a length or in chunks. Answers are those of https://opentelemetry.io/docs/specs/otlp/#otlphttp.
It listens on the loopback address alone and takes no request that a page in a browser could send (other names in `Host`, other media types).
"""

import json
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice
from queue import Empty, Full, Queue
from typing import Any, ClassVar, Final

from caskmcp.compiler.capture.inflate import decompressed, text_blocks
from caskmcp.compiler.capture.sources.interface import Recorded
from caskmcp.compiler.capture.sources.otel import documents, messages
from caskmcp.compiler.capture.sources.otel.pairs import Waiting
from caskmcp.compiler.capture.sources.otel.span import Span
from caskmcp.errors import AGAIN, CaskError
from caskmcp.model.exchange import Skipped

ADDRESS: Final = "127.0.0.1"
NAMES: Final = frozenset((ADDRESS, "localhost", "host.docker.internal", "gateway.docker.internal", "host.containers.internal"))
"""What this machine is called from it and from its containers; no page in a browser was loaded from such a name."""
PATH: Final = "/v1/traces"
BODY: Final = 16 << 20
"""Bytes of a request, packed and unpacked; collectors send four million at most."""
SPANS: Final = 1 << 16
"""Spans of a request; exporters send thousands at most, and millions that are empty would take minutes."""
QUEUE: Final = 8
"""Requests that wait to be worked on; beyond, clients are told to come again."""
PATIENCE: Final = 5.0
"""Seconds that a client may be silent."""
WHOLE: Final = 20.0
"""Seconds that a request may take to come, however often its client says something."""
GRACE: Final = 1.0
"""Seconds that requests which are on their way at the end may still take to come."""
_LOOK: Final = 0.1
_LINGER: Final = 0.5
_PROTOBUF: Final = "application/x-protobuf"
_JSON: Final = "application/json"
_ENCODINGS: Final = frozenset(("", "identity", "gzip", "zstd"))
_INVALID: Final = 3
"""`google.rpc.Code.INVALID_ARGUMENT`."""
Spans = list[Span | Skipped]


def takes_protobuf() -> bool:
    """Whether protobuf can be read: it needs the extra `otel`."""
    try:
        messages.needed()
    except CaskError:
        return False
    return True


def exchanges(*, port: int, duration: float | None, tell: Callable[[int], None]) -> Iterator[Recorded | Skipped]:
    """Each call over HTTP that spans tell of, once both of its sides were seen, the others at the end; listens from the first item on.

    port: 0 takes a free one. duration: seconds; None: until KeyboardInterrupt. tell: called with the port once it listens.
    Raises CASK-C020 where the port cannot be had.
    """
    received: Queue[Spans] = Queue(QUEUE)
    ended = threading.Event()
    server = _server(port, received)
    thread = threading.Thread(target=server.serve_forever, args=(_LOOK,), daemon=True)
    timer = threading.Timer(duration or 0, ended.set)
    timer.daemon = True
    work = _Work(received)
    thread.start()
    try:
        if duration is not None:
            timer.start()
        tell(server.server_address[1])
        while not ended.is_set():
            work.some()
            while work.ready:
                yield work.ready.popleft()
    except KeyboardInterrupt:
        ended.set()  # what was received is still given
    finally:
        timer.cancel()
        server.shutdown()
        server.finish()
        server.server_close()
    while work.spans or not received.empty():
        work.some()
    yield from work.ready
    yield from work.waiting.rest()


class _Work:
    """What was received and not given yet; held so that an interruption at any moment loses no request."""

    def __init__(self, received: "Queue[Spans]") -> None:
        self._received = received
        self.spans: deque[Span | Skipped] = deque()
        self.waiting = Waiting()
        self.ready: deque[Recorded | Skipped] = deque()

    def some(self) -> None:
        """Work on one request, or look for a moment whether one comes."""
        if not self.spans:
            try:
                self.spans.extend(self._received.get(timeout=_LOOK))
            except Empty:
                return  # nothing came: the caller looks whether the time is over
        while self.spans:
            self.ready.extend(self.waiting.take(self.spans.popleft()))


# ---------------------------------------------------------------- the server
class _Server(ThreadingHTTPServer):
    """Its threads end with their requests, and each request ends: what comes too slowly is cut off."""

    daemon_threads = False
    allow_reuse_address = True

    def __init__(self, port: int, received: "Queue[Spans]") -> None:
        self.received = received
        self._open: dict[Any, float] = {}
        """Connections, and when they began."""
        super().__init__((ADDRESS, port), _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer in a thread of its own."""
        self._open[request] = time.monotonic()
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """The end of a connection."""
        self._open.pop(request, None)
        super().shutdown_request(request)

    def service_actions(self) -> None:
        """Called again and again while it serves."""
        now = time.monotonic()
        _cut_off([each for each, began in list(self._open.items()) if now - began > WHOLE])

    def finish(self) -> None:
        """Let what is on its way come for a moment, then cut it off; called once nothing new is taken."""
        end = time.monotonic() + GRACE
        while self._open and time.monotonic() < end:
            time.sleep(_LOOK)
        _cut_off(list(self._open))

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away in the middle is nobody's concern; the library would print a traceback."""


def _cut_off(connections: Iterable[Any]) -> None:
    """Nothing more comes from these: their threads read what has come, then the end."""
    for connection in connections:
        with suppress(OSError):  # it ended meanwhile
            connection.shutdown(socket.SHUT_RD)


def _server(port: int, received: "Queue[Spans]") -> _Server:
    try:
        return _Server(port, received)
    except OSError as cause:
        what = f"port {port} is taken by another program, or not allowed: {(cause.strerror or '').lower()}"
        other = port + 1 if 1024 <= port < 65535 else 4318
        raise CaskError("CASK-C020", what, place=f"{ADDRESS}:{port}", mend=f"{AGAIN} --port {other}") from cause


class _Refused(Exception):
    """A request that is not taken: an HTTP status and why, in our words."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status
        self.why = why


class _Handler(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"
    timeout = PATIENCE
    server: _Server
    server_version = "cask"
    sys_version = ""
    error_content_type: ClassVar[str] = "text/plain"  # type: ignore[misc]
    error_message_format: ClassVar[str] = "%(message)s\n"  # type: ignore[misc]

    def do_POST(self) -> None:
        """Take a request's spans."""
        media = self.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        try:
            self._checked(media)
            self.server.received.put_nowait(_spans(media, self._body()))
        except Full:
            self._answer(503, media, "too much at once: come again")
        except _Refused as refused:
            self._answer(refused.status, media, refused.why)
        except CaskError as error:
            self._answer(400, media, str(error))
        else:
            self._answer(200, media)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: what clients send is not repeated."""

    def _checked(self, media: str) -> None:
        if self.headers.get("Host", "").rpartition(":")[0] not in NAMES and self.headers.get("Host", "") not in NAMES:
            raise _Refused(403, "this receiver is called by its loopback address")
        if self.path.partition("?")[0] != PATH:
            raise _Refused(404, f"traces alone are received, at {PATH}")
        if media not in (_PROTOBUF, _JSON):
            raise _Refused(415, f"the media type is {_PROTOBUF} or {_JSON}")
        if self.headers.get("Content-Encoding", "").strip().lower() not in _ENCODINGS:
            raise _Refused(415, "the content encoding is gzip, zstd or none")

    def _body(self) -> bytes:
        chunked = "chunked" in self.headers.get("Transfer-Encoding", "").lower()
        body = b"".join(self._chunks()) if chunked else self._exactly(_size(self.headers.get("Content-Length", ""), 10))
        return _capped(decompressed((body,)))

    def _chunks(self) -> Iterator[bytes]:
        """A body in chunks (RFC 9112 section 7.1)."""
        total = 0
        while size := _size(self.rfile.readline(64).partition(b";")[0].decode("latin-1").strip(), 16):
            total += size
            if total > BODY:
                raise _Refused(413, f"a request has {BODY >> 20} MiB at most")
            yield self._exactly(size)
            self.rfile.readline(64)
        while self.rfile.readline(1 << 12).strip():
            """Trailers say nothing here."""

    def _exactly(self, size: int) -> bytes:
        data = self.rfile.read(size)
        if len(data) < size:
            raise _Refused(400, "the request is cut off")
        return data

    def _answer(self, status: int, media: str, why: str = "") -> None:
        told = _JSON if media == _JSON else _PROTOBUF
        body = b"" if told == _PROTOBUF else b"{}"
        if why:
            body = json.dumps({"code": _INVALID, "message": why}).encode() if told == _JSON else _status(why)
        self.close_connection = True
        self.send_response(status)
        headers = {"Content-Type": told, "Content-Length": str(len(body)), "Connection": "close"}
        for name, value in (headers | ({"Retry-After": "1"} if status == 503 else {})).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        if status != HTTPStatus.OK:
            self._linger()

    def _linger(self) -> None:
        """Read on for a moment: a connection that is closed over what still comes is reset, and the client never sees the answer."""
        try:
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_WR)
            self.connection.settimeout(_LINGER)
            left = BODY
            while left > 0 and (piece := self.rfile.read1(1 << 16)):
                left -= len(piece)
        except OSError:
            return  # the client went away, or has nothing more to say


def _size(text: str, base: int) -> int:
    if not text or len(text) > 16 or not all(sign in "0123456789abcdefABCDEF"[: 10 if base == 10 else 22] for sign in text):
        raise _Refused(411 if base == 10 else 400, "the request has no length")
    size = int(text, base)
    if size > BODY:
        raise _Refused(413, f"a request has {BODY >> 20} MiB at most")
    return size


def _capped(pieces: Iterator[bytes]) -> bytes:
    held = bytearray()
    for piece in pieces:
        held += piece
        if len(held) > BODY:
            raise _Refused(413, f"a request has {BODY >> 20} MiB at most when it is unpacked")
    return bytes(held)


def _status(why: str) -> bytes:
    """`google.rpc.Status` in protobuf: code and message, both shorter than a varint's first byte counts."""
    message = why.encode()[:127]
    return bytes((0x08, _INVALID, 0x12, len(message))) + message


def _spans(media: str, body: bytes) -> Spans:
    """The spans of one request. Raises CaskError for what is none."""
    if not body.strip() or body.strip() == b"{}":
        return []
    found = documents.spans(text_blocks((body,))) if media == _JSON else messages.one_message(body)
    taken = list(islice(found, SPANS + 1))
    if len(taken) > SPANS:
        raise _Refused(413, f"a request has {SPANS:,} spans at most")
    return taken
