"""The stdio transport: our bounded reader in front of the protocol library, and one writer behind it.

Promises: stdout carries JSON-RPC lines and nothing else, whatever else writes to it in this process; what is no message is answered here
(`lines`); the library is fed one message at a time, so a client that does not read its answers stops being read.
"""

import os
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any, Final

import anyio
import mcp_types as t
from anyio import to_thread
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.shared.message import SessionMessage
from pydantic import ValidationError

from caskmcp.runtime.lines import INVALID_REQUEST, Bad, LineReader, Message

PIECE: Final = 1 << 16


@dataclass(frozen=True)
class Wire:
    """The two ends that the client holds the others of."""

    read: int
    write: int


@dataclass(frozen=True)
class Streams:
    """What the protocol library is given."""

    read: MemoryObjectReceiveStream[SessionMessage | Exception]
    write: MemoryObjectSendStream[SessionMessage]


@contextmanager
def claimed() -> Iterator[Wire]:
    """Take the process's stdin and stdout for the protocol: others read nothing from 0, and what they write to 1 goes to stderr."""
    sys.stdout.flush()
    wire = Wire(os.dup(0), os.dup(1))
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    os.close(nothing)
    try:
        yield wire
    finally:
        os.dup2(wire.read, 0)
        os.dup2(wire.write, 1)


@asynccontextmanager
async def served(wire: Wire) -> AsyncIterator[Streams]:
    """Streams of messages over the wire; they end when the client closes its end."""
    to_library, from_client = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    to_client, from_library = anyio.create_memory_object_stream[SessionMessage](0)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_reading, wire.read, to_library, to_client.clone())
        tasks.start_soon(_writing, wire.write, from_library)
        yield Streams(from_client, to_client)
        tasks.cancel_scope.cancel()


async def _reading(
    end: int, to_library: MemoryObjectSendStream[SessionMessage | Exception], to_client: MemoryObjectSendStream[SessionMessage]
) -> None:
    lines = LineReader()
    async with to_library, to_client:
        while data := await to_thread.run_sync(os.read, end, PIECE, abandon_on_cancel=True):
            for said in lines.feed(data):
                try:
                    await _passed(said, to_library, to_client)
                except (anyio.BrokenResourceError, anyio.ClosedResourceError):
                    # The server has ended: nobody is left to pass it to.
                    return


async def _passed(
    said: Message | Bad, to_library: MemoryObjectSendStream[SessionMessage | Exception], to_client: MemoryObjectSendStream[SessionMessage]
) -> None:
    message = said if isinstance(said, Bad) else _typed(said.value)
    if isinstance(message, Bad):
        error = t.JSONRPCError(jsonrpc="2.0", id=message.id, error=t.ErrorData(code=message.code, message=message.text))
        await to_client.send(SessionMessage(error))
    else:
        await to_library.send(SessionMessage(message))


def _typed(value: dict[str, Any]) -> t.JSONRPCMessage | Bad:
    try:
        return t.jsonrpc_message_adapter.validate_python(value, by_name=False)
    except ValidationError:
        given = value.get("id")
        return Bad(INVALID_REQUEST, "this is no JSON-RPC 2.0 message", given if isinstance(given, int | str) else None)


async def _writing(end: int, messages: MemoryObjectReceiveStream[SessionMessage]) -> None:
    async with messages:
        async for each in messages:
            line = each.message.model_dump_json(by_alias=True, exclude_unset=True).encode("utf-8") + b"\n"
            try:
                await to_thread.run_sync(_write_all, end, line)
            except OSError:
                # The client closed its end; reading ends as well, and with it the server.
                return


def _write_all(end: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(end, rest) :]
