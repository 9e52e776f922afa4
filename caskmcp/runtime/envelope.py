"""What an MCP server answers over HTTP: one JSON-RPC response, alone or as an event of a stream, around the result of a tool's call.

Everything in it is a stranger's: names of parts are looked for, and what is found is data.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from caskmcp.errors import CaskError
from caskmcp.text import parse_json

STREAM: Final = "text/event-stream"


@dataclass(frozen=True)
class Called:
    """What a tool's call gave."""

    value: Any
    failed: bool = False
    """Whether the server says that it failed; `value` is then what it said, a text."""


def called(body: bytes, media: str) -> Called | None:
    """The result in an answer; None if there is none in it."""
    message = answered(body, media)
    if message is None:
        return None
    if isinstance(error := message.get("error"), dict):
        return Called(str(error.get("message", "")), failed=True)
    return _result(message["result"])


def answered(body: bytes, media: str) -> dict[str, Any] | None:
    """The first message that answers: one with an `error` or a `result` that is an object."""
    for message in _messages(body, media):
        is_ours = isinstance(message, dict) and message.get("jsonrpc") == "2.0"
        if is_ours and any(isinstance(message.get(name), dict) for name in ("error", "result")):
            found: dict[str, Any] = message
            return found
    return None


def _messages(body: bytes, media: str) -> Iterator[Any]:
    for data in _events(body) if media == STREAM else [body]:
        try:
            yield parse_json(data, "the answer", limit=len(body))
        except CaskError:
            continue  # not a message: an event may hold anything


def _events(body: bytes) -> Iterator[bytes]:
    """The data of each event (WHATWG HTML, section 9.2.6)."""
    lines = body.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    data: list[bytes] = []
    for line in [*lines, b""]:
        if line.startswith(b"data:"):
            data.append(line[5:].removeprefix(b" "))
        elif not line and data:
            yield b"\n".join(data)
            data = []


def _result(result: Mapping[str, Any]) -> Called:
    if result.get("resultType", "complete") != "complete":
        return Called("it asks for more than one call can give", failed=True)
    content = [_part(part) for part in result.get("content") or () if isinstance(part, dict)]
    if result.get("isError") is True:
        return Called("\n".join(str(part["text"]) for part in content if "text" in part), failed=True)
    structured = result.get("structuredContent")
    return Called({"content": content} if structured is None else structured)


def _part(part: Mapping[str, Any]) -> dict[str, Any]:
    """A text as it is; of anything else its kind and size."""
    if part.get("type") == "text" and isinstance(part.get("text"), str):
        return {"type": "text", "text": part["text"]}
    return {"type": str(part.get("type", ""))[:40], "omitted": f"{len(json.dumps(part))} characters"}
