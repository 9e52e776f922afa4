"""HTTP to the upstream over httpcore2: to the address that was checked and to no other, without proxies, with bounds on time and size.

Promises: the resolver is asked by `addresses` alone; a connection is dialled to a checked literal, which is checked once more as it is
dialled; nothing in the environment sends a request elsewhere; a body is decoded and read up to a bound; a request is sent once.
"""

import ssl
import zlib
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import Any, Final

import anyio
import httpcore2

from caskmcp.errors import CaskError
from caskmcp.runtime.commands import Failure, Resolve, Send
from caskmcp.runtime.egress import Destination, check_address
from caskmcp.runtime.respond import Answer

CONNECT: Final = 5.0
SILENCE: Final = 20.0
"""Seconds between two pieces of an answer."""
TOTAL: Final = 30.0
"""Seconds for the whole call."""
POOLS: Final = 32
"""Places that a connection is kept open to."""
ENCODINGS: Final = ("", "identity", "gzip", "x-gzip", "deflate")

Place = tuple[str, str, int, str, bool]


class CheckedBackend(httpcore2.AsyncNetworkBackend):
    """Dials one checked address, whatever host the connection is for."""

    def __init__(self, address: str, *, private: bool, inner: httpcore2.AsyncNetworkBackend | None = None) -> None:
        self._address = address
        self._private = private
        self._inner = inner or httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Connect to the address. Raises CASK-E003 if it may not be reached."""
        check_address(self._address, private=self._private)
        return await self._inner.connect_tcp(self._address, port, timeout=timeout)


class Upstream:
    """Answers `Resolve` and `Send`. dial: what opens sockets; tests watch it. trusted: hosts whose certificates other authorities give."""

    def __init__(
        self,
        dial: httpcore2.AsyncNetworkBackend | None = None,
        *,
        total: float = TOTAL,
        trusted: Mapping[str, ssl.SSLContext] | None = None,
    ) -> None:
        self._dial = dial
        self._total = total
        self._trusted = trusted or {}
        self._pools: OrderedDict[Place, httpcore2.AsyncConnectionPool] = OrderedDict()

    async def addresses(self, ask: Resolve) -> tuple[str, ...]:
        """Every address of a host, each once, in the resolver's order; empty if there is none or no answer in time."""
        found: list[Any] = []
        with anyio.move_on_after(CONNECT):
            try:
                found = await anyio.getaddrinfo(ask.host, ask.port)
            except OSError:
                return ()
        return tuple(dict.fromkeys(str(row[4][0]) for row in found))

    async def send(self, ask: Send) -> Answer | Failure:
        """Send a request and read its answer. Tries the next address only where no connection was made."""
        outcome: Answer | Failure = Failure("timeout", maybe=True)
        with anyio.move_on_after(self._total):
            for address in ask.to:
                outcome = await self._attempt(ask, address)
                if not (isinstance(outcome, Failure) and outcome.kind == "connect"):
                    break
        return outcome

    async def aclose(self) -> None:
        """Close every connection."""
        while self._pools:
            await self._pools.popitem()[1].aclose()

    async def _attempt(self, ask: Send, address: str) -> Answer | Failure:
        pool = await self._pool(ask.place, address)
        url = httpcore2.URL(scheme=ask.place.scheme, host=ask.place.host, port=ask.place.port, target=ask.request.target)
        headers = [(name.encode("ascii"), value.encode("ascii")) for name, value in ask.request.headers]
        limits = {"timeout": {"connect": CONNECT, "read": SILENCE, "write": SILENCE, "pool": CONNECT}}
        answered = False
        try:
            async with pool.stream(
                ask.request.method, url, headers=headers, content=ask.request.body or None, extensions=limits
            ) as response:
                answered = True
                return await _answer(response, ask.limit)
        except httpcore2.LocalProtocolError as cause:
            raise CaskError("CASK-R003", "the request cannot be written as HTTP") from cause
        except (httpcore2.ConnectError, httpcore2.ConnectTimeout, httpcore2.PoolTimeout) as cause:
            wrong = _certificate(cause)
            return Failure("certificate", maybe=False, why=wrong) if wrong else Failure("connect", maybe=False)
        except httpcore2.TimeoutException:
            return Failure("timeout", maybe=True)
        except (httpcore2.NetworkError, httpcore2.ProtocolError) as cause:
            dropped = not answered and (isinstance(cause, httpcore2.NetworkError) or "disconnected" in str(cause))
            return Failure("dropped" if dropped else "broken", maybe=True)

    async def _pool(self, place: Destination, address: str) -> httpcore2.AsyncConnectionPool:
        key = (place.scheme, place.host, place.port, address, place.private)
        if key not in self._pools:
            backend = CheckedBackend(address, private=place.private, inner=self._dial)
            self._pools[key] = httpcore2.AsyncConnectionPool(
                network_backend=backend, max_connections=20, keepalive_expiry=10.0, ssl_context=self._trusted.get(place.host)
            )
        self._pools.move_to_end(key)
        await self._thin(key)
        return self._pools[key]

    async def _thin(self, kept: Place) -> None:
        """Close the longest unused places beyond the bound; one with a call on its way is left for the next time."""
        idle = [key for key, pool in self._pools.items() if key != kept and all(each.is_idle() for each in pool.connections)]
        for key in idle[: max(0, len(self._pools) - POOLS)]:
            await self._pools.pop(key).aclose()


def trusting(certificates: bytes, place: str) -> ssl.SSLContext:
    """What checks certificates against these authorities alone (PEM). Raises CASK-H002 where there is none among them."""
    try:
        text = certificates.decode("ascii")
        if "CERTIFICATE" not in text:  # of none at all, the library would take those of this machine
            raise ValueError
        return ssl.create_default_context(cadata=text)
    except (ssl.SSLError, ValueError) as cause:
        raise CaskError("CASK-H002", "expected certificates of authorities in PEM form", place=place) from cause


def _certificate(cause: BaseException | None) -> str:
    """What is wrong with the upstream's certificate, if that is why there is no connection."""
    while cause is not None and not isinstance(cause, ssl.SSLCertVerificationError):
        cause = cause.__cause__ or cause.__context__
    return cause.verify_message if cause is not None else ""


async def _answer(response: httpcore2.Response, limit: int) -> Answer | Failure:
    headers = tuple((name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in response.headers)
    coding = next((value.strip().lower() for name, value in headers if name == "content-encoding"), "")
    if coding not in ENCODINGS:
        return Failure("broken", maybe=True)
    body = _Body(limit, zlib.decompressobj(wbits=47) if coding not in ("", "identity") else None)
    try:
        async for piece in response.aiter_stream():
            if not body.take(piece):
                break
    except zlib.error:
        return Failure("broken", maybe=True)
    return Answer(response.status, headers, bytes(body.data), whole=not body.full)


class _Body:
    """The decoded body, up to a bound: what a small answer unpacks to is bounded as well."""

    def __init__(self, limit: int, unpack: Any) -> None:
        self.data = bytearray()
        self.full = False
        self._limit = limit
        self._unpack = unpack

    def take(self, piece: bytes) -> bool:
        """Take a piece; says whether more is wanted."""
        room = self._limit - len(self.data)
        plain = piece[: room + 1] if self._unpack is None else self._unpack.decompress(piece, room + 1)
        self.full = len(plain) > room
        self.data += plain[:room]
        return not self.full
