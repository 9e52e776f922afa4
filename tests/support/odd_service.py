"""A server on 127.0.0.1 with the answers that recorders find hard: packed, empty, binary, endless, large, upgraded, in another charset."""

import base64
import gzip
import hashlib
import json
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Final

import brotli

SECRET: Final = "s3ss10n-" + "Qw7xZk29LmPv4Rt8"
"""What a client sends as its credential, and what one answer repeats."""
PIXEL: Final = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
ORDER: Final = {"id": 1001, "status": "shipped", "note": f"deploy with {SECRET}"}
LARGE: Final = 20 << 20
"""Bytes of the large answer."""
Route = Callable[["Handler", bytes], None]


class Handler(BaseHTTPRequestHandler):
    """Answers by the table below."""

    protocol_version = "HTTP/1.1"
    server_version, sys_version = "odd", ""
    server: "Server"

    def answer(self) -> None:
        """One request."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.heard.append(f"{self.command} {self.path}")
        route = ROUTES.get(f"{self.command} {self.path.partition('?')[0]}")
        if route is None:
            self.reply(404, b'{"error":"not_found"}')
        else:
            route(self, body)

    do_GET = do_POST = do_PUT = do_DELETE = answer

    def reply(self, status: int, data: bytes, media: str = "application/json", **headers: str) -> None:
        """A whole answer."""
        self.send_response(status)
        for name, value in {"Content-Type": media, **{key.replace("_", "-"): value for key, value in headers.items()}}.items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


def order(handler: Handler, _: bytes) -> None:
    """Plain JSON, with a secret in it."""
    handler.reply(200, json.dumps(ORDER).encode())


def packed(handler: Handler, _: bytes) -> None:
    """As `order`, in gzip."""
    handler.reply(200, gzip.compress(json.dumps(ORDER).encode(), mtime=0), Content_Encoding="gzip")


def pressed(handler: Handler, _: bytes) -> None:
    """As `order`, in brotli."""
    handler.reply(200, brotli.compress(json.dumps(ORDER).encode()), Content_Encoding="br")


def echoed(handler: Handler, body: bytes) -> None:
    """What was sent was understood."""
    handler.reply(201, json.dumps({"accepted": len(body) > 0}).encode())


def deleted(handler: Handler, _: bytes) -> None:
    """No content."""
    handler.reply(204, b"")


def moved(handler: Handler, _: bytes) -> None:
    """A redirect."""
    handler.reply(302, b"", Location="/v1/orders/1001")


def pixel(handler: Handler, _: bytes) -> None:
    """An image."""
    handler.reply(200, PIXEL, "image/gif")


def latin(handler: Handler, _: bytes) -> None:
    """JSON in another charset."""
    handler.reply(200, '{"city":"Göteborg"}'.encode("latin-1"), "application/json; charset=iso-8859-1")


def upgraded(handler: Handler, _: bytes) -> None:
    """A websocket that is closed at once."""
    key = handler.headers["Sec-WebSocket-Key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
    handler.send_response(101)
    handler.send_header("Upgrade", "websocket")
    handler.send_header("Connection", "Upgrade")
    handler.send_header("Sec-WebSocket-Accept", base64.b64encode(hashlib.sha1(key.encode()).digest()).decode())
    handler.end_headers()
    handler.wfile.write(b"\x81\x05hello\x88\x02\x03\xe8")
    handler.close_connection = True


def events(handler: Handler, _: bytes) -> None:
    """Two events, then nothing until the test is over."""
    handler.send_response(200)
    handler.send_header("Content-Type", "text/event-stream")
    handler.send_header("Connection", "close")
    handler.end_headers()
    for number in (1, 2):
        handler.wfile.write(f'data: {{"n": {number}, "token": "{SECRET}"}}\n\n'.encode())
        handler.wfile.flush()
    handler.server.over.wait(30)
    handler.close_connection = True


def large(handler: Handler, _: bytes) -> None:
    """More than a proxy should hold back, and no length to know it by."""
    handler.send_response(200)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Connection", "close")
    handler.end_headers()
    handler.wfile.write(b'["' + b"x" * LARGE + b'"]')
    handler.close_connection = True


def slow(handler: Handler, _: bytes) -> None:
    """An answer that takes a while."""
    time.sleep(1)
    handler.reply(200, b'{"slow":true}')


ROUTES: Final[dict[str, Route]] = {
    "GET /v1/orders/1001": order,
    "GET /v1/packed": packed,
    "GET /v1/pressed": pressed,
    "POST /v1/orders": echoed,
    "POST /v1/forms": echoed,
    "DELETE /v1/orders/1001": deleted,
    "GET /v1/moved": moved,
    "GET /pixel": pixel,
    "GET /v1/latin": latin,
    "GET /v1/socket": upgraded,
    "GET /v1/events": events,
    "GET /v1/large": large,
    "GET /v1/slow": slow,
}


class Server(ThreadingHTTPServer):
    """The server and what it heard."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.heard: list[str] = []
        self.over = Event()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.server_address[1])

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is no error of the test."""


@contextmanager
def serving(certificate: Path | None = None) -> Iterator[Server]:
    """The server while it runs. certificate: PEM with key and certificate, for HTTPS."""
    server = Server()
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.over.set()
        server.shutdown()
        server.server_close()
        thread.join()
