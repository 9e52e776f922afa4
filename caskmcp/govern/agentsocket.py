"""The way to an ssh-agent: the Unix socket that SSH_AUTH_SOCK names, bounded in time and size.

One connection a message. What the messages say is `agent`'s. The runtime may not import this.
"""

import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from caskmcp.errors import CaskError

VARIABLE: Final = "SSH_AUTH_SOCK"
LARGEST: Final = 256 << 10
"""Bytes of a message, as OpenSSH's own agent allows."""

_LOOK: Final = "ssh-add -l"


@dataclass(frozen=True)
class AgentSocket:
    """An agent behind a Unix socket."""

    path: str

    def exchange(self, request: bytes, seconds: float) -> bytes:
        """As `agent.Wire`. seconds: for all of it, however slowly the answer drips."""
        until = time.monotonic() + seconds
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link:
            try:
                link.settimeout(seconds)
                link.connect(self.path)
            except OSError as cause:
                raise CaskError("CASK-K005", f"no ssh-agent answers: {cause.strerror or cause}", place=self.path, mend=_LOOK) from cause
            try:
                link.sendall(len(request).to_bytes(4, "big") + request)
                size = int.from_bytes(_taken(link, 4, until), "big")
                if not 1 <= size <= LARGEST:
                    raise self._unusable(f"it announces {size} bytes")
                return _taken(link, size, until)
            except TimeoutError as cause:
                raise self._unusable(f"it did not answer within {seconds:.0f} seconds") from cause
            except OSError as cause:
                raise self._unusable(f"it broke off: {cause.strerror or cause}") from cause

    def _unusable(self, problem: str) -> CaskError:
        return CaskError("CASK-K006", f"the ssh-agent's answer cannot be used: {problem}", place=self.path, mend=_LOOK)


def reach(environ: Mapping[str, str]) -> AgentSocket:
    """The agent of this session. Raises CASK-K005 if none is named."""
    path = environ.get(VARIABLE, "")
    if not path:
        raise CaskError("CASK-K005", f"no ssh-agent: {VARIABLE} is not set", mend=_LOOK)
    return AgentSocket(path)


def _taken(link: socket.socket, size: int, until: float) -> bytes:
    """Exactly so many bytes. Raises TimeoutError when the time is up and OSError when there is no more."""
    data = bytearray()
    while len(data) < size:
        left = until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        link.settimeout(left)
        piece = link.recv(size - len(data))
        if not piece:
            raise ConnectionError("no more bytes")
        data += piece
    return bytes(data)
