"""Which recorded requests are calls of an API: everything else is left out with a reason from `model.exchange.REASONS`.

The rules are rows, asked in order; the first that applies gives the reason. First parties are the intake's question, which comes before.
"""

import re
from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase
from typing import Final, NamedTuple

from caskmcp.compiler.capture.address import Address
from caskmcp.compiler.capture.bodies import media_type
from caskmcp.compiler.capture.headers import first
from caskmcp.compiler.capture.sources.interface import Recorded
from caskmcp.model.exchange import RESTORABLE, Body


class Seen(NamedTuple):
    """What the rules look at."""

    recorded: Recorded
    where: Address
    response: Body | None
    """Decoded, not yet redacted."""

    @property
    def media(self) -> str:
        """The response's media type, of an empty body too, or an empty text."""
        told = self.recorded.response.media if self.recorded.response else ""
        return media_type(told or first(self.recorded.response_headers, "content-type"))


# fmt: off
_ASSET_MEDIA: Final = re.compile(
    r"(?:image|font|audio|video)/.*|text/(?:css|javascript|ecmascript|x-component)|"
    r"application/(?:javascript|x-javascript|ecmascript|wasm|manifest\+json|vnd\.ms-fontobject|(?:x-)?font-.*|x-shockwave-flash)"
)
_ASSET_PATH: Final = re.compile(
    r"(?i).*\.(?:css|js|mjs|cjs|jsx|tsx|map|png|jpe?g|gif|svg|webp|avif|ico|bmp|cur|woff2?|ttf|otf|eot|mp4|webm|mp3|wav|ogg|m4a|wasm|webmanifest)"
)
_ASSET_KINDS: Final = frozenset(("stylesheet", "image", "media", "font", "script", "texttrack", "manifest", "signedexchange"))
_PAGE_MEDIA: Final = frozenset(("text/html", "application/xhtml+xml"))
_MARKUP: Final = re.compile(r"<(?:!doctype|!--|\?xml|[a-z][a-z0-9]*[\s>/])", re.IGNORECASE)
_NOISE_KINDS: Final = frozenset(("cspviolationreport", "csp_report", "prefetch"))
_ANALYTICS_KINDS: Final = frozenset(("ping", "beacon"))
_NOISE_MEDIA: Final = frozenset(("application/csp-report", "application/reports+json"))
_NOISE_METHODS: Final = frozenset(("HEAD", "OPTIONS", "TRACE", "CONNECT"))
_NOISE_PATH: Final = re.compile(
    r"/(?:robots\.txt|sitemap[^/]*\.xml|favicon\.ico|browserconfig\.xml|crossdomain\.xml|\.well-known/(?:appspecific|assetlinks|apple-app-site|change-password).*"
    r"|cdn-cgi/.*|socket\.io/.*|sockjs-node/.*|__webpack_hmr|__vite_ping|_next/(?:static|image|data|webpack-hmr).*|@vite/.*|livereload.*)"
)
_ANALYTICS_PATH: Final = re.compile(r"/(?:(?:g/|j/)?collect(?:/.*)?|beacon(?:/.*)?|_?rum(?:/.*)?|__utm\.gif|_vercel/(?:insights|speed-insights)/.*)")
# Whole paths at the root alone: `/api/events` may well be a collection. What is told and answered with nothing is no use of an API.
_TELLING_PATH: Final = re.compile(r"/(?:v[0-9]/)?(?:events?|track(?:ing)?|telemetry|analytics|web-?vitals|pixel|client-?(?:logs?|errors?|metrics))(?:/batch)?")
_HEALTH_PATH: Final = re.compile(
    r"/(?:_{0,2}(?:health|healthz|healthcheck|health-check|health_check)(?:/(?:live|ready|liveness|readiness))?|livez|readyz|_{1,2}(?:ping|ready|alive)|actuator/health(?:/.*)?)"
)
_MAP_PATH: Final = re.compile(r"(?i).*\.(?:js|mjs|cjs|css)\.map")
# fmt: on
LONGEST_ANSWER: Final = 4096
"""Characters that an answer may have which is served as a page and is none: `OK`, a number, a message."""


def _is_websocket(seen: Seen) -> bool:
    return seen.where.scheme in ("ws", "wss") or seen.recorded.status == 101 or seen.recorded.kind == "websocket"


def _is_preflight(seen: Seen) -> bool:
    headers = seen.recorded.headers
    if seen.recorded.method.upper() != "OPTIONS":
        return seen.recorded.kind == "preflight"
    asks = first(headers, "access-control-request-method") or first(headers, "origin")
    return seen.recorded.kind == "preflight" or bool(asks)


def _has_no_response(seen: Seen) -> bool:
    """A call that failed. What a person only wrote down was never sent, and states an operation (ADR 0010)."""
    return not (seen.recorded.stated and seen.recorded.status == 0) and not 100 <= seen.recorded.status <= 599


def _is_asset(seen: Seen) -> bool:
    if seen.recorded.method.upper() != "GET" or (seen.response is not None and seen.response.kind == "json"):
        return False
    fetched = seen.recorded.kind in ("xhr", "fetch") or first(seen.recorded.headers, "sec-fetch-dest") == "empty"
    if seen.recorded.kind in _ASSET_KINDS or _ASSET_PATH.fullmatch(seen.where.path):
        return True
    return not fetched and _ASSET_MEDIA.fullmatch(seen.media) is not None


def _is_page(seen: Seen) -> bool:
    if seen.response is not None and seen.response.kind in ("json", "stream", "form"):
        return False
    if seen.media in _PAGE_MEDIA:
        return _is_markup(seen)
    return not seen.media and _navigates(seen) and seen.recorded.method.upper() == "GET"


def _is_markup(seen: Seen) -> bool:
    text = _text(seen)
    if text is None or not text.strip():
        return _navigates(seen) or 300 <= seen.recorded.status < 400 or bool(seen.response and seen.response.size)
    return len(text) > LONGEST_ANSWER or _MARKUP.search(text) is not None


def _text(seen: Seen) -> str | None:
    recorded = seen.recorded.response
    if recorded is None or recorded.text is not None:
        return recorded.text if recorded else None
    return None if recorded.data is None else recorded.data[: LONGEST_ANSWER + 1].decode("utf-8", "replace")


def _navigates(seen: Seen) -> bool:
    """A browser went there to show it."""
    headers = seen.recorded.headers
    told = first(headers, "sec-fetch-mode")
    return seen.recorded.kind == "document" or (told == "navigate" if told else first(headers, "accept").startswith("text/html"))


def _is_noise(seen: Seen) -> bool:
    sent = seen.recorded.request
    return (
        seen.recorded.kind in _NOISE_KINDS
        or seen.recorded.method.upper() in _NOISE_METHODS
        or _NOISE_PATH.fullmatch(seen.where.path) is not None
        or (sent is not None and media_type(sent.media) in _NOISE_MEDIA)
    )


def _is_source_map(seen: Seen) -> bool:
    return seen.recorded.method.upper() == "GET" and _MAP_PATH.fullmatch(seen.where.path) is not None


def _is_analytics(seen: Seen) -> bool:
    sent = seen.recorded.request
    told = (
        _TELLING_PATH.fullmatch(seen.where.path) and seen.recorded.method.upper() == "POST" and not (seen.response and seen.response.size)
    )
    return (
        seen.recorded.kind in _ANALYTICS_KINDS
        or bool(told)
        or _ANALYTICS_PATH.fullmatch(seen.where.path) is not None
        or (sent is not None and media_type(sent.media) == "text/ping")
    )


def _is_health(seen: Seen) -> bool:
    return seen.recorded.method.upper() in ("GET", "HEAD") and _HEALTH_PATH.fullmatch(seen.where.path) is not None


class Reason(NamedTuple):
    """A row: why a request is left out, and when."""

    id: str
    reason: str
    applies: Callable[[Seen], bool]


# fmt: off
RULES: Final = (
    #      id              reason         applies
    Reason("websocket",    "websocket",   _is_websocket),
    Reason("preflight",    "preflight",   _is_preflight),
    Reason("no-response",  "no response", _has_no_response),
    Reason("source-map",   "source map",  _is_source_map),
    Reason("analytics",    "analytics",   _is_analytics),
    Reason("health",       "health",      _is_health),
    Reason("asset",        "asset",       _is_asset),
    Reason("page",         "page",        _is_page),
    Reason("noise",        "noise",       _is_noise),
)
# fmt: on


def reason(seen: Seen) -> str:
    """Why a first party's request is left out, or an empty text."""
    return next((row.reason for row in RULES if row.applies(seen)), "")


class Keep:
    """What a person wants although it looks like no use of an API: reasons, and patterns of paths (`/collect/*`, `POST /events`)."""

    def __init__(self, wanted: Iterable[str] = ()) -> None:
        listed = tuple(wanted)
        self._reasons = frozenset(text for text in listed if "/" not in text)
        self._patterns = tuple(text.rpartition(" ")[::2] for text in listed if "/" in text)

    def __call__(self, left_out: str, method: str, path: str) -> bool:
        """Whether a request that would be left out is wanted. Only what is `RESTORABLE` can be."""
        if left_out not in RESTORABLE:
            return False
        return left_out in self._reasons or any(
            wanted in ("", method.upper()) and fnmatchcase(path, pattern) for wanted, pattern in self._patterns
        )
