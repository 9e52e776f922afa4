"""Statements: one signed, human decision on one subject's exact content; and the lock that groups them by subject."""

from typing import Final, Literal

from pydantic import Field

from caskmcp.model.record import Record

LOCK_SCHEMA: Final = "caskmcp/lock/1"
PENDING_SCHEMA: Final = "caskmcp/lock-pending/1"
STATEMENT_SCHEMA: Final = "caskmcp/statement/1"
GRANT_SCHEMA: Final = "caskmcp/grant/1"
PAYLOAD_TYPE: Final = "application/vnd.caskmcp.statement+json"
GRANT_TYPE: Final = "application/vnd.caskmcp.grant+json"

Basis = Literal["traffic", "observations", "spec"]


class Statement(Record):
    """What a person decided. Signed as canonical JSON under DSSE's pre-authentication encoding."""

    kind: Literal["approval"] = "approval"
    format: str = Field(alias="schema", default=STATEMENT_SCHEMA)
    toolpack: str
    subject: str
    """`tool:NAME`, `env:NAME`, `auth:HOST` or `policy`."""
    digest: str
    """Of the subject's canonical content, e.g. of a tool's served record."""
    basis: Basis
    """What the approval rested on."""
    verdict: Literal["allow", "block"]
    key: str
    """Key id: digest of the public key's canonical form."""
    reason: str = ""
    sequence: int
    """1 + the highest in the lock when it was signed."""
    issued_at: str
    not_after: str | None = None
    root_version: int
    receipts: str = ""
    """Digest of the redaction receipts of the captures that the approval rested on; empty where it rested on none."""

    def payload(self) -> dict[str, object]:
        """All fields, defaults too: what is signed must not depend on what a reader takes for a default. No receipts are no field."""
        return self.model_dump(mode="json", by_alias=True, exclude=set() if self.receipts else {"receipts"})


class Signed(Record):
    """A statement with its signature (Ed25519, base64). A block may stand unsigned (`signature` empty): taking away needs no key."""

    statement: Statement
    signature: str = ""


class Lock(Record):
    """`caskmcp.lock.yaml`: all statements, grouped by subject; the only authority at run time."""

    format: str = Field(alias="schema", default=LOCK_SCHEMA)
    toolpack: str
    subjects: dict[str, tuple[Signed, ...]] = {}
    """Per subject in order of sequence, then key."""


class PendingTool(Record):
    """What a tool would be approved as."""

    digest: str
    risk: str
    operation: str
    confidence: str


class Pending(Record):
    """`caskmcp.lock.pending.yaml`: the digest of every subject as compiled; written by the compiler, no authority."""

    format: str = Field(alias="schema", default=PENDING_SCHEMA)
    toolpack: str
    tools: dict[str, PendingTool]
    shared: dict[str, str]
    """`env:NAME`, `auth:HOST`, `policy` -> digest."""


class Grant(Record):
    """A person's answer to a challenge: signed by a key of role `confirmer`, spent once by the runtime."""

    kind: Literal["grant"] = "grant"
    format: str = Field(alias="schema", default=GRANT_SCHEMA)
    toolpack: str
    challenge: str
    tool: str
    arguments: str
    """Digest of the canonical arguments."""
    lock: str
    """Digest of the admitted lock."""
    caller: str
    verdict: Literal["grant", "deny"]
    key: str
    issued_at: str
    not_after: str

    def payload(self) -> dict[str, object]:
        """All fields, as signed."""
        return self.model_dump(mode="json", by_alias=True)


class SignedGrant(Record):
    """A grant with its signature (Ed25519, base64)."""

    grant: Grant
    signature: str
