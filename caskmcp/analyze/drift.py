"""Drift: what a capture, a document, a probe or the newest build shows, against a baseline; each change with its class, place and verdict.

What was not called is not gone, and what chance explains is not told: a re-capture of the same service gives nothing. Personal data that
appears is told from its first sample. Whether a place differs is asked in `drift_operations` and `drift_documents`; here it is judged.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from caskmcp import canon
from caskmcp.analyze import drift_documents, drift_operations
from caskmcp.analyze.drift_classes import BY_ID, DriftClass
from caskmcp.analyze.drift_shapes import Difference
from caskmcp.calculus.schema import compare
from caskmcp.calculus.verdict import Verdict, together
from caskmcp.model.finding import EXITS, Finding, Report, Severity
from caskmcp.model.observation import Group

NOT_RUN: Final = "not-run"
_LOST: Final = frozenset({"field-removed", "field-type"})
"""Classes after which a field gives its values to no argument."""


@dataclass(frozen=True)
class View:
    """One side: the operations that it knows."""

    name: str
    """For the reader: a file, the id of a capture, `live`."""
    operations: Mapping[str, Group]
    """Operation id -> what was observed and declared of it."""
    tools: Mapping[str, str] = field(default_factory=dict)
    """Operation id -> the tool that calls it."""
    others: tuple[str, ...] = ()
    """Operations that are known by id alone."""
    places: Mapping[str, str] = field(default_factory=dict)
    """Tool -> where it stands in the baseline's file."""


class Change(NamedTuple):
    """A difference that counts."""

    operation: str
    row: DriftClass
    severity: Severity
    found: Difference


def drift(old: View, new: View, *, probed: bool = False, mend: str = "") -> Report:
    """Compare two sides. probed: each new sample is the answer to a probe. mend: what a person does about a change."""
    changes, compared, undecided = _changes(old, new, probed=probed)
    ordered = sorted(changes, key=lambda each: (-EXITS[each.severity], each.operation, each.row.id, each.found.place))
    rows = tuple(_row(each, old) for each in ordered)
    counts = {str(level): sum(each.severity is level for each in ordered) for level in _LEVELS}
    summary = {
        "result": "drift" if rows else "none",
        "verdict": str(together(verdict(each) for each in ordered)),
        "baseline": old.name,
        "seen": new.name,
        "compared": compared,
        "not_called": len(old.operations) - compared,
        "undecided": undecided,
        **{name: count for name, count in counts.items() if count},
    }
    return Report(
        report="drift",
        summary=summary,
        findings=tuple(_finding(each, row, old, mend) for each, row in zip(ordered, rows, strict=True)),
        tables={"changes": rows},
        lines=() if rows else ("Nothing that was called differs from the baseline.",),
        told=True,
    )


def not_run(why: str, mend: str) -> Report:
    """The report where there is nothing to measure from: it passes nowhere."""
    found = Finding(code=NOT_RUN, severity=Severity.REVIEW, subject="baseline", message=why, mend=mend)
    return Report(report="drift", summary={"result": NOT_RUN}, findings=(found,))


_LEVELS: Final = (Severity.BREAKING, Severity.REVIEW, Severity.INFO)


def key(operation: str) -> str:
    """An operation's id without the names of its parameters, which a document may give it."""
    return re.sub(r"\{[^{}]*\}", "{}", operation)


_COUNTED: Final = re.compile(r" \([0-9]+\)|^[0-9]+(?= operations$)", re.ASCII)
"""How often something was seen, in what is told of it."""


def fingerprint(change: Change) -> str:
    """The same for the same change, whatever else changes, how often it was seen and however it is worded. What was before and is now belongs to it: who
    accepts that calls authenticate in one other way has not accepted every way."""
    held = [_COUNTED.sub("", text) for text in (change.found.before, change.found.after)]
    told = {"class": change.row.id, "operation": key(change.operation), "place": change.found.place, "held": held}
    return canon.hexadecimal(canon.digest(told))[:16]


def verdict(change: Change) -> Verdict:
    """The calculus's where there are two schemas, else the class's."""
    schemas = change.found.schemas
    return change.row.verdict if schemas is None else compare(*schemas)


# ---------------------------------------------------------------- what changed
def _changes(old: View, new: View, *, probed: bool) -> tuple[list[Change], int, int]:
    """The changes, how many operations were compared, and how many differences chance explains."""
    known = {key(name): name for name in old.operations}
    changes, undecided, compared = [*_unknown(old, new)], 0, 0
    for name in sorted(new.operations):
        if (mine := known.get(key(name))) is None:
            continue
        before, after = old.operations[mine], new.operations[name]
        found = [*drift_operations.differences(before, after), *drift_documents.differences(before, after)]
        judged = [each for each in (_judged(mine, row, probed=probed) for row in _once(found)) if each is not None]
        changes += judged
        compared += 1
        undecided += sum(row.kind in BY_ID for row in _once(found)) - len(judged)
    changes += _undocumented(old, new)
    return [*changes, *_broken_flows(old, changes)], compared, undecided


def _judged(operation: str, found: Difference, *, probed: bool) -> Change | None:
    if found.kind not in BY_ID:
        return None  # a difference that is none on its side: a request may leave out what no answer may
    row = BY_ID[found.kind]
    if found.evidence is None or found.evidence.sure:
        return Change(operation, row, row.severity, found)
    if probed and found.evidence.probed:
        return Change(operation, row, min(row.severity, Severity.REVIEW, key=EXITS.__getitem__), found)
    return None


def _once(found: Iterable[Difference]) -> list[Difference]:
    """Of several that are told as one, the one that chance explains least."""
    best: dict[tuple[str, str], Difference] = {}
    for row in found:
        known = best.get((row.kind, row.place))
        if known is None or _chance(row) < _chance(known):
            best[row.kind, row.place] = row
    return [*best.values()]


def _chance(found: Difference) -> float:
    return 0.0 if found.evidence is None else found.evidence.chance


def _unknown(old: View, new: View) -> Iterator[Change]:
    """Operations and hosts that the baseline does not know; a new host is told once."""
    known = {key(name) for name in (*old.operations, *old.others)}
    hosts = {_host(name) for name in known}
    fresh = {name: group for name, group in sorted(new.operations.items()) if key(name) not in known and _answers(group)}
    for host in sorted({_host(name) for name in fresh} - hosts):
        count = sum(_host(name) == host for name in fresh)
        yield _certain(host, Difference("host-added", "host", "unknown", f"{count} operations"))
    for name in fresh:
        if _host(name) in hosts:
            yield _certain(name, Difference("endpoint-added", "operation", "unknown", "it answers"))


def _host(operation: str) -> str:
    return operation.split(" ", 1)[1].split("/", 1)[0]


def _answers(group: Group) -> bool:
    """Whether anybody says that there is such an operation of an API: a document, or an answer of success that is no page."""
    row = group.row
    if row is None or not drift_operations.successes(row):
        return bool(drift_documents.declared(group))
    media = {name for status, bodies in row.responses.items() if status.startswith("2") for name in bodies if name}
    return media != {"text/html"}


def _undocumented(old: View, new: View) -> Iterator[Change]:
    """Operations that a document stated and that its next version on the same host does not."""
    stated = {key(name) for name, group in new.operations.items() if drift_documents.declared(group)}
    known = stated | {key(name) for name in (*new.operations, *new.others)}
    hosts = {_host(name) for name in stated}
    for name, group in sorted(old.operations.items()):
        if drift_documents.declared(group) and key(name) not in known and _host(name) in hosts:
            yield _certain(name, Difference("endpoint-removed", "operation", "documented", "absent"))


def _broken_flows(old: View, changes: Iterable[Change]) -> Iterator[Change]:
    """Arguments all of whose sources are lost."""
    lost = [(each.operation, each.row.id, each.found.place) for each in changes]
    for name, group in sorted(old.operations.items()):
        for argument in sorted({flow.argument for flow in group.flows}):
            sources = [flow for flow in group.flows if flow.argument == argument]
            if all(any(_is_lost(flow.source, flow.field, *row) for row in lost) for flow in sources):
                said = ", ".join(sorted({f"{flow.source} {flow.field}" for flow in sources}))
                yield _certain(name, Difference("flow-broken", argument, said, "gone"))


def _is_lost(source: str, pointer: str, operation: str, kind: str, place: str) -> bool:
    if key(source) != key(operation):
        return False
    gone = place.partition(" /")[2]
    return kind == "endpoint-removed" or (kind in _LOST and place.startswith("answer 2") and f"{pointer}/".startswith(f"/{gone}/"))


def _certain(operation: str, found: Difference) -> Change:
    row = BY_ID[found.kind]
    return Change(operation, row, row.severity, found)


# ---------------------------------------------------------------- rows
def _row(change: Change, old: View) -> dict[str, Any]:
    found = change.found
    return {
        "id": fingerprint(change),
        "class": change.row.id,
        "severity": str(change.severity),
        "subject": _subject(change, old),
        "operation": change.operation,
        "place": found.place,
        "before": found.before,
        "after": found.after,
        "evidence": str(found.evidence or ""),
        "verdict": str(verdict(change)),
    }


def _subject(change: Change, old: View) -> str:
    tool = old.tools.get(change.operation)
    return f"tool:{tool}" if tool else change.operation


def _finding(change: Change, row: Mapping[str, Any], old: View, mend: str) -> Finding:
    found, tool = change.found, old.tools.get(change.operation, "")
    told = f" ({found.evidence})" if found.evidence else ""
    return Finding(
        code=change.row.id,
        severity=change.severity,
        subject=row["subject"],
        message=f"{found.place}: {change.row.says}: {found.before} -> {found.after}{told}",
        place=old.places.get(tool, ""),
        mend="" if change.severity is Severity.INFO else mend,
        fingerprint=row["id"],
    )
