"""The list of tools as it goes out: shaped and encoded once for each surface and revision, then sent again as it is.

A list of a thousand tools takes the protocol library some 30 ms to check, shape and encode; nothing of that depends on who asks. Promises: what is
sent again is what the library made of the very same surface; a request that holds anything out of the ordinary, and each one of the handshake
era (whose gate is behind this), goes the whole way. Whether the surface is fresh is the front's to say.
"""

import json
from collections.abc import Awaitable, Callable, Mapping
from functools import cached_property
from typing import Any, Final

import mcp_types as t
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

LIST: Final = "tools/list"
ROWS: Final = "tools"
USUAL: Final = frozenset({
    "io.modelcontextprotocol/protocolVersion", "io.modelcontextprotocol/clientInfo", "io.modelcontextprotocol/clientCapabilities",
})  # fmt: skip
"""What the envelope of a plain request holds; the library has checked each before it comes here."""

Next = Callable[[Any], Awaitable[Any]]


class Rows(list[Any]):
    """The rows of a list, with their JSON."""

    @cached_property
    def json(self) -> bytes:
        """Encoded once."""
        return to_json(list(self))


class Listings:
    """Middleware in front of the list's handler. current: the result that the handler would return now; the same object while nothing changed."""

    def __init__(self, current: Callable[[Any], Awaitable[Mapping[str, Any]]]) -> None:
        self._current = current
        self._made: dict[tuple[str, int], tuple[Mapping[str, Any], dict[str, Any]]] = {}

    async def __call__(self, ctx: Any, call_next: Next) -> Any:
        """The result, from what was kept where that holds."""
        if not _is_plain(ctx):
            return await call_next(ctx)
        current = await self._current(ctx)
        key = (ctx.protocol_version, id(current))
        kept = self._made.get(key)
        if kept is not None and kept[0] is current:
            return kept[1]
        result = await call_next(ctx)
        if isinstance(result, dict) and await self._current(ctx) is current:
            result = {**result, ROWS: Rows(result[ROWS])}
            self._keep(key, current, result)
        return result

    def _keep(self, key: tuple[str, int], current: Mapping[str, Any], result: dict[str, Any]) -> None:
        """Note what was made; what belongs to lists of earlier surfaces goes when there is too much."""
        if len(self._made) >= MOST:
            self._made.clear()
        self._made[key] = (current, result)


MOST: Final = 32
"""Lists that are kept: one for each revision and kind of caller."""


def _is_plain(ctx: Any) -> bool:
    """Whether it is a request for the list in the era without a handshake, with nothing in it but the envelope."""
    params = ctx.params or {}
    meta = params.get("_meta") or {}
    return ctx.method == LIST and ctx.protocol_version in MODERN_PROTOCOL_VERSIONS and set(params) == {"_meta"} and set(meta) <= USUAL


def line(message: t.JSONRPCMessage) -> bytes:
    """A message as its line, without the end. Rows that were encoded before are put in as they are."""
    rows = message.result.get(ROWS) if isinstance(message, t.JSONRPCResponse) else None
    if not isinstance(message, t.JSONRPCResponse) or not isinstance(rows, Rows):
        return message.model_dump_json(by_alias=True, exclude_unset=True).encode("utf-8")
    rest = to_json({name: value for name, value in message.result.items() if name != ROWS})
    joined = b'{"tools":' + rows.json + (b"," + rest[1:] if len(rest) > 2 else b"}")
    return b'{"jsonrpc":"2.0","id":' + to_json(message.id) + b',"result":' + joined + b"}"


def to_json(value: Any) -> bytes:
    """Compact JSON in UTF-8."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
