"""The line of each path in a JSON text, for errors. The text was parsed before, so that it is known to be JSON."""

import json
import re
from typing import Final

_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+')

Lines = dict[tuple[str | int, ...], int]


def json_lines(text: str) -> Lines:
    """Path -> line from 1: of the key for a field, of the value for an item."""
    lines: Lines = {(): 1}
    path: list[str | int] = []
    line, end, key_next = 1, 0, False
    for match in _TOKEN.finditer(text):
        line += text.count("\n", end, match.start())
        end, token = match.start(), match.group()
        if token in ("}", "]"):
            path.pop()
        elif token == ",":
            key_next = isinstance(path[-1], str)
            path[-1] = path[-1] if isinstance(path[-1], str) else path[-1] + 1
        elif key_next:
            path[-1], key_next = json.loads(token), False
            lines[tuple(path)] = line
        elif token != ":":
            lines.setdefault(tuple(path), line)
            if token in ("{", "["):
                path.append("" if token == "{" else 0)
                key_next = token == "{"
                continue
        key_next = key_next and token not in ("}", "]")
    return lines
