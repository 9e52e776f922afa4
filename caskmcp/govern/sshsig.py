"""SSHSIG, OpenSSH's form of a signature over a message (its PROTOCOL.sshsig and PROTOCOL.u2f), and OpenSSH's form of a public key.

Promises one accepted spelling for each key and signature: all that stands before the 64 bytes of the signature follows from the key, so
it is compared, never parsed. Whether the signature holds is for `verify` to say, what an agent or a file holds for `agent` and `keys`.
"""

import base64
import hashlib
from typing import Final

from caskmcp.errors import CaskError
from caskmcp.govern.public import SCHEMES, decode, encode, hardware, of_bytes
from caskmcp.model.trust import Key

NAMESPACE: Final = "caskmcp"
"""`ssh-keygen -n`: a signature that was made for another end (git, file, …) counts for nothing here."""
PRESENT: Final = 0x01
"""The authenticator's flag that a person touched it."""
TAKEN: Final = {SCHEMES[scheme].wire: scheme for scheme in ("ssh-ed25519", "sk-ed25519")}
"""OpenSSH's kinds of keys that may sign through an agent -> our scheme."""

_MAGIC: Final = b"SSHSIG"
_VERSION: Final = 1
_HASH: Final = b"sha512"
_SIGNATURE: Final = 64
_TRAILER: Final = {False: 0, True: 5}
"""Behind an authenticator's signature: a byte of flags and four of its counter."""
_LINE: Final = 70
"""Characters of base64 in a line of an armoured signature, as `ssh-keygen` writes it."""


# ---------------------------------------------------------------- public keys
def blob(key: Key) -> bytes:
    """A public key as it goes over the wire."""
    parts = [SCHEMES[key.scheme].wire.encode("ascii"), decode(key.public, 32) or b""]
    return b"".join(string(part) for part in (*parts, *([key.application.encode("ascii")] if hardware(key) else [])))


def line(key: Key) -> str:
    """A public key as a line of an `authorized_keys` file, without its end."""
    return f"{SCHEMES[key.scheme].wire} {encode(blob(key))} {key.name}"


def allowed_signer(key: Key) -> str:
    """The key as a line of the file that `ssh-keygen -Y verify -f` takes, for our namespace alone."""
    return f'{key.name} namespaces="{NAMESPACE}" {SCHEMES[key.scheme].wire} {encode(blob(key))}'


def fingerprint(key: Key) -> str:
    """`SHA256:…`, as `ssh-add -l` shows it."""
    return fingerprint_of(blob(key))


def fingerprint_of(data: bytes) -> str:
    """The same of any kind of public key, as it goes over the wire."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(data).digest()).decode("ascii").rstrip("=")


def kind(data: bytes) -> str:
    """OpenSSH's name of the kind of a public key; empty for bytes that are none."""
    size = int.from_bytes(data[:4], "big")
    return data[4 : 4 + size].decode("ascii") if 4 < 4 + size <= min(len(data), 100) and data[4 : 4 + size].isascii() else ""


def key_of(data: bytes, name: str) -> Key:
    """The record of a public key that an agent holds. Raises CASK-K002 for another kind of key, and for one that may not be used."""
    said = kind(data)
    scheme = TAKEN.get(said)
    if scheme is None:
        what = f"{name}: a key of the kind `{said[:60] or 'unknown'}` is not taken, only Ed25519 and FIDO's Ed25519"
        raise CaskError("CASK-K002", what, mend="ssh-keygen -t ed25519")
    head = 4 + len(said) + 4
    point, rest = data[head : head + 32], data[head + 32 :]
    key = of_bytes(point, name, scheme=scheme, application=_ascii(rest[4:]) if SCHEMES[scheme].hardware else "")
    if blob(key) != data:
        raise CaskError("CASK-K002", f"{name}: the public key is damaged", mend="ssh-add -l")
    return key


def _ascii(data: bytes) -> str:
    # What is no ASCII cannot come back as the same bytes, and is refused for that.
    return data.decode("ascii", errors="replace")


# ---------------------------------------------------------------- signatures
def framed(message: bytes) -> bytes:
    """What is signed in place of a message."""
    return _MAGIC + b"".join(string(part) for part in (NAMESPACE.encode("ascii"), b"", _HASH, hashlib.sha512(message).digest()))


def wrap(key: Key, made: bytes) -> str:
    """A signature as an agent returns it (its kind, 64 bytes, an authenticator's flags and counter), in the form that is kept."""
    return encode(_outer(key) + string(made))


def read(key: Key, signature: str) -> tuple[bytes, bytes] | None:
    """The 64 bytes of the signature and its trailer; None for anything but the one spelling of a signature by this key."""
    trailer = _TRAILER[hardware(key)]
    wire = string(SCHEMES[key.scheme].wire.encode("ascii"))
    inner = wire + _u32(_SIGNATURE)
    head = _outer(key) + _u32(len(inner) + _SIGNATURE + trailer) + inner
    data = decode(signature, len(head) + _SIGNATURE + trailer)
    if data is None or not data.startswith(head):
        return None
    return data[len(head) : len(head) + _SIGNATURE], data[len(head) + _SIGNATURE :]


def present(trailer: bytes) -> bool:
    """Whether an authenticator says that a person touched it."""
    return bool(trailer[0] & PRESENT)


def attested(key: Key, trailer: bytes, message: bytes) -> bytes:
    """What an authenticator signs in place of a message: what the key was made for, its flags and counter, and the digest of what it was given."""
    return hashlib.sha256(key.application.encode("ascii")).digest() + trailer + hashlib.sha256(framed(message)).digest()


def armoured(signature: str) -> str:
    """The file that `ssh-keygen -Y verify -s` takes."""
    lines = [signature[at : at + _LINE] for at in range(0, len(signature), _LINE)]
    return "\n".join(("-----BEGIN SSH SIGNATURE-----", *lines, "-----END SSH SIGNATURE-----", ""))


def _outer(key: Key) -> bytes:
    return _MAGIC + _u32(_VERSION) + b"".join(string(part) for part in (blob(key), NAMESPACE.encode("ascii"), b"", _HASH))


def _u32(value: int) -> bytes:
    return value.to_bytes(4, "big")


def string(data: bytes) -> bytes:
    """RFC 4251 section 5: a length of four bytes, then the bytes."""
    return _u32(len(data)) + data
