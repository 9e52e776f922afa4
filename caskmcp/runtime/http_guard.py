"""What stands in front of the HTTP transport: host, origin and token of each request, before anything of it is read.

Promises: nothing behind runs for a stranger; the token goes no further than this module; a body that does not come in time ends; calls on
their way are counted, so that a stop can wait for them. What a request means is the protocol library's and the gateway's.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

import anyio
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken

from caskmcp.model.auth import KEPT_BACK
from caskmcp.model.token import TokenRow
from caskmcp.runtime.mcp_server import SENDER
from caskmcp.runtime.tokens import Caller, caller, digest

PATH: Final = "/mcp"
BODY_TIME: Final = 30.0
"""Seconds that the body of a request may take to come in."""

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


@dataclass(frozen=True)
class Door:
    """Whom a server lets in."""

    hosts: frozenset[str]
    """Values of the Host header, exact with their port."""
    origins: frozenset[str]
    """Values of the Origin header of pages that may call; most clients send none."""
    tokens: tuple[TokenRow, ...]
    now: Callable[[], tuple[TokenRow, ...]] | None = None
    """The tokens that are taken at this moment, where they can change while it is served."""

    @property
    def taken(self) -> tuple[TokenRow, ...]:
        """The tokens that are taken."""
        return self.tokens if self.now is None else self.now()


class Check(NamedTuple):
    """One row: what a request needs, and what it is told without."""

    name: str
    status: int
    passes: Callable[[Scope, Door], bool]
    headers: tuple[tuple[bytes, bytes], ...] = ()


def _values(scope: Scope, name: bytes) -> list[bytes]:
    return [value for key, value in scope["headers"] if key == name]


def _framing(scope: Scope, _: Door) -> bool:
    return not (_values(scope, b"content-length") and _values(scope, b"transfer-encoding"))


def _host(scope: Scope, door: Door) -> bool:
    sent = _values(scope, b"host")
    return len(sent) == 1 and sent[0].decode("latin-1").lower() in door.hosts


def _origin(scope: Scope, door: Door) -> bool:
    sent = _values(scope, b"origin")
    return not sent or (len(sent) == 1 and sent[0].decode("latin-1").lower() in door.origins)


def _token(scope: Scope, door: Door) -> bool:
    return _sender(scope, door) is not None


def _sender(scope: Scope, door: Door) -> Caller | None:
    sent = _values(scope, b"authorization")
    scheme, _, token = (sent[0] if len(sent) == 1 else b"").partition(b" ")
    return caller(door.taken, token.strip()) if scheme.lower() == b"bearer" else None


# fmt: off
CHECKS: Final = (
    #     what       status  passes
    Check("framing", 400,    _framing, ((b"connection", b"close"),)),  # with two lengths, a proxy in front may see another end of it
    Check("path",    404,    lambda scope, _: scope["path"] == PATH),
    Check("host",    421,    _host),    # a page whose name was pointed at this machine sends its own
    Check("origin",  403,    _origin),  # a page of another site cannot leave it out
    Check("token",   401,    _token, ((b"www-authenticate", b'Bearer realm="cask"'),)),
)
# fmt: on


ANY_PATH: Final = tuple(row for row in CHECKS if row.name != "path")
"""Where every path may be asked for."""


class Guard:
    """The outermost ASGI application. ready: whether a pack is admitted; told: takes an event with its fields, for the log.

    checks: in place of `CHECKS`, where paths mean something else.
    """

    def __init__(
        self, app: App, door: Door, ready: Callable[[], bool], told: Callable[..., None], checks: Sequence[Check] | None = None
    ) -> None:
        self._app = app
        self._checks = checks
        self._door = door
        self._ready = ready
        self._told = told
        self._calls = 0
        self._idle = anyio.Event()
        self.stopping = False
        """Whether new requests are turned away."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await self._asked(scope, receive, send)

    async def idle(self) -> None:
        """Return when no call is on its way."""
        while self._calls:
            await self._idle.wait()

    async def _asked(self, scope: Scope, receive: Receive, send: Send) -> None:
        if (health := self._health(scope)) is not None:
            await _answer(send, *health)
            return
        failed = next((row for row in (CHECKS if self._checks is None else self._checks) if not row.passes(scope, self._door)), None)
        if failed is not None:
            self._told("refused", what=failed.name, status=failed.status, peer=_peer(scope))
            await _answer(send, failed.status, failed.name, failed.headers)
            return
        if self.stopping:
            await _answer(send, 503, "stopping", ((b"retry-after", b"1"),))
            return
        await self._passed(_named(scope, self._door), _timely(receive), send)

    def _health(self, scope: Scope) -> tuple[int, str] | None:
        """Health says nothing that a stranger may not know, and probes send no name that could be compared."""
        if scope["method"] not in ("GET", "HEAD") or not _framing(scope, self._door):
            return None
        up = self._ready() and not self.stopping
        answers = {"/healthz": (200, "alive"), "/readyz": (200, "ready") if up else (503, "not ready")}
        return answers.get(scope["path"])

    async def _passed(self, scope: Scope, receive: Receive, send: Send) -> None:
        counts = self._checks is not None or (scope["method"] == "POST" and _values(scope, b"mcp-method") != [b"subscriptions/listen"])
        self._calls += counts
        try:
            await self._app(scope, receive, send)
        finally:
            self._calls -= counts
            if not self._calls:
                self._idle.set()
                self._idle = anyio.Event()


def _named(scope: Scope, door: Door) -> Scope:
    """The request with its sender in place of the token. The library binds a session to its `user`."""
    who = _sender(scope, door) or Caller("nobody", frozenset())
    headers = [(key, value) for key, value in scope["headers"] if key != b"authorization"]
    user = AuthenticatedUser(AccessToken(token="", client_id=who.name, scopes=sorted(who.toolsets or ())))
    return {**scope, "headers": headers, SENDER: replace(who, headers=own(scope, door)), "user": user}


def own(scope: Scope, door: Door) -> dict[str, str]:
    """What the caller sends beside its token, each name once. A value in which a token of this server stands is left out: that goes nowhere."""
    names = Counter(name for name, _ in scope["headers"])
    rows = [(name.decode("latin-1"), value.strip()) for name, value in scope["headers"] if names[name] == 1]
    passed = [(name, value) for name, value in rows if not KEPT_BACK.fullmatch(name)]
    sent = [value.rpartition(b" ")[2] for value in _values(scope, b"authorization")]
    ours = frozenset(row.sha256 for row in door.taken)  # asked once: a value may hold as many words as it likes
    return {name: value.decode("latin-1") for name, value in passed if not _is_ours(value, sent, ours)}


def _is_ours(value: bytes, sent: Sequence[bytes], ours: frozenset[str]) -> bool:
    return any(token and token in value for token in sent) or not ours.isdisjoint(map(digest, value.split()))


def _timely(receive: Receive) -> Receive:
    """The messages of a request, as long as its body comes in time; then as if the client had gone."""
    end = anyio.current_time() + BODY_TIME
    whole = False

    async def received() -> Message:
        nonlocal whole
        if whole:
            return await receive()
        with anyio.move_on_after(end - anyio.current_time()):
            message = await receive()
            whole = message["type"] != "http.request" or not message.get("more_body", False)
            return message
        whole = True
        return {"type": "http.disconnect"}

    return received


def _peer(scope: Scope) -> str:
    client = scope.get("client")
    return str(client[0]) if client else ""


async def _answer(send: Send, status: int, text: str, headers: tuple[tuple[bytes, bytes], ...] = ()) -> None:
    body = text.encode() + b"\n"
    plain: Mapping[bytes, bytes] = {
        b"content-type": b"text/plain; charset=utf-8",
        b"content-length": str(len(body)).encode(),
        b"cache-control": b"no-store",
        b"x-content-type-options": b"nosniff",
    }
    await send({"type": "http.response.start", "status": status, "headers": [*plain.items(), *headers]})
    await send({"type": "http.response.body", "body": body})
