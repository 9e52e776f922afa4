"""Where a document says that its operations are: servers with their variables filled in by default."""

import re
from typing import Final, NamedTuple
from urllib.parse import quote, urlsplit

from caskmcp.compiler.capture.sources.openapi.node import Node
from caskmcp.model.exchange import Skipped

DEFAULT_PORTS: Final = {"http": 80, "https": 443}

_VARIABLE: Final = re.compile(r"\{([^{}]*)\}")
_PCHAR: Final = "/%!$&'()*+,;=:@~"
"""What stays as it is in a path (RFC 3986 section 3.3); everything else is percent-encoded."""


class Origin(NamedTuple):
    """A server as parts."""

    scheme: str
    host: str
    """Lower case; empty if the document leaves it open (a relative address, or no server at all)."""
    port: int
    """0 for the scheme's default."""
    base: str
    """Path before every template, without a slash at its end."""


NOWHERE: Final = Origin("https", "", 0, "")


def origins(holders: tuple[Node, ...]) -> tuple[Origin, ...]:
    """The servers of the innermost holder (operation, path item, document) that names any, one a host, in order."""
    for holder in holders:
        if listed := holder.items_of("servers"):
            first: dict[str, Origin] = {}
            for server in listed:
                if (row := origin(server)) is not None:
                    first.setdefault(row.host, row)
            return tuple(first.values())
    return (NOWHERE,)


def skipped(holder: Node) -> tuple[Skipped, ...]:
    """Servers of a holder that speak something else than HTTP."""
    return tuple(Skipped(server.place, "not http") for server in holder.items_of("servers") if origin(server) is None)


def origin(server: Node) -> Origin | None:
    """One server; None if its scheme is not http or https. Raises CASK-C002 for an address that cannot be read."""
    url = server.need("url", "a server")
    text = _filled(url.string("`url`"), server)
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as cause:
        # Neither the text nor what the library says of it: either may hold a password.
        raise url.refuse("this is no address: its host or port cannot be read") from cause
    if parts.query or parts.fragment or "@" in parts.netloc or re.search(r"[\x00-\x20\x7f\\]", text):
        raise url.refuse("a server's address has no user, query, fragment, space or control character")
    if parts.scheme not in ("", *DEFAULT_PORTS):
        return None
    if parts.scheme and not parts.hostname:
        raise url.refuse("this address names no host")
    base = quote("/" + parts.path.strip("/"), safe=_PCHAR).rstrip("/")
    scheme = parts.scheme or "https"
    return Origin(scheme, (parts.hostname or "").lower(), 0 if port in (None, DEFAULT_PORTS[scheme]) else int(port or 0), base)


def _filled(url: str, server: Node) -> str:
    variables = server.get("variables")

    def default(match: re.Match[str]) -> str:
        variable = None if variables is None else variables.get(match.group(1))
        if variable is None:
            raise server.refuse(f"the server's variable `{match.group(1)}` is not declared")
        value = variable.need("default", "a server's variable").string("`default`")
        if variable.get("enum") is not None and value not in variable.texts_of("enum"):
            raise variable.refuse(f"the default of the server's variable `{match.group(1)}` is none of its `enum`")
        return value

    return _VARIABLE.sub(default, url)
