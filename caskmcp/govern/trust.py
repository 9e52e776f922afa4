"""The trust root: each version signed by the threshold of the one before, the first by its own; and what the pin says of it.

Promises that nothing of a version is used before its signatures hold, and that an older or another root than the accepted one is refused.
What the keys of the root say of a tool is `statements`'.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from caskmcp import canon
from caskmcp.canon import Digest
from caskmcp.errors import CaskError
from caskmcp.govern.public import key_id, public_key
from caskmcp.govern.verify import INSTANT, holds
from caskmcp.model.tool import Tool
from caskmcp.model.trust import PAYLOAD_TYPE, ROOT_SCHEMA, Approver, Key, Pin, Role, Root, SignedRoot, TrustPin
from caskmcp.text import parse_json


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
    return Chain(tuple(row.signed for row in signed), root_digest(signed[0].signed))


def refuse_expired(chain_: Chain, at: str) -> None:
    """Raise CASK-T003 if the current version has expired. Earlier ones may have: they only lead to it."""
    current = chain_.current
    if current.expires is not None and at > current.expires:
        raise _bad(current.version, f"it expired at {current.expires}")


def root_digest(root: Root) -> Digest:
    """Digest of what is signed of one version; of version 1: what a pin names."""
    return canon.digest(root.payload())


def _parse(data: bytes, version: int, toolpack: str) -> SignedRoot:
    name = f"{version}.root.json"
    try:
        value = parse_json(data, name)
        root = SignedRoot.from_json(data, name)
    except CaskError as cause:
        raise _bad(version, cause.what) from cause
    _require_form(root.signed, version, toolpack, written=value["signed"].get("schema"))
    return root


def _require_form(root: Root, version: int, toolpack: str, *, written: object) -> None:
    facts = (
        (written == ROOT_SCHEMA, f"its schema is {written}, not {ROOT_SCHEMA}"),
        (root.version == version, f"it says that it is version {root.version}"),
        (root.toolpack == toolpack, f"it is the trust root of {root.toolpack}"),
        (all(INSTANT.fullmatch(when) for when in (root.issued_at, root.expires or root.issued_at)), "a time in it is no time"),
        (all(key_id(key) == name for name, key in root.keys.items()), "a key id is not the digest of its key"),
        (all(key in root.keys for role in _roles(root) for key in role.keys), "a role names a key that is not among the keys"),
    )
    for fine, problem in facts:
        if not fine:
            raise _bad(version, problem)
    for key in root.keys.values():
        public_key(key)


def _roles(root: Root) -> tuple[Role, ...]:
    return (root.root, *root.approvers, root.confirmer)


def _require(signed: SignedRoot, by: Root) -> None:
    """Signatures of `by`'s root role over this version, each key once. The first version is signed by its own."""
    payload = signed.signed.payload()
    good = {
        row.key
        for row in signed.signatures
        if row.key in by.root.keys and row.key in by.keys and holds(by.keys[row.key], PAYLOAD_TYPE, payload, row.signature)
    }
    if len(good) < by.root.threshold:
        raise _bad(signed.signed.version, f"it has {len(good)} of {by.root.threshold} signatures by the root role of version {by.version}")


def _bad(version: int, problem: str) -> CaskError:
    return CaskError(
        "CASK-T003",
        f"version {version} of the trust root is not valid: {problem}",
        place=f"trust/{version}.root.json",
        mend="git log -p -- '*/trust/*.root.json'",
    )


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


# ---------------------------------------------------------------- who may approve
def approver_of(root: Root, tool: Tool, toolsets: tuple[str, ...]) -> Approver | None:
    """The first row that fits a tool: by its tier and the declared toolsets that hold it."""
    return next((row for row in root.approvers if tool.risk in row.tiers and (not row.toolsets or set(row.toolsets) & set(toolsets))), None)


def approver_of_shared(root: Root) -> Approver | None:
    """The row for the shared subjects: since every tool depends on them, the one for critical tools of any toolset."""
    return next((row for row in root.approvers if "critical" in row.tiers and not row.toolsets), None)
