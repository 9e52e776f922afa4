"""The console's own small HTTP server, on the loopback address alone, from its start at a terminal to Ctrl-C or to a session that is over.

Promises: the link is written to the terminal that started it and nowhere else; nothing of a request is logged; a request is small and comes in time.
"""

from collections.abc import Callable
from contextlib import closing, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any, Final

from caskmcp.errors import AGAIN, CaskError
from caskmcp.govern import keys
from caskmcp.model.finding import Report
from caskmcp.ports import World
from caskmcp.store import shield
from caskmcp.workflows import confirm, person
from caskmcp.workflows.console.desk import Desk
from caskmcp.workflows.console.door import HOST, IDLE, Visit, session
from caskmcp.workflows.console.page import Answer

BODY: Final = 16 << 10
"""Bytes of a form."""
PATIENCE: Final = 10.0
"""Seconds that a browser may be silent."""
LOOK: Final = 0.2
"""Seconds between two looks whether the session is over."""


class Server(ThreadingHTTPServer):
    """Serves until the desk's session is over."""

    daemon_threads = True
    desk: Desk

    def __init__(self, port: int) -> None:
        super().__init__((HOST, port), _Handler)
        self.ended = False

    def server_bind(self) -> None:
        """Without the look-up of a host name that the library would make."""
        TCPServer.server_bind(self)

    def service_actions(self) -> None:
        """Look whether the session is over, between two requests."""
        self.ended = self.ended or self.desk.over()

    def serve(self) -> None:
        """Serve until Ctrl-C or the end of the session."""
        self.timeout = LOOK
        # None is said about either end: a person asked for the one, and the other is told by the caller.
        with suppress(KeyboardInterrupt):
            while not self.ended:
                self.handle_request()
                self.service_actions()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Nothing: a browser that went away is no news, and a request may hold a passphrase."""


class _Handler(BaseHTTPRequestHandler):
    server: Server
    timeout = PATIENCE

    def do_GET(self) -> None:
        self._answer(b"")

    def do_POST(self) -> None:
        size = self.headers.get("Content-Length", "")
        if not (size.isascii() and size.isdigit() and int(size) <= BODY):
            self.send_error(413)
            return
        self._answer(self.rfile.read(int(size)))

    def _answer(self, body: bytes) -> None:
        visit = Visit(self.command, self.path, tuple(self.headers.items()), body)
        self._send(self.server.desk.answer(visit))

    def _send(self, answer: Answer) -> None:
        data = answer.body.encode("utf-8")
        self.send_response_only(answer.status)
        for name, value in (*answer.headers, ("Content-Length", str(len(data))), ("Connection", "close")):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """An answer without a word of the request."""
        self._send(Answer(code, "", (("Content-Type", "text/plain"), ("Cache-Control", "no-store"))))
        self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing is logged."""


def run(world: World, *, key: str | None, port: int, reference: str | None = None, protect: Callable[[], None] = shield.close) -> Report:
    """Answer challenges in a browser until Ctrl-C, or until the session is over.

    port: 0 takes a free one. reference: to a state that replicas share. protect: keeps this process's memory from others, before a passphrase comes into it.
    Raises CASK-A001 without a terminal, CASK-K004, K001 for a key that cannot be used, CASK-W001 where the port cannot be had.
    """
    person.require(world, "cask confirm console")
    if key is not None:
        keys.refuse_readable(world.files, world.config, key)
    protect()
    with _server(port) as server, closing(confirm.state(world, reference)) as held:
        of = session(server.server_address[1], world.entropy, world.clock.now())
        server.desk = Desk(world, held, of, key)
        # stdout is a terminal, `require` has looked; stderr may be a file.
        world.console.out(f"Open this link once, in a browser on this machine: {of.origin}/{of.link}")
        world.console.note(f"Ctrl-C ends the console; so do {IDLE // 60} minutes in which nothing is done.")
        server.serve()
        done = server.desk.done
    line = f"The console has ended: {done['granted']} granted, {done['denied']} denied."
    return Report(report="confirm-console", summary=dict(done), lines=(line,))


def _server(port: int) -> Server:
    try:
        return Server(port)
    except (OSError, OverflowError) as cause:
        reason = (getattr(cause, "strerror", None) or str(cause)).lower()
        raise CaskError("CASK-W001", f"cannot listen on {HOST}:{port}: {reason}", mend=f"{AGAIN} --port 0") from cause
