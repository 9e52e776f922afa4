"""Files that `cask capture` itself wrote of something live: one JSON document of a known schema, read whole and in bounded memory.

What is in it is the affair of the source that reads it.
"""

from typing import Final, TypeVar

from caskmcp.compiler.capture.sources.interface import Blocks
from caskmcp.errors import CaskError
from caskmcp.model.discovery import Discovery
from caskmcp.model.mcp_surface import McpSurface

T = TypeVar("T", McpSurface, Discovery)
LARGEST: Final = 16 << 20
"""Bytes of a document."""
_MEND: Final = "take the recording again, whole"


def read(blocks: Blocks, record: type[T], schema: str) -> T:
    """The document in blocks. Raises CASK-C005 if it is too large and CASK-C002, with its line, if it is none of this schema."""
    data = _whole(blocks)
    try:
        found = record.from_json(data, "line", code="CASK-C002")
    except CaskError as cause:
        raise CaskError("CASK-C002", cause.what, place=(cause.place or "line:1").replace(":", " "), mend=_MEND) from cause
    if found.format != schema:
        raise CaskError("CASK-C002", f"expected {schema}", place="line 1", mend=_MEND)
    return found


def _whole(blocks: Blocks) -> bytes:
    data = bytearray()
    for block in blocks:
        data += block
        if len(data) > LARGEST:
            raise CaskError("CASK-C005", f"larger than {LARGEST} bytes", place="byte 0", mend="record or export less at once")
    return bytes(data)
