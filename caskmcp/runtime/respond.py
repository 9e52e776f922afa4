"""From an upstream's answer to what an agent sees: structured content, capped, with secrets cut and hidden characters shown, marked untrusted.

Promises: an answer that differs from its schema still reaches the agent, as data, and is told as drift (SPEC promise 7); what was cut is
said; the text of an answer is never ours, so it stands only in the content that is marked `dev.caskmcp/untrusted`.
"""

import json
import re
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, NamedTuple

import jsonschema_rs

from caskmcp.errors import CaskError
from caskmcp.model.tool import Tool
from caskmcp.runtime import more, shrink
from caskmcp.runtime.clean import Clean
from caskmcp.runtime.envelope import called
from caskmcp.runtime.fields import differing
from caskmcp.runtime.projection import projected
from caskmcp.text import MAX_DEPTH, is_deeper, parse_json

ERROR_BYTES: Final = 2_000
"""Bytes of an error answer that are passed on."""
ERROR_READ: Final = 1 << 16
"""Bytes of an error answer that are read: what is masked by its name is found in a whole value alone."""
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
_MEDIA: Final = re.compile(r"[a-z0-9.+-]{1,60}/[a-z0-9.+-]{1,60}", re.ASCII)
_WORDS: Final = re.compile(rb"[\x20-\x7e]{6,}")
"""Readable runs in binary content."""
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


class Blob(NamedTuple):
    """Content that is no text."""

    media: str
    data: str
    """In base64."""


class Read(NamedTuple):
    """An answer as it was read."""

    value: Any
    notes: tuple[str, ...] = ()
    odd: tuple[str, ...] = ()
    """Drift that no schema tells."""
    blob: Blob | None = None
    parsed: bool = False
    """Whether the value is the upstream's own, and not what we say of it."""


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
    fields: tuple[str, ...] = ()
    """Fields that nobody knew or that are not there, for the record alone (`fields.differing`)."""
    unfit: bool = False
    """Whether clients would throw the answer away, because it misses the output schema that they were shown."""
    details: Mapping[str, Any] = field(default_factory=dict)
    """More of the error, for programs: a challenge, an expiry."""
    untrusted: bool = False
    """Whether the text holds words of the upstream."""
    blob: Blob | None = None
    """Content that goes beside the text."""
    truncated: bool = False
    """Whether something of the answer was cut; `notes` say what, and how to get it."""


def respond(tool: Tool, answer: Answer, shown: Schema | None, expected: Schema | None, clean: Clean) -> Result:
    """Shape an answer. shown: the output schema that clients have. expected: what answers looked like. A status that is no success is CASK-R008.

    Drift is told of the answer as it came, before anything is cut.
    """
    if not 200 <= answer.status < 300:
        return _failed(answer, clean)
    found = called(answer.body, _media(answer)) if tool.response.envelope else None
    if found is not None and found.failed:
        return _refused(str(found.value), answer.status, clean)
    read = Read(found.value, parsed=True) if found is not None else _read(tool, answer, clean)
    whole = _object(read.value)
    kept = projected(read.value, tool.response.keep) if read.parsed else read.value
    fitted, cuts = shrink.fit(clean(kept), tool.response.max_bytes)
    structured = _object(fitted)
    unfit = tuple(_differs(shown, structured))
    return Result(
        _text(structured),
        structured,
        status=answer.status,
        notes=(*read.notes, *_told(tool, cuts, whole)),
        drift=tuple(dict.fromkeys((*read.odd, *_differs(expected, whole), *unfit))),
        fields=differing(tool.response.expected, whole),
        unfit=bool(unfit),
        untrusted=True,
        blob=read.blob,
        truncated=bool(cuts) or not answer.whole,
    )


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {"data": value}


def _told(tool: Tool, cuts: tuple[str, ...], whole: Mapping[str, Any]) -> Iterator[str]:
    """What was cut and how to get it; or where the answer says that there is more."""
    if cuts:
        yield f"cut to {tool.response.max_bytes} bytes and about {shrink.TOKENS} tokens: {', '.join(cuts)}"
        yield more.after_a_cut(tool)
    elif onward := more.next_page(tool, whole):
        yield onward


def cleaned(result: Result, clean: Clean) -> Result:
    """A result that was made already, cut once more."""
    if result.structured is None:
        return replace(result, text=clean(result.text))
    structured = clean(dict(result.structured))
    return replace(result, text=_text(structured), structured=structured)


def _read(tool: Tool, answer: Answer, clean: Clean) -> Read:
    """The answer as JSON, and what is odd about it."""
    media = _media(answer)
    if not answer.body:
        return Read({"data": None})
    if answer.whole and (parsed := _parsed(answer.body)) is not None:
        return Read(parsed.value, parsed=True)
    if not _textual(media) and not (media == "" and _printable(answer.body)):
        return _binary(tool, answer, media, clean)
    if tool.response.keep:  # in a text nobody can tell the fields that are passed on from the others
        return Read(
            {"data": None},
            (
                "the answer is no JSON, or longer than what is read; the fields that are passed on cannot be told in it",
                more.after_a_cut(tool),
            ),
            ("/: media",),
        )
    odd = () if "json" not in media else ("the answer says it is JSON and is not; it is passed on as text",)
    long = () if answer.whole else ("the answer was longer than what is read; this is its beginning", more.after_a_cut(tool))
    return Read({"data": _decoded(answer.body)}, (*odd, *long))


def _binary(tool: Tool, answer: Answer, media: str, clean: Clean) -> Read:
    """Content that is no text: attached whole where its type was approved and nothing in it has to be cut, else told and left out."""
    what = f"{len(answer.body)} bytes of {media if _MEDIA.fullmatch(media) else 'unknown content'}"
    why = next(_unfit_to_attach(tool, answer, media, clean), "")
    if why:
        odd = ("/: media",) if media not in tool.response.media and tool.response.media else ()
        return Read({"data": None, "omitted": what}, (f"binary content is not passed on: {why}",), odd)
    return Read({"data": None, "attached": what}, (f"{what} are attached",), (), Blob(media, b64encode(answer.body).decode("ascii")))


def _unfit_to_attach(tool: Tool, answer: Answer, media: str, clean: Clean) -> Iterator[str]:
    if media not in tool.response.media:
        yield "its type is none that was approved for this tool"
    if not answer.whole or len(answer.body) * 4 > tool.response.max_bytes * 3:
        yield f"it is larger than {tool.response.max_bytes * 3 // 4} bytes"
    words = b"\n".join(_WORDS.findall(answer.body)).decode("ascii")
    if clean(words) != words:
        yield "it holds what would have to be cut from a text"


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
    said = _decoded(answer.body[:ERROR_READ]) if _printable_start(answer.body) else ""
    return _refused(said, answer.status, clean)


def _refused(words: str, status: int, clean: Clean) -> Result:
    said = str(clean(words[:ERROR_READ]))[:ERROR_BYTES] if words else ""
    return Result(
        f"CASK-R008: the upstream answered {status}{'; it said: ' + said if said else ''}",
        error="CASK-R008",
        status=status,
        details={"status": status},
        untrusted=bool(said),
    )


def _printable_start(body: bytes) -> bool:
    return b"\0" not in body[: ERROR_BYTES * 2] and bool(body.strip())
