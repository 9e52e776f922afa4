"""OpenTelemetry traces (OTLP) as exchanges: JSON, a document a line, or protobuf; plain, gzip or zstd.

Spans of HTTP servers and clients count, once a call (`pairs`). They hold no bodies, which is said of each exchange. `http.route` is the
template that the server itself matched. Sampled traces count as they are: how many calls a span stands for is not guessed.
Source of the format: https://opentelemetry.io/docs/specs/otlp/.
"""

import codecs
import re
from collections.abc import Iterator
from itertools import chain
from typing import Any, ClassVar, Final

from caskmcp.compiler.capture.inflate import TOTAL, decompressed, text_blocks
from caskmcp.compiler.capture.sources.interface import Blocks, Recorded
from caskmcp.compiler.capture.sources.otel import documents
from caskmcp.compiler.capture.sources.otel.pairs import calls
from caskmcp.compiler.capture.sources.otel.span import counted
from caskmcp.errors import CaskError
from caskmcp.load import load
from caskmcp.model.exchange import Skipped

_MARKS: Final = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_TEXT: Final = re.compile(rb"\s*(?:\[\s*)?(?:\{\s*(?:\"[A-Za-z]|\}|\Z)|\Z|\])")
"""How JSON begins. A message in protobuf may begin with a line end and a brace as well, but no letter follows."""
_LOOKED_AT: Final = 1024


class Otel:
    """The source `otel:`."""

    kind: ClassVar[str] = "otel"

    def read(self, blocks: Blocks) -> Iterator[Recorded | Skipped]:
        """As `Source.read`; places are `span N`, counted from 0. Raises CASK-W002 too: protobuf needs the extra `otel`."""
        plain = _bounded(decompressed(blocks))
        first = _filled(plain)
        rest = chain((first,), plain)
        spans: Any = documents.spans(text_blocks(rest)) if _is_text(first) else load("compiler.capture.sources.otel.messages:spans")(rest)
        yield from calls(counted(spans))


def _is_text(first: bytes) -> bool:
    return first.startswith(_MARKS) or _TEXT.match(first) is not None or not first


def _filled(pieces: Iterator[bytes]) -> bytes:
    held = b""
    for piece in pieces:
        held += piece
        if len(held) >= _LOOKED_AT:
            break
    return held


def _bounded(pieces: Iterator[bytes]) -> Iterator[bytes]:
    total = 0
    for piece in pieces:
        total += len(piece)
        if total > TOTAL:
            raise CaskError("CASK-C005", f"the traces are larger than {TOTAL >> 30} GiB")
        yield piece
