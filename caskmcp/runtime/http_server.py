"""The HTTP transport: Streamable HTTP of both protocol eras on one address, through the protocol library's own application.

Promises: it listens where `workflows/serve.py` said and nowhere else; a connection that does not say what it wants is closed; SIGTERM and SIGINT
end it after the calls on their way, within a bounded time; no session outlives its caller's silence. Who may come in is `http_guard`'s.
"""

import asyncio
import gc
import json
import logging
import signal
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from typing import Any, Final

import anyio
import uvicorn
from mcp.server.transport_security import TransportSecuritySettings
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from caskmcp.errors import CaskError
from caskmcp.runtime.http_guard import App, Door, Guard
from caskmcp.runtime.mcp_server import OFTEN, Front

BODY: Final = 1 << 20
"""Bytes of a request's body."""
HEAD: Final = 32 << 10
"""Bytes of a request's line and headers."""
SESSIONS: Final = 200
"""Sessions of the handshake era at a time."""
IDLE: Final = 600.0
"""Seconds after which a session without a request ends."""
CONNECTIONS: Final = 512
SILENT: Final = 10.0
"""Seconds that a connection may take to say what it wants, at its start and between two requests."""
DRAIN: Final = 10.0
"""Seconds that calls on their way have after a signal."""


@dataclass(frozen=True)
class Tls:
    """Where certificate chain and private key lie."""

    certificate: str
    key: str


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens. Raises CASK-W001 where that address cannot be had."""
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.create_server((host, port), family=family, backlog=128)
        # Connections take it over. The loop would set it only where the socket names its protocol, which this one does not; without it the
        # second piece of an answer waits 40 ms for the client's delayed acknowledgement of the first.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listener
    except (OSError, OverflowError) as cause:
        reason = (getattr(cause, "strerror", None) or str(cause)).lower()
        raise CaskError("CASK-W001", f"cannot listen on {host}:{port}: {reason}", mend="cask serve --http 127.0.0.1:0") from cause


def structured(note: Callable[[str], None], now: Callable[[], str]) -> Callable[..., None]:
    """A log of one JSON line an event: its time, its name, its fields."""

    def told(event: str, **fields: Any) -> None:
        note(json.dumps({"at": now(), "event": event, **fields}, ensure_ascii=True))

    return told


class Impatient(H11Protocol):
    """A connection that is closed if it is silent where a request has to come. (uvicorn waits for the first one for ever.)"""

    _late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._late = self.loop.call_later(SILENT, self._over)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._heard()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if not self._waiting():
            self._heard()
        elif self._late is None and not self.transport.is_closing():
            self._late = self.loop.call_later(SILENT, self._over)

    def _waiting(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle  # None before the first request, whatever its declaration says
        return cycle is None or cycle.response_complete

    def _heard(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _over(self) -> None:
        self._late = None
        if self._waiting() and not self.transport.is_closing():
            self.transport.close()


class Quiet(uvicorn.Server):
    """uvicorn without hands of its own on the signals: a stop is `_stopped`'s."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _config(app: App, tls: Tls | None) -> uvicorn.Config:
    config = uvicorn.Config(
        app,
        http=Impatient,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=CONNECTIONS,
        h11_max_incomplete_event_size=HEAD,
        timeout_keep_alive=int(SILENT),
        timeout_graceful_shutdown=1,
        ssl_certfile=tls.certificate if tls else None,
        ssl_keyfile=tls.key if tls else None,
        ssl_keyfile_password="" if tls else None,  # never asked for on the terminal
    )
    try:
        config.load()
    except (OSError, ssl.SSLError) as cause:
        raise CaskError(
            "CASK-H002", "the certificate and its key cannot be used together", place=tls.certificate if tls else None
        ) from cause
    return config


def protocol(front: Front, door: Door, told: Callable[..., None]) -> Guard:
    """The protocol library's application, behind the guard."""
    app = front.server().streamable_http_app(
        max_request_body_size=BODY,
        session_idle_timeout=IDLE,
        max_sessions=SESSIONS,
        transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False),  # the guard has looked at both, exactly
    )
    return Guard(app, door, front.ready, told)


async def serve(front: Front, guard: Guard, listener: socket.socket, tls: Tls | None, told: Callable[..., None]) -> None:
    """Serve until a signal ends it."""
    for name in ("uvicorn", "mcp"):  # what they log may hold what a stranger sent, and session ids
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    web = Quiet(_config(guard, tls))
    gc.collect()
    gc.freeze()
    gc.set_threshold(*OFTEN)
    async with aclosing(front), anyio.create_task_group() as tasks:
        for live in front.lives:
            tasks.start_soon(live.watch)
        tasks.start_soon(_stopped, web, guard, told)
        await web.serve(sockets=[listener])
        tasks.cancel_scope.cancel()
    told("stopped")


async def _stopped(web: Quiet, guard: Guard, told: Callable[..., None]) -> None:
    """End the server on a signal: turn new requests away, wait for the calls on their way, then close the streams."""
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async for received in signals:
            told("stopping", signal=signal.Signals(received).name)
            guard.stopping = True
            with anyio.move_on_after(DRAIN):
                await guard.idle()
            web.should_exit = True
            return


def run(front: Front, guard: Guard, listener: socket.socket, tls: Tls | None, told: Callable[..., None]) -> None:
    """`serve`, from synchronous code."""
    anyio.run(serve, front, guard, listener, tls, told)
