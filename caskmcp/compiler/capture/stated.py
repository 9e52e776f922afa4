"""Requests that a person wrote down: what their URLs may say beyond those of a recording (`Recorded.stated`).

Promises that a URL without a host is the first party's, and that a segment in braces is a parameter unless words of the table stand in it
(`normalize.stage`). A path of parameters alone names none: it would be every path.
"""

import re
from typing import Final

_HOSTLESS: Final = re.compile(r"(https?)://(?=[/?]|\Z)")
_PARAMETER: Final = re.compile(r"%7B([A-Za-z_][A-Za-z0-9_.-]{0,63})(?:=([^/]*))?%7D", re.ASCII)
"""`{name}` or `{name=value}` as `address` quotes it."""


def with_host(url: str, first_party: str) -> str:
    """The URL with the first party's host, if it has none."""
    return _HOSTLESS.sub(lambda match: f"{match[1]}://{first_party}", url, count=1) if _HOSTLESS.match(url) else url


def parameters(path: str) -> tuple[str, tuple[tuple[int, str], ...]]:
    """A quoted path with the values that are known, and (index of the segment after the first `/`, name) of each parameter in it."""
    segments = path.split("/")
    found = []
    for index, segment in enumerate(segments):
        match = _PARAMETER.fullmatch(segment)
        if match is not None:
            found.append((index - 1, match[1]))
            segments[index] = match[2] or f"%7B{match[1]}%7D"
    is_anything = len(found) == sum(segment != "" for segment in segments)
    return "/".join(segments), () if is_anything else tuple(found)
