"""A browser context's events as exchanges, in the browser's own process: each request with its answer and its body, while it can be had.

Promises that each request is given once: when it is finished or has failed, with its body if that can be had, or without when the end comes
first. Waits for nothing but Playwright's answers; who ends what hangs is `browser.py`.
"""

import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Final

from playwright.sync_api import BrowserContext, Error, Frame, Page, Request, Response, WebSocket

from caskmcp.compiler.capture.sources.interface import Recorded, RecordedBody
from caskmcp.model.exchange import Pair
from caskmcp.record import frames
from caskmcp.record.frames import Met, Went

LARGEST: Final = 64 << 20
"""Bytes of a body that are taken; `compiler.capture.bodies` keeps no larger one."""
# Chromium drops the bodies of a page when it goes to the next one, often before anybody could ask for them. Kept by the browser's own process
# they outlive it. An old browser that does not know this ignores it.
DURABLE: Final = {"enableDurableMessages": True, "maxTotalBufferSize": 4 * LARGEST, "maxResourceBufferSize": LARGEST}

_ASSETS: Final = frozenset(("stylesheet", "image", "media", "font", "script", "texttrack", "manifest", "cspreport"))
_BODILESS: Final = frozenset((101, 204, 205, 304))


class Traffic:
    """What a context does, sent as it comes: exchanges, and where its pages go."""

    def __init__(self, send: Callable[[frames.Frame], None]) -> None:
        self._send = send
        self._calls: dict[Request, Response | None] = {}
        """Requests that are under way, in order, with the head of the answer if it is here."""
        self._pages: set[Page] = set()
        self._number = 0
        self.reading = 0
        """Bodies that are being read."""
        self.latest = 0.0
        """When something happened last, on the monotonic clock."""

    @property
    def is_open(self) -> bool:
        """Whether a request is under way."""
        return bool(self._calls)

    def watch(self, context: BrowserContext) -> None:
        """See everything of a context, from its first page on."""
        context.on("request", self._on_request)
        context.on("response", self._on_response)
        context.on("requestfinished", self._on_finished)
        context.on("requestfailed", self._on_failed)
        context.on("page", self.join)

    def join(self, page: Page) -> None:
        """Watch a page: at its event, or before it comes."""
        if page not in self._pages:
            self._pages.add(page)
            page.on("websocket", self._on_websocket)
            page.on("framenavigated", self._on_navigated)
            _outlive(page.context, page)

    def give_up(self) -> None:
        """Send what is under way as far as it is known."""
        for request in tuple(self._calls):
            self._give(request, self._calls.pop(request), None)

    # ---------------------------------------------------------------- events
    def _on_navigated(self, frame: Frame) -> None:
        if frame.parent_frame is None:
            self._send(Went(frame.url))
        else:
            _outlive(frame.page.context, frame)

    def _on_websocket(self, socket: WebSocket) -> None:
        self._number += 1
        self._send(Met(Recorded(f"exchange {self._number}", "GET", socket.url, status=101, kind="websocket")))

    def _on_request(self, request: Request) -> None:
        self._calls[request] = None
        self.latest = time.monotonic()

    def _on_response(self, response: Response) -> None:
        if response.request in self._calls:
            self._calls[response.request] = response
        self.latest = time.monotonic()

    def _on_failed(self, request: Request) -> None:
        """A page that leaves breaks off answers that it never read: their heads are known, and sometimes their bodies."""
        if self._calls.get(request) is not None:
            self._on_finished(request)
        elif request in self._calls:
            self._give(request, self._calls.pop(request), None)

    def _on_finished(self, request: Request) -> None:
        """Read the body; other events run beside this meanwhile."""
        self.reading += 1
        try:
            response = self._calls.get(request)
            body = _body(response) if response else None
            sent, answered = _headers(request), _headers(response) if response else ()
            if request in self._calls:  # else the end came first, and gave it without
                self._give(request, self._calls.pop(request), body, sent, answered)
        finally:
            self.reading -= 1
            self.latest = time.monotonic()

    def _give(
        self, request: Request, response: Response | None, body: bytes | None, sent: tuple[Pair, ...] = (), answered: tuple[Pair, ...] = ()
    ) -> None:
        self._number += 1
        self._send(Met(_recorded(f"exchange {self._number}", request, response, body, sent, answered)))


# ---------------------------------------------------------------- what an exchange is made of
def _outlive(context: BrowserContext, target: Page | Frame) -> None:
    """Let bodies outlive their page."""
    with suppress(Error):  # a frame in its page's process has no session of its own, and needs none; or it is gone already
        context.new_cdp_session(target).send("Network.enable", DURABLE)


def _recorded(
    place: str, request: Request, response: Response | None, body: bytes | None, sent: tuple[Pair, ...], answered: tuple[Pair, ...]
) -> Recorded:
    """sent, answered: the headers as they went over the wire; where they are not known, what the page asked for and was shown."""
    sent = _sound(sent or request.headers.items())
    answered = _sound(answered or (response.headers.items() if response else ()))
    return Recorded(
        place,
        request.method,
        request.url,
        headers=sent,
        request=_sent(request.post_data_buffer, sent),
        status=response.status if response else 0,
        # The browser unpacked the body.
        response_headers=tuple(pair for pair in answered if pair[0].lower() != "content-encoding"),
        response=_received(response, body, answered) if response else None,
        kind=request.resource_type.lower(),
    )


def _body(response: Response) -> bytes | None:
    """The body, or None where there is none to be had."""
    if _is_bodiless(response):
        return b""
    media, length = (response.headers.get(name, "") for name in ("content-type", "content-length"))
    if (response.request.resource_type in _ASSETS and "json" not in media) or (length.isdecimal() and int(length) > LARGEST):
        return None
    try:
        body: bytes = response.body()
    except Error:
        return None
    return body


def _is_bodiless(response: Response) -> bool:
    return response.status in _BODILESS or 300 <= response.status < 400 or response.request.method == "HEAD"


def _headers(message: Request | Response) -> tuple[Pair, ...]:
    """The headers as they went over the wire, or none if they are not known."""
    try:
        return tuple((header["name"], header["value"]) for header in message.headers_array())
    except Error:
        return ()


def _sound(pairs: Iterable[Pair]) -> tuple[Pair, ...]:
    """Pairs without lone surrogates, which no encoding can write."""
    return tuple((_whole(name), _whole(value)) for name, value in pairs)


def _whole(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")


def _sent(data: bytes | None, headers: tuple[Pair, ...]) -> RecordedBody | None:
    """What was sent. Chromium does not tell files and blobs: then only that there was a body."""
    media, length = _first(headers, "content-type"), _first(headers, "content-length")
    if data:
        return RecordedBody(media, data=data, size=len(data))
    return RecordedBody(media, size=int(length)) if length.isdecimal() and int(length) else None


def _received(response: Response, body: bytes | None, headers: tuple[Pair, ...]) -> RecordedBody:
    media = _first(headers, "content-type")
    if body is None:
        return RecordedBody(media, size=0 if _is_bodiless(response) else -1)
    return RecordedBody(media, data=body, size=len(body)) if body else RecordedBody(media, size=0)


def _first(headers: tuple[Pair, ...], name: str) -> str:
    return next((value for key, value in headers if key.lower() == name), "")
