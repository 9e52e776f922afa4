"""A proxy for clients that cannot send a header: it adds a bearer token to each request and passes all else on as it came, the Host too."""

import socket
import threading
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self


@dataclass
class Bearer:
    """Listens on 127.0.0.1 from the start; `target` is the port behind it, set before the first request."""

    token: str
    target: int = 0
    _socket: socket.socket = field(init=False)

    def __enter__(self) -> Self:
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self._socket.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._pass, args=(connection,), daemon=True).start()

    def _pass(self, client: socket.socket) -> None:
        """One request a connection: the server is told to close it, so nothing after the head has to be understood."""
        with client, socket.create_connection(("127.0.0.1", self.target)) as server:
            try:
                data = b""
                while b"\r\n\r\n" not in data:
                    if not (piece := client.recv(65536)):
                        return
                    data += piece
                server.sendall(self._signed(data))
                back = threading.Thread(target=_pump, args=(server, client), daemon=True)
                back.start()
                _pump(client, server)
                back.join()
            except OSError:
                return

    def _signed(self, data: bytes) -> bytes:
        head, _, body = data.partition(b"\r\n\r\n")
        first, *rows = head.split(b"\r\n")
        kept = [row for row in rows if row.split(b":")[0].lower() not in (b"connection", b"authorization")]
        added = [f"Authorization: Bearer {self.token}".encode(), b"Connection: close"]
        return b"\r\n".join([first, *kept, *added]) + b"\r\n\r\n" + body


def _pump(source: socket.socket, sink: socket.socket) -> None:
    try:
        while piece := source.recv(65536):
            sink.sendall(piece)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        # One end is gone: so is the other one's use. Waking whoever reads from it ends the pair.
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue
