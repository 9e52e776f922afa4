"""Signing: a key over the canonical bytes of a statement, a trust root or a grant. The runtime may not import this.

A signer is a private key in memory (here) or one that an ssh-agent holds (`agent`). Who asks for a signature, and that a person is there,
is for `workflows` to see to.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from caskmcp import canon
from caskmcp.canon import Digest
from caskmcp.errors import CaskError
from caskmcp.govern.public import encode, key_id, of_bytes
from caskmcp.govern.verify import pae
from caskmcp.model import statement as statements
from caskmcp.model import trust
from caskmcp.model.bundle import BUNDLE_TYPE, Manifest
from caskmcp.model.evidence import EVIDENCE_TYPE
from caskmcp.model.evidence import payload as evidence_payload
from caskmcp.model.statement import Grant, Signed, SignedGrant, Statement
from caskmcp.model.trust import Key, Root, Signature, SignedRoot
from caskmcp.ports import Entropy


class Signer(Protocol):
    """Whatever signs as a key."""

    @property
    def key(self) -> Key:
        """The public record."""

    @property
    def id(self) -> Digest:
        """The key id."""

    def sign(self, message: bytes) -> str:
        """The signature over these bytes, in the one form of the key's scheme."""


@dataclass(frozen=True)
class FileSigner:
    """A private key in memory, with its public record."""

    private: Ed25519PrivateKey
    key: Key

    @property
    def id(self) -> Digest:
        """The key id."""
        return key_id(self.key)

    def sign(self, message: bytes) -> str:
        """64 bytes in canonical base64."""
        return encode(self.private.sign(message))


def signer(private: Ed25519PrivateKey, name: str) -> FileSigner:
    """A private key with its public record. Raises CASK-K002 for a point that is refused."""
    return FileSigner(private, of_bytes(private.public_key().public_bytes_raw(), name))


def generate(entropy: Entropy, name: str) -> FileSigner:
    """A new key from 32 unpredictable bytes (RFC 8032 section 5.1.5); it is nowhere but in memory."""
    return signer(Ed25519PrivateKey.from_private_bytes(entropy.token(32)), name)


def sign_statement(by: Signer, statement: Statement) -> Signed:
    """Sign a statement that names this key. Raises CASK-K002 if it names another."""
    if statement.key != by.id:
        raise CaskError("CASK-K002", f"the statement on {statement.subject} names another key than {by.key.name}")
    return Signed(statement=statement, signature=_sign(by, statements.PAYLOAD_TYPE, statement.payload()))


def sign_root(root: Root, *signers: Signer) -> SignedRoot:
    """Sign one version of the trust root with each key."""
    rows = tuple(Signature(key=by.id, signature=_sign(by, trust.PAYLOAD_TYPE, root.payload())) for by in signers)
    return SignedRoot(signed=root, signatures=rows)


def sign_bundle(by: Signer, manifest: Manifest) -> Signature:
    """Sign what a bundle holds."""
    return Signature(key=by.id, signature=_sign(by, BUNDLE_TYPE, manifest.payload()))


def sign_evidence(by: Signer, manifest: str, times: str) -> Signature:
    """Sign what a run saw, and when. manifest, times: digests."""
    return Signature(key=by.id, signature=_sign(by, EVIDENCE_TYPE, evidence_payload(manifest, times)))


def sign_grant(by: Signer, grant: Grant) -> SignedGrant:
    """Sign the answer to a challenge. Raises CASK-K002 if it names another key."""
    if grant.key != by.id:
        raise CaskError("CASK-K002", f"the grant names another key than {by.key.name}")
    return SignedGrant(grant=grant, signature=_sign(by, statements.GRANT_TYPE, grant.payload()))


def _sign(by: Signer, payload_type: str, payload: Mapping[str, object]) -> str:
    return by.sign(pae(payload_type, canon.dump(payload)))
