"""The trust root (after TUF): whose statements count, for which risk, how many are needed; and the pin that anchors it on a machine."""

from dataclasses import dataclass
from typing import Annotated, Final, Literal

from pydantic import Field

from caskmcp.canon import Digest
from caskmcp.model.record import Record
from caskmcp.model.tool import TIERS, Tier

ROOT_SCHEMA: Final = "caskmcp/trust-root/1"
PIN_SCHEMA: Final = "caskmcp/pin/1"
REFERENCE_SCHEMA: Final = "caskmcp/key-reference/1"
PAYLOAD_TYPE: Final = "application/vnd.caskmcp.trust-root+json"


class Key(Record):
    """A public key."""

    scheme: Literal["ed25519", "ssh-ed25519", "sk-ed25519"]
    """How it signs: by itself, through an ssh-agent (SSHSIG), or in a FIDO authenticator (SSHSIG, with a person's presence)."""
    public: str
    """32 bytes, base64."""
    name: str
    """For people; says nothing."""
    application: str = Field(default="", exclude_if=lambda value: value == "")
    """Of an authenticator's key alone: what it was made for, `ssh:` and more. Left out elsewhere, so that older roots are still what was signed."""


class KeyReference(Record):
    """`keys/NAME.ref.json`: a key that signs here and whose private half lies elsewhere."""

    format: str = Field(alias="schema", default=REFERENCE_SCHEMA)
    held_by: Literal["ssh-agent"]
    key: Key


class Role(Record):
    """Keys that may act in a role, and how many of them have to."""

    keys: tuple[str, ...]
    threshold: Annotated[int, Field(ge=1)] = 1
    requires: Literal["", "hardware"] = Field(default="", exclude_if=lambda value: value == "")
    """`hardware`: only keys of authenticators count, since a verifier can see nothing else of how a key is kept. Came later, as `previous`."""


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
    auto_narrowing: bool = Field(default=False, exclude_if=lambda value: not value)
    """Whether a tool that provably does no more than what was approved under its statement needs no new one. Came later, as `previous`."""
    previous: str = Field(default="", exclude_if=lambda value: value == "")
    """Digest of the version before, so that what was signed on one is never taken for what follows another; empty in version 1. Left out
    while empty: it came later, and roots that were signed before are still what was signed."""

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

    def value(self) -> dict[str, object]:
        """As it is written."""
        return self.model_dump(mode="json", by_alias=True)


class NamedKey(Record):
    """A public key in a person's file; its name stands before it."""

    scheme: Literal["ed25519", "ssh-ed25519", "sk-ed25519"]
    public: str
    application: str = ""


class NamedRole(Record):
    """A role in a person's file: keys by name."""

    keys: tuple[str, ...]
    threshold: Annotated[int, Field(ge=1)] = 1
    requires: Literal["", "hardware"] = ""


class NamedApprover(NamedRole):
    """A row of approvers in a person's file."""

    tiers: tuple[Tier, ...] = TIERS
    toolsets: tuple[str, ...] = ()


class RolesFile(Record):
    """What `trust show --out` writes and `trust edit --file` reads: everything of a trust root that a person decides."""

    version: Literal[1]
    keys: dict[str, NamedKey]
    root: NamedRole
    approvers: tuple[NamedApprover, ...]
    confirmer: NamedRole
    expires: str | None = None
    auto_narrowing: bool = False


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
