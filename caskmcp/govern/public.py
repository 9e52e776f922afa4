"""Public keys: their id, their strict form, and the points that are refused. Private keys are `keys`'."""

import base64
import binascii
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from caskmcp import canon
from caskmcp.canon import Digest
from caskmcp.errors import CaskError
from caskmcp.model.trust import Key

SCHEME: Final = "ed25519"

_P: Final = 2**255 - 19
_Y8: Final = 2707385501144840649318225287225658788936804267575313519463743609750303402022
# The y coordinates of the eight points whose order divides the cofactor (x has two signs for most of them). One of these as a
# public key verifies a fixed signature over any message, so such a key is nobody's.
SMALL_ORDER: Final = frozenset({0, 1, _P - 1, _Y8, _P - _Y8})


def encode(data: bytes) -> str:
    """Base64 in the one form that `decode` takes."""
    return base64.b64encode(data).decode("ascii")


def decode(text: str, size: int) -> bytes | None:
    """`size` bytes of canonical base64; None for any other spelling (other alphabet, white space, stray bits, missing padding)."""
    try:
        data = base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        return None
    return data if len(data) == size and encode(data) == text else None


def key_id(key: Key) -> Digest:
    """Digest of the key's canonical public form; its name is not part of it."""
    return canon.digest({"scheme": key.scheme, "public": key.public})


def weakness(data: bytes) -> str:
    """Why 32 bytes are no acceptable Ed25519 public key (RFC 8032 section 5.1.3); empty if they are. Whether the point lies on the curve shows when it verifies."""
    y = int.from_bytes(data, "little") & ((1 << 255) - 1)
    if y >= _P:
        return "its encoding is not canonical"
    return "its point has a small order" if y in SMALL_ORDER else ""


def public_key(key: Key) -> Ed25519PublicKey:
    """The key, ready to verify. Raises CASK-K002 for a spelling that is not canonical and for a point of small order."""
    data = decode(key.public, 32)
    why = "it is not 32 bytes of canonical base64" if data is None else weakness(data)
    if why or data is None:
        raise CaskError("CASK-K002", f"the public key {key.name} cannot be used: {why}")
    return Ed25519PublicKey.from_public_bytes(data)


def of_bytes(data: bytes, name: str) -> Key:
    """A key's record from its 32 public bytes. Raises CASK-K002 for a point that is refused."""
    key = Key(scheme=SCHEME, public=encode(data), name=name)
    public_key(key)
    return key
