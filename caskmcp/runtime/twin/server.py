"""The socket of a twin: HTTP on 127.0.0.1, on a port that the system chooses, answered one request at a time.

Promises: it listens on the loopback address and on no other, opens no connection itself, reads a body up to a bound, and answers for the hosts
that the twin stands for alone: a page in a browser that was made to resolve its own name to this machine is refused.
"""

import sys
from collections.abc import Callable, Collection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from types import TracebackType
from typing import Any, Final

from caskmcp.runtime.twin.wire import Answer, Request, body, parsed

LARGEST: Final = 16 << 20
"""Bytes of a request's body."""
DIGITS: Final = 9
"""Digits of a length that are read as a number."""
FRAMING: Final = frozenset({"content-length", "transfer-encoding", "content-encoding", "connection", "keep-alive", "date", "server"})
"""Headers that say how the recorded answer travelled."""
Respond = Callable[[Request], Answer]


class Server:
    """A twin on a real socket. Use as a context manager."""

    def __init__(self, respond: Respond, hosts: Collection[str]) -> None:
        self._server = _Listening(("127.0.0.1", 0), _handler(respond, frozenset(hosts)))
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])

    def __enter__(self) -> "Server":
        Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Listening(ThreadingHTTPServer):
    """Tells of faults, and not of callers that went away."""

    def handle_error(self, request: Any, client_address: Any) -> None:
        """As the standard library's, but silent where the other side closed the connection."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            super().handle_error(request, client_address)


def _handler(respond: Respond, hosts: frozenset[str]) -> type[BaseHTTPRequestHandler]:
    lock = Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        server_version, sys_version = "twin", ""
        timeout = 30
        wbufsize = -1  # an answer is one piece: two would wait for each other on the wire

        def handle_any(self) -> None:
            self.reply(self.answer())

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = handle_any

        def answer(self) -> Answer:
            host, length = self.headers.get("Host", "").lower(), self.headers.get("Content-Length", "0")
            if host not in hosts:
                return _refusal(421, "the twin does not stand for this host")
            if "Transfer-Encoding" in self.headers or not length.isdecimal() or len(length) > DIGITS or int(length) > LARGEST:
                self.close_connection = True
                return _refusal(413, "the body is too large, or its length is not said")
            data = self.rfile.read(int(length))
            with lock:
                return respond(parsed(self.command, host, self.path, self.headers.get("Content-Type", ""), data))

        def reply(self, answer: Answer) -> None:
            data = body(answer)
            self.send_response_only(answer.status)
            for name, value in answer.headers:
                if name not in FRAMING and _plain(value):
                    self.send_header(name, value)
            if data and answer.media and _plain(answer.media):
                self.send_header("content-type", answer.media)
            if answer.status not in (204, 304):
                self.send_header("content-length", str(len(data)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(data)

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing: the runtime's own record tells what was called."""

    return Handler


def _refusal(status: int, why: str) -> Answer:
    return Answer(status, {"error": why}, "json", "application/json")


def _plain(value: str) -> bool:
    return value.isascii() and value.isprintable()
