"""`cask serve --http`: who may reach the server and who may call it, settled before it listens; then the same front as on stdio.

Promises: without more it listens on the loopback address alone; nobody calls without a token; any other address needs tokens, the URL that
clients use and either TLS here or a proxy that is said to end it. Tokens are kept as digests in a file that others can neither read nor write.
"""

import ipaddress
import shlex
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from caskmcp import text
from caskmcp.errors import AGAIN, CaskError, Exit
from caskmcp.model.token import NAME, TokenFile, TokenRow
from caskmcp.ports import World
from caskmcp.runtime import http_server, tokens
from caskmcp.runtime.http_guard import PATH, Door, Guard
from caskmcp.runtime.http_server import Tls
from caskmcp.runtime.mcp_server import Front
from caskmcp.workflows.serve import Web

OTHERS: Final = 0o077
LARGEST: Final = 1 << 20
PORTS: Final = {"http": 80, "https": 443}


def address(at: str) -> tuple[str, int]:
    """Host and port to listen on. Raises CASK-I010 for what is no address with a port."""
    host, colon, port = at.rpartition(":")
    host = host.removeprefix("[").removesuffix("]") if colon else "127.0.0.1"
    host = "127.0.0.1" if host == "localhost" else host
    try:
        number = int(port) if port.isascii() and port.isdigit() else -1
        if 0 <= number < 1 << 16:
            return str(ipaddress.ip_address(host)), number
    except ValueError:
        pass  # told below, as a bad port is
    raise CaskError("CASK-I010", f"`{text.visible(at)}` is no address with a port", mend="cask serve --http 127.0.0.1:8765")


def tls_of(web: Web) -> Tls | None:
    """Certificate and key, if TLS ends here. Raises CASK-I010 for one without the other."""
    if (web.tls_cert is None) != (web.tls_key is None):
        raise CaskError("CASK-I010", "`--tls-cert` and `--tls-key` go together", mend="cask serve --help")
    return Tls(web.tls_cert, web.tls_key) if web.tls_cert and web.tls_key else None


def refuse_open(web: Web, host: str) -> None:
    """Raise CASK-H001 for an address that others reach without what that needs."""
    if ipaddress.ip_address(host).is_loopback:
        return
    lacks = {
        "--token-file FILE": web.token_file is None,
        "--public-url URL": web.public_url is None,
        "--behind-proxy": tls_of(web) is None and not web.behind_proxy,
    }
    missing = [option for option, absent in lacks.items() if absent]
    if missing:
        what = (
            f"{host} can be reached from other machines: that takes tokens, the URL that clients use, and TLS here or at a proxy in front"
        )
        raise CaskError("CASK-H001", what, mend=f"{AGAIN} {' '.join(missing)}")


# ---------------------------------------------------------------- tokens
def read_tokens(world: World, name: str) -> tuple[TokenRow, ...]:
    """The tokens of a file. Raises CASK-H003 for one that others may read or write, CASK-I002 to I004 for one that cannot be read."""
    path = world.cwd / name
    refuse_shared(world, path)
    rows = TokenFile.from_yaml(world.files.read(path, LARGEST), str(path)).tokens
    if not rows:
        raise CaskError("CASK-I010", "the file holds no token", place=str(path), mend=_making(name))
    return rows


class TokensOnDisk:
    """The tokens of a file as it is now: it is looked at with each request, and read where it is another one.

    A file that is gone, shared with others or wrong lets nobody in until it is mended; that is told once.
    """

    def __init__(self, world: World, name: str, rows: tuple[TokenRow, ...], told: Callable[..., None]) -> None:
        self._world, self._name, self._rows, self._told = world, name, rows, told
        self._key = self._look()

    def __call__(self) -> tuple[TokenRow, ...]:
        """The rows."""
        key = self._look()
        if key != self._key:
            self._key, self._rows = key, self._read()
        return self._rows

    def _look(self) -> Hashable:
        path = self._world.cwd / self._name
        try:
            return self._world.files.stat_key(path), self._world.files.mode(path)
        except CaskError as gone:
            return gone.code

    def _read(self) -> tuple[TokenRow, ...]:
        try:
            rows = read_tokens(self._world, self._name)
        except CaskError as cause:
            self._told("tokens", error=cause.code, tokens=[])
            return ()
        self._told("tokens", tokens=[row.name for row in rows])
        return rows


def refuse_shared(world: World, path: Path) -> None:
    """Raise CASK-H003 for a token file that is not its owner's alone."""
    mode, owner = world.files.mode(path)
    if mode & OTHERS or owner not in (world.uid, 0, -1):
        what = f"others than you may read or write it (mode {mode:04o})" if mode & OTHERS else "it belongs to somebody else"
        raise CaskError("CASK-H003", what, place=str(path), mend=f"chmod 600 {shlex.quote(str(path))}")


def new_token(world: World, *, name: str, token_file: str | None, toolset: str | None) -> Exit:
    """Make a token, keep its digest, print it once. Raises CASK-I010 for a name that cannot be one."""
    if token_file is None:
        raise CaskError("CASK-I010", "a new token needs a file to be kept in", mend=f"{AGAIN} --token-file FILE")
    if NAME.fullmatch(name) is None:
        what = f"`{text.visible(name)}` is no name for a token: a to z, 0 to 9, `.`, `_` and `-`, at most 40 characters"
        raise CaskError("CASK-I010", what, mend="cask serve --help")
    path = world.cwd / token_file
    known = TokenFile()
    if world.files.exists(path):
        refuse_shared(world, path)
        known = TokenFile.from_yaml(world.files.read(path, LARGEST), str(path))
    token, row = tokens.fresh(name, (toolset,) if toolset else (), world.entropy.token(tokens.SIZE))
    world.files.write(path, text.dump_yaml(known.added(row).plain()), private=True)
    world.console.note(f"{path} takes this token of {name}; it is shown only now")
    world.console.out(token)
    return Exit.CLEAN


def _making(name: str) -> str:
    return f"cask serve --token-file {shlex.quote(name)} --new-token NAME"


def _taken(world: World, web: Web) -> tuple[TokenRow, ...]:
    """The tokens that are taken; without a file one that lives as long as the server, shown on the terminal."""
    if web.token_file is not None:
        return read_tokens(world, web.token_file)
    if not world.console.interactive:
        what = "`--http` needs tokens, and there is no terminal to show a passing one on"
        raise CaskError("CASK-I010", what, mend=f"{AGAIN} --token-file FILE")
    token, row = tokens.fresh("terminal", (), world.entropy.token(tokens.SIZE))
    world.console.note(f"cask: until this server ends, clients send: Authorization: Bearer {token}")
    return (row,)


def refuse_unknown(front: Front, rows: tuple[TokenRow, ...]) -> None:
    """Raise CASK-I010 for a token with a toolset that no toolpack has: it would see nothing, and nobody would know why."""
    known = {name for surface in front.surfaces if surface.pack for name in surface.pack.toolsets}
    for row in rows:
        if known and (lost := sorted(set(row.toolsets) - known)):
            what = f"the token of {row.name} names the toolset `{lost[0]}`, which is none; here are: {', '.join(sorted(known))}"
            raise CaskError("CASK-I010", what, mend="cask gate status")


# ---------------------------------------------------------------- the server
def names(host: str, port: int, public: str | None, *, secure: bool) -> tuple[frozenset[str], frozenset[str]]:
    """Values of Host and Origin that are taken. Raises CASK-I010 for a public URL that is none."""
    shown = f"[{host}]" if ":" in host else host
    local = {shown, "localhost"} if ipaddress.ip_address(host).is_loopback else {shown}
    hosts = {f"{name}:{port}" for name in local}
    origins = {f"{'https' if secure else 'http'}://{name}" for name in hosts}
    if public is not None:
        authority, origin = _public(public)
        hosts, origins = hosts | authority, origins | {origin}
    return frozenset(hosts), frozenset(origins)


def _public(url: str) -> tuple[set[str], str]:
    try:
        parts = urlsplit(url.lower())
        name, port = parts.hostname or "", parts.port
    except ValueError:
        name, port, parts = "", None, urlsplit("")
    if parts.scheme not in PORTS or not name or parts.username is not None or parts.query or parts.fragment:
        raise CaskError("CASK-I010", f"`{text.visible(url)}` is no URL that clients could use", mend=f"{AGAIN} --public-url https://NAME")
    shown = f"[{name}]" if ":" in name else name
    usual = PORTS[parts.scheme]
    authority = shown if port in (None, usual) else f"{shown}:{port}"
    return {authority, f"{shown}:{port or usual}"}, f"{parts.scheme}://{authority}"


def log(world: World) -> Callable[[str], None]:
    """Where what happens while it is served is told: one JSON line each."""
    told = http_server.structured(world.console.note, world.clock.now)
    return lambda line: told("log", text=line)


Made = Callable[[Front, Door, Callable[..., None]], Guard]
"""What stands behind the door, made for a front."""


def run(world: World, web: Web, front: Front, greeting: str, made: Made = http_server.protocol, path: str = PATH) -> Exit:
    """Listen, say where, serve until a signal. The front has started already."""
    host, port = address(web.at)
    refuse_open(web, host)
    tls = tls_of(web)
    names(host, port, web.public_url, secure=tls is not None)  # before a port is taken
    rows = _taken(world, web)
    refuse_unknown(front, rows)
    told = http_server.structured(world.console.note, world.clock.now)
    listener = http_server.listening(host, port)
    port = listener.getsockname()[1]
    hosts, origins = names(host, port, web.public_url, secure=tls is not None)
    for line in greeting.splitlines():
        told("start", text=line)
    shown = f"[{host}]" if ":" in host else host
    told("listening", url=f"{'https' if tls else 'http'}://{shown}:{port}{path}", public=web.public_url, tokens=[row.name for row in rows])
    now = TokensOnDisk(world, web.token_file, rows, told) if web.token_file is not None else None
    with listener:
        http_server.run(front, made(front, Door(hosts, origins, rows, now), told), listener, tls, told)
    return Exit.CLEAN
