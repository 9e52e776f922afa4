"""The stdio transport: our bounded reader in front of the protocol library, and one writer behind it.

Promises: stdout carries JSON-RPC lines and nothing else, whatever else writes to it in this process; what is no message is answered here
(`lines`); the library is fed one message at a time, so a client that does not read its answers stops being read; a client that closes its
end right after asking is answered.
"""

import os
import select
import stat
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

from caskmcp.errors import CaskError
from caskmcp.runtime.lines import INVALID_REQUEST, Bad, LineReader, Message
from caskmcp.runtime.listing import line

PIECE: Final = 1 << 16
AT_ONCE: Final[int] = getattr(select, "PIPE_BUF", 512)
"""Bytes that a pipe takes without waiting where it has any room (POSIX); a socket that is writable has more."""
DRAIN: Final = 1.5
"""Seconds that calls on their way have after the client closed its end; clients give a server about two before they end it."""
UNENDING: Final = frozenset({"subscriptions/listen"})
"""Requests that are answered only when the connection ends."""


ToLibrary = MemoryObjectSendStream[SessionMessage | Exception]
ToClient = MemoryObjectSendStream[SessionMessage]


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
    """Take the process's stdin and stdout for the protocol: others read nothing from 0, and what they write to 1 goes to stderr.

    Raises CASK-W001 where one of them is closed: then no client is there.
    """
    if sys.stdin is None or sys.stdout is None:
        raise CaskError("CASK-W001", "stdin or stdout is closed: a client has to hold their other ends", mend="cask config --client NAME")
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


class Pending:
    """The requests that wait for an answer."""

    def __init__(self) -> None:
        self._ids: set[int | str] = set()
        self._none = anyio.Event()

    def asked(self, message: t.JSONRPCMessage) -> None:
        """Note a request."""
        if isinstance(message, t.JSONRPCRequest) and message.method not in UNENDING:
            self._ids.add(message.id)

    def answered(self, message: t.JSONRPCMessage) -> None:
        """Note an answer."""
        if isinstance(message, t.JSONRPCResponse | t.JSONRPCError) and message.id is not None:
            self._ids.discard(message.id)
        if not self._ids:
            self._none.set()
            self._none = anyio.Event()

    async def over(self) -> None:
        """Return when every request was answered, or after a while."""
        with anyio.move_on_after(DRAIN):
            while self._ids:
                await self._none.wait()


@asynccontextmanager
async def served(wire: Wire) -> AsyncIterator[Streams]:
    """Streams of messages over the wire; they end when the client closes its end, after what was asked before is answered."""
    to_library, from_client = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    to_client, from_library = anyio.create_memory_object_stream[SessionMessage](0)
    pending = Pending()
    async with from_client, to_client, anyio.create_task_group() as tasks:
        tasks.start_soon(_reading, wire.read, to_library, to_client.clone(), pending)
        tasks.start_soon(_writing, wire.write, from_library, pending)
        yield Streams(from_client, to_client)
        tasks.cancel_scope.cancel()


async def _reading(end: int, to_library: ToLibrary, to_client: ToClient, pending: Pending) -> None:
    lines, waits = LineReader(), _loop_waits(end)
    async with to_library, to_client:
        while data := await _read(end, waits=waits):
            for said in lines.feed(data):
                try:
                    await _passed(said, to_library, to_client, pending)
                except (anyio.BrokenResourceError, anyio.ClosedResourceError):
                    # The server has ended: nobody is left to pass it to.
                    return
        await pending.over()


async def _read(end: int, *, waits: bool) -> bytes:
    """The next bytes; none at the end. A pipe or socket is waited for by the loop, since handing each read to a thread costs more than the read."""
    if not waits:
        return await to_thread.run_sync(os.read, end, PIECE, abandon_on_cancel=True)
    await anyio.wait_readable(end)
    return os.read(end, PIECE)  # nobody else reads from it, so what was there is there


async def _passed(said: Message | Bad, to_library: ToLibrary, to_client: ToClient, pending: Pending) -> None:
    message = said if isinstance(said, Bad) else _typed(said.value)
    if isinstance(message, Bad):
        error = t.JSONRPCError(jsonrpc="2.0", id=message.id, error=t.ErrorData(code=message.code, message=message.text))
        await to_client.send(SessionMessage(error))
    else:
        pending.asked(message)
        await to_library.send(SessionMessage(message))


def _typed(value: dict[str, Any]) -> t.JSONRPCMessage | Bad:
    try:
        return t.jsonrpc_message_adapter.validate_python(value, by_name=False)
    except ValidationError:
        given = value.get("id")
        return Bad(INVALID_REQUEST, "this is no JSON-RPC 2.0 message", given if isinstance(given, int | str) else None)


async def _writing(end: int, messages: MemoryObjectReceiveStream[SessionMessage], pending: Pending) -> None:
    room = Room(end)
    async with messages:
        async for each in messages:
            try:
                await _write(end, line(each.message) + b"\n", room)
            except OSError:
                # The client closed its end; reading ends as well, and with it the server.
                return
            pending.answered(each.message)


async def _write(end: int, data: bytes, room: "Room") -> None:
    """Write a line. One that fits into a pipe that has room is written at once; a client that does not read stops a thread, and never the loop."""
    fits = len(data) <= AT_ONCE and room.is_there()
    done = os.write(end, data) if fits else 0
    if done < len(data):
        await to_thread.run_sync(_write_all, end, data[done:])


def _loop_waits(end: int) -> bool:
    """Whether the end is one that a loop can wait for: not a file, and no terminal, which others share."""
    if not hasattr(select, "poll"):  # on Windows
        return False
    mode = os.fstat(end).st_mode
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)


class Room:
    """Whether a write of `AT_ONCE` bytes would not wait."""

    def __init__(self, end: int) -> None:
        self._asked = select.poll() if _loop_waits(end) else None
        if self._asked is not None:
            self._asked.register(end, select.POLLOUT)

    def is_there(self) -> bool:
        """Ask now."""
        return self._asked is not None and any(event & select.POLLOUT for _, event in self._asked.poll(0))


def _write_all(end: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(end, rest) :]
