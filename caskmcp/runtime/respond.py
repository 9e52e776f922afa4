"""From an upstream's answer to what an agent sees: structured content, capped, with secrets cut and hidden characters shown, marked untrusted.

Promises: an answer that differs from its schema still reaches the agent, as data, and is told as drift (SPEC promise 7); what was cut is
said; the text of an answer is never ours, so it stands only in the content that is marked `dev.caskmcp/untrusted`.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import jsonschema_rs

from caskmcp.errors import CaskError
from caskmcp.model.tool import Tool
from caskmcp.runtime import shrink
from caskmcp.runtime.clean import Clean
from caskmcp.runtime.envelope import called
from caskmcp.text import MAX_DEPTH, is_deeper, parse_json

ERROR_BYTES: Final = 2_000
"""Bytes of an error answer that are passed on."""
TEXTUAL: Final = (
    "text/",
    "application/json",
    "application/xml",
    "application/javascript",
    "application/x-www-form-urlencoded",
    "application/yaml",
    "application/x-ndjson",
    "application/ndjson",
    "application/x-jsonl",
)
Schema = jsonschema_rs.Draft202012Validator
KEY: Final = "dev.caskmcp/"


@dataclass(frozen=True)
class Answer:
    """What the upstream said."""

    status: int
    headers: tuple[tuple[str, str], ...]
    """Names in lower case."""
    body: bytes
    """Decoded; cut at the adapter's limit."""
    whole: bool = True
    """Whether `body` is all of it."""

    def header(self, name: str) -> str:
        """The first header of that name (lower case), or nothing."""
        return next((value for key, value in self.headers if key == name), "")


@dataclass(frozen=True)
class Result:
    """What the agent gets."""

    text: str
    structured: Mapping[str, Any] | None = None
    error: str = ""
    """Our code, if the call failed."""
    status: int = 0
    notes: tuple[str, ...] = ()
    """What was cut or differs, for the agent."""
    drift: tuple[str, ...] = ()
    """Where the answer differs from what was approved."""
    unfit: bool = False
    """Whether clients would throw the answer away, because it misses the output schema that they were shown."""
    details: Mapping[str, Any] = field(default_factory=dict)
    """More of the error, for programs: a challenge, an expiry."""
    untrusted: bool = False
    """Whether the text holds words of the upstream."""


def respond(tool: Tool, answer: Answer, shown: Schema | None, expected: Schema | None, clean: Clean) -> Result:
    """Shape an answer. shown: the output schema that clients have. expected: what answers looked like. A status that is no success is CASK-R008."""
    if not 200 <= answer.status < 300:
        return _failed(answer, clean)
    found = called(answer.body, _media(answer)) if tool.response.envelope else None
    if found is not None and found.failed:
        return _refused(str(found.value), answer.status, clean)
    value, notes = (found.value, ()) if found is not None else _value(tool, answer)
    fitted, cuts = shrink.fit(clean(value), tool.response.max_bytes)
    structured = fitted if isinstance(fitted, dict) else {"data": fitted}
    told = (*notes, *(f"cut to {tool.response.max_bytes} bytes: {', '.join(cuts)}" for _ in cuts[:1]))
    unfit = tuple(_differs(shown, structured))
    drift = unfit or tuple(_differs(expected, structured))
    return Result(_text(structured), structured, status=answer.status, notes=told, drift=drift, unfit=bool(unfit), untrusted=True)


def cleaned(result: Result, clean: Clean) -> Result:
    """A result that was made already, cut once more."""
    if result.structured is None:
        return replace(result, text=clean(result.text))
    structured = clean(dict(result.structured))
    return replace(result, text=_text(structured), structured=structured)


def _value(tool: Tool, answer: Answer) -> tuple[Any, tuple[str, ...]]:
    """The answer as JSON, and what is odd about it."""
    media = _media(answer)
    if not answer.body:
        return {"data": None}, ()
    if answer.whole and (parsed := _parsed(answer.body)) is not None:
        return parsed.value, ()
    if not _textual(media) and not (media == "" and _printable(answer.body)):
        return {"data": None, "omitted": f"{len(answer.body)} bytes of {media or 'unknown content'}"}, ("binary content is not passed on",)
    odd = () if "json" not in media else ("the answer says it is JSON and is not; it is passed on as text",)
    long = () if answer.whole else ("the answer was longer than what is read; this is its beginning",)
    return {"data": _decoded(answer.body)}, (*odd, *long)


def _media(answer: Answer) -> str:
    return answer.header("content-type").partition(";")[0].strip().lower()


@dataclass(frozen=True)
class _Parsed:
    value: Any


def _parsed(body: bytes) -> _Parsed | None:
    try:
        return _Parsed(parse_json(body, "the answer", limit=len(body)))
    except CaskError:
        return _loose(body)


def _loose(body: bytes) -> _Parsed | None:
    """JSON that our strict reader refuses for a duplicate key, as every other reader takes it; None for what is no JSON at all."""
    try:
        value = json.loads(body, parse_constant=lambda text: text)
    except (ValueError, RecursionError):
        # No JSON: the caller passes it on as text.
        return None
    return None if is_deeper(value, MAX_DEPTH) else _Parsed(value)


def _textual(media: str) -> bool:
    return media.startswith(TEXTUAL) or media.endswith(("+json", "+xml"))


def _printable(body: bytes) -> bool:
    try:
        return "\0" not in body.decode("utf-8")
    except UnicodeDecodeError:
        return False


def _decoded(body: bytes) -> str:
    return body.decode("utf-8", errors="replace")


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _differs(schema: Schema | None, structured: Mapping[str, Any]) -> list[str]:
    """Where the answer differs: keywords and places, never values; a key that is no plain name may be one, and goes to the record as `…`."""
    if schema is None:
        return []
    errors = list(schema.iter_errors(structured))[:5]
    return [f"{'/'.join(_step(part) for part in error.instance_path) or '/'}: {error.kind.name}" for error in errors]


def _step(part: str | int) -> str:
    return str(part) if isinstance(part, int) or shrink.NAME.fullmatch(part) else "…"


def _failed(answer: Answer, clean: Clean) -> Result:
    """An answer that says the call failed. No structured content: clients would hold it against the output schema."""
    said = _decoded(answer.body[: ERROR_BYTES * 2]) if _printable_start(answer.body) else ""
    return _refused(said, answer.status, clean)


def _refused(words: str, status: int, clean: Clean) -> Result:
    said = str(clean(words[: ERROR_BYTES * 2]))[:ERROR_BYTES] if words else ""
    return Result(
        f"CASK-R008: the upstream answered {status}{'; it said: ' + said if said else ''}",
        error="CASK-R008",
        status=status,
        details={"status": status},
        untrusted=bool(said),
    )


def _printable_start(body: bytes) -> bool:
    return b"\0" not in body[: ERROR_BYTES * 2] and bool(body.strip())
