"""Receipts: action key -> the digests of the outputs, one small file each, below `cache/receipts`. Local and private, never shared.

A receipt is written last, after its blobs and targets. One that cannot be read counts as absent: the step runs again.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from caskmcp.canon import Digest, compact, hexadecimal, is_digest
from caskmcp.errors import CaskError
from caskmcp.ports import Files

SCHEMA: Final = "caskmcp/receipt/1"

Outs = Mapping[str, "Digest | Mapping[str, Digest]"]
"""Output name -> digest, or name -> digest for an output that is a map."""


class Receipts:
    """A folder of receipts."""

    def __init__(self, files: Files, folder: Path) -> None:
        self.files = files
        self.folder = folder

    def path(self, key: Digest) -> Path:
        """Where the receipt of an action lies."""
        name = hexadecimal(key)
        return self.folder / name[:2] / f"{name[2:]}.json"

    def get(self, key: Digest) -> Outs | None:
        """The outputs of an action, if its receipt is there and whole."""
        try:
            value = json.loads(self.files.read(self.path(key)))
        except (CaskError, ValueError, RecursionError):
            return None  # absent, or torn by a power cut: the step runs again
        return _outs(value, key)

    def put(self, key: Digest, outs: Outs) -> None:
        """Write the receipt of an action."""
        value = {"schema": SCHEMA, "key": key, "outputs": outs}
        self.files.write(self.path(key), compact(value) + b"\n", private=True, durable=False)


def _outs(value: Any, key: Digest) -> Outs | None:
    if not isinstance(value, dict) or value.get("schema") != SCHEMA or value.get("key") != key:
        return None
    outs = value.get("outputs")
    return outs if isinstance(outs, dict) and all(map(_digests, outs.values())) else None


def _digests(value: Any) -> bool:
    leaves = value.values() if isinstance(value, dict) else (value,)
    return all(isinstance(leaf, str) and is_digest(leaf) for leaf in leaves)
