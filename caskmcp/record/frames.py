"""What a browser's own process and ours say to each other, over pipes and never over a file: one plan in, a stream of frames out.

A frame is its length in four bytes and a tagged record. Cut off, it is dropped: the process was ended while it wrote.
"""

import struct
from collections.abc import Callable, Iterator
from typing import Final, Literal

import msgspec

from caskmcp.compiler.capture.sources.interface import Recorded

_HEAD: Final = struct.Struct(">I")


class Plan(msgspec.Struct, frozen=True):
    """What to record, and how."""

    url: str
    headless: bool = False
    browser: str = ""
    """Path of the browser; empty for the one that Playwright installs."""
    script: str = ""
    """Path of the user's script; empty for none."""
    state: bytes | None = None
    """The storage state to begin with, as JSON."""
    keeps_state: bool = False
    """Whether the storage state is wanted at the end."""
    ends_when_quiet: bool = False
    """Nobody is there to end it: end when the page is done."""
    takes_offers: bool = False
    """Whether pages find WebMCP in the browser, and what they register is wanted."""


class Started(msgspec.Struct, frozen=True, tag="started"):
    """The browser runs; the duration counts from here."""


class Met(msgspec.Struct, frozen=True, tag="met"):
    """An exchange."""

    recorded: Recorded


class Went(msgspec.Struct, frozen=True, tag="went"):
    """A page (not a frame in it) went to an address."""

    url: str


class Offered(msgspec.Struct, frozen=True, tag="offered"):
    """A document offered something to agents (WebMCP)."""

    origin: str
    """`https://shop.example`; empty for a document of none."""
    text: str
    """JSON, as the page's side wrote it; cut off beyond what is taken."""


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """It cannot go on; nothing follows."""

    kind: Literal["browser", "state", "page", "script", "bug"]
    what: str
    """In our words, or a name of an error: nothing of a page."""
    line: int = 0
    """Of the script."""


class Ended(msgspec.Struct, frozen=True, tag="ended"):
    """It is over; what follows is the end of the process."""

    by: Literal["script", "closed", "quiet", "asked"]
    state: bytes | None = None
    """The storage state, as JSON, if it was wanted and could be had."""
    asks_password: bool = False
    """Whether the last page shows a field for a password."""


Frame = Started | Met | Went | Offered | Failed | Ended

_frame: Final = msgspec.msgpack.Decoder(Frame)
_plan: Final = msgspec.msgpack.Decoder(Plan)
_encode: Final = msgspec.msgpack.Encoder().encode


def encoded(frame: Frame | Plan) -> bytes:
    """A frame with its length before it."""
    data = _encode(frame)
    return _HEAD.pack(len(data)) + data


def plan(read: Callable[[int], bytes]) -> Plan:
    """The plan, from a pipe's `read`. Raises msgspec.DecodeError for anything else: our bug."""
    return _plan.decode(next(_messages(read), b""))


def frames(read: Callable[[int], bytes]) -> Iterator[Frame]:
    """The frames of a pipe up to its end. `read(n)` gives n bytes, fewer only at the end."""
    return (_frame.decode(data) for data in _messages(read))


def _messages(read: Callable[[int], bytes]) -> Iterator[bytes]:
    while len(head := read(_HEAD.size)) == _HEAD.size:
        size: int = _HEAD.unpack(head)[0]
        if len(data := read(size)) == size:
            yield data
