"""The root's redaction key: private, made once, never an input of an artifact."""

from typing import Final

from caskmcp.ports import Entropy, Files
from caskmcp.store.layout import Root

KEY_SIZE: Final = 32


def redaction_key(files: Files, root: Root, entropy: Entropy) -> bytes:
    """The key of a root, 32 bytes; a new one, which is not written yet, where there is none or where only a part of one is."""
    stored = files.read(root.redaction_key) if files.exists(root.redaction_key) else b""
    return stored if len(stored) == KEY_SIZE else entropy.token(KEY_SIZE)


def keep_redaction_key(files: Files, root: Root, key: bytes) -> None:
    """Write the key where it is not there; under the lock of the root."""
    if not files.exists(root.redaction_key) or files.read(root.redaction_key) != key:
        files.write(root.redaction_key, key, private=True)
