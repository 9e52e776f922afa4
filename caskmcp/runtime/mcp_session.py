"""Sessions with MCP servers that know no call without one (Streamable HTTP of the revisions 2025-03-26 to 2025-11-25).

A call is sent as it was approved, which stands alone (2026-07-28). Where the server refuses that as such servers do, it is introduced to them
by exactly two requests, `initialize` and `notifications/initialized`, to the same address with the same credential, and sent once more: with
the session's id, the agreed revision and a number of its own in place of the approved constants of the same names (ADR 0014).
Nothing that the server asks back is answered, and its words of itself are not read. Ids are held in memory and stand nowhere else.
"""

import json
import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Generator
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any, Final

import anyio

from caskmcp import __version__
from caskmcp.runtime.commands import Command, Failure, Open, Recall, Send, Session, SessionKey, Turn
from caskmcp.runtime.envelope import answered
from caskmcp.runtime.plan import PreparedRequest
from caskmcp.runtime.respond import Answer
from caskmcp.runtime.wire import json_bytes, leaves

REVISIONS: Final = ("2025-11-25", "2025-06-18", "2025-03-26")
"""Revisions with a handshake that are spoken here; the first is asked for."""
SESSION: Final = "Mcp-Session-Id"
REVISION: Final = "MCP-Protocol-Version"
ALONE: Final = frozenset({"mcp-method", "mcp-name"})
"""Headers of a call that stands alone; earlier revisions do not know them."""
ID: Final = re.compile(r"[\x21-\x7e]{1,1024}", re.ASCII)
"""A session's id (2025-11-25, Streamable HTTP, "Session Management"); the length is ours."""
GONE: Final = (404, 400)
"""What a server answers within a session that it does not know any more: 404 by the protocol, 400 by some."""
MODERN: Final = frozenset({-32020, -32021})
"""JSON-RPC errors that only a server of the approved revision gives: it needs no session."""
NOTHING: Final = "none"
"""Stands for the revision, on record, where a handshake was sent and opened nothing."""
LIMIT: Final = 1 << 20
"""Bytes that are read of an answer to the handshake."""
HELD: Final = 64
"""Sessions that are held at once."""

Once = Callable[[Send], Generator[Command, Any, Answer | Failure]]


def spoken(send: Send, key: SessionKey, once: Once) -> Generator[Command, Any, tuple[Answer | Failure, Turn | None]]:
    """Send a call, within a session where one is held or wanted; and once more, at most. once: how a request is sent.

    What is sent again was refused before anybody acted on it: the statuses are those of the transport, and there is no result. The turn that
    is returned is fresh where a handshake was sent, also where that opened nothing.
    """
    turn: Turn | None = yield Recall(key)
    reply = yield from once(_in_turn(send, turn))
    if not _wants_session(reply, turn):
        return reply, turn
    opened: Turn | None = yield Open(key, send, turn.session if turn else None)
    if opened is None:
        return reply, Turn(Session(NOTHING, turn.session.id if turn else ""), 0, fresh=True)
    return (yield from once(_in_turn(send, opened))), opened


def _wants_session(reply: Answer | Failure, turn: Turn | None) -> bool:
    if isinstance(reply, Failure):
        return False
    found = answered(reply.body, _media(reply)) or {}
    if "result" in found:
        return False  # whatever the status says, somebody acted on it
    if turn is not None:
        return reply.status in GONE
    return reply.status == 400 and _code(found) not in MODERN


def _code(message: dict[str, Any]) -> Any:
    """The code of a JSON-RPC error, if the message is one."""
    error = message.get("error")
    return error.get("code") if isinstance(error, dict) else None


def _media(reply: Answer) -> str:
    return reply.header("content-type").partition(";")[0].strip().lower()


# ---------------------------------------------------------------- requests
def _in_turn(send: Send, turn: Turn | None) -> Send:
    """The call as it was approved, or in a session: there its number has to be its own."""
    if turn is None:
        return send
    request = _introduced(send.request, turn.session)
    return replace(send, request=_with_body(request, {**_message(send.request.body), "id": turn.number}))


def _message(body: bytes) -> dict[str, Any]:
    """The call that stands in a body. Raises CASK-R003 for an approved body that holds none."""
    try:
        message = json.loads(body)
    except ValueError:
        message = None
    if not isinstance(message, dict):
        raise leaves("the approved body is no JSON-RPC request")
    return message


def opening(request: PreparedRequest) -> PreparedRequest:
    """`initialize`, for the server that a request goes to."""
    client = {"name": "caskmcp", "version": __version__}
    params = {"protocolVersion": REVISIONS[0], "capabilities": {}, "clientInfo": client}
    bare = _without(request, ALONE | {REVISION.lower()})
    return _with_body(bare, {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params})


def confirming(request: PreparedRequest, session: Session) -> PreparedRequest:
    """`notifications/initialized`, which ends the handshake."""
    return _with_body(_introduced(request, session), {"jsonrpc": "2.0", "method": "notifications/initialized"})


def _introduced(request: PreparedRequest, session: Session) -> PreparedRequest:
    known = _without(request, ALONE).with_header(REVISION, session.version)
    return known.with_header(SESSION, session.id) if session.id else known


def _without(request: PreparedRequest, names: frozenset[str]) -> PreparedRequest:
    return replace(request, headers=tuple(row for row in request.headers if row[0].lower() not in names))


def _with_body(request: PreparedRequest, message: dict[str, Any]) -> PreparedRequest:
    body = json_bytes(message)
    return replace(request, body=body).with_header("Content-Length", str(len(body)))


def agreed(answer: Answer) -> Session | None:
    """The session that the answer to `initialize` opens; None if it opens none that can be spoken in."""
    message = answered(answer.body, _media(answer)) if answer.status == 200 and answer.whole else None
    result = message.get("result") if message else None
    version = result.get("protocolVersion") if isinstance(result, dict) else None
    given = answer.header(SESSION.lower())
    if version not in REVISIONS or (given and not ID.fullmatch(given)):
        return None
    return Session(version, given)


# ---------------------------------------------------------------- what is held
@dataclass
class _Held:
    """One server's session, and the lock under which it is opened."""

    lock: anyio.Lock = field(default_factory=anyio.Lock)
    session: Session | None = None
    numbers: "count[int]" = field(default_factory=lambda: count(2))
    """1 was `initialize`."""

    def turn(self, *, fresh: bool = False) -> Turn | None:
        return Turn(self.session, next(self.numbers), fresh) if self.session else None


class Sessions:
    """The sessions of this process, in memory. Two calls at once open one."""

    def __init__(self) -> None:
        self._held: OrderedDict[SessionKey, _Held] = OrderedDict()

    def recall(self, ask: Recall) -> Turn | None:
        """A turn in the session that is held, if there is one."""
        held = self._held.get(ask.key)
        return held.turn() if held else None

    async def open(self, ask: Open, send: Callable[[Send], Awaitable[Answer | Failure]]) -> Turn | None:
        """Open a session and take the first turn in it, or one in the session that another call opened meanwhile."""
        held = self._held.setdefault(ask.key, _Held())
        self._held.move_to_end(ask.key)
        async with held.lock:
            if held.session is not None and held.session != ask.stale:
                return held.turn()
            held.session, held.numbers = await _opened(ask.send, send), count(2)
            self._thin()
            return held.turn(fresh=True)

    def _thin(self) -> None:
        """Forget what was not opened, and the longest held beyond the bound."""
        idle = [key for key, held in self._held.items() if held.session is None and not held.lock.statistics().tasks_waiting]
        for key in idle:
            if not self._held[key].lock.locked():
                del self._held[key]
        while len(self._held) > HELD:
            self._held.popitem(last=False)


async def _opened(call: Send, send: Callable[[Send], Awaitable[Answer | Failure]]) -> Session | None:
    """The handshake; None where the server does not take it."""
    answer = await send(replace(call, request=opening(call.request), limit=LIMIT))
    session = agreed(answer) if isinstance(answer, Answer) else None
    if session is None:
        return None
    told = await send(replace(call, request=confirming(call.request, session), limit=LIMIT))
    return session if isinstance(told, Answer) and 200 <= told.status < 300 else None
