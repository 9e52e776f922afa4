"""What served answers showed, against the approved baseline: the events that the record keeps with its calls, judged and counted.

An event says only that a field came, went or is of another type. Whether it was promised says the baseline: a field that was always there and is not
is news, an optional one is none; a field that the baseline knows is none either. No value is ever here.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from caskmcp import canon
from caskmcp.analyze.drift_classes import BY_ID, DriftClass
from caskmcp.compiler.emit.arguments import resolved
from caskmcp.model.artifact import Baseline
from caskmcp.model.finding import EXITS, Finding, Report
from caskmcp.model.place import ITEMS
from caskmcp.model.record import JsonSchema

_STEP: Final = re.compile(r"\[\]|[^.\[\]]+")
_INDEX: Final = re.compile(r"/[0-9]+(?=/|$)", re.ASCII)
LIVE: Final = "cask drift --live"


class Served(NamedTuple):
    """One answered call, as the record has it."""

    tool: str
    drift: tuple[str, ...]
    """`orders/0/id: type`: places where the types differ from what was signed."""
    fields: tuple[str, ...]
    """`added orders[].tax`, `absent total`."""


class Event(NamedTuple):
    """One kind of change at one place of one tool's answers."""

    tool: str
    row: DriftClass
    place: str
    seen: int
    """Answers that showed it."""
    answers: int
    """Answers of the tool on record."""


def report(calls: Iterable[Served], baseline: Baseline, *, name: str) -> Report:
    """Judge and count. name: of the baseline, for the reader."""
    rows = list(calls)
    found = sorted(events(rows, baseline), key=lambda each: (-EXITS[each.row.severity], each.tool, each.row.id, each.place))
    summary = {
        "result": "drift" if found else "none",
        "baseline": name,
        "seen": "the record",
        "answers": len(rows),
        "tools": len({row.tool for row in rows}),
    }
    return Report(
        report="drift",
        summary=summary,
        findings=tuple(map(_finding, found)),
        tables={"changes": tuple(map(_row, found))},
        lines=() if found else ("No answer on record differs from the baseline.",),
        told=True,
    )


def events(calls: Iterable[Served], baseline: Baseline) -> Iterator[Event]:
    """Each change once, with how many answers showed it. A tool that the baseline does not know is left out."""
    answers: Counter[str] = Counter()
    seen: Counter[tuple[str, str, str]] = Counter()
    for call in calls:
        answers[call.tool] += 1
        seen.update({(call.tool, kind, place) for kind, place in (*map(_typed, call.drift), *map(_field, call.fields))})
    for (tool, kind, place), count in sorted(seen.items()):
        row = _judged(baseline, tool, kind, place, everywhere=count == answers[tool])
        if row is not None:
            yield Event(tool, row, place, count, answers[tool])


def _judged(baseline: Baseline, tool: str, kind: str, place: str, *, everywhere: bool) -> DriftClass | None:
    if (known := baseline.tools.get(tool)) is None:
        return None
    schemas = [_structured(schema) for schema in known.responses.values()]
    way = tuple(_STEP.findall(place))
    if kind == "added":
        return None if any(_is_known(schema, way) for schema in schemas) else BY_ID["field-added"]
    if kind == "absent":
        promised = bool(schemas) and all(_is_always(schema, way) for schema in schemas)
        return BY_ID["field-removed" if everywhere else "field-optional"] if promised else None
    return BY_ID["media-changed" if kind == "media" else "field-type"]


def _typed(text: str) -> tuple[str, str]:
    place, _, kind = text.rpartition(": ")
    plain = _INDEX.sub(ITEMS, f"/{place}".rstrip("/")).removeprefix("/").replace("/", ".")
    return ("media" if kind == "media" else "type"), plain


def _field(text: str) -> tuple[str, str]:
    kind, _, place = text.partition(" ")
    return kind, place


# ---------------------------------------------------------------- what the baseline says of a place
def _structured(schema: JsonSchema) -> JsonSchema:
    """The schema of the answer as it is passed on: one that is no object lies in `data`."""
    if resolved(schema).get("type") == "object":
        return schema
    return {"type": "object", "required": ["data"], "properties": {"data": schema}, "$defs": schema.get("$defs", {})}


def _is_known(schema: Any, way: tuple[str, ...]) -> bool:
    return not way or any(_is_known(inner, way[1:]) for inner, _ in _below(schema, way[0]))


def _is_always(schema: Any, way: tuple[str, ...]) -> bool:
    """Whether each object that could hold the field had it."""
    if not way:
        return True
    found = list(_below(schema, way[0]))
    return bool(found) and all(promised and _is_always(inner, way[1:]) for inner, promised in found)


def _below(schema: Any, step: str) -> Iterator[tuple[JsonSchema, bool]]:
    """What stands below a step, of each form that has anything there, and whether it always does."""
    for form in _forms(schema):
        rows = form.get("properties", {})
        inner = form.get("items") if step == ITEMS else rows.get(step)
        if isinstance(inner, Mapping):
            yield {**inner, "$defs": form.get("$defs", {})}, step == ITEMS or step in form.get("required", ())


def _forms(schema: JsonSchema) -> Iterator[JsonSchema]:
    whole = resolved(schema)
    yield whole
    for branch in (*whole.get("anyOf", ()), *whole.get("oneOf", ())):
        if isinstance(branch, Mapping):
            yield from _forms({**branch, "$defs": schema.get("$defs", {})})


# ---------------------------------------------------------------- as it is told
def _row(each: Event) -> dict[str, Any]:
    return {
        "severity": str(each.row.severity),
        "class": each.row.id,
        "tool": each.tool,
        "place": each.place or "the answer",
        "seen": f"{each.seen} of {each.answers}",
        "verdict": str(each.row.verdict),
    }


def _finding(each: Event) -> Finding:
    told = {"class": each.row.id, "tool": each.tool, "place": each.place}
    return Finding(
        code=each.row.id,
        severity=each.row.severity,
        subject=f"tool:{each.tool}",
        message=f"{each.place or 'the answer'}: {each.row.says} ({each.seen} of {each.answers} answers)",
        mend=LIVE,
        fingerprint=canon.hexadecimal(canon.digest(told))[:16],
    )
