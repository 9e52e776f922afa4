"""The trust root (after TUF): whose statements count, for which risk, how many are needed; and the pin that anchors it on a machine."""

from dataclasses import dataclass
from typing import Annotated, Final, Literal

from pydantic import Field

from caskmcp.canon import Digest
from caskmcp.model.record import Record
from caskmcp.model.tool import TIERS, Tier

ROOT_SCHEMA: Final = "caskmcp/trust-root/1"
PIN_SCHEMA: Final = "caskmcp/pin/1"
PAYLOAD_TYPE: Final = "application/vnd.caskmcp.trust-root+json"


class Key(Record):
    """A public key."""

    scheme: Literal["ed25519"]
    public: str
    """32 bytes, base64."""
    name: str
    """For people; says nothing."""


class Role(Record):
    """Keys that may act in a role, and how many of them have to."""

    keys: tuple[str, ...]
    threshold: Annotated[int, Field(ge=1)] = 1


class Approver(Role):
    """Who may approve tools of these tiers and toolsets; the first row that fits a tool decides its threshold."""

    tiers: tuple[Tier, ...] = TIERS
    toolsets: tuple[str, ...] = ()
    """Declared toolsets; empty: all tools and the shared subjects."""


class Root(Record):
    """One version of the trust root: what is signed."""

    format: str = Field(alias="schema", default=ROOT_SCHEMA)
    toolpack: str
    version: Annotated[int, Field(ge=1)]
    issued_at: str
    expires: str | None = None
    keys: dict[str, Key]
    """Key id -> key."""
    root: Role
    approvers: tuple[Approver, ...]
    confirmer: Role

    def payload(self) -> dict[str, object]:
        """All fields, as signed."""
        return self.model_dump(mode="json", by_alias=True)


class Signature(Record):
    """One signature over a root."""

    key: str
    signature: str


class SignedRoot(Record):
    """`trust/<version>.root.json`."""

    signed: Root
    signatures: tuple[Signature, ...]


class Pin(Record):
    """What this machine accepted: lies in the user's configuration folder, outside the repository. Sequences only rise."""

    format: str = Field(alias="schema", default=PIN_SCHEMA)
    toolpack: str
    root: str
    """Digest of version 1 of the trust root."""
    root_version: int = 1
    """Highest version seen."""
    sequences: dict[str, dict[str, int]] = {}
    """Subject -> key id -> highest sequence seen."""

    @property
    def highest(self) -> int:
        """The highest sequence seen of all."""
        return max((value for row in self.sequences.values() for value in row.values()), default=0)


@dataclass(frozen=True)
class TrustPin:
    """What `--trust-pin` or CASK_TRUST_PIN says: a condition on the pack, beside the stored pin."""

    root: Digest
    """Digest of version 1 of the trust root."""
    sequence: int = 0
    """The lock's highest sequence has to be at least this."""
