"""Request headers: which can matter for an operation, and how a request authenticated.

Transport, browser, proxy, cache and tracing headers say nothing about an operation; credentials are never kept, only their scheme and name.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Final, NamedTuple

from caskmcp.compiler.fleeting import may_be
from caskmcp.model.exchange import Pair
from caskmcp.redact.checks import decoded

# fmt: off
_NAMES_DROPPED: Final = """
accept accept-charset accept-encoding accept-language accept-datetime user-agent referer referrer origin host content-length content-type
content-encoding content-md5 content-disposition date dnt te trailer transfer-encoding connection keep-alive upgrade upgrade-insecure-requests
via from expect range pragma cache-control max-forwards http2-settings priority purpose save-data device-memory downlink ect rtt dpr width
viewport-width early-data alt-used idempotent
cookie cookie2 set-cookie authorization www-authenticate forwarded true-client-ip client-ip x-real-ip x-client-ip x-client-data
x-requested-with x-moz x-purpose x-uidh x-wap-profile x-chrome-connected x-http2-stream-id x-att-deviceid
x-request-id x-correlation-id x-amzn-trace-id x-cloud-trace-context x-request-start x-trace-id x-span-id x-transaction-id request-id request-context
correlation-id correlation-context traceparent tracestate baggage sentry-trace uber-trace-id newrelic elastic-apm-traceparent x-instana-t
x-amz-date x-amz-content-sha256 x-amz-cf-id x-amz-security-token x-goog-api-client x-client-version x-sentry-auth postman-token cdn-loop
access-control-request-method access-control-request-headers access-control-request-private-network
"""
_BEGINNINGS_DROPPED: Final = (
    ":", "sec-", "if-", "proxy-", "x-forwarded", "x-original-", "x-b3-", "x-datadog-", "x-newrelic-", "x-ot-span", "x-envoy-", "cf-", "fastly-",
    "x-proxy", "x-playwright", "x-chromium-", "x-firefox-", "x-devtools-", "x-stainless-", "x-browser-", "x-akamai", "x-vercel-", "x-azure-ref",
    "ot-tracer-", "x-cloud-trace", "x-middleware-", "x-nextjs-", "x-sentry-",
)
# fmt: on
DROPPED: Final = frozenset(_NAMES_DROPPED.split())
_NAMES_ANSWERED: Final = """
content-type content-language etag link allow accept-patch retry-after deprecation sunset preference-applied
content-range x-total-count x-total x-total-pages x-pages x-page x-per-page x-next-page x-prev-page x-next-cursor total-count pagination-count
"""
ANSWERED: Final = frozenset(_NAMES_ANSWERED.split())
"""Response headers that say something about the operation."""
_BEGINNINGS_ANSWERED: Final = ("ratelimit", "x-ratelimit-", "x-rate-limit-", "x-pagination-")
_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", re.ASCII)
_SCHEMES: Final = frozenset(("bearer", "basic", "digest"))
"""Schemes of `Authorization` that have a name of their own; any other is `header:authorization`."""
_SESSIONS: Final = re.compile(
    r"(?i)(?:.*[-_.]|__host-|__secure-)?(?:sess(?:ion)?(?:[-_.]?id)?|sid|connect\.sid|[jp]h?p?sess(?:ion)?id|auth(?:[-_.]?(?:token|session))?|"
    r"(?:access|refresh|id)[-_.]?token|token|jwt|remember[-_.]?(?:me|user)?(?:[-_.]token)?|identity|login|asp\.net_sessionid|aspxauth|"
    r"laravel_session|sessionid|jsessionid|phpsessid)(?:[-_.].*)?"
)

_TELLING: Final = frozenset(("cookie", "authorization", "proxy-authorization"))
_NAMES_OF_PARAMETERS: Final = "token|response|signature|password|secret|mac|hmac|access_token|api_?key|oauth_token|oauth_signature"
_PARAMETER: Final = re.compile(rf'(?i)(?:^|[\s,])(?:{_NAMES_OF_PARAMETERS})\s*=\s*"?([^",\s]+)')
"""Parameters of `Authorization` that are credentials by themselves: `Token token="…"`, `Digest … response="…"`, `AWS4-… Signature=…`."""


def is_token(text: str) -> bool:
    """Whether a text is a token (RFC 9110 section 5.6.2): what a method or a header's name is made of."""
    return _TOKEN.fullmatch(text) is not None


class Named(NamedTuple):
    """What the names of a message's headers say, whatever their values are: most messages of a recording have the same ones."""

    lowered: tuple[str, ...]
    """The names as `lowered` gives them, in order."""
    spelled: Mapping[str, tuple[str, ...]]
    """As `spelled`."""
    credentials: frozenset[str]
    """Those in lower case that authenticate."""
    kept: frozenset[str]
    """Those that can matter in a request, as `kept`."""
    answered: frozenset[str]
    """Those that can matter in a response, as `answered`."""
    telling: frozenset[str]
    """Those whose values `cookies`, `secrets`, `auth` and `principal` look at."""
    fleeting: frozenset[str]
    """Those of a request whose values may live for a session."""


def names(headers: Iterable[Pair]) -> tuple[str, ...]:
    """The names as recorded, in order."""
    return tuple([name for name, _ in headers])


def named(headers: Iterable[Pair], is_credential: Callable[[Mapping[str, tuple[str, ...]], str], bool]) -> Named:
    """What the names say. is_credential: asked with the ways in which names were written, and a name in lower case."""
    plain = [(name, "") for name, _ in lowered(headers)]
    written = spelled(headers)
    credentials = frozenset(name for name, _ in plain if is_credential(written, name))
    matter, answers = (frozenset(name for name, _ in found) for found in (kept(plain, credentials.__contains__), answered(plain)))
    live = frozenset(name for name, _ in plain if name != "cookie" and may_be("header", name))
    return Named(tuple(name for name, _ in plain), written, credentials, matter, answers, credentials | _TELLING, live)


def lowered(headers: Iterable[Pair]) -> list[Pair]:
    """The headers with their names in lower case: what HTTP/2 sends, and what the rest of this module takes."""
    return [(name.strip().lower(), value) for name, value in headers]


def spelled(headers: Iterable[Pair]) -> dict[str, tuple[str, ...]]:
    """Name in lower case -> the ways in which it was written: `X-ApiSecret` has words that `x-apisecret` has not."""
    found: dict[str, tuple[str, ...]] = {}
    for name in sorted({name.strip() for name, _ in headers}):
        found[name.lower()] = (*found.get(name.lower(), ()), name)
    return found


def kept(headers: Iterable[Pair], is_credential: Callable[[str], bool]) -> tuple[Pair, ...]:
    """The headers that can matter, in order. Names are in lower case here and below (`lowered`)."""
    return tuple((name, value) for name, value in headers if _matters(name) and (not is_credential(name) or may_be("header", name)))


@lru_cache(maxsize=4096)
def _matters(name: str) -> bool:
    return name not in DROPPED and not name.startswith(_BEGINNINGS_DROPPED) and is_token(name)


def answered(headers: Iterable[Pair]) -> tuple[Pair, ...]:
    """The response headers that can matter, in order."""
    return tuple((name, value) for name, value in headers if name in ANSWERED or name.startswith(_BEGINNINGS_ANSWERED))


def cookie_names(sent: Iterable[Pair], listed: Iterable[str]) -> tuple[str, ...]:
    """Names of the cookies sent and of those that a recorder lists beside the header, sorted."""
    return tuple(sorted({name for name, _ in sent} | {name for name in listed if name}))


def cookies(headers: Iterable[Pair]) -> list[Pair]:
    """Names and values of the `Cookie` headers."""
    lines = ";".join(value for name, value in headers if name == "cookie")
    split = (part.strip().partition("=") for part in lines.split(";"))
    return [(name.strip(), value.strip()) for name, equals, value in split if equals and name.strip()]


def auth(
    headers: Iterable[Pair], query: Iterable[str], names: Iterable[str], userinfo: bool, is_credential: Callable[[str], bool]
) -> tuple[str, ...]:
    """How the request authenticated, as `Exchange.auth`: sorted, never a value. `query` names its credentials in the query, `names` its cookies."""
    found = {"basic"} if userinfo else set()
    for name, value in headers:
        if name == "authorization":
            scheme = value.split(" ", 1)[0].lower()
            found.add(scheme if scheme in _SCHEMES else "header:authorization")
        elif name not in DROPPED and is_credential(name) and is_token(name) and not may_be("header", name):
            found.add(f"header:{name}")
    found |= {f"query:{name}" for name in query}
    return tuple(sorted(found | {f"cookie:{name}" for name in names if _is_session(name)}))


def principal(headers: Iterable[Pair], sent: Iterable[Pair], is_credential: Callable[[str], bool]) -> str:
    """What says in whose session a request was made: its session cookie, else its credential; empty if nothing does. sent: its cookies.

    A cookie that is called a token comes after one that is not: tokens are renewed within a session.
    """
    rows = tuple(headers)
    cookies = sorted((("token" in name.lower() or "jwt" in name.lower(), name, value) for name, value in sent if _is_session(name)))
    known = [value for _, _, value in cookies] + [value for name, value in rows if name == "authorization"]
    others = sorted((name, value) for name, value in rows if name not in DROPPED and is_credential(name) and not may_be("header", name))
    return next((value for value in (*known, *(value for _, value in others)) if value), "")


@lru_cache(maxsize=4096)
def _is_session(name: str) -> bool:
    return _SESSIONS.fullmatch(name) is not None


def first(headers: Iterable[Pair], name: str) -> str:
    """The value of the first header of a name in lower case, or an empty text."""
    return next((value for key, value in headers if key.lower() == name), "")


def secrets(headers: Iterable[Pair], sent: Iterable[Pair], is_credential: Callable[[str], bool]) -> list[str]:
    """The credentials themselves (of headers and of cookies `sent`), to be looked for in the rest of the exchange."""
    found = [value.strip().rpartition(" ")[2] for name, value in headers if name != "cookie" and is_credential(name)]
    given = [value for name, value in headers if name in ("authorization", "proxy-authorization")]
    more = [each for value in given for each in (_password(value), *(_PARAMETER.findall(value) if "=" in value else ()))]
    return [*found, *filter(None, more), *(value for name, value in sent if _is_session(name))]


def _password(authorization: str) -> str:
    """The password of the scheme `Basic` (RFC 7617), or an empty text. Tools let people write `user:password` as it is."""
    scheme, _, rest = authorization.strip().partition(" ")
    if scheme.lower() != "basic":
        return ""
    plain = decoded(rest.strip()) or ""
    return (plain if ":" in plain else rest.strip()).partition(":")[2]
