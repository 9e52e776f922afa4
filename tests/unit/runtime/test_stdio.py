"""The transport on real pipes: lines become messages, what is none is answered, and the end of input waits for answers, but not for ever."""

import json
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import mcp_types as t
import pytest
from mcp.shared.message import SessionMessage

from caskmcp.runtime import stdio
from caskmcp.runtime.stdio import Streams, Wire, served
from tests.support.patience import HANGS

Serve = Callable[[Streams], Awaitable[None]]


def request(number: int, method: str = "tools/list") -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": {}}).encode() + b"\n"


async def echo(streams: Streams) -> None:
    """A server that answers each request at once."""
    async for item in streams.read:
        await streams.write.send(SessionMessage(_answer(item)))
    await streams.write.aclose()


async def deaf(streams: Streams) -> None:
    """A server that answers nothing."""
    async for _ in streams.read:
        continue
    await streams.write.aclose()


async def slow(streams: Streams) -> None:
    """A server that answers after a while."""
    async for item in streams.read:
        await anyio.sleep(0.3)
        await streams.write.send(SessionMessage(_answer(item)))
    await streams.write.aclose()


def _answer(item: Any) -> Any:
    return t.JSONRPCResponse(jsonrpc="2.0", id=item.message.id, result={"method": item.message.method})


def spoken(data: bytes, serve: Serve = echo) -> list[dict[str, Any]]:
    """What the client reads when it writes these bytes and closes its end."""
    in_read, in_write = os.pipe()
    out_read, out_write = os.pipe()
    os.write(in_write, data)
    os.close(in_write)

    async def run() -> None:
        async with served(Wire(in_read, out_write)) as streams:
            await serve(streams)

    async def bounded() -> None:
        with anyio.fail_after(HANGS):
            await run()

    anyio.run(bounded)
    os.close(out_write)
    with os.fdopen(out_read, "rb") as pipe:
        lines = pipe.read().splitlines()
    os.close(in_read)
    return [json.loads(line) for line in lines]


def test_each_request_reaches_the_server_and_each_answer_the_client() -> None:
    assert spoken(request(1) + request(2, "tools/call")) == [
        {"jsonrpc": "2.0", "id": 1, "result": {"method": "tools/list"}},
        {"jsonrpc": "2.0", "id": 2, "result": {"method": "tools/call"}},
    ]


def test_what_is_no_message_is_answered_with_an_id_or_null() -> None:
    bad = b"junk\n" + b'{"jsonrpc":"1.0","id":5,"method":"x"}\n' + b"[]\n"
    assert [(row["id"], row["error"]["code"]) for row in spoken(bad)] == [(None, -32700), (5, -32600), (None, -32600)]


@pytest.mark.parametrize(
    "value", [{"jsonrpc": "2.0", "id": 1, "error": {"code": "x"}}, {"jsonrpc": "2.0", "id": 2**70, "method": "tools/list"}]
)
def test_what_the_library_takes_for_no_message_is_answered_as_well(value: dict[str, Any]) -> None:
    said = spoken(json.dumps(value).encode() + b"\n" + request(9))
    assert said[-1]["id"] == 9
    assert len(said) == 2


def test_an_answer_that_takes_a_while_is_waited_for() -> None:
    assert [row["id"] for row in spoken(request(1), slow)] == [1]


# Who waits where nothing is waited for, waits an hour.
@pytest.mark.parametrize(("data", "drain"), [(request(1), 0.3), (request(1, "subscriptions/listen"), 3600.0), (b"", 3600.0)])
def test_an_answer_that_never_comes_is_not_waited_for_long(data: bytes, drain: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stdio, "DRAIN", drain)
    assert spoken(data, deaf) == []


def test_a_long_answer_to_a_client_that_reads_late_comes_whole() -> None:
    """Longer than a pipe holds: a thread writes it, and the loop goes on meanwhile."""
    ticks = []

    async def long(streams: Streams) -> None:
        async for item in streams.read:
            await streams.write.send(SessionMessage(_answer_of(item, "x" * 300_000)))
            ticks.append("sent")
        await streams.write.aclose()

    in_read, in_write = os.pipe()
    out_read, out_write = os.pipe()
    os.write(in_write, request(1) + request(2))
    os.close(in_write)
    data = bytearray()

    async def read_late() -> None:
        while not ticks:  # the loop runs although the first answer waits for us
            await anyio.sleep(0.01)
        while data.count(b"\n") < 2:
            data.extend(await anyio.to_thread.run_sync(os.read, out_read, 1 << 16))

    async def run() -> None:
        with anyio.fail_after(HANGS):
            async with anyio.create_task_group() as tasks, served(Wire(in_read, out_write)) as streams:
                tasks.start_soon(read_late)
                await long(streams)
                while data.count(b"\n") < 2:
                    await anyio.sleep(0.01)

    anyio.run(run)
    assert [len(json.loads(row)["result"]["text"]) for row in data.splitlines()] == [300_000, 300_000]
    for end in (in_read, out_read, out_write):
        os.close(end)


def _answer_of(item: Any, text: str) -> Any:
    return t.JSONRPCResponse(jsonrpc="2.0", id=item.message.id, result={"text": text})


def test_a_short_answer_into_a_full_pipe_waits_in_a_thread() -> None:
    out_read, out_write = os.pipe()
    os.set_blocking(out_write, False)
    filled = 0
    while True:
        try:
            filled += os.write(out_write, b"x" * 4096)
        except BlockingIOError:
            break
    os.set_blocking(out_write, True)
    room = stdio.Room(out_write)
    assert not room.is_there()

    async def run() -> None:
        with anyio.fail_after(HANGS):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(stdio._write, out_write, b"short\n", room)
                await anyio.sleep(0.01)
                rest = filled
                while rest:
                    rest -= len(os.read(out_read, min(rest, 1 << 16)))

    anyio.run(run)
    assert os.read(out_read, 100) == b"short\n"
    for end in (out_read, out_write):
        os.close(end)


def test_input_from_a_file_is_read_as_well(tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(request(1))
    out_read, out_write = os.pipe()
    end = os.open(tmp_path / "in", os.O_RDONLY)
    assert not stdio._loop_waits(end)

    async def run() -> None:
        with anyio.fail_after(HANGS):
            async with served(Wire(end, out_write)) as streams:
                await echo(streams)

    anyio.run(run)
    os.close(out_write)
    assert json.loads(os.read(out_read, 1000))["id"] == 1
    os.close(out_read)
    os.close(end)


def test_a_client_that_is_gone_ends_the_writer_quietly() -> None:
    in_read, in_write = os.pipe()
    out_read, out_write = os.pipe()
    os.close(out_read)
    os.write(in_write, request(1))
    os.close(in_write)

    async def run() -> None:
        with anyio.fail_after(5):
            async with served(Wire(in_read, out_write)) as streams:
                async for item in streams.read:
                    await streams.write.send(SessionMessage(_answer(item)))
                    return

    anyio.run(run)
    os.close(out_write)
    os.close(in_read)
