"""JSON-RPC lines from a client, read within bounds: what is no message is answered at once, and never reaches the protocol library.

Promises: no line makes the reader hold more than its bound; broken JSON, a duplicate key, a batch, an object that is no message and an id
that is none each get one error (JSON-RPC 2.0 section 5.1) with the id where it can be read; reading goes on after any of them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from caskmcp.errors import CaskError
from caskmcp.text import parse_json

LONGEST: Final = 4 << 20
"""Bytes of one line."""
PARSE_ERROR: Final = -32700
INVALID_REQUEST: Final = -32600
KEYS: Final = frozenset({"jsonrpc", "id", "method", "params", "result", "error"})


@dataclass(frozen=True)
class Message:
    """A JSON object that has the form of a JSON-RPC message."""

    value: dict[str, Any]


@dataclass(frozen=True)
class Bad:
    """What the client has to be told."""

    code: int
    text: str
    id: int | str | None = None


class LineReader:
    """Cuts bytes into lines and lines into messages."""

    def __init__(self, longest: int = LONGEST) -> None:
        self._longest = longest
        self._rest = bytearray()
        self._skipping = False

    def feed(self, data: bytes) -> Iterator[Message | Bad]:
        """Take bytes as they come; yields what the lines that ended in them say."""
        *whole, rest = data.split(b"\n")
        for part in whole:
            yield from self._ended(part)
        yield from self._kept(rest)

    def _ended(self, part: bytes) -> Iterator[Message | Bad]:
        if self._skipping:
            self._skipping = False
            return
        if len(self._rest) + len(part) > self._longest:
            self._rest.clear()
            yield self._too_long()
            return
        line = bytes(self._rest) + part
        self._rest.clear()
        if line.strip():
            yield parse(line)

    def _kept(self, rest: bytes) -> Iterator[Message | Bad]:
        if self._skipping:
            return
        if len(self._rest) + len(rest) > self._longest:
            self._rest.clear()
            self._skipping = True
            yield self._too_long()
            return
        self._rest += rest

    def _too_long(self) -> Bad:
        return Bad(INVALID_REQUEST, f"a message is longer than {self._longest} bytes")


def parse(line: bytes) -> Message | Bad:
    """What one line says."""
    try:
        value = parse_json(line, "message")
    except CaskError:
        return Bad(PARSE_ERROR, "this is no JSON, or has a key twice, a number that is none, or too many levels")
    if not isinstance(value, dict):
        return Bad(INVALID_REQUEST, "a batch is not taken" if isinstance(value, list) else "a message is an object")
    return _formed(value)


def _formed(value: dict[str, Any]) -> Message | Bad:
    given = value.get("id")
    known = given if isinstance(given, int | str) and not isinstance(given, bool) else None
    if "id" in value and known is None:
        return Bad(INVALID_REQUEST, "an id is a text or an integer")
    if value.get("jsonrpc") != "2.0" or set(value) - KEYS:
        return Bad(INVALID_REQUEST, "this is no JSON-RPC 2.0 message", known)
    if "method" in value:
        fits = isinstance(value["method"], str) and isinstance(value.get("params", {}), dict) and not {"result", "error"} & set(value)
        return Message(value) if fits else Bad(INVALID_REQUEST, "method is a text and params an object", known)
    if known is not None and len({"result", "error"} & set(value)) == 1:
        return Message(value)
    return Bad(INVALID_REQUEST, "a message has a method, a result or an error", known)
