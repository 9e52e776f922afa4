"""Where a request went: scheme, host, port, path and query of a URL as recorded, and whether that is a first party."""

import re
from collections.abc import Iterable
from typing import Final, NamedTuple
from urllib.parse import SplitResult, quote, unquote_plus, urlsplit

from caskmcp.model.exchange import Pair

DEFAULT_PORTS: Final = {"http": 80, "https": 443, "ws": 80, "wss": 443}
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_HOST: Final = re.compile(r"[a-z0-9_](?:[a-z0-9_.-]{0,252}[a-z0-9_])?|\[[0-9a-f:.]+\]", re.ASCII)
_PATH_SIGNS: Final = "/%:@!$&'()*+,;=~-._"
_PLAIN: Final = re.compile(
    r"(https?)://([a-z0-9](?:[a-z0-9.-]{0,252}[a-z0-9])?)(/[A-Za-z0-9/%:@!$&'()*+,;=~._-]*)?(?:\?([\x21\x22\x24-\x7e]*))?", re.ASCII
)
"""A URL in lower case without port, user and fragment, whose path needs no quoting."""


class Address(NamedTuple):
    """A URL taken apart. `port` is 0 for the scheme's default; the fragment is dropped; `userinfo` is whether there was one."""

    scheme: str
    host: str
    port: int
    path: str
    query: tuple[Pair, ...]
    userinfo: bool


def address(url: str) -> Address:
    """Take a URL apart. Raises ValueError with what is wrong with it, in our words, without quoting it."""
    if plain := _PLAIN.fullmatch(url):  # nearly all of them; what needs more than to be cut in pieces goes the long way
        scheme, host, path, query = plain.groups()
        return Address(scheme, host, 0, path or "/", pairs(query or ""), False)
    if _CONTROL.search(url):
        raise ValueError("the URL holds a control character")
    parts, port = _split(url)
    scheme = parts.scheme.lower()
    if scheme not in DEFAULT_PORTS:
        return Address(scheme, "", 0, "", (), False)
    host = _host(parts.hostname or "")
    return Address(
        scheme,
        host,
        0 if port == DEFAULT_PORTS[scheme] else port,
        quote(parts.path or "/", safe=_PATH_SIGNS),
        pairs(parts.query),
        parts.username is not None or parts.password is not None,
    )


def _split(url: str) -> tuple[SplitResult, int]:
    try:
        parts = urlsplit(url)
        return parts, parts.port or 0
    except ValueError as cause:
        # The library's words would quote the URL.
        raise ValueError("the URL has no valid host and port") from cause


def _host(name: str) -> str:
    try:
        host = name if name.isascii() else name.encode("idna").decode("ascii")
    except UnicodeError as cause:
        raise ValueError("the host is no name") from cause
    host = f"[{host}]" if ":" in host else host.removesuffix(".").lower()
    if not _HOST.fullmatch(host):
        raise ValueError("the URL has no host")
    return host


def pairs(query: str) -> tuple[Pair, ...]:
    """Names and values of a query or a form (URL standard, application/x-www-form-urlencoded), in order; empty values count, empty pairs (`?=`) do not."""
    if not query:
        return ()
    split = (part.partition("=") for part in query.split("&") if part.strip("="))
    return tuple((unquote_plus(name, errors="replace"), unquote_plus(value, errors="replace")) for name, _, value in split)


class FirstParties:
    """The manifest's `hosts:`. `api.x` means every port, `api.x:8080` that one only."""

    def __init__(self, hosts: Iterable[str]) -> None:
        names = [host.lower().removesuffix(".") for host in hosts]
        self._any = frozenset(name for name in names if ":" not in name)
        self._exact = frozenset(name for name in names if ":" in name)

    def __contains__(self, where: Address) -> bool:
        port = where.port or DEFAULT_PORTS.get(where.scheme, 0)
        return where.host in self._any or f"{where.host}:{port}" in self._exact


def named(where: Address) -> str:
    """The host as a report names it: with its port if that is not the scheme's own."""
    return f"{where.host}:{where.port}" if where.port else where.host
