"""When a request is sent again: only of a tool that is idempotent, only where waiting may help, a few times, and never longer than a bound.

Promises: what may have been acted on is sent again only if acting twice is the same as once; an upstream that says when to come back is believed
up to `LONGEST`, and left alone where it says more; between two sends lies a pause, unless it was the connection that had gone stale; where nothing
may be sent again, what came of the first time is the reply: it is never said that nothing was sent.
"""

from collections.abc import Generator
from typing import Any, Final

from caskmcp.errors import CaskError
from caskmcp.ports import Entropy
from caskmcp.runtime.commands import Command, Failure, Pause, Send
from caskmcp.runtime.respond import Answer

MOST: Final = 3
"""Sends of one call."""
LONGEST: Final = 10
"""Seconds of `Retry-After` that are waited."""
FIRST: Final = 0.4
"""Seconds of the first pause at most."""
BUSY: Final = frozenset({429, 502, 503, 504})
"""Answers that say: later."""
UNSENT: Final = frozenset({"CASK-R001", "CASK-R020", "CASK-R021", "CASK-R022"})
"""With what a send is refused before it begins: not approved any more, nobody can be asked, the host rests, the lane is full."""


def sent(send: Send, *, again: bool, sends: list[Send]) -> Generator[Command, Any, Answer | Failure]:
    """Send; again where that may help. again: whether the tool is idempotent. sends: takes each send, for the record."""
    sends.append(send)
    reply: Answer | Failure = yield send
    while again and len(sends) < MOST and (least := pause(reply)) is not None:
        try:
            if not _stale(reply, len(sends)):
                yield Pause(len(sends), least)
            reply = yield send
        except CaskError as no:
            if no.code not in UNSENT:
                raise
            return reply
        sends.append(send)
    return reply


def delay(ask: Pause, entropy: Entropy) -> float:
    """Seconds of a pause: what the upstream asked for, and beyond it twice as long each time, of which a share is by chance.

    So callers that failed together do not come back together.
    """
    share = int.from_bytes(entropy.token(2), "big") / 0xFFFF
    return ask.least + FIRST * 2.0 ** (ask.sends - 1) * (1 + share) / 2


def told(sends: list[Send]) -> dict[str, int]:
    """For the record: how often it was sent, if that was not once."""
    return {"sends": len(sends)} if len(sends) > 1 else {}


def pause(reply: Answer | Failure) -> int | None:
    """Seconds that the upstream wants to be left alone, before it may be asked again; None: it may not."""
    if isinstance(reply, Failure):
        return 0 if reply.kind in ("connect", "dropped") else None
    if reply.status not in BUSY:
        return None
    wanted = reply.header("retry-after")
    if not wanted:
        return 0
    # A date is for who trusts the other side's clock; whoever says one is asked again by the agent.
    least = int(wanted) if wanted.isascii() and wanted.isdigit() and len(wanted) < 7 else LONGEST + 1
    return least if least <= LONGEST else None


def _stale(reply: Answer | Failure, sends: int) -> bool:
    """Whether it was most likely a connection that the upstream had closed meanwhile."""
    return sends == 1 and isinstance(reply, Failure) and reply.kind == "dropped"
