"""The bytes that are offered to the door, and the frozen pack that only the door (`govern/admit.py`) makes of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from caskmcp.canon import Digest
from caskmcp.model.auth import AuthRule
from caskmcp.model.policy import Policy, Rule
from caskmcp.model.project import EnvironmentHost
from caskmcp.model.tool import Tool
from caskmcp.model.trust import Key, Pin


@dataclass(frozen=True)
class PackFiles:
    """Everything that is served, as bytes read once: no file is read between the check and the use."""

    id: str
    tools: bytes
    toolsets: bytes
    policy: bytes
    environments: bytes
    auth: bytes
    lock: bytes | None
    """None: nothing was approved yet."""
    roots: tuple[bytes, ...]
    """Versions of the trust root from 1 up; empty: none yet."""
    contents: Mapping[str, bytes] = field(default_factory=dict)
    """Digest -> approved content that the lock names, where the trust root may let an approval count for less than it was given for; not yet checked."""


@dataclass(frozen=True)
class AdmittedTool:
    """A tool whose statements hold."""

    tool: Tool
    digest: Digest
    """Of its served record."""
    rules: tuple[Rule, ...]
    toolsets: tuple[str, ...]
    """Declared toolsets that hold it, sorted."""

    @cached_property
    def fitting(self) -> tuple[Rule, ...]:
        """Of its rules those that fit it, in order."""
        return tuple(rule for rule in self.rules if rule.match.fits(self.tool))


@dataclass(frozen=True)
class Withheld:
    """A subject that is not served, and why."""

    subject: str
    code: str
    """`CASK-L003` (waits), `CASK-L004` (invalid), `CASK-T004` (older than seen), …"""
    reason: str
    status: str
    """`pending`, `rejected`, `expired` or `invalid`."""


@dataclass(frozen=True)
class AdmittedPack:
    """What may run. Made by `admit` alone; the runtime opens no artifact itself."""

    toolpack: str
    lock: Digest
    """Digest of the canonical content of the lock, or of null without one."""
    root: Digest
    """Digest of version 1 of the trust root."""
    root_version: int
    tools: Mapping[str, AdmittedTool]
    """By name, sorted; listed and callable."""
    withheld: tuple[Withheld, ...]
    toolsets: Mapping[str, tuple[str, ...]]
    """Toolset -> admitted members, sorted."""
    policy: Policy
    environment: Mapping[str, EnvironmentHost]
    """Host -> other place; empty without `--env`."""
    auth: Mapping[str, AuthRule]
    """Host -> reference, for hosts whose statement holds."""
    confirmers: Mapping[str, Key]
    pin: Pin
    """The pin with the sequences of this lock seen; the caller stores it."""
    until: str | None = None
    """The first time at which something that was counted here ends; after it the door has to be asked again."""
