"""Command lines of cmd.exe, as browsers copy them ("as cURL (cmd)"): carets first, then the quotes that a Windows program undoes itself.

Promises the same `Command`s as `words`. `%NAME%` is left as it is: what browsers write has none.
"""

import re
from collections.abc import Iterator
from typing import Final

from caskmcp.compiler.capture.sources.curl.words import UNCLOSED, Command

_SHOWN: Final = re.compile(r"\^[ \t]*\r?\n|\bcurl(?:\.exe)?[ \t]+(?:\^\"|--?[A-Za-z-]+[ \t]+\^\")")
_PIECE: Final = re.compile(r"\^\r?\n(\r?\n)?|\^(.)|(\")|(\r?\n|&)|([^\^\"\r\n&]+|.)", re.DOTALL)
_ARGUMENT: Final = re.compile(r"(\\++\")|\"\"|(\")|([ \t]+)|([^\\\" \t]+|\\++|.)", re.DOTALL)


def is_cmd(text: str) -> bool:
    """Whether a text is written for cmd.exe."""
    return _SHOWN.search(text) is not None


def commands(text: str) -> Iterator[Command]:
    """The commands of a text, in order."""
    line, start, quoted = 1, 1, False
    parts: list[str] = []
    for match in _PIECE.finditer(text):
        if match[4] and not quoted:
            yield from _command(start, "".join(parts))
            parts = []
        elif match[3]:
            quoted = not quoted
            parts.append('"')
        elif match[2] is not None:
            # Inside of plain quotes a caret is itself.
            parts.append(match[0] if quoted else match[2])
        elif match[0].startswith("^"):
            parts.append("\n" if match[1] else "")
        else:
            parts.append(match[0])
        line += match[0].count("\n")
        start = start if parts else line
    yield from _command(start, "".join(parts))


def _command(line: int, text: str) -> Iterator[Command]:
    words, closed = _arguments(text)
    if words:
        yield Command(line, words, "" if closed else UNCLOSED)


def _arguments(text: str) -> tuple[list[str], bool]:
    """Words as the C runtime splits them, and whether all quotes are closed."""
    words: list[str] = []
    word: str | None = None
    quoted = False
    for match in _ARGUMENT.finditer(text):
        if match[1]:
            # Half as many backslashes; an odd one makes the quote a letter.
            slashes = len(match[1]) - 1
            word = (word or "") + "\\" * (slashes // 2) + ('"' if slashes % 2 else "")
            quoted = quoted if slashes % 2 else not quoted
        elif match[2]:
            quoted, word = not quoted, word or ""
        elif match[3] and not quoted:
            words += [word] if word is not None else []
            word = None
        elif match[4] or match[3]:
            word = (word or "") + match[0]
        else:
            word = (word or "") + ('"' if quoted else "")
    return ([*words, word] if word is not None else words), not quoted
