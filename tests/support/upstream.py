"""A loopback upstream on raw sockets that can break every rule of HTTP, and keeps each request as it came in: the judge of "nothing was sent".

The first path segment picks a mode of `MODES`; any other path echoes the request as JSON. `reply` answers everything with fixed bytes.
"""

import gzip
import json
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self


@dataclass(frozen=True)
class Heard:
    """One request as it came in."""

    head: str
    """Request line and headers, latin-1."""
    body: bytes

    @property
    def line(self) -> str:
        """The request line."""
        return self.head.split("\r\n", 1)[0]

    @property
    def method(self) -> str:
        """GET, POST …"""
        return self.line.split(" ")[0]

    @property
    def target(self) -> str:
        """Path and query, raw."""
        return self.line.split(" ")[1]

    def header(self, name: str) -> str | None:
        """The first header of that name."""
        rows = (line.partition(":") for line in self.head.split("\r\n")[1:])
        return next((value.strip() for key, _, value in rows if key.lower() == name.lower()), None)


def answer(body: bytes = b'{"ok":true}', media: str = "application/json", *, extra: tuple[str, ...] = (), status: str = "200 OK") -> bytes:
    """A plain answer that closes the connection."""
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {media}", f"Content-Length: {len(body)}", *extra, "Connection: close"]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body


def _echo(heard: Heard) -> bytes:
    return answer(json.dumps({"head": heard.head, "body": heard.body.decode("latin-1")}).encode())


def _slow(_: Heard) -> bytes:
    time.sleep(3)
    return answer()


MODES: dict[str, Callable[[Heard], bytes]] = {
    "fine": lambda _: answer(),
    "chunk_garbage": lambda _: b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
    "truncated": lambda _: b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{"a":1',
    "zip_bomb_small": lambda _: answer(gzip.compress(b"1" * (64 << 20), 9, mtime=0), extra=("Content-Encoding: gzip",)),
    "zip_garbage": lambda _: answer(b"\x1f\x8bno gzip at all", extra=("Content-Encoding: gzip",)),
    "zipped": lambda _: answer(gzip.compress(b'{"zipped":true}', mtime=0), extra=("Content-Encoding: gzip",)),
    "odd_coding": lambda _: answer(b"???", extra=("Content-Encoding: rot13",)),
    "go_elsewhere": lambda _: answer(status="302 Found", extra=("Location: http://10.0.0.1/",)),
    "go_here": lambda _: answer(status="307 Temporary Redirect", extra=("Location: /x",)),
    "big_body": lambda _: answer(b'"' + b"x" * (64 << 20) + b'"'),
    "slow": _slow,
    "hangs_up": lambda _: b"",
    "escape_codes": lambda _: answer(json.dumps({"v": "\x1b[31mred\x1b[0m\u202e"}).encode()),
    "wrong_type": lambda _: answer(b"<html>sign in</html>"),
    "picture": lambda _: answer(b"\x89PNG\r\n\x1a\n\0\0\0", "image/png"),
    "nothing": lambda _: b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n",
    "no_such": lambda _: answer(b'{"error":"no such order"}', status="404 Not Found"),
    "broken": lambda _: answer(b"stack trace here", "text/plain", status="500 Internal Server Error"),
    "echo": _echo,
}


@dataclass
class Upstream:
    """Listens on 127.0.0.1 from `with` to its end."""

    reply: Callable[[Heard], bytes] | None = None
    heard: list[Heard] = field(default_factory=list)
    port: int = 0

    def __enter__(self) -> Self:
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts; without it one more connection would get through
        self._socket.close()

    @property
    def url(self) -> str:
        """`http://127.0.0.1:PORT`."""
        return f"http://127.0.0.1:{self.port}"

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            try:
                heard = _received(connection)
                if heard is not None:
                    self.heard.append(heard)
                    connection.sendall(self._answer(heard))
            except OSError:
                return

    def _answer(self, heard: Heard) -> bytes:
        if self.reply is not None:
            return self.reply(heard)
        mode = heard.target.split("?")[0].strip("/").split("/")[0]
        return MODES.get(mode, _echo)(heard)


def _received(connection: socket.socket) -> Heard | None:
    connection.settimeout(30)
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65536)
        if not piece:
            return None
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    text = head.decode("latin-1")
    length = int(Heard(text, b"").header("content-length") or 0)
    while len(body) < length:
        body += connection.recv(65536)
    return Heard(text, body)
