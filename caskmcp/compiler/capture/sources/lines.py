"""Sources of one record a line: the lines in bounded memory, and what is JSON in them."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

import msgspec

from caskmcp.compiler.capture.inflate import text_blocks
from caskmcp.errors import CaskError

LONGEST: Final = 16 << 20
"""Bytes that a line may have."""


def lines(blocks: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    """(number from 1, line without its end) of each line that is not blank.

    Raises CaskError CASK-C001 for what is not UTF-8 or damaged, CASK-C005 with `line N` for a line beyond `LONGEST`.
    """
    held: list[bytes] = []  # pieces of a line whose end has not come yet; joined once, so that a huge line costs linear time
    number, size = 1, 0
    for block in text_blocks(blocks):
        *whole, rest = block.split(b"\n")
        for piece in whole:
            line = b"".join((*held, piece)).strip()
            held, size = [], 0
            if line:
                yield number, line
            number += 1
        held.append(rest)
        size += len(rest)
        if size > LONGEST:
            raise CaskError("CASK-C005", f"a line is longer than {LONGEST >> 20} MiB", place=f"line {number}")
    if line := b"".join(held).strip():
        yield number, line


def parsed(line: bytes) -> Any:
    """The JSON of a line. Raises ValueError, in our words, for what is none."""
    try:
        return msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise ValueError("the line is not JSON") from None  # the library's words may quote it


def text(value: Any) -> str:
    """A scalar as text without lone surrogates; empty for anything else."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return str(value).encode("utf-8", "replace").decode("utf-8")


def number(value: Any) -> int:
    """A status or size; -1 for what is none."""
    try:
        return int(float(text(value) or -1))
    except (ValueError, OverflowError):
        return -1
