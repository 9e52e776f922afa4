"""Verification of signatures: Ed25519 (RFC 8032) over DSSE's pre-authentication encoding of canonical JSON.

There is one algorithm; how it was applied follows from the key's scheme, and no field of a signature names one. What a valid signature
is worth is for `statements` and `trust` to say.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from cryptography.exceptions import InvalidSignature

from caskmcp import canon
from caskmcp.errors import CaskError
from caskmcp.govern import sshsig
from caskmcp.govern.public import OWN, decode, hardware, key_id, public_key
from caskmcp.model.statement import GRANT_SCHEMA, GRANT_TYPE, Grant, SignedGrant
from caskmcp.model.trust import Key

SIGNATURE_SIZE: Final = 64
INSTANT: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z", re.ASCII)
"""The one form of a time in what is signed; two of them compare as text."""


def is_instant(text: str) -> bool:
    """Whether a text is a time in that form, and one that there is."""
    if not INSTANT.fullmatch(text):
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def pae(payload_type: str, body: bytes) -> bytes:
    """DSSE's pre-authentication encoding (protocol.md of secure-systems-lab/dsse, version 1): what is signed in place of `body`."""
    kind = payload_type.encode("utf-8")
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(body), body)


def holds(key: Key, payload_type: str, payload: Mapping[str, object], signature: str) -> bool:
    """Whether `signature` (canonical base64) is the key's over the payload. Raises CASK-K002 for a key that may not be used at all."""
    return verified(key, pae(payload_type, canon.dump(payload)), signature)


def verified(key: Key, message: bytes, signature: str) -> bool:
    """Whether `signature` is the key's over these bytes, in the one form of its scheme. Raises CASK-K002 as `holds`."""
    point = public_key(key)
    found = _signed_bytes(key, message, signature)
    if found is None:
        return False
    try:
        point.verify(*found)
    except InvalidSignature:
        return False
    return True


def _signed_bytes(key: Key, message: bytes, signature: str) -> tuple[bytes, bytes] | None:
    """The 64 bytes of the signature and what they are over; None for another form, and for an authenticator's without presence."""
    if key.scheme == OWN:
        data = decode(signature, SIGNATURE_SIZE)
        return None if data is None else (data, message)
    read = sshsig.read(key, signature)
    if read is None:
        return None
    data, trailer = read
    if not hardware(key):
        return data, sshsig.framed(message)
    return (data, sshsig.attested(key, trailer, message)) if sshsig.present(trailer) else None


def verify_grant(signed: SignedGrant, confirmers: Mapping[str, Key], *, at: str) -> Grant:
    """The grant, if a confirmer of the trust root signed it and it has not expired. Raises CASK-R006.

    confirmers: `AdmittedPack.confirmers`. Whether it answers this very call, and is unspent, is for the runtime to compare.
    """
    grant = signed.grant
    key = confirmers.get(grant.key)
    if grant.format != GRANT_SCHEMA or key is None or key_id(key) != grant.key:
        raise CaskError("CASK-R006", "the grant is not signed by a confirmer of the trust root")
    if not holds(key, GRANT_TYPE, grant.payload(), signed.signature):
        raise CaskError("CASK-R006", f"the signature of {key.name} on the grant does not hold")
    if not INSTANT.fullmatch(grant.not_after) or at > grant.not_after:
        raise CaskError("CASK-R006", f"the grant expired at {grant.not_after}")
    return grant
