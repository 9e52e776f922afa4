"""The `.bru` language: blocks of pairs, of text, of names, and saved examples with blocks inside. https://docs.usebruno.com/bru-lang.

Promises the line of a block that is not closed or of a line outside of all blocks (CASK-C001). What blocks mean is `shape`'s business.
"""

import re
from typing import Any, Final, NamedTuple

from caskmcp.errors import CaskError

_OPEN: Final = re.compile(r"([A-Za-z][A-Za-z0-9:_-]{0,80})[ \t]*([{\[])[ \t]*")
_INSIDE: Final = re.compile(r"([A-Za-z][A-Za-z0-9:_-]{0,80}):[ \t]*([{\[])[ \t]*")
_CLOSE: Final = {"{": "}", "[": "]"}
_QUOTES: Final = "'''"
_QUOTED: Final = re.compile(r'"((?:[^"\\]|\\.)*)"[ \t]*:')


class Block(NamedTuple):
    """One block: its name and its lines without their common indent of two."""

    name: str
    lines: list[str]


class Pair(NamedTuple):
    """One pair of a dictionary."""

    name: str
    value: str
    enabled: bool

    def plain(self) -> dict[str, Any]:
        """As an export writes it."""
        return {"name": self.name, "value": self.value, "enabled": self.enabled}


def parse(text: str) -> list[Block]:
    """The blocks of a file, in order."""
    lines = text.split("\n")
    found, at = [], 0
    while at < len(lines):
        match = _OPEN.fullmatch(lines[at])
        if match is None:
            if lines[at].strip():
                raise _refuse(at, "expected a block, e.g. `get {`")
            at += 1
            continue
        end = _end(lines, at, _CLOSE[match[2]])
        if end is None:
            raise _refuse(at, f"the block `{match[1]}` is not closed")
        found.append(Block(match[1], [_outdented(line) for line in lines[at + 1 : end]]))
        at = end + 1
    return found


def inside(block: Block) -> list[Block]:
    """The blocks of an example's part: `request: {` … `}`. One that is not closed is left out."""
    lines = block.lines
    return [Block(name, [_outdented(line) for line in lines[start + 1 : end]]) for name, start, end in _spans(lines)]


def pairs(block: Block) -> list[Pair]:
    """The pairs of a dictionary block; those of blocks inside are not among them."""
    found, at, lines = [], 0, block.lines
    ends = {start: end for _, start, end in _spans(lines)}
    while at < len(lines):
        line, end = lines[at].strip(), ends.get(at)
        at = (at if end is None else end) + 1
        if end is not None or not line or line.startswith("@"):
            continue
        name, value = _pair(line.removeprefix("~"))
        if value.startswith(_QUOTES):
            value, at = _quoted(value.removeprefix(_QUOTES), lines, at)
        found.append(Pair(name, value, not line.startswith("~")))
    return found


def _spans(lines: list[str]) -> list[tuple[str, int, int]]:
    """(name, line that opens it, line that closes it) of each block inside."""
    found, at, never = [], 0, set()
    while at < len(lines):
        match = _INSIDE.fullmatch(lines[at])
        end = _end(lines, at, _CLOSE[match[2]]) if match and match[2] not in never else None
        if match and end is None:
            never.add(match[2])  # what closes nothing from here closes nothing further down
        if match and end is not None:
            found.append((match[1], at, end))
        at = at + 1 if end is None else end + 1
    return found


def names(block: Block) -> list[str]:
    """The names of a list block."""
    return [name for line in block.lines if (name := line.strip().rstrip(",").removeprefix("~"))]


def content(block: Block) -> str:
    """The text of a text block."""
    return "\n".join(block.lines)


def _pair(line: str) -> tuple[str, str]:
    quoted = _QUOTED.match(line)
    if quoted is not None:
        return quoted[1].replace('\\"', '"'), line[quoted.end() :].strip()
    name, _, value = line.partition(":")
    return name.strip(), value.strip()


def _quoted(first: str, lines: list[str], at: int) -> tuple[str, int]:
    """A value in three quotes, and the line after it. first: what stands behind the opening ones."""
    if _QUOTES in first:
        return first.partition(_QUOTES)[0], at
    taken = [first] if first else []
    while at < len(lines):
        before, closing, _ = lines[at].partition(_QUOTES)
        at += 1
        if closing:
            taken += [before] if before.strip() else []
            break
        taken.append(before)
    indent = min((len(line) - len(line.lstrip()) for line in taken if line.strip()), default=0)
    return "\n".join(line[indent:] for line in taken), at


def _end(lines: list[str], start: int, sign: str) -> int | None:
    """The line that closes the block which a line opens: its sign alone, not indented."""
    return next((at for at in range(start + 1, len(lines)) if lines[at].rstrip() == sign), None)


def _outdented(line: str) -> str:
    return line[2:] if line.startswith("  ") else line.lstrip(" ") if not line.strip() else line


def _refuse(at: int, what: str) -> CaskError:
    return CaskError("CASK-C001", what, place=f"line {at + 1}", mend="open the file in Bruno, or export the collection")
