"""Captures under the root, which `capture import` made: exchanges and declared operations that are redacted already."""

from collections.abc import Iterator
from typing import ClassVar

from caskmcp.compiler.capture.codec import decode_whole
from caskmcp.compiler.capture.sources.interface import Blocks
from caskmcp.model.exchange import Declared, Exchange, Proposed


class Captured:
    """The source `capture`."""

    kind: ClassVar[str] = "capture"

    def read(self, blocks: Blocks) -> Iterator[Exchange | Declared | Proposed]:
        """Yield each item in the capture's order. Raises CaskError CASK-C001 for damage and for a cut end."""
        return decode_whole(blocks)
