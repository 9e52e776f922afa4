"""A client's YAML file with one more server, every other line as it was (Goose: `extensions` in `config.yaml`).

The text is edited, not written anew, since a person's comments and order are theirs; the result is read again and has to mean what was there
plus the entry. A file of another form is refused, with the snippet as the way out.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from caskmcp.errors import CaskError
from caskmcp.text import parse_yaml

STEP: Final = "  "
"""What each level is moved in by, where the file does not show it."""


def block(key: str, name: str, entry: Mapping[str, Any], step: str = STEP) -> str:
    """The entry below its key, as lines of YAML. Scalars and lists are written as JSON, which YAML holds."""
    return "".join((f"{key}:\n", *_lines(name, entry, step)))


def added(before: str, key: str, name: str, entry: Mapping[str, Any], place: str) -> str:
    """The text with the entry, in the place of one of the same name. Raises CASK-I003 for what is no YAML, CASK-I004 for another form."""
    old = parsed(before, key, place)
    servers = old.get(key) or {}
    after = _with(_without(before, key, name) if name in servers else before, key, name, entry)
    if not _means(after, {**old, key: {**servers, name: dict(entry)}}):
        what = f"`{key}` has a form that cannot be added to; paste the snippet yourself"
        raise CaskError("CASK-I004", what, place=place, mend="cask config --client goose")
    return after


def parsed(text: str, key: str, place: str) -> dict[str, Any]:
    """The file's mapping; `key` in it is a mapping or nothing. Raises as `added`."""
    try:
        value = parse_yaml(text.encode(), place).value if text.strip() else {}
    except CaskError as cause:
        raise cause.mended(f"edit {place}") from cause
    value = {} if value is None else value
    if not isinstance(value, dict) or not isinstance(value.get(key) or {}, dict):
        raise CaskError("CASK-I004", f"expected a mapping with `{key}`", place=place, mend=f"edit {place}")
    return value


def _lines(name: str, entry: Mapping[str, Any], step: str) -> Iterator[str]:
    yield f"{step}{json.dumps(name)}:\n"  # quoted: a toolpack may be called `1` or `null`
    yield from (f"{step * 2}{field}: {json.dumps(value, ensure_ascii=False)}\n" for field, value in entry.items())


def _with(text: str, key: str, name: str, entry: Mapping[str, Any]) -> str:
    """The entry as the first below its key, or with the key at the end."""
    lines = text.splitlines(keepends=True)
    at = _header(lines, key)
    if at is None:
        return f"{text.rstrip()}\n{block(key, name, entry)}" if text.strip() else block(key, name, entry)
    return "".join((*lines[:at], *block(key, name, entry, _step(lines[at + 1 :])).splitlines(keepends=True), *lines[at + 1 :]))


def _header(lines: list[str], key: str) -> int | None:
    """The line of the key, if its value stands below it or is empty."""
    form = re.compile(rf"""["']?{re.escape(key)}["']?\s*:\s*(\{{\s*\}}|null|~)?\s*(#.*)?\r?\n?""")
    return next((number for number, line in enumerate(lines) if form.fullmatch(line)), None)


def _step(below: list[str]) -> str:
    """How far the entries that stand there are moved in."""
    first = next((line for line in below if line.strip() and not line.lstrip().startswith("#")), "")
    return first[: len(first) - len(first.lstrip(" "))] or STEP


def _without(text: str, key: str, name: str) -> str:
    """The text without one entry below its key, and what belongs to it."""
    lines = text.splitlines(keepends=True)
    at = _header(lines, key)
    if at is None:
        return text
    step = _step(lines[at + 1 :])
    start = re.compile(rf"""{step}["']?{re.escape(name)}["']?\s*:""")
    kept, inside = lines[: at + 1], False
    for line in lines[at + 1 :]:
        if line.strip() and len(line) - len(line.lstrip(" ")) <= len(step):
            inside = bool(start.match(line))
        if not inside:
            kept.append(line)
    return "".join(kept)


def _means(text: str, wanted: Mapping[str, Any]) -> bool:
    try:
        return bool(parse_yaml(text.encode(), "").value == wanted)
    except CaskError:
        return False
