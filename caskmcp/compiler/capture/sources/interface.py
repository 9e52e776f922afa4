"""What a source is: bytes in, what they record or declare out. A source knows its format; the stage knows hosts, redaction and the rest.

A source promises file order, bounded memory and an honest `Skipped` for whatever it cannot read. It filters nothing by host and cuts
nothing: nobody may write what comes out of `read` before the stage has redacted it.
"""

from collections.abc import Iterable, Iterator
from typing import ClassVar, Protocol

import msgspec

from caskmcp.model.exchange import Declared, Exchange, Pair, Proposed, Skipped

Blocks = Iterable[bytes]
"""The bytes of one file in pieces of any size, as they lie on the disk (compressed files included)."""


class RecordedBody(msgspec.Struct, frozen=True, gc=False):
    """A message body as a recorder kept it. `text` or `data` or neither (the recorder dropped it), never both."""

    media: str
    """Media type with parameters, as recorded; may be empty."""
    text: str | None = None
    data: bytes | None = None
    pairs: tuple[tuple[str, str | None], ...] | None = None
    """Names and values of a form that a recorder lists beside (or instead of) the text; a file's value is null."""
    size: int = -1
    """Bytes as the recorder states them; negative if it does not."""


class Recorded(msgspec.Struct, frozen=True, gc=False):
    """One request and its response as recorded: nothing decoded, nothing cut. Lives in memory only."""

    place: str
    """Position in the file, e.g. `entry 17`."""
    method: str
    url: str
    headers: tuple[Pair, ...] = ()
    cookies: tuple[str, ...] = ()
    """Names of cookies that a recorder lists beside the header."""
    query: tuple[Pair, ...] = ()
    """Decoded pairs that a recorder lists beside the URL; used only if the URL has no query."""
    request: RecordedBody | None = None
    status: int = 0
    response_headers: tuple[Pair, ...] = ()
    response: RecordedBody | None = None
    kind: str = ""
    """What the recorder says that this is (`xhr`, `document`, `websocket`, `preflight`); empty if it says nothing."""
    stated: bool = False
    """Whether a person wrote the request down in a collection. It may then have no answer (`status` 0), a URL without host (`https:///orders`:
    the first party's), and segments of its path that are known to be parameters: `{id}`, or `{id=17}` with the value that the file gives."""
    credentials: tuple[Pair, ...] = ()
    """How a stated request authenticates, beside its headers: (way as in `Exchange.auth`, its value or an empty text)."""
    secrets: tuple[Pair, ...] = ()
    """(name, value) of what a file gives beside the request and what may stand in it: its variables, passwords of certificates. Values whose
    name says that they are credentials are looked for in the exchange."""
    hostless: bool = False
    """Whether the recorder writes down no hosts: a URL without one (`https:///orders`) is then the first party's."""
    route: str = ""
    """The route that the server's router matched, in its framework's own form (`/orders/:id`); empty if the recorder does not know it."""


class Source(Protocol):
    """One kind of source. The row in `table.py` names a class that can be made without arguments."""

    kind: ClassVar[str]
    """The key under `sources:` in cask.yaml, e.g. `har`."""

    def read(self, blocks: Blocks) -> Iterator[Recorded | Declared | Proposed | Exchange | Skipped]:
        """Yield each recorded exchange in file order, each operation that a document declares, each offer that is none, or `Skipped(place, reason)`.

        An `Exchange` is one that was redacted before: of a capture under the root alone.

        A `Declared` without host (`host=""`: the document names no server) gets the manifest's first host from the stage, and
        one of a host that is no first party is left out by the stage. Raises CaskError CASK-C001 (recordings), CASK-C002
        (documents) or CASK-C005 (limits), with `byte N` or `line N` as its place: the stage does not know the file's name.
        """
