"""The root's redaction key: made once, private, never an input of an artifact."""

from typing import Final

from caskmcp.ports import Entropy, Files
from caskmcp.store.layout import Root

KEY_SIZE: Final = 32


def redaction_key(files: Files, root: Root, entropy: Entropy) -> bytes:
    """The key of a root, 32 bytes; made where there is none or where a crash left a part of one."""
    if not files.exists(root.redaction_key) or len(files.read(root.redaction_key)) != KEY_SIZE:
        files.write(root.redaction_key, entropy.token(KEY_SIZE), private=True)
    return files.read(root.redaction_key)
