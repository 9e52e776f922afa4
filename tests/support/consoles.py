"""A console that answers on a loopback port, in a thread of the test's own process; and other pages that attack it from another port."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from caskmcp.ports import World
from caskmcp.workflows import confirm
from caskmcp.workflows.console.desk import Desk
from caskmcp.workflows.console.door import session
from caskmcp.workflows.console.server import Server


@contextmanager
def serving(world: World, key: str | None = None) -> Iterator[Desk]:
    """A console, from its start to its end."""
    held = confirm.state(world)
    with Server(0) as server:
        server.desk = Desk(world, held, session(server.server_address[1], world.entropy, world.clock.now()), key)
        thread = threading.Thread(target=server.serve, daemon=True)
        thread.start()
        try:
            yield server.desk
        finally:
            server.ended = True
            thread.join()
            held.close()


class Elsewhere(ThreadingHTTPServer):
    """Another server of this machine, with pages that the test writes."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Pages)
        self.pages: dict[str, str] = {}
        self.heard: list[str] = []

    @property
    def origin(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Pages(BaseHTTPRequestHandler):
    server: Elsewhere

    def do_GET(self) -> None:
        self.server.heard.append(self.path)
        data = self.server.pages.get(self.path, "").encode()
        self.send_response(200 if data else 404)
        headers: Mapping[str, str] = {"Content-Type": "text/html", "Content-Length": str(len(data))}
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""


@contextmanager
def elsewhere() -> Iterator[Elsewhere]:
    """That server, from its start to its end."""
    with Elsewhere() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
