"""Bodies that are a sequence: NDJSON and JSON Lines, JSON text sequences (RFC 7464), server-sent events (HTML standard, section 9.2).

A sequence is a list of items, as OpenAPI 3.2 models sequential media types; the body keeps its media type. A line is the JSON value that it
holds, an event an object of its fields, whose `data` is decoded where it is JSON. A last item that was cut off while it was recorded is left
out; anything else that is not of the format makes the body text, whose content is not kept. Nothing is cut here.
"""

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, Final

MOST: Final = 100_000
"""Items of one body that are kept; a longer sequence is text."""

Parse = Callable[[str], tuple[bool, Any]]
"""(whether a text is JSON that can be kept, its value)."""

_LINES: Final = re.compile(
    r"application/(?:x-)?(?:ndjson|jsonl|jsonlines|json-lines|json-stream|stream\+json)|application/vnd\.[\w.-]*\+ndjson", re.ASCII
)
_SEQUENCE: Final = re.compile(r"application/(?:[\w.-]+\+)?json-seq", re.ASCII)
_EVENTS: Final = "text/event-stream"
_END: Final = re.compile(r"\r\n|\n|\r")
_SEPARATOR: Final = "\x1e"
_FIELDS: Final = frozenset({"data", "event", "id", "retry"})


@lru_cache(maxsize=1024)
def is_stream(media: str) -> bool:
    """Whether a media type (lower case, without parameters) says that a body is a sequence."""
    return media == _EVENTS or _LINES.fullmatch(media) is not None or _SEQUENCE.fullmatch(media) is not None


def items(text: str, media: str, parse: Parse) -> list[Any] | None:
    """The items of a sequence, in order; None for a body that is none."""
    if media == _EVENTS:
        return _short(_events(text.removeprefix("\ufeff"), parse))
    if _LINES.fullmatch(media):
        return _values([line for line in _END.split(text) if line.strip()], parse)
    if _SEQUENCE.fullmatch(media):
        return _values([record for record in text.split(_SEPARATOR) if record.strip()], parse)
    return None


def _values(texts: list[str], parse: Parse) -> list[Any] | None:
    """The value of each text. Only the last one may be broken: the recording ended in it."""
    if len(texts) > MOST:
        return None
    found = [parse(text) for text in texts]
    if found and not found[-1][0] and len(found) > 1:
        found.pop()
    return [value for _, value in found] if all(whole for whole, _ in found) else None


def _short(found: Iterator[dict[str, Any]]) -> list[Any] | None:
    kept = [event for event, _ in zip(found, range(MOST + 1), strict=False)]
    return kept if len(kept) <= MOST else None


def _events(text: str, parse: Parse) -> Iterator[dict[str, Any]]:
    """Each event that has data. What stands after the last blank line was not dispatched, and is none."""
    event: dict[str, Any] = {}
    data: list[str] = []
    for line in _END.split(text):
        name, _, value = line.partition(":")
        if not line:
            if data:
                yield event | {"data": _data("\n".join(data), parse)}
            event, data = {}, []
        elif name == "data":
            data.append(value.removeprefix(" "))
        elif name in _FIELDS:
            event[name] = value.removeprefix(" ")


def _data(text: str, parse: Parse) -> Any:
    """What an event carries: JSON where it is an object or a list, else the text (`[DONE]`, a token of a model)."""
    if text.lstrip()[:1] not in ("{", "["):
        return text
    whole, value = parse(text)
    return value if whole else text
