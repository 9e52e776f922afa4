"""What the gateway asks of the world, as values: each command has one reply. A test answers by hand; `conduct` answers with the real ports."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from caskmcp.model.auth import OAuth2
from caskmcp.model.decision import Entry
from caskmcp.model.project import EnvironmentHost
from caskmcp.model.trust import Key
from caskmcp.runtime.budgets import Charge, Spent
from caskmcp.runtime.egress import Destination
from caskmcp.runtime.plan import PreparedRequest
from caskmcp.runtime.respond import Answer


@dataclass(frozen=True)
class Spend:
    """Take one call from each budget, or from none. Reply: `Spent` for a budget that is spent, or None; thrown: CASK-W001, CASK-R020."""

    toolpack: str
    call: str
    """The call's id."""
    charges: tuple[Charge, ...]
    at: str


@dataclass(frozen=True)
class Took:
    """Say what an answer took of what was set aside for it. Reply: None; thrown: CASK-W001, CASK-R020."""

    toolpack: str
    call: str
    tokens: int


@dataclass(frozen=True)
class Pause:
    """Wait before a request is sent again. Reply: None."""

    sends: int
    """How often it was sent: the more, the longer."""
    least: int
    """Seconds that the upstream asked for."""


@dataclass(frozen=True)
class Binding:
    """What a confirmation is bound to: it answers this very call and no other."""

    toolpack: str
    tool: str
    arguments: str
    """Digest of the canonical arguments."""
    lock: str
    caller: str


DIALOGUE: Final = frozenset({"safe", "low", "medium"})
"""Tiers whose calls the client's own dialogue may confirm. Whoever holds the connection can answer it: never the tiers above."""


@dataclass(frozen=True)
class Said:
    """What somebody answered in the client's own dialogue."""

    challenge: str
    yes: bool


@dataclass(frozen=True)
class Confirm:
    """Ask whether a person granted this call, and spend the grant if so. Reply: `Standing`."""

    binding: Binding
    arguments: Mapping[str, Any]
    """Kept privately, for the person to read."""
    confirmers: Mapping[str, Key]
    """Whose grants count."""
    at: str
    said: Said | None = None
    """An answer of the client's dialogue, in place of a grant; who asks has looked whether it may count."""


@dataclass(frozen=True)
class Standing:
    """Where a confirmation stands. `granted` says that the grant was verified and is now spent."""

    state: Literal["granted", "denied", "waiting", "full"]
    challenge: str = ""
    expires: str = ""


@dataclass(frozen=True)
class Resolve:
    """Ask for every address of a host. Reply: a tuple of literals, empty if there are none."""

    host: str
    port: int


@dataclass(frozen=True)
class Secret:
    """Read a secret by reference. Reply: the secret; thrown: CASK-R009."""

    reference: str
    refused: str = field(default="", repr=False)
    """What it led to, where the upstream did not take that: what is held is read anew."""


@dataclass(frozen=True)
class Client:
    """Who asks for tokens, in which places: one for each rule, environment and secret. Lives in memory alone."""

    rule: OAuth2
    reference: str
    """Where the secret comes from."""
    environment: tuple[tuple[str, EnvironmentHost], ...]
    secret: str = field(repr=False)
    """The client's secret, or the refresh token."""
    other: str = field(default="", repr=False)
    """With a refresh token: the client's secret, if it has one."""


@dataclass(frozen=True)
class KnownToken:
    """Take the token that is held. Reply: the token, or an empty text where none can be used."""

    client: Client
    at: str
    refused: str = field(default="", repr=False)


@dataclass(frozen=True)
class NewToken:
    """Get a token from a place that was checked. Reply: the token; thrown: CASK-R031."""

    client: Client
    place: Destination
    to: tuple[str, ...]
    at: str
    refused: str = field(default="", repr=False)


@dataclass(frozen=True)
class Send:
    """Send a request to one of the checked addresses. Reply: `Answer` or `Failure`."""

    request: PreparedRequest
    place: Destination
    to: tuple[str, ...]
    limit: int
    """Bytes of the decoded body that are read."""
    lane: str = ""
    """What shares a bound on requests at a time: the toolpack and the tool."""
    apart: bool = False
    """Whether it is no tool's call, but the request for the token that one needs: its answer is nobody's to keep."""


@dataclass(frozen=True)
class Failure:
    """No answer. `maybe` says that the upstream may have got the request all the same."""

    kind: Literal["connect", "timeout", "dropped", "broken", "certificate"]
    maybe: bool
    """Whether the request may have been acted on."""
    why: str = ""
    """What is wrong with a certificate, in the words of the TLS library."""


@dataclass(frozen=True)
class SessionKey:
    """Whose session with an MCP server it is: one for each place and credential. Lives in memory alone."""

    place: Destination
    target: bytes = field(repr=False)
    """Path and query as sent; a credential may stand in the query."""
    secret: str = field(repr=False)


@dataclass(frozen=True)
class Session:
    """What an MCP server and we agreed on."""

    version: str
    """The protocol's revision."""
    id: str = field(default="", repr=False)
    """Whoever has it speaks as we do: never logged, never shown. Empty where the server gives none."""


@dataclass(frozen=True)
class Turn:
    """One call's turn in a session."""

    session: Session
    number: int
    """Of the request: no two in a session have the same."""
    fresh: bool = False
    """Whether the session was opened for this call."""


@dataclass(frozen=True)
class Recall:
    """Take a turn in the session that is held. Reply: `Turn`, or None where there is none."""

    key: SessionKey


@dataclass(frozen=True)
class Open:
    """Open a session, where it is still the stale one (or none) that is held. Reply: `Turn`, or None where the server opens none."""

    key: SessionKey
    send: Send
    """The call that wants it: the handshake goes to the same addresses, with the same credential."""
    stale: Session | None


@dataclass(frozen=True)
class Record:
    """Put a line on record. Reply: None, when it is on disk; thrown: CASK-W001."""

    entry: Entry
    durable: bool
    """Whether it has to survive a power cut."""


Command = Spend | Took | Pause | Confirm | Resolve | Secret | KnownToken | NewToken | Send | Recall | Open | Record
Reply = str | Spent | Standing | tuple[str, ...] | Answer | Failure | Turn | None
