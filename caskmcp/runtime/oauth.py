"""Tokens of OAuth 2.0 (RFC 6749): asked for with what the signed rule names, held in memory until they end or are refused, on no disk.

Promises: calls at once ask once, and a refusal is the answer to all of them; a token that was refused is given to nobody again; nothing of what the token server says but the code of
its error reaches an agent. Where the request may go is `egress`', who waits for it is `authenticate`'s.
"""

import json
import re
from base64 import b64encode
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import quote_plus, urlsplit

import anyio

from caskmcp import __version__
from caskmcp.errors import CaskError
from caskmcp.runtime.commands import Client, Failure, KnownToken, NewToken, Send
from caskmcp.runtime.plan import PreparedRequest
from caskmcp.runtime.respond import Answer
from caskmcp.runtime.wire import HEADER_VALUE

LIMIT: Final = 64 << 10
"""Bytes that are read of a token server's answer."""
LEEWAY: Final = 30
"""Seconds before its end from which a token is not used any more."""
LONGEST: Final = 10 * 365 * 86_400
HELD: Final = 256
"""Clients whose tokens are held at once."""
ERROR: Final = re.compile(r"[a-z][a-z0-9_]{0,39}", re.ASCII)
"""An error code (RFC 6749 section 5.2), as far as it is passed on."""


@dataclass(frozen=True)
class Token:
    """What a token server gave."""

    access: str = field(repr=False)
    until: str = ""
    """RFC 3339; empty: until it is refused."""
    refresh: str = field(default="", repr=False)
    """In place of the refresh token that was used, where the server gives another one each time."""


def asking(client: Client, refresh: str = "") -> PreparedRequest:
    """The request for a token (RFC 6749 sections 4.4.2 and 6). refresh: the newest refresh token, if another one was given meanwhile."""
    rule, parts = client.rule, urlsplit(client.rule.token_url)
    by_refresh = rule.grant == "refresh_token"
    secret = client.other if by_refresh else client.secret
    form = {"grant_type": rule.grant, **({"refresh_token": refresh or client.secret} if by_refresh else {})}
    form |= {"scope": " ".join(rule.scopes)} if rule.scopes else {}
    form |= {"audience": rule.audience} if rule.audience else {}
    in_header = rule.client_auth == "basic" and bool(secret)
    form |= {} if in_header else {"client_id": rule.client_id, **({"client_secret": secret} if secret else {})}
    body = "&".join(f"{name}={quote_plus(value)}" for name, value in form.items()).encode("ascii")
    pair = f"{quote_plus(rule.client_id)}:{quote_plus(secret)}"
    headers = (
        ("Host", rule.host),
        ("User-Agent", f"caskmcp/{__version__}"),
        ("Accept", "application/json"),
        ("Content-Type", "application/x-www-form-urlencoded"),
        ("Content-Length", str(len(body))),
        *((("Authorization", f"Basic {b64encode(pair.encode('ascii')).decode('ascii')}"),) if in_header else ()),
    )
    return PreparedRequest("POST", "https", parts.hostname or "", parts.port or 443, (parts.path or "/").encode("ascii"), headers, body)


def given(reply: Answer | Failure, client: Client, at: str) -> Token:
    """The token of an answer. Raises CASK-R031 where there is none. at: when it was asked for."""
    if isinstance(reply, Failure):
        raise _none(client, "cannot be reached")
    said = _object(reply.body) if reply.whole else {}
    if reply.status != 200:
        code = said.get("error")
        told = f": {code}" if isinstance(code, str) and ERROR.fullmatch(code) else ""
        raise _none(client, f"answers {reply.status}{told}")
    access, kind, refresh = said.get("access_token"), said.get("token_type"), said.get("refresh_token")
    if not isinstance(access, str) or not HEADER_VALUE.fullmatch(access) or not isinstance(kind, str) or kind.lower() != "bearer":
        raise _none(client, "gives no bearer token")
    return Token(access, _end(at, said.get("expires_in")), refresh if isinstance(refresh, str) and refresh.isascii() else "")


def _object(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        value = None  # told below as an answer without a token
    return value if isinstance(value, dict) else {}


def _end(at: str, seconds: Any) -> str:
    if not isinstance(seconds, int) or isinstance(seconds, bool) or seconds < 0:
        return ""
    end = datetime.fromisoformat(at) + timedelta(seconds=max(0, min(seconds, LONGEST) - LEEWAY))
    return end.strftime("%Y-%m-%dT%H:%M:%SZ")


def _none(client: Client, what: str) -> CaskError:
    return CaskError("CASK-R031", f"the token server {client.rule.host} {what}; it was asked with {client.reference}")


# ---------------------------------------------------------------- what is held
@dataclass
class _Held:
    """One client's token, and the lock under which it is got."""

    lock: anyio.Lock = field(default_factory=anyio.Lock)
    token: Token | None = None
    refresh: str = ""
    asked: int = 0
    """How often a token was asked for."""
    no: CaskError | None = None
    """Why the last time gave none."""

    def usable(self, at: str, refused: str) -> str:
        """The token, if it has not ended and is not the one that was refused."""
        token = self.token
        return token.access if token is not None and token.access != refused and (not token.until or at < token.until) else ""


class Tokens:
    """The tokens of this process, in memory."""

    def __init__(self) -> None:
        self._held: OrderedDict[Client, _Held] = OrderedDict()

    def known(self, ask: KnownToken) -> str:
        """A token that can be used, or an empty text."""
        held = self._held.get(ask.client)
        return held.usable(ask.at, ask.refused) if held else ""

    async def new(self, ask: NewToken, send: Callable[[Send], Awaitable[Answer | Failure]]) -> str:
        """Ask for a token, or take the one that another call got meanwhile. Raises CASK-R031."""
        held = self._held.setdefault(ask.client, _Held())
        self._held.move_to_end(ask.client)
        before = held.asked
        async with held.lock:
            if found := held.usable(ask.at, ask.refused):
                return found
            if held.asked != before and held.no is not None:  # whoever waited for an answer has it: a server that hangs is waited for once
                raise CaskError(held.no.code, held.no.what)
            return await self._got(held, ask, send)

    async def _got(self, held: _Held, ask: NewToken, send: Callable[[Send], Awaitable[Answer | Failure]]) -> str:
        held.token = held.no = None
        self._thin()
        reply = await send(Send(asked_at(ask, held.refresh), ask.place, ask.to, LIMIT, apart=True))
        held.asked += 1
        try:
            held.token = given(reply, ask.client, ask.at)
        except CaskError as no:
            held.no = no
            raise
        held.refresh = held.token.refresh or held.refresh
        return held.token.access

    def _thin(self) -> None:
        """Forget the longest unused beyond the bound; one that is being got is left."""
        idle = [client for client, held in self._held.items() if not held.lock.locked()]
        for client in idle[: max(0, len(self._held) - HELD)]:
            del self._held[client]


def asked_at(ask: NewToken, refresh: str) -> PreparedRequest:
    """The request, at the place that was checked."""
    request, place = asking(ask.client, refresh), ask.place
    return PreparedRequest(request.method, place.scheme, place.host, place.port, request.target, request.headers, request.body)
