"""A call that its client and its server both report counts once, wherever the two spans stand in the file.

The client's span is the parent of the server's. Calls wait for each other in a window of `WINDOW`; two spans of one call that stand further
apart count twice. It leaves open longer chains: a proxy between the two that reports spans of its own is called, and calls.
"""

from collections.abc import Iterable, Iterator
from typing import Final
from urllib.parse import urlsplit

import msgspec

from caskmcp.compiler.capture.sources.interface import Recorded
from caskmcp.compiler.capture.sources.otel.span import CLIENT, Span, call
from caskmcp.model.exchange import Skipped

WINDOW: Final = 10_000
"""Calls that wait for their other half at a time."""
Key = tuple[str, str]


class _Sides:
    """The spans of one call, as far as they were seen."""

    __slots__ = ("client", "servers")

    def __init__(self) -> None:
        self.client: Recorded | None = None
        self.servers: list[Recorded] = []


class Waiting:
    """Calls that wait for their other half; each is given out once."""

    def __init__(self, window: int = WINDOW) -> None:
        self._window = window
        self._sides: dict[Key, _Sides] = {}
        self._held = 0

    def take(self, span: Span | Skipped) -> list[Recorded | Skipped]:
        """What a span lets out: nothing while it waits, itself if it waits for nobody, and the oldest calls beyond the window."""
        found = span if isinstance(span, Skipped) else call(span)
        key = None if isinstance(span, Skipped) else _key(span)
        if isinstance(found, Skipped) or key is None:
            return [found]
        _put(self._sides.setdefault(key, _Sides()), found, is_client=isinstance(span, Span) and span.kind == CLIENT)
        self._held += 1
        return self._oldest() if self._held > self._window else []

    def rest(self) -> Iterator[Recorded | Skipped]:
        """All that still waits."""
        while self._sides:
            yield from self._oldest()

    def _oldest(self) -> list[Recorded | Skipped]:
        sides = self._sides.pop(next(iter(self._sides)))
        self._held -= len(sides.servers) + (sides.client is not None)
        return list(_together(sides))


def calls(spans: Iterable[Span | Skipped], window: int = WINDOW) -> Iterator[Recorded | Skipped]:
    """Each call over HTTP once; what was skipped, as it is. The same calls for any order of spans, if all of them fit into the window."""
    waiting = Waiting(window)
    for span in spans:
        yield from waiting.take(span)
    yield from waiting.rest()


def _key(span: Span) -> Key | None:
    """Trace and span id of the client's side; None if nobody else can report the same call."""
    client = span.id if span.kind == CLIENT else span.parent
    return (span.trace, client) if span.trace and client else None


def _put(sides: _Sides, found: Recorded, *, is_client: bool) -> None:
    if is_client and sides.client is None:
        sides.client = found
    else:
        sides.servers.append(found)


def _together(sides: _Sides) -> Iterator[Recorded]:
    """What is left of both sides. A client that follows redirects by itself has several servers: one of them answered its URL."""
    servers = sorted(sides.servers, key=lambda each: (each.url, each.status, each.route, each.place))
    if sides.client is None:
        yield from servers
        return
    client = sides.client
    match = next((each for each in servers if _path(each) == _path(client)), servers[0] if servers else None)
    yield client if match is None else _merged(client, match)
    yield from (each for each in servers if each is not match)


def _merged(client: Recorded, server: Recorded) -> Recorded:
    """The server's side, at the address that the client called; behind a rewriting proxy the client's path is what can be called."""
    if _path(client) != _path(server):
        return client
    return msgspec.structs.replace(
        server,
        url=server.url if client.hostless else client.url,
        hostless=client.hostless and server.hostless,
        headers=server.headers or client.headers,
        request=server.request or client.request,
        status=server.status or client.status,
        response_headers=server.response_headers or client.response_headers,
        response=server.response if server.response and server.response.media else client.response,
        route=server.route or client.route,
    )


def _path(recorded: Recorded) -> str:
    try:
        return urlsplit(recorded.url).path or "/"
    except ValueError:
        return recorded.url
