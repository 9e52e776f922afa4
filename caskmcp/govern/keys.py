"""Keys at rest, in the user's configuration folder and never in the project: private ones in OpenSSH format, bcrypt, 0600; and references to
keys that an ssh-agent holds, which are public.

Promises that a key is never overwritten, that a file which others can read signs nothing, and that no key lies there without a passphrase.
The runtime may not import this.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PrivateFormat,
    load_ssh_private_key,
    load_ssh_public_key,
)

from caskmcp import canon
from caskmcp.errors import CaskError
from caskmcp.govern import sshsig
from caskmcp.govern.public import OWN, of_bytes, public_key, weakness
from caskmcp.govern.sign import FileSigner, signer
from caskmcp.model.trust import REFERENCE_SCHEMA, Key, KeyReference
from caskmcp.ports import Files

NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,39}", re.ASCII)
ROUNDS: Final = 64
"""bcrypt rounds: 0.6 s for each guess at a passphrase."""
LIMIT: Final = 64 << 10


@dataclass(frozen=True)
class KeyFile:
    """The places of one key."""

    folder: Path
    name: str

    @property
    def private(self) -> Path:
        """The private key, 0600."""
        return self.folder / self.name

    @property
    def public(self) -> Path:
        """The public key, as `ssh-keygen` writes it."""
        return self.folder / f"{self.name}.pub"

    @property
    def reference(self) -> Path:
        """In the place of the private key, where an ssh-agent holds that: whose key it is."""
        return self.folder / f"{self.name}.ref.json"


def place(config: Path, name: str) -> KeyFile:
    """Where a key lies below the user's configuration folder. Raises CASK-I009 for a name that is not allowed."""
    if not NAME.fullmatch(name):
        raise CaskError("CASK-I009", f"`{name}` is no name for a key: expected 1 to 40 of a-z, 0-9 and dashes", mend="cask keys list")
    return KeyFile(config / "keys", name)


def save(files: Files, config: Path, by: FileSigner, passphrase: str) -> KeyFile:
    """Write a new key under its name. Raises CASK-K003 if the name is taken and CASK-K002 for an empty passphrase."""
    where = place(config, by.key.name)
    refuse_taken(files, config, by.key.name)
    if not passphrase:
        raise CaskError("CASK-K002", "a key needs a passphrase", mend=f"cask keys new {by.key.name}")
    sealed = _sealed(by.private, passphrase)
    # The private file last: without it there is no key, and the name is free for another attempt.
    files.write(where.public, public_line(by.key), private=True)
    files.write(where.private, sealed, private=True)
    return where


def refer(files: Files, config: Path, key: Key) -> KeyFile:
    """Write a reference to a key that an ssh-agent holds. Raises CASK-K003 if the name is taken."""
    where = place(config, key.name)
    refuse_taken(files, config, key.name)
    record = KeyReference(held_by="ssh-agent", key=key)
    # The reference last, as the private file of `save`.
    files.write(where.public, public_line(key), private=True)
    files.write(where.reference, canon.pretty(record.model_dump(mode="json", by_alias=True)), private=True)
    return where


def refuse_taken(files: Files, config: Path, name: str) -> None:
    """Raise CASK-K003 if a key of that name exists."""
    where = place(config, name)
    if holder := holding(files, where):
        raise CaskError("CASK-K003", f"a key called {name} exists already", place=str(holder), mend="cask keys list")


def holding(files: Files, where: KeyFile) -> Path | None:
    """The file that makes a key: the private one, else the reference; None if there is neither."""
    return next((path for path in (where.private, where.reference) if files.exists(path)), None)


def refuse_readable(files: Files, config: Path, name: str) -> KeyFile:
    """The places of an existing key. Raises CASK-K004 if there is none and CASK-K001 if someone else can read or replace it."""
    where = place(config, name)
    holder = holding(files, where)
    if holder is None:
        raise CaskError("CASK-K004", f"there is no key called {name}", place=str(where.folder), mend=f"cask keys new {name}")
    (mode, owner), (around, keeper) = files.mode(holder), files.mode(where.folder)
    if mode & 0o077 or owner != keeper:
        raise CaskError("CASK-K001", f"the mode of the key file is {mode:04o}", place=str(holder), mend=f"chmod 600 {holder}")
    if around & 0o022:
        raise CaskError(
            "CASK-K001", f"the mode of the key folder is {around:04o}", place=str(where.folder), mend=f"chmod 700 {where.folder}"
        )
    return where


def load(files: Files, config: Path, name: str, passphrase: str) -> FileSigner:
    """Open a key. Raises CASK-K001 and CASK-K004 as `refuse_readable`, CASK-K002 for a wrong passphrase, a damaged file, another kind of key."""
    where = refuse_readable(files, config, name)
    private = _opened(files.read(where.private, LIMIT), passphrase, where)
    if not isinstance(private, Ed25519PrivateKey):
        raise CaskError("CASK-K002", f"{name} is no Ed25519 key", place=str(where.private), mend="cask keys list")
    return signer(private, name)


def listing(files: Files, config: Path) -> Iterator[Key]:
    """The public part of each key here, by name. A public key alone, a file that is none of ours, or a damaged one is left out."""
    here = set(files.listing(config / "keys"))
    owned = {name for name in here if f"{name}.pub" in here}
    referred = {name.removesuffix(".ref.json") for name in here if name.endswith(".ref.json")}
    for name in sorted(name for name in owned | referred if NAME.fullmatch(name)):
        if key := public(files, place(config, name)):
            yield key


def public(files: Files, where: KeyFile) -> Key | None:
    """The public part of a key, of its reference or its `.pub` file; None if that is damaged or no key that may be used."""
    if holding(files, where) == where.reference:
        return _referred(files, where)
    if not files.exists(where.public):
        return None
    try:
        point = load_ssh_public_key(files.read(where.public, LIMIT))
    except (ValueError, UnsupportedAlgorithm):
        return None
    if not isinstance(point, Ed25519PublicKey) or weakness(point.public_bytes_raw()):
        return None
    return of_bytes(point.public_bytes_raw(), where.name)


def _referred(files: Files, where: KeyFile) -> Key | None:
    try:
        found = KeyReference.from_json(files.read(where.reference, LIMIT), str(where.reference))
        public_key(found.key)
    except CaskError:
        # Damaged, or a key that may not be used: for whoever asks there is no such key.
        return None
    sound = found.format == REFERENCE_SCHEMA and found.key.scheme != OWN and found.key.name == where.name
    return found.key if sound else None


def referred(files: Files, where: KeyFile) -> Key | None:
    """The key of an agent that a name stands for; None where a private key lies here. Raises CASK-K002 for a damaged reference."""
    if holding(files, where) != where.reference:
        return None
    key = _referred(files, where)
    if key is None:
        raise CaskError("CASK-K002", f"the reference {where.name} is damaged", place=str(where.reference), mend=f"rm {where.reference}")
    return key


def public_line(key: Key) -> bytes:
    """The public key as a line of an `authorized_keys` file."""
    return f"{sshsig.line(key)}\n".encode("ascii")


def _sealed(private: Ed25519PrivateKey, passphrase: str) -> bytes:
    # Not PKCS8: its "best available" encryption derives the key in 2 ms, bcrypt with 64 rounds in 600.
    try:
        encryption = PrivateFormat.OpenSSH.encryption_builder().kdf_rounds(ROUNDS).build(passphrase.encode("utf-8"))
        return private.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, encryption)
    except ValueError:
        # Without its cause: an error of the encoding holds the passphrase.
        raise CaskError("CASK-K002", "this passphrase cannot be used: it is too long, or no text", mend="cask keys new NAME") from None


def _opened(data: bytes, passphrase: str, where: KeyFile) -> object:
    try:
        return load_ssh_private_key(data, passphrase.encode("utf-8"))
    except (ValueError, TypeError, UnsupportedAlgorithm) as cause:
        what = "the passphrase is wrong, the file is damaged, or it has no passphrase"
        raise CaskError("CASK-K002", f"{where.name} cannot be opened: {what}", place=str(where.private), mend="cask keys list") from cause
