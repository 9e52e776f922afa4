"""`.http` and `.rest` files of JetBrains' HTTP Client and of REST Client for Visual Studio Code.

Each request states an operation. Variables are the file's own (`@name = value`); files beside it, scripts and recorded responses that it
points to are not read. Sources: https://www.jetbrains.com/help/idea/exploring-http-syntax.html, https://github.com/Huachao/vscode-restclient.
"""

import re
from collections.abc import Iterator
from typing import ClassVar, Final, NamedTuple

import msgspec

from caskmcp.compiler.capture.sources.collection import document
from caskmcp.compiler.capture.sources.collection.request import FORM, Sent, Written, graphql, recorded
from caskmcp.compiler.capture.sources.collection.variables import Variables
from caskmcp.compiler.capture.sources.curl import requests, words
from caskmcp.compiler.capture.sources.interface import Blocks, Recorded
from caskmcp.model.exchange import Pair, Skipped

_VARIABLE: Final = re.compile(r"@([A-Za-z_][A-Za-z0-9_.-]{0,100})\s*=\s*(.*)")
_COMMENT: Final = re.compile(r"\s*(?:#|//)")
_METHOD: Final = re.compile(r"([A-Z][A-Z_-]{1,20})[ \t]+")
_VERSION: Final = re.compile(r"HTTP/[0-9.]+")
_URL: Final = re.compile(r"(?:https?://|\{\{|/|[A-Za-z0-9.-]+(?::[0-9]+)?(?:[/?]|\Z))", re.IGNORECASE)
_HEADER: Final = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+)[ \t]*:[ \t]*(.*)")
_OTHERS: Final = frozenset({"WEBSOCKET", "GRPC", "RSOCKET"})
_OUTPUT: Final = re.compile(r"\s*(?:>>!?|<>)\s+\S")
_SCRIPT: Final = re.compile(r"\s*[<>]\s*(?:\{%|[^\s<>]+\.(?:js|ts)\s*$)")
_FILE: Final = re.compile(r"<(?:@[A-Za-z0-9-]*)?\s+\S")


class Part(NamedTuple):
    """What stands between two `###`: its lines, and the number of the first one."""

    first: int
    lines: list[str]


class HttpFile:
    """The source `http`."""

    kind: ClassVar[str] = "http"

    def read(self, blocks: Blocks) -> Iterator[Recorded | Skipped]:
        """Yield each request in file order. Raises CASK-C001 for what is not UTF-8."""
        parts = _parts(document.text(document.joined(blocks)))
        variables = Variables({name: value for part in parts for name, value in _assigned(part.lines)})
        if script := next((part.first for part in parts if any(map(_SCRIPT.match, part.lines))), 0):
            yield Skipped(f"line {script}", "unsupported")
        for part in parts:
            yield from _request(part, variables)


def _parts(text: str) -> list[Part]:
    parts = [Part(1, [])]
    for number, line in enumerate(text.split("\n"), 1):
        if line.startswith("###"):
            parts.append(Part(number + 1, []))
        else:
            parts[-1].lines.append(line)
    return parts


def _request(part: Part, variables: Variables) -> Iterator[Recorded | Skipped]:
    start = _start(part.lines)
    if start is None:
        return
    place, line = f"line {part.first + start}", part.lines[start].strip()
    if line.startswith("curl "):
        found = requests(words.commands("\n".join(part.lines[start:])))
        yield from (msgspec.structs.replace(row, place=place) for row in found)
        return
    method, url = _asked(line)
    if method in _OTHERS:
        yield Skipped(place, "unsupported")
    elif not _URL.match(url):
        yield Skipped(place, "broken", detail="this is no request line")
    else:
        yield recorded(_written(part.lines[start + 1 :], method, url, place), variables)


def _asked(line: str) -> Pair:
    """Method and URL of a request line; without a method it is GET, and the version is no part of the URL."""
    method = _METHOD.match(line)
    rest = line[method.end() :] if method else line
    *before, last = rest.rsplit(None, 1)
    return method[1] if method else "GET", before[0] if before and _VERSION.fullmatch(last) else rest


def _assigned(lines: list[str]) -> Iterator[Pair]:
    """Names and values of the variables that stand before a request."""
    for line in lines[: _start(lines)]:
        match = _VARIABLE.fullmatch(line.strip())
        if match is not None:
            yield match[1], match[2].strip()


def _start(lines: list[str]) -> int | None:
    """The line that a request begins on: the first that is no comment, variable, script or empty."""
    script = False
    for index, line in enumerate(lines):
        if script or _SCRIPT.match(line):
            script = "%}" not in line and (script or "{%" in line)
        elif line.strip() and not _COMMENT.match(line) and not _VARIABLE.fullmatch(line.strip()):
            return index
    return None


def _written(lines: list[str], method: str, url: str, place: str) -> Written:
    at = 0
    while at < len(lines) and re.match(r"\s+\S", lines[at]) and not _HEADER.fullmatch(lines[at].strip()):
        url += lines[at].strip()  # a query over several lines
        at += 1
    headers: list[Pair] = []
    while at < len(lines) and lines[at].strip():
        match = _HEADER.fullmatch(lines[at].strip()) if not _COMMENT.match(lines[at]) else None
        headers += [(match[1], match[2].strip())] if match else []
        at += 1
    is_graphql = method == "GRAPHQL" or any(name.lower() == "x-request-type" and value.lower() == "graphql" for name, value in headers)
    return Written(
        place,
        "POST" if method == "GRAPHQL" else method,
        url,
        headers=tuple((name, value) for name, value in headers if name.lower() != "x-request-type"),
        body=_body(lines[at + 1 :], headers, is_graphql=is_graphql),
    )


def _body(lines: list[str], headers: list[Pair], *, is_graphql: bool) -> Sent | None:
    kept = list(_content(lines))
    text = "\n".join(kept).strip("\n")
    media = next((value for name, value in headers if name.lower() == "content-type"), "")
    if not text.strip():
        return None
    if is_graphql:
        query, _, variables = text.partition("\n\n")
        return graphql(query, variables)
    if _FILE.match(text):
        return Sent(media)
    # Fields of a form may stand one a line.
    return Sent(media, "".join(line.strip() for line in kept) if media.partition(";")[0].strip().lower() == FORM else text)


def _content(lines: list[str]) -> Iterator[str]:
    """The lines of a body, without scripts, the names of recorded responses, and where the answer is to be kept."""
    script = False
    for line in lines:
        if script or _SCRIPT.match(line):
            script = "%}" not in line and (script or "{%" in line)
        elif not _OUTPUT.match(line):
            yield line
