"""The trust root: each version signed by the threshold of the one before, the first by its own; and what the pin says of it.

Promises that nothing of a version is used before its signatures hold, and that an older or another root than the accepted one is refused.
What the keys of the root say of a tool is `statements`'.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, Final, TypeVar

from caskmcp import canon
from caskmcp.canon import Digest
from caskmcp.errors import CaskError
from caskmcp.govern.public import hardware, key_id, public_key
from caskmcp.govern.verify import holds, is_instant
from caskmcp.model.tool import Tool
from caskmcp.model.trust import PAYLOAD_TYPE, ROOT_SCHEMA, Approver, Key, Pin, Role, Root, SignedRoot, TrustPin
from caskmcp.text import parse_json

R = TypeVar("R", bound=Role)

SOON: Final = timedelta(days=30)
"""How long before its end a trust root is told of."""
PLAIN: Final = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
"""Names that are shown as they are: without spaces, commas and ends of lines nothing can be written into a list of them."""
HISTORY: Final = "git log -p -- '*/trust/*.root.json'"
"""What shows how a version came to be as it is."""


@dataclass(frozen=True)
class Chain:
    """A trust root whose signatures hold, from version 1 to the current one. Made by `chain` alone."""

    versions: tuple[Root, ...]
    first: Digest
    """Digest of version 1: what a pin names."""

    @property
    def current(self) -> Root:
        """The version that counts."""
        return self.versions[-1]

    @property
    def known(self) -> Mapping[str, Key]:
        """Each key that any version named; those that the current one does not name are revoked."""
        return {name: key for root in self.versions for name, key in root.keys.items()}


# ---------------------------------------------------------------- the chain
def chain(roots: tuple[bytes, ...], toolpack: str) -> Chain:
    """Verify all versions. Raises CASK-T006 if there is none, CASK-T003 for a gap, a forgery, or another toolpack's root."""
    if not roots:
        raise CaskError("CASK-T006", f"{toolpack} has no trust root yet", mend="cask trust init --key NAME")
    signed = tuple(_parse(data, index, toolpack) for index, data in enumerate(roots, 1))
    for before, after in pairwise((signed[0], *signed)):
        _require(after, before.signed)
    for before, after in pairwise(signed):
        _require_previous(after.signed, before.signed)
    return Chain(tuple(row.signed for row in signed), root_digest(signed[0].signed))


def refuse_expired(chain_: Chain, at: str) -> None:
    """Raise CASK-T003 if the current version has expired. Earlier ones may have: they only lead to it."""
    current = chain_.current
    if current.expires is not None and at > current.expires:
        raise _bad(current.version, f"it expired at {current.expires}", mend="cask trust edit --expires 365d")


def ends_soon(root: Root, at: str) -> str:
    """When a version ends, if that is within `SOON`; empty otherwise. at: RFC 3339, UTC."""
    if root.expires is None or at > root.expires:
        return ""
    return root.expires if datetime.fromisoformat(root.expires) - datetime.fromisoformat(at) <= SOON else ""


def root_digest(root: Root) -> Digest:
    """Digest of what is signed of one version; of version 1: what a pin names."""
    return canon.digest(root.payload())


def _parse(data: bytes, version: int, toolpack: str) -> SignedRoot:
    try:
        return parse(data, version, toolpack)
    except CaskError as cause:
        if cause.code != "CASK-T003":
            raise
        raise _bad(version, cause.what) from cause


def parse(data: bytes, version: int, toolpack: str) -> SignedRoot:
    """One version as it stands in a file, whoever signed it. Raises CASK-T003 for another form, version or toolpack, CASK-K002 for a key that may not be used."""
    name = f"{version}.root.json"
    try:
        value: Any = parse_json(data, name)
        root = SignedRoot.from_json(data, name)
    except CaskError as cause:
        raise CaskError("CASK-T003", cause.what, mend=HISTORY) from cause
    require_form(root.signed, version, toolpack, written=value["signed"].get("schema"))
    return root


def require_form(root: Root, version: int, toolpack: str, *, written: object = ROOT_SCHEMA) -> None:
    """Raise CASK-T003 unless a version is well formed by itself, CASK-K002 for a key that may not be used. written: the schema that its file names."""
    times = (root.issued_at, root.expires or root.issued_at)
    facts = (
        (written == ROOT_SCHEMA, f"its schema is {written}, not {ROOT_SCHEMA}"),
        (root.version == version, f"it says that it is version {root.version}"),
        (root.toolpack == toolpack, f"it is the trust root of {root.toolpack}"),
        (all(map(is_instant, times)), "a time in it is no time"),
        (version > 1 or not root.previous, "it names a version before it"),
        (all(key_id(key) == name for name, key in root.keys.items()), "a key id is not the digest of its key"),
        # Under another scheme the same point has another id: one person would make up a threshold of two.
        (len({key.public for key in root.keys.values()}) == len(root.keys), "two of its keys are one key in two forms"),
        (all(key in root.keys for role in roles(root) for key in role.keys), "a role names a key that is not among the keys"),
    )
    for fine, problem in facts:
        if not fine:
            raise CaskError("CASK-T003", problem, mend=HISTORY)
    for key in root.keys.values():
        public_key(key)


def roles(root: Root) -> tuple[Role, ...]:
    """Every role of a version."""
    return (root.root, *root.approvers, root.confirmer)


def _require(signed: SignedRoot, by: Root) -> None:
    """Signatures of `by`'s root role over this version. The first version is signed by its own."""
    good = signers(signed, by)
    if len(good) < by.root.threshold:
        raise _bad(signed.signed.version, f"it has {len(good)} of {by.root.threshold} signatures by the root role of version {by.version}")


def signers(signed: SignedRoot, by: Root) -> frozenset[str]:
    """The keys of `by`'s root role whose signature over a version holds, each once, however often it stands there."""
    payload = signed.signed.payload()
    may = counting(by.root, by.keys).keys
    return frozenset(
        row.key for row in signed.signatures if row.key in may and holds(by.keys[row.key], PAYLOAD_TYPE, payload, row.signature)
    )


def _require_previous(after: Root, before: Root) -> None:
    """A version that names the one it was signed upon counts after no other."""
    if after.previous and after.previous != root_digest(before):
        raise _bad(after.version, f"it was signed upon another version {before.version}")


def _bad(version: int, problem: str, *, mend: str = HISTORY) -> CaskError:
    what = f"version {version} of the trust root is not valid: {problem}"
    return CaskError("CASK-T003", what, place=f"trust/{version}.root.json", mend=mend)


# ---------------------------------------------------------------- the anchor
def anchor(chain_: Chain, pin: Pin | None, condition: TrustPin | None) -> Pin:
    """The pin to go by, with this version seen. A condition only adds to a stored pin; alone it stands in for one.

    Raises CASK-T001 (neither is there), CASK-T002 (another root), CASK-T004 (an older version than was seen).
    """
    toolpack = chain_.current.toolpack
    if pin is None and condition is None:
        what = f"the trust root of {toolpack} is not pinned on this machine: {chain_.first}"
        raise CaskError("CASK-T001", what, mend="cask trust pin")
    for accepted, who in ((pin and pin.root, "this machine accepted"), (condition and condition.root, "--trust-pin asks for")):
        if accepted and accepted != chain_.first:
            what = f"the trust root of {toolpack} is {chain_.first}, but {who} {accepted}"
            raise CaskError("CASK-T002", what, mend="cask trust pin --replace")
    stored = pin or Pin(toolpack=toolpack, root=chain_.first)
    if chain_.current.version < stored.root_version:
        what = f"version {chain_.current.version} of the trust root is older than version {stored.root_version}, which was seen here"
        raise CaskError("CASK-T004", what, mend="cask trust pin --accept-older")
    return stored.model_copy(update={"root_version": chain_.current.version})


# ---------------------------------------------------------------- who may
def counting(role: R, keys: Mapping[str, Key]) -> R:
    """The role with those of its keys alone that count in it: none that is not among `keys`, and where it requires hardware only an authenticator's."""
    fine = (key for key in role.keys if key in keys and (role.requires != "hardware" or hardware(keys[key])))
    return role.model_copy(update={"keys": tuple(fine)})


def approver_of(root: Root, tool: Tool, toolsets: tuple[str, ...]) -> Approver | None:
    """The first row that fits a tool, by its tier and the declared toolsets that hold it, with the keys that count."""
    return approver_for(root, tool.risk, toolsets)


def approver_for(root: Root, tier: str, toolsets: tuple[str, ...]) -> Approver | None:
    """The same by a tier and toolsets, as a content names them."""
    fits = (row for row in root.approvers if tier in row.tiers and (not row.toolsets or set(row.toolsets) & set(toolsets)))
    return next((counting(row, root.keys) for row in fits), None)


def approver_of_shared(root: Root) -> Approver | None:
    """The row for the shared subjects: since every tool depends on them, the one for critical tools of any toolset."""
    return next((counting(row, root.keys) for row in root.approvers if "critical" in row.tiers and not row.toolsets), None)


# ---------------------------------------------------------------- a version that waits
@dataclass(frozen=True)
class Waiting:
    """The version after the current one, with the signatures so far. It counts for nothing."""

    signed: SignedRoot
    by: frozenset[str]
    """Keys of the current root role whose signature on it holds."""


def waiting(data: bytes, chain_: Chain) -> Waiting:
    """Read a pending version. Raises CASK-T009 unless it follows the current version of this very root and each signature on it holds."""
    current = chain_.current
    try:
        signed = parse(data, current.version + 1, current.toolpack)
    except CaskError as cause:
        raise _not_to_be_signed(current, cause.what) from cause
    if signed.signed.previous != root_digest(current):
        raise _not_to_be_signed(current, f"it was made upon another version {current.version}")
    if odd := odd_name(signed.signed):
        raise _not_to_be_signed(current, f"{odd!r} is no plain name")
    by = signers(signed, current)
    if {row.key for row in signed.signatures} != by:
        raise _not_to_be_signed(current, "a signature on it does not hold")
    return Waiting(signed, by)


def _not_to_be_signed(current: Root, problem: str) -> CaskError:
    what = f"the pending version {current.version + 1} of the trust root cannot be used: {problem}"
    return CaskError("CASK-T009", what, place=f"trust/{current.version + 1}.root.pending.json", mend="cask trust edit --discard")


def odd_name(root: Root) -> str:
    """A name of a key or toolset that could pass for another word of what a person is shown; empty if there is none."""
    names = (*(key.name for key in root.keys.values()), *(name for row in root.approvers for name in row.toolsets))
    return next((name or "''" for name in names if not PLAIN.fullmatch(name)), "")


def imagined(chain_: Chain, root: Root) -> Chain:
    """The chain as it would be with one more version, whoever signs that: to say what would change. Never the chain of a pack that is served."""
    return Chain((*chain_.versions, root), chain_.first)
