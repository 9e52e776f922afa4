"""The live proxy: mitmdump on 127.0.0.1, whose exchanges with the first parties come through a pipe; everything else passes it unrecorded.

Tunnels to other hosts are not opened: their bytes go through as they are. Its certificate authority is kept in the user's state folder, so that
it has to be trusted once; the key is readable by the user alone.
"""

import os
import re
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

from caskmcp.compiler.capture.sources import flows
from caskmcp.compiler.capture.sources.flows import Message
from caskmcp.compiler.capture.sources.interface import Recorded
from caskmcp.errors import AGAIN, CaskError
from caskmcp.model.exchange import Skipped
from caskmcp.record.mitmdump import Program
from caskmcp.record.session import Session, not_begun, opening

ADDRESS: Final = "127.0.0.1"
BODY: Final = 16 << 20
"""Bytes of a body that are held back; a larger one passes as it comes, and its size alone is kept."""
START: Final = 60.0
"""Seconds that mitmdump has to listen after it was started."""
AUTHORITY: Final = "mitmproxy-ca-cert.pem"


class Listening(NamedTuple):
    """A proxy that can be used."""

    port: int
    version: str
    authority: Path
    """The certificate to be trusted, PEM."""


def exchanges(
    program: Program,
    confdir: Path,
    *,
    hosts: tuple[str, ...],
    port: int,
    duration: float | None,
    trusted: Path | None,
    tell: Callable[[Listening], None],
) -> Iterator[Recorded | Skipped]:
    """What passes, as it passes; mitmdump starts with the first item. At the end of the duration (seconds), and at Ctrl-C, it is asked to end,
    and gives what is still under way.

    confdir: where its certificate authority is kept. hosts: as the manifest's. port: 0 takes a free one. trusted: certificates (PEM) to be
    trusted for upstreams, in place of the usual ones. tell: called once it listens. Raises CASK-C020 where it does not begin.
    """
    _refuse_taken(port)
    _keep_private(confdir)
    settings = {"hosts": hosts, "body": BODY}
    with Session(program, tuple(_arguments(hosts, port, trusted)), settings, confdir, stdin=subprocess.DEVNULL, live=True) as session:
        session.limit(START)
        said = flows.messages(session.blocks(), live=True)
        version = opening(said, program)
        listening = Listening(_port(said, program), version, confdir / AUTHORITY)
        _keep_private(confdir)
        session.limit(duration)
        tell(listening)
        yield from _seen(said, session)


def _seen(said: Iterator[Message], session: Session) -> Iterator[Recorded | Skipped]:
    has_ended = False
    for number, each in enumerate(said):
        has_ended = isinstance(each, flows.Ended)
        if (item := flows.taken(each, number)) is None:
            continue
        try:
            yield item
        except KeyboardInterrupt:  # heard while the item was worked on; what is under way still comes
            if session.ending:
                raise
            session.end()
    if not has_ended:
        how = "it did not end in time, and was ended" if session.ending else "it ended by itself"
        yield Skipped("mitmdump", "broken", detail=f"{how}; what it had said until then is kept")


def _port(said: Iterator[Message], program: Program) -> int:
    first = next(said, None)
    if not isinstance(first, flows.Listening):
        raise not_begun(program)
    return first.port


def _arguments(hosts: tuple[str, ...], port: int, trusted: Path | None) -> Iterator[str]:
    yield from ("--listen-host", ADDRESS, "-p", str(port), "--set", f"stream_large_bodies={BODY}", "--set", "onboarding=false")
    for host in hosts:
        yield from ("--allow-hosts", _pattern(host))
    if trusted is not None:
        yield from ("--set", f"ssl_verify_upstream_trusted_ca={trusted}")


def _pattern(host: str) -> str:
    """The form of `host:port` that mitmdump opens a tunnel for."""
    name, _, port = host.partition(":")
    return f"^{re.escape(name)}:{port or '[0-9]+'}$"


def _refuse_taken(port: int) -> None:
    with socket.socket() as probe:
        # As a server does: a connection that ended a moment ago keeps nobody out.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((ADDRESS, port))
        except OSError as cause:
            what = f"port {port} is taken by another program, or not allowed: {(cause.strerror or '').lower()}"
            other = port + 1 if 1024 <= port < 65535 else 8080
            raise CaskError("CASK-C020", what, place=f"{ADDRESS}:{port}", mend=f"{AGAIN} --port {other}") from cause


def _keep_private(folder: Path) -> None:
    """The folder 0700, what lies in it 0600: mitmdump leaves certificates readable by everyone."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    for name in os.listdir(folder):
        (folder / name).chmod(0o600)
