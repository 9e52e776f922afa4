"""`cask capture mcp`: what an existing MCP server offers becomes a document of the project, and its tools operations that a person can approve."""

from typing import Final
from urllib.parse import urlsplit

from caskmcp import canon
from caskmcp.errors import CaskError
from caskmcp.model.auth import REFERENCE
from caskmcp.model.finding import Report
from caskmcp.ports import World
from caskmcp.record import mcp_surface
from caskmcp.workflows import document, live

END: Final = ".mcp.json"


def run(world: World, *, target: tuple[str, ...], hosts: tuple[str, ...], at: str | None, token: str | None) -> Report:
    """List a server and take its surface in. target: its URL, or the command that starts it on its stdio; then `at` is where it is called.

    token: a reference (`env:NAME`) to what the server wants to see. Raises CASK-I001 for what is given, CASK-W007 for a server that cannot be
    listed, CASK-C003 where none of its tools can be offered; then nothing is written.
    """
    url = _address(at if at is not None else target[0] if len(target) == 1 else "")
    wanted = tuple(dict.fromkeys((host_of(url), *hosts)))
    live.first_parties(world, wanted)
    secret = world.credentials.resolve(_reference(token)) if token else ""
    surface = mcp_surface.of_command(target, url) if at is not None else mcp_surface.of_url(url, secret)
    data = canon.pretty({"schema": surface.format, **surface.plain()})
    return document.take(world, surface.server.name or host_of(surface.server.url), END, data, wanted)


def _address(url: str) -> str:
    """A server's address. Raises CASK-I001 for anything else: a query or a name in it would authenticate, and the document is committed."""
    parts = urlsplit(url)
    if parts.scheme in ("http", "https") and parts.hostname and not (parts.query or parts.fragment or parts.username or parts.password):
        return url
    what = "expected the server's http(s) address without query and user, or a command with `--at ADDRESS`: tools are called over HTTP"
    raise CaskError("CASK-I001", what, mend="cask capture mcp --help")


def host_of(url: str) -> str:
    """The host of an http(s) address as the manifest writes it: with a port that is not the scheme's."""
    parts = urlsplit(url)
    standard = {"http": 80, "https": 443}[parts.scheme]
    return f"{parts.hostname}:{parts.port}" if parts.port and parts.port != standard else str(parts.hostname)


def _reference(token: str) -> str:
    if not REFERENCE.fullmatch(token):
        raise CaskError("CASK-I001", "expected `--token env:NAME` or `--token keyring:NAME`", mend="cask capture mcp --help")
    return token
