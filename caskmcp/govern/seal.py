"""The runtime's key: made where the record of decisions lies, signs seals of that record and can sign nothing else.

Its signatures are over a payload type of their own, and no role of a trust root can hold it: what it signs approves nothing and confirms
nothing. It proves that the record is as this server left it to whoever trusts the machine that the server ran on, and no more.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from caskmcp import canon
from caskmcp.errors import CaskError
from caskmcp.govern.public import key_id, of_bytes
from caskmcp.govern.verify import holds, pae
from caskmcp.model.audit import SEAL_TYPE, Sealed
from caskmcp.model.trust import Key
from caskmcp.ports import Entropy, Files

PRIVATE: Final = "runtime.key"
PUBLIC: Final = ".pub.json"
"""The end of the names of public halves; the beginning is the key's id."""
SIZE: Final = 32
OTHERS: Final = 0o077


class RecordSealer:
    """`ports.Sealer` by a key in a file, 0600; read, or made, on first use."""

    def __init__(self, files: Files, folder: Path, entropy: Entropy) -> None:
        self._files = files
        self._folder = folder
        self._entropy = entropy
        self._held: tuple[Ed25519PrivateKey, str] | None = None

    @property
    def key(self) -> str:
        """The key id. Raises CASK-K001 for a key that others can read, CASK-K002 for one that is damaged."""
        return self._hold()[1]

    def seal(self, payload: bytes) -> bytes:
        """64 bytes over the canonical payload of a seal."""
        return self._hold()[0].sign(pae(SEAL_TYPE, payload))

    def _hold(self) -> tuple[Ed25519PrivateKey, str]:
        if self._held is None:
            private = Ed25519PrivateKey.from_private_bytes(self._bytes())
            public = of_bytes(private.public_key().public_bytes_raw(), "runtime")
            place = self._folder / f"{canon.hexadecimal(key_id(public))}{PUBLIC}"
            if not self._files.exists(place):
                self._files.write(place, canon.pretty(public.model_dump(mode="json")), private=True)
            self._held = private, key_id(public)
        return self._held

    def _bytes(self) -> bytes:
        path = self._folder / PRIVATE
        if not self._files.exists(path):
            self._files.write(path, self._entropy.token(SIZE), private=True)
        mend = f"rm {path}"
        if self._files.mode(path)[0] & OTHERS:
            raise CaskError("CASK-K001", "others can read the key that seals the record", place=str(path), mend=mend)
        data = self._files.read(path)
        if len(data) != SIZE:
            raise CaskError(
                "CASK-K002", "the key that seals the record is damaged; without it a new one is made", place=str(path), mend=mend
            )
        return data


def keys(files: Files, folder: Path) -> dict[str, Key]:
    """The public halves that lie beside a record, by key id; those that are none, or are not what their name says, are left out."""
    found: dict[str, Key] = {}
    for name in files.listing(folder):
        if name.endswith(PUBLIC):
            try:
                key = Key.from_json(files.read(folder / name), name)
            except CaskError:
                continue  # a seal that wants this key is told as one whose key is not here
            if canon.hexadecimal(key_id(key)) == name.removesuffix(PUBLIC):
                found[key_id(key)] = key
    return found


def unsound(line: Sealed, known: Mapping[str, Key]) -> str:
    """Why a seal's signature does not hold; empty if it does."""
    key = known.get(line.key)
    if key is None:
        return "it is by a key whose public half is not beside the record"
    try:
        return "" if holds(key, SEAL_TYPE, line.seal.payload(), line.signature) else "its signature does not hold"
    except CaskError as cause:
        return cause.what
