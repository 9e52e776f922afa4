"""Public keys: their schemes, their id, their strict form, and the points that are refused. Private keys are `keys`'."""

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Final, NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from caskmcp import canon
from caskmcp.canon import Digest
from caskmcp.errors import CaskError
from caskmcp.model.trust import Key


class Scheme(NamedTuple):
    """A row of the table of schemes."""

    wire: str
    """OpenSSH's name of the kind of key."""
    hardware: bool
    """Whether the private half lies in an authenticator that signs only while a person is present."""


SCHEMES: Final[Mapping[str, Scheme]] = {
    "ed25519": Scheme("ssh-ed25519", False),
    "ssh-ed25519": Scheme("ssh-ed25519", False),
    "sk-ed25519": Scheme("sk-ssh-ed25519@openssh.com", True),
}
OWN: Final = "ed25519"
"""The scheme of our own key files."""

_APPLICATION: Final = re.compile(r"ssh:[\x21-\x7e]{0,200}", re.ASCII)
"""What OpenSSH lets an authenticator's key be made for. Other relying parties (`https://…`) have keys that sign for other ends."""
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
    return canon.digest({"scheme": key.scheme, "public": key.public} | ({"application": key.application} if key.application else {}))


def hardware(key: Key) -> bool:
    """Whether each of the key's signatures proves that a person was present at an authenticator: all that a verifier can see of how a key is kept."""
    return SCHEMES[key.scheme].hardware


def weakness(data: bytes) -> str:
    """Why 32 bytes are no acceptable Ed25519 public key (RFC 8032 section 5.1.3); empty if they are. Whether the point lies on the curve shows when it verifies."""
    y = int.from_bytes(data, "little") & ((1 << 255) - 1)
    if y >= _P:
        return "its encoding is not canonical"
    return "its point has a small order" if y in SMALL_ORDER else ""


def public_key(key: Key) -> Ed25519PublicKey:
    """The key, ready to verify. Raises CASK-K002 for a spelling that is not canonical, a point of small order, an application that does not fit."""
    data = decode(key.public, 32)
    why = "it is not 32 bytes of canonical base64" if data is None else weakness(data) or _misfit(key)
    if why or data is None:
        raise CaskError("CASK-K002", f"the public key {key.name} cannot be used: {why}")
    return Ed25519PublicKey.from_public_bytes(data)


def _misfit(key: Key) -> str:
    """An application belongs to an authenticator's key and to no other."""
    if hardware(key):
        return "" if _APPLICATION.fullmatch(key.application) else "its application is not `ssh:` and at most 200 characters"
    return "an application belongs to keys of an authenticator alone" if key.application else ""


def of_bytes(data: bytes, name: str, *, scheme: str = OWN, application: str = "") -> Key:
    """A key's record from its 32 public bytes. Raises CASK-K002 for a point that is refused."""
    key = Key.model_validate({"scheme": scheme, "public": encode(data), "name": name, "application": application})
    public_key(key)
    return key
