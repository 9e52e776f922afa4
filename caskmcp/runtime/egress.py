"""Where a call may go: scheme, host and port of the signed plan or of the chosen environment, and addresses that are checked one by one.

Promises: a host is a name or a strict address literal, never what a resolver would read as an address (`127.1`, `0x7f.1`, `2130706433`);
every answer of the resolver has to be allowed, not just the first; nothing of a redirect is followed. The connection goes to the address that
was checked here, `upstream` sees to that. Which networks are closed is `networks`' table.
"""

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final
from urllib.parse import urlsplit

from caskmcp.errors import CaskError
from caskmcp.model.project import EnvironmentHost
from caskmcp.runtime import networks
from caskmcp.runtime.plan import PORTS, PreparedRequest

LABEL: Final = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?", re.ASCII)
NUMERIC: Final = re.compile(r"[0-9]+|0x[0-9a-f]*", re.ASCII)
"""A last label that resolvers read as part of an IPv4 address (WHATWG URL section 3.5)."""
LOCAL_NAMES: Final = ("localhost", "localhost.localdomain", "ip6-localhost", "ip6-loopback")


@dataclass(frozen=True)
class Destination:
    """An approved place."""

    scheme: str
    host: str
    """A name in lower case without root dot, or a literal without brackets."""
    port: int
    private: bool = False
    """Whether a signed environment opened private networks for it."""

    @property
    def literal(self) -> bool:
        """Whether the host is an address, so that nothing is left to resolve."""
        return is_literal(self.host)


def destination(request: PreparedRequest, host: str, environment: Mapping[str, EnvironmentHost]) -> Destination:
    """Where the request goes. host: as the signed plan names it, with its port where that is not the scheme's.

    Raises CASK-E001 for another scheme or port, or where an environment was chosen that has no place for the host; CASK-E004 for a host that is none.
    """
    place = environment.get(host)
    if place is not None:
        return parse_origin(place.url, private=place.private)
    if environment:
        raise CaskError("CASK-E001", f"the chosen environment has no place for {shown(host)}", mend="name the host under `environments:`")
    return _checked(request.scheme, request.host, request.port, private=False)


@lru_cache(maxsize=256)  # the places of signed environments: asked for each call, and few
def parse_origin(url: str, *, private: bool) -> Destination:
    """Parse `scheme://host[:port]`. Raises CASK-E001 or CASK-E004."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError as cause:
        raise CaskError("CASK-E004", "the place is not written as scheme, host and port") from cause
    if parts.path not in ("", "/") or parts.query or parts.fragment or "@" in parts.netloc:
        raise CaskError("CASK-E001", "a place is scheme, host and port only")
    return _checked(parts.scheme, host, PORTS.get(parts.scheme, 0) if port is None else port, private=private)


def _checked(scheme: str, host: str, port: int, *, private: bool) -> Destination:
    if scheme not in PORTS:
        raise CaskError("CASK-E001", "only http and https leave this machine")
    if not 1 <= port <= 65_535:
        raise CaskError("CASK-E001", "the port is none")
    return Destination(scheme, strict_host(host, private=private), port, private)


def redirected(request: PreparedRequest, place: Destination) -> PreparedRequest:
    """The request at another place; path, query and Host header stay as approved."""
    return replace(request, scheme=place.scheme, host=place.host, port=place.port)


# ---------------------------------------------------------------- hosts
def strict_host(host: str, *, private: bool = False) -> str:
    """The host in its one form. Raises CASK-E004 for what is neither a name nor a strict literal, CASK-E003 for a name of this machine."""
    name = host.lower()
    if name.startswith("[") and name.endswith("]") and ":" in name:
        name = name[1:-1]
    if is_literal(name):
        return name
    name = name.removesuffix(".")
    labels = name.split(".")
    if len(name) > 253 or NUMERIC.fullmatch(labels[-1]) or not all(LABEL.fullmatch(label) for label in labels):
        raise CaskError("CASK-E004", f"the host {shown(host)} is no name and no strict address")
    if not private and (name in LOCAL_NAMES or name.endswith(".localhost")):
        raise CaskError("CASK-E003", f"the host {name} names this machine")
    return name


@lru_cache(networks.LATELY)
def is_literal(host: str) -> bool:
    """Whether the host is an address in the one form of `ipaddress`, without a zone."""
    try:
        return "%" not in host and bool(ipaddress.ip_address(host))
    except ValueError:
        return False


def shown(host: str) -> str:
    """A host as an error names it: cut, and without characters that are none of a host."""
    return re.sub(r"[^A-Za-z0-9._:\[\]-]", "?", host)[:80]


# ---------------------------------------------------------------- addresses
def allowed(addresses: tuple[str, ...], place: Destination) -> tuple[str, ...]:
    """The addresses, if every one of them may be reached. Raises CASK-E002 for none at all, CASK-E003 for the first that may not."""
    if not addresses:
        raise CaskError("CASK-E002", f"{shown(place.host)} has no address")
    for address in addresses:
        check_address(address, private=place.private)
    return addresses


def check_address(address: str, *, private: bool) -> None:
    """Return if a connection may go to the address. Raises CASK-E003. private: whether a signed environment opened private networks."""
    if not is_literal(address):
        raise CaskError("CASK-E003", "an answer of the resolver is no plain address")
    row = networks.denied(address)
    if row is not None and not (private and row.opens):
        mend = "give the place `private: true` under `environments:`, approve it, and serve with --env" if row.opens else None
        raise CaskError("CASK-E003", f"the address is {row.what}", mend=mend)


def leaving(location: str, place: Destination, host: str) -> str | None:
    """Where a redirect would lead, if that is not the approved place; None if it stays. No redirect is followed. host: as in the Host header."""
    try:
        parts = urlsplit(location)
        scheme = parts.scheme or place.scheme
        origin = (scheme, (parts.hostname or "").lower(), parts.port or PORTS.get(scheme, 0))
    except ValueError:
        return "a place that cannot be read"
    if not parts.scheme and not parts.netloc and not location.startswith(("\\", "/\\")):
        return None
    own = {(place.scheme, place.host, place.port), _origin(place.scheme, host)}
    return None if origin in own and "@" not in parts.netloc else shown(parts.hostname or location)


def _origin(scheme: str, host: str) -> tuple[str, str, int]:
    parts = urlsplit(f"{scheme}://{host}")
    return scheme, (parts.hostname or "").lower(), parts.port or PORTS[scheme]
