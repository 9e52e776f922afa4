"""The other end of `plugins`: loads one adapter and writes what it reads from stdin as lines, in a process of its own.

`python -P -m caskmcp.record.plugin_child DISTRIBUTION VERSION KIND`. Whatever the adapter prints goes nowhere.
"""

import os
import sys
from collections.abc import Iterator
from importlib import metadata
from typing import IO, Final

from caskmcp.compiler.capture.sources.interface import Recorded
from caskmcp.errors import CaskError
from caskmcp.model.exchange import Skipped
from caskmcp.record.plugins import GROUP, Done, Failed, Left, Line, Met, Refused, encode

BLOCK: Final = 1 << 20


def main(name: str, version: str, kind: str) -> None:
    """Read stdin to its end, or to the adapter's."""
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what an adapter prints must not stand between the lines
    with out:
        for line in _lines(name, version, kind):
            out.write(encode(line) + b"\n")


def _lines(name: str, version: str, kind: str) -> Iterator[Line]:
    try:
        found = metadata.distribution(name)
        point = next(each for each in found.entry_points if (each.group, each.name) == (GROUP, kind))
        if found.version != version:
            yield Failed("OtherVersion")
            return
        for item in point.load()().read(_blocks(sys.stdin.buffer)):
            yield _line(item)
    except CaskError as cause:
        yield Refused(cause.place or "")
    except Exception as fault:
        yield Failed(type(fault).__name__)
    else:
        yield Done()


def _line(item: object) -> Line:
    if isinstance(item, Recorded):
        return Met(item)
    if isinstance(item, Skipped):
        return Left(item)
    raise TypeError(type(item).__name__)


def _blocks(pipe: IO[bytes]) -> Iterator[bytes]:
    while block := pipe.read(BLOCK):
        yield block


if __name__ == "__main__":
    main(*sys.argv[1:])
