"""Drives the gateway with the real world: each command is answered by one port, and whatever happens, the call ends with a record.

Promises: an error of a port is thrown back into the step that asked, so the table decides what it means; a fault that nobody foresaw ends the
call with CASK-R011 and where it happened goes to the server's log, its text nowhere; a call that is cancelled is still put on record, a write then
as of unknown outcome.
"""

import traceback
from collections.abc import Awaitable, Callable, Generator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import PurePath
from typing import Any, Final, Protocol

import anyio
import anyio.lowlevel
from anyio import to_thread

from caskmcp.errors import CaskError
from caskmcp.model.decision import Entry
from caskmcp.ports import Credentials
from caskmcp.runtime.breaker import Breaker
from caskmcp.runtime.commands import Command, Confirm, KnownToken, NewToken, Open, Pause, Recall, Record, Resolve, Secret, Send, Spend, Took
from caskmcp.runtime.confirm import Confirmations
from caskmcp.runtime.gateway import Flight, No, faulted, steps
from caskmcp.runtime.keeper import Keeper
from caskmcp.runtime.lanes import Lanes
from caskmcp.runtime.mcp_session import Sessions
from caskmcp.runtime.oauth import Tokens
from caskmcp.runtime.record import Journal
from caskmcp.runtime.respond import Result
from caskmcp.runtime.upstream import Upstream


class Watch(Protocol):
    """Who is told of calls as they are made (`runtime.telemetry`). It decides nothing, and nothing waits for it."""

    def began(self, call: str) -> None:
        """A call came in. call: its id."""

    def decided(self, entry: Entry) -> None:
        """A line was put on record."""

    def ended(self, call: str) -> None:
        """A call was answered, or given up."""

    def close(self) -> None:
        """No call comes any more."""


@dataclass(frozen=True)
class Hands:
    """The ports that answer commands."""

    state: Keeper
    confirmations: Confirmations
    upstream: Upstream
    credentials: Credentials
    journal: Journal
    sessions: Sessions = field(default_factory=Sessions)
    watch: Watch | None = None
    """Traces and metrics, where a person asked for them."""
    tokens: Tokens = field(default_factory=Tokens)
    breaker: Breaker | None = None
    lanes: Lanes = field(default_factory=Lanes)
    delay: Callable[[Pause], float] = lambda ask: ask.least
    """Seconds before a request is sent again."""
    still: Callable[[], Awaitable[None]] = anyio.lowlevel.checkpoint
    """Asked after a wait and before a send. Raises CASK-R001 for a tool that is not approved any more."""


async def conduct(flight: Flight, hands: Hands, log: Callable[[str], None]) -> Result:
    """Take a call to its end. Never raises but for cancellation."""
    if hands.watch is None:
        return await _conducted(flight, hands, log)
    hands.watch.began(flight.call.id)
    try:
        return await _conducted(flight, hands, log)
    finally:
        hands.watch.ended(flight.call.id)


async def _conducted(flight: Flight, hands: Hands, log: Callable[[str], None]) -> Result:
    talk = steps(flight)
    try:
        return await _driven(talk, hands)
    except anyio.get_cancelled_exc_class():
        with anyio.CancelScope(shield=True):
            await _abandoned(talk, hands)
        raise
    except Exception as fault:
        log(f"call {flight.call.id} of {flight.call.tool[:64]!r} failed: {_place(fault)}")
        _note_fault(flight, hands, log)
        return Result(
            "CASK-R011: the call failed inside the runtime; its record has the id", error="CASK-R011", details={"call": flight.call.id}
        )


def _place(fault: BaseException) -> str:
    """What was raised and where: its text may hold what an answer or an argument held, and a log must not."""
    last = traceback.extract_tb(fault.__traceback__)[-1]
    return f"{type(fault).__name__} in {PurePath(last.filename).name}:{last.lineno}"


def _note_fault(flight: Flight, hands: Hands, log: Callable[[str], None]) -> None:
    try:
        hands.journal.append(faulted(flight), durable=True)
    except CaskError as no:
        log(f"call {flight.call.id} is not on record: {no}")


async def _driven(talk: Generator[Command, Any, Result], hands: Hands) -> Result:
    reply: Any = None
    error: CaskError | None = None
    while True:
        try:
            command = talk.throw(error) if error is not None else talk.send(reply)
        except StopIteration as end:
            result: Result = end.value
            return result
        try:
            reply, error = await _HANDS[type(command)](command, hands), None
        except CaskError as no:
            error = no


async def _abandoned(talk: Generator[Command, Any, Result], hands: Hands) -> None:
    """Tell the waiting step that the caller went away, and do what it still wants on record."""
    gone = No("CASK-R007", "the caller cancelled the call", verdict="allow", extra={"outcome": "unknown"})
    try:
        command = talk.throw(gone)
        while True:
            if isinstance(command, Record):
                await _HANDS[Record](command, hands)
            command = talk.send(None) if isinstance(command, Record) else talk.throw(gone)
    except StopIteration:
        # The last step has run.
        return


async def _spend(ask: Spend, hands: Hands) -> Any:
    return await to_thread.run_sync(hands.state.take, ask.toolpack, ask.call, ask.charges, ask.at)


async def _took(ask: Took, hands: Hands) -> None:
    await to_thread.run_sync(hands.state.took, ask.toolpack, ask.call, ask.tokens)


async def _pause(ask: Pause, hands: Hands) -> None:
    await anyio.sleep(hands.delay(ask))
    await hands.still()


async def _confirm(ask: Confirm, hands: Hands) -> Any:
    return await to_thread.run_sync(hands.confirmations.standing, ask)


async def _resolve(ask: Resolve, hands: Hands) -> Any:
    return await hands.upstream.addresses(ask)


async def _secret(ask: Secret, hands: Hands) -> str:
    if ask.reference.startswith("env:"):
        return hands.credentials.resolve(ask.reference)
    return await to_thread.run_sync(hands.credentials.resolve, ask.reference, ask.refused)  # a keyring or a command may take its time


async def _known_token(ask: KnownToken, hands: Hands) -> str:
    return hands.tokens.known(ask)


async def _new_token(ask: NewToken, hands: Hands) -> str:
    return await hands.tokens.new(ask, hands.upstream.send)


async def _send(ask: Send, hands: Hands) -> Any:
    async with hands.lanes.entered(ask.lane) as waited:
        if waited:  # meanwhile it may have been blocked
            await hands.still()
        return await _out(ask, hands)


async def _out(ask: Send, hands: Hands) -> Any:
    return await (hands.breaker.sent(ask, hands.upstream.send) if hands.breaker else hands.upstream.send(ask))


async def _recall(ask: Recall, hands: Hands) -> Any:
    return hands.sessions.recall(ask)


async def _open(ask: Open, hands: Hands) -> Any:
    return await hands.sessions.open(ask, partial(_out, hands=hands))


async def _record(ask: Record, hands: Hands) -> None:
    if ask.durable or hands.journal.due:  # a sync of the disk takes long enough to be noticed by other calls
        await to_thread.run_sync(lambda: hands.journal.append(ask.entry, durable=True))
    else:
        hands.journal.append(ask.entry, durable=False)
    if hands.watch is not None:
        hands.watch.decided(ask.entry)


_HANDS: Final[Mapping[type, Callable[[Any, Hands], Awaitable[Any]]]] = {
    Spend: _spend,
    Took: _took,
    Pause: _pause,
    Confirm: _confirm,
    Resolve: _resolve,
    Secret: _secret,
    KnownToken: _known_token,
    NewToken: _new_token,
    Send: _send,
    Recall: _recall,
    Open: _open,
    Record: _record,
}
