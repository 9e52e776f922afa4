"""What the addon in mitmdump says, line by line (`record/addon/stream.py`): one JSON object a line, raw, in memory and in a pipe alone.

mitmproxy's own flow files are another thing: `capture import` has mitmdump read them, and what comes out of its pipe is read here.
"""

from collections.abc import Iterable, Iterator
from typing import ClassVar, Final, Literal

import msgspec

from caskmcp.compiler.capture.sources.interface import Blocks, Recorded, RecordedBody
from caskmcp.errors import CaskError
from caskmcp.model.exchange import Pair, Skipped

BODY: Final = 64 << 20
"""Bytes of a body that the addon sends of a file; of a larger one it sends the size."""
LONGEST: Final = 2 * (BODY // 3 * 4 + 4) + (4 << 20)
"""Bytes of a line: two bodies in base64, and headers."""


class Content(msgspec.Struct, frozen=True, gc=False):
    """A body as it was transferred."""

    media: str
    data: bytes | None = None
    """None: the addon did not hold it, or it is too large."""
    size: int = -1


class Begun(msgspec.Struct, frozen=True, tag_field="is", tag="begun"):
    """The first line."""

    version: str
    """Of mitmproxy, e.g. `12.2.3`."""


class Listening(msgspec.Struct, frozen=True, tag_field="is", tag="listening"):
    """A live proxy can be used."""

    port: int


class Seen(msgspec.Struct, frozen=True, tag_field="is", tag="exchange"):
    """An exchange."""

    method: str
    url: str
    headers: tuple[Pair, ...]
    request: Content | None
    status: int
    response_headers: tuple[Pair, ...]
    response: Content | None
    kind: Literal["", "websocket"] = ""


class Passed(msgspec.Struct, frozen=True, tag_field="is", tag="passed"):
    """Something went to a host that is not ours, unrecorded."""

    host: str


class Other(msgspec.Struct, frozen=True, tag_field="is", tag="other"):
    """Something that is no HTTP."""

    what: Literal["tcp", "udp", "dns"]


class Failed(msgspec.Struct, frozen=True, tag_field="is", tag="failed"):
    """mitmdump could not read on."""


class Ended(msgspec.Struct, frozen=True, tag_field="is", tag="ended"):
    """The last line."""

    count: int
    """Exchanges that were sent."""


Message = Begun | Listening | Seen | Passed | Other | Failed | Ended
_DECODER: Final[msgspec.json.Decoder[Message]] = msgspec.json.Decoder(Message)


class Flows:
    """The source `flows`."""

    kind: ClassVar[str] = "flows"

    def read(self, blocks: Blocks) -> Iterator[Recorded | Skipped]:
        """The exchanges, up to and with the last line. Raises CASK-C001 for anything else, and where the last line is missing: it was cut off."""
        return items(messages(blocks))


def messages(blocks: Blocks, *, live: bool = False) -> Iterator[Message]:
    """Each line as a record. Raises CASK-C001 for what is none, CASK-C005 for one that is too long, both with `line N` and nothing of its text.

    live: half a line at the end is what a program that died left, and is dropped; else it is CASK-C001.
    """
    for number, line in enumerate(_lines(blocks, live), 1):
        if line is None:
            raise CaskError("CASK-C005", f"it is longer than {LONGEST >> 20} MB", place=f"line {number}")
        yield message(line, number)


def _lines(blocks: Blocks, live: bool) -> Iterator[bytes | None]:
    """Each line that ends; None for one that is too long. Raises CASK-C001 where the last one does not end, if it is not live."""
    pieces: list[bytes] = []
    for block in blocks:
        head, *others = block.split(b"\n")
        pieces.append(head)
        if sum(map(len, pieces)) > LONGEST:
            yield None
        if others:
            yield b"".join(pieces)
            yield from others[:-1]
            pieces = [others[-1]]
    if any(pieces) and not live:
        raise _cut_off()


def message(line: bytes, number: int) -> Message:
    """One line as a record. Raises CASK-C001."""
    try:
        return _DECODER.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as cause:
        raise CaskError("CASK-C001", "this is no line that the recorder writes", place=f"line {number}") from cause


def items(said: Iterable[Message]) -> Iterator[Recorded | Skipped]:
    """What a whole conversion gave. Raises CASK-C001 where mitmdump could not read on, or where the end is missing."""
    number = count = 0
    ended = None
    for each in said:
        if ended is not None:
            raise CaskError("CASK-C001", "the recorder went on after its end", place=f"flow {number}")
        if isinstance(each, Failed):
            raise unreadable(number)
        if isinstance(each, Ended):
            ended = each
        if (item := taken(each, number)) is not None:
            number += 1
            count += isinstance(item, Recorded)
            yield item
    if ended is None or ended.count != count:
        raise _cut_off()


def taken(said: Message, number: int) -> Recorded | Skipped | None:
    """What a message means for the capture: None for one about the recorder itself. number: counts flows from 0."""
    place = f"flow {number}"
    if isinstance(said, Passed):
        return Skipped(place, "third party", host=said.host)
    if isinstance(said, Other):
        return Skipped(place, "not http")
    return _recorded(said, place) if isinstance(said, Seen) else None


def _recorded(seen: Seen, place: str) -> Recorded:
    return Recorded(
        place,
        seen.method,
        seen.url,
        headers=seen.headers,
        request=_body(seen.request),
        status=seen.status,
        response_headers=seen.response_headers,
        response=_body(seen.response),
        kind=seen.kind,
    )


def _body(content: Content | None) -> RecordedBody | None:
    return None if content is None else RecordedBody(content.media, data=content.data, size=content.size)


def unreadable(number: int | None = None) -> CaskError:
    """A file that mitmdump cannot read. number: the flow that could not be read, counted from 0, if that is known."""
    what = "mitmdump cannot read it to its end: it is damaged, cut off, or of a newer mitmproxy"
    return CaskError("CASK-C001", what, place=None if number is None else f"flow {number}")


def _cut_off() -> CaskError:
    return CaskError("CASK-C001", "the recorder's lines are cut off")
