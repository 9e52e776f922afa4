"""Where everything lies under the root (SPEC section 2). The only module that knows these names; it touches no disk.

Which root a command works on is `project`'s question.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = ".caskmcp"
MANIFEST: Final = "cask.yaml"

PRIVATE: Final = ("captures", "state", "cache", "evidence")
"""Folders below the root that are 0700 with files 0600, and are not committed."""


@dataclass(frozen=True)
class Pack:
    """The files of one toolpack; `path` is its folder."""

    path: Path

    @property
    def toolpack(self) -> Path:
        """`toolpack.yaml`, the handoff."""
        return self.path / "toolpack.yaml"

    @property
    def artifacts(self) -> Path:
        """The folder of artifacts."""
        return self.path / "artifact"

    def artifact(self, name: str) -> Path:
        """One artifact by file name, e.g. `tools.json`."""
        return self.artifacts / name

    @property
    def observations(self) -> Path:
        """`observations.json`."""
        return self.artifact("observations.json")

    @property
    def pending(self) -> Path:
        """The pending lock, which the compiler writes."""
        return self.path / "lockfile" / "caskmcp.lock.pending.yaml"

    @property
    def lock(self) -> Path:
        """The lock: statements, written by `cask gate` alone."""
        return self.path / "lockfile" / "caskmcp.lock.yaml"

    @property
    def contents(self) -> Path:
        """The folder of approved content by digest."""
        return self.path / "lockfile" / "content"

    def content(self, digest: str) -> Path:
        """Approved content by its digest, with or without `sha256:`."""
        return self.contents / f"{digest.removeprefix('sha256:')}.json"

    @property
    def trust(self) -> Path:
        """The folder of versions of the trust root."""
        return self.path / "trust"

    def trust_root(self, version: int) -> Path:
        """One version of the trust root."""
        return self.trust / f"{version}.root.json"

    def trust_pending(self, version: int) -> Path:
        """The next version while it lacks signatures; it counts for nothing."""
        return self.trust / f"{version}.root.pending.json"


@dataclass(frozen=True)
class Root:
    """The files under one root; `path` is the root itself, `.caskmcp` by default."""

    path: Path

    @property
    def folders(self) -> tuple[Path, ...]:
        """The folders that commands write in, whichever toolpack it is for."""
        named = (*PRIVATE, "toolpacks", "baselines")
        return (*(self.path / name for name in named), self.keys, self.audit, self.drafts, self.blobs, self.receipts, self.index)

    @property
    def toolpacks(self) -> Path:
        """The folder of toolpacks."""
        return self.path / "toolpacks"

    def pack(self, toolpack: str) -> Pack:
        """One toolpack by id."""
        return Pack(self.toolpacks / toolpack)

    @property
    def captures(self) -> Path:
        """The folder of captures; private."""
        return self.path / "captures"

    def capture(self, capture: str) -> Path:
        """One capture's folder; private."""
        return self.captures / capture

    def exchanges(self, capture: str) -> Path:
        """A capture's redacted exchanges; private."""
        return self.capture(capture) / "exchanges.ndjson.gz"

    def redaction(self, capture: str) -> Path:
        """A capture's redaction receipt; private."""
        return self.capture(capture) / "redaction.json"

    def baseline(self, toolpack: str) -> Path:
        """The approved baseline, which drift is measured from."""
        return self.path / "baselines" / toolpack / "baseline.json"

    @property
    def state(self) -> Path:
        """The folder of private state."""
        return self.path / "state"

    @property
    def lock(self) -> Path:
        """The lock file that builds and approvals hold."""
        return self.state / "lock"

    @property
    def redaction_key(self) -> Path:
        """The root's private redaction key, 0600."""
        return self.state / "redaction.key"

    @property
    def given(self) -> Path:
        """Which source gave which part of the observations."""
        return self.state / "given.json"

    @property
    def confirmations(self) -> Path:
        """Challenges and grants."""
        return self.state / "confirmations.db"

    @property
    def keys(self) -> Path:
        """Public keys and references; private keys lie in the user's configuration folder."""
        return self.state / "keys"

    @property
    def audit(self) -> Path:
        """The folder of audit journals."""
        return self.state / "audit"

    @property
    def drafts(self) -> Path:
        """The box of drafts: what agents and people propose, and what was decided on it."""
        return self.state / "drafts"

    def evidence(self, run: str) -> Path:
        """What one run of verify or demo saw."""
        return self.path / "evidence" / run

    @property
    def cache(self) -> Path:
        """Blobs and receipts; safe to delete."""
        return self.path / "cache"

    @property
    def blobs(self) -> Path:
        """Blobs by digest; a shared cache may hold these."""
        return self.cache / "blobs"

    @property
    def receipts(self) -> Path:
        """Receipts by action key; local, never shared."""
        return self.cache / "receipts"

    @property
    def index(self) -> Path:
        """The folder of what the last build of each manifest saw."""
        return self.cache / "index"
