"""Bearer tokens of the HTTP transport: who a request comes from, and which toolsets it may see.

Promises: a token is stored as its digest alone; every row is compared, each in constant time, so that the time of an answer tells neither
which row came near nor how near; a file that others may read or write is for `workflows/serve.py` to refuse, which has the disk.
"""

import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from caskmcp import canon
from caskmcp.model.token import TokenRow

SIZE: Final = 32
"""Bytes of a token that is made here."""
PREFIX: Final = "cask_"
"""What a token begins with, so that scanners for leaked secrets know it."""


@dataclass(frozen=True)
class Caller:
    """Who calls, as policy, record and confirmations know it."""

    name: str
    toolsets: frozenset[str] | None = None
    """The only toolsets that it may see; None: whatever the server serves."""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)
    """What it sent beside, by name in lower case: approved rules say which of these authenticate calls. Never the server's own token."""


def fresh(name: str, toolsets: Iterable[str], entropy: bytes) -> tuple[str, TokenRow]:
    """A new token and its row. name: one that `model.token.NAME` takes."""
    token = PREFIX + entropy.hex()
    return token, TokenRow(name=name, sha256=digest(token.encode()), toolsets=tuple(toolsets))


def digest(token: bytes) -> str:
    """Under what a token is stored."""
    return canon.digest_bytes(token).removeprefix("sha256:")


def caller(rows: Iterable[TokenRow], token: bytes) -> Caller | None:
    """Whose token it is; None for nobody's."""
    sent = digest(token)
    found: Caller | None = None
    for row in rows:
        if hmac.compare_digest(sent, row.sha256):
            found = Caller(f"token {row.name}", frozenset(row.toolsets) or None)
    return found
