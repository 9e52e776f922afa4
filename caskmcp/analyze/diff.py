"""The capability diff: what was approved against what was built, each difference with the calculus's verdict.

Works before the first approval (all is new), and from the lock's own content alone. Whether a statement is valid is the door's question.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from caskmcp import canon
from caskmcp.analyze.words import word_diff
from caskmcp.calculus.sides import value_at
from caskmcp.calculus.tools import compare
from caskmcp.calculus.verdict import Change, Verdict
from caskmcp.model.finding import Detail, Finding, Report, Severity
from caskmcp.model.tool import LOWERED, TIERS

Served = Mapping[str, Any]


class Rule(NamedTuple):
    """What one kind of difference means for whoever merges it."""

    code: str
    severity: Severity
    says: str


# fmt: off
RULES: Final = {
    row.code: row
    for row in (
        Rule("tool-added",      Severity.REVIEW,   "is new"),
        Rule("tool-removed",    Severity.INFO,     "is no longer built"),
        Rule("tool-broadens",   Severity.BREAKING, "allows more than what was approved"),
        Rule("tool-differs",    Severity.BREAKING, "allows other things than what was approved"),
        Rule("tool-narrows",    Severity.REVIEW,   "allows less than what was approved"),
        Rule("tool-reworded",   Severity.REVIEW,   "reads differently than what was approved"),
        Rule("shared-added",    Severity.REVIEW,   "is new"),
        Rule("shared-changed",  Severity.BREAKING, "is not what was approved"),
        Rule("shared-removed",  Severity.INFO,     "is no longer built"),
    )
}
# fmt: on
EXCEPTION: Final = "redaction-exception"
"""A name, or a profile, that lets values through."""
_OF: Final = {
    Verdict.BROADENS: "tool-broadens",
    Verdict.INCOMPARABLE: "tool-differs",
    Verdict.NARROWS: "tool-narrows",
    Verdict.EQUAL: "tool-reworded",
}


class Known(NamedTuple):
    """What is known of content that is not here."""

    risk: str
    brief: str
    digest: str


@dataclass(frozen=True)
class Sides:
    """The two sides of a diff, by subject (`tool:NAME`, `env:NAME`, `auth:HOST`, `policy`)."""

    approved: Mapping[str, Served | None]
    """Content of the newest approval; None where the lock names content that is not here."""
    built: Mapping[str, Served | None]
    """What was built; None where its content is not here: it is in `known` then."""
    known: Mapping[str, Known] = field(default_factory=dict)
    places: Mapping[str, str] = field(default_factory=dict)
    """Subject -> `file:line` to look at."""


def diff(sides: Sides, *, pinned: bool) -> Report:
    """Compare the two sides. pinned: whether this machine accepted the trust root; if not, the report says so."""
    rows = sorted(_rows(sides), key=_weight)
    counts = {code: sum(row["change"] == code for row in rows) for code in RULES}
    summary = {"unpinned": True} if not pinned else {}
    return Report(
        report="diff",
        summary={**summary, "changes": len(rows), **{code: count for code, count in counts.items() if count}},
        findings=tuple(_finding(row, sides.places) for row in rows),
        tables={"changes": tuple(rows)},
        lines=() if rows else ("Nothing differs from what was approved.",),
        told=True,
    )


def details(sides: Sides, report: Report) -> tuple[Detail, ...]:
    """Each change in full: the old and the new value at its place, and of texts the words that changed."""
    rows = (row for row in report.tables["changes"] if row["change"] in RULES)
    return tuple(_detail(row, sides) for row in rows)


def _detail(row: Mapping[str, Any], sides: Sides) -> Detail:
    subject, place = row["subject"], row["place"]
    old, new = value_at(sides.approved.get(subject), place), value_at(sides.built.get(subject), place)
    words = word_diff(old, new) if isinstance(old, str) and isinstance(new, str) else ()
    return Detail(id=row["id"], subject=subject, place=place, old=old, new=new, words=words)


def exception(area: str, name: str, what: str) -> dict[str, Any]:
    """A row for something that redaction leaves."""
    told = {"change": EXCEPTION, "subject": area, "risk": "high", "area": "redaction", "place": name, "before": "cut", "after": what}
    return {"id": change_id(area, name, "cut", what), **told}


def with_exceptions(report: Report, rows: tuple[dict[str, Any], ...]) -> Report:
    """The report with exceptions from redaction as rows and findings. They change no exit status: they are no difference, and no approval ends them."""
    findings = (
        Finding(
            code=EXCEPTION, severity=Severity.INFO, subject=row["subject"], message=row["after"], place="cask.yaml", mend="edit cask.yaml"
        )
        for row in rows
    )
    return report.model_copy(
        update={
            "summary": {**report.summary, EXCEPTION: len(rows)},
            "findings": (*report.findings, *findings),
            "tables": {**report.tables, "changes": (*report.tables["changes"], *rows)},
        }
    )


def change_id(subject: str, area: str, before: Any, after: Any) -> str:
    """Sixteen digits that stay the same for the same change, whatever else changes. area: the place of the change, or what it is."""
    return canon.hexadecimal(canon.digest({"subject": subject, "area": area, "before": before, "after": after}))[:16]


def _rows(sides: Sides) -> Iterator[dict[str, Any]]:
    for subject in sorted({*sides.approved, *sides.built}):
        if subject not in sides.built or subject not in sides.approved:
            yield _one_sided(subject, sides)
        else:
            yield from _changes(subject, sides)


def _one_sided(subject: str, sides: Sides) -> dict[str, Any]:
    """What stands on one side alone."""
    is_new, tool = subject in sides.built, subject.startswith("tool:")
    record = (sides.built if is_new else sides.approved)[subject]
    brief = (_brief(record) if record else sides.known[subject].brief if subject in sides.known else "") if tool else ""
    row = _row(subject, f"{'tool' if tool else 'shared'}-{'added' if is_new else 'removed'}", sides)
    return {**row, "after" if is_new else "before": brief}


def _changes(subject: str, sides: Sides) -> Iterator[dict[str, Any]]:
    old, new = sides.approved[subject], sides.built[subject]
    if old is not None and new is not None and subject.startswith("tool:"):
        yield from (_changed(subject, change, sides, old, new) for change in compare(old, new))
    elif old != new or new is None:
        row = _row(subject, "tool-differs" if subject.startswith("tool:") else "shared-changed", sides)
        yield {**row, "before": _short(old), "after": _short(new) if new is not None else sides.known[subject].brief}


def _changed(subject: str, change: Change, sides: Sides, old: Served, new: Served) -> dict[str, Any]:
    before, after = _difference(change.before, change.after)
    return _row(subject, _OF[change.verdict], sides, area=change.area, place=change.place) | {"before": before, "after": after}


def _row(subject: str, code: str, sides: Sides, *, area: str = "", place: str = "") -> dict[str, Any]:
    old, new, known = sides.approved.get(subject), sides.built.get(subject), sides.known.get(subject)
    record = new if new is not None else old if old is not None else {}
    after = known.digest if known is not None and new is None else value_at(new, place)
    return {
        "id": change_id(subject, place or code, value_at(old, place), after),
        "change": code,
        "subject": subject,
        "risk": (record.get("risk") or (known.risk if known else "")) if subject.startswith("tool:") else "",
        "area": area,
        "place": place,
        "before": "",
        "after": "",
    }


def _brief(record: Served) -> str:
    """A tool in a few words: what it sends, or what it calls."""
    if plan := record.get("composite"):
        return f"{record['effect']} {plan['kind']} of {', '.join(step['tool'] for step in plan['steps'])}"
    request = record["request"]
    path = "/".join("".join(piece["text"] or f"{{{piece['argument']}}}" for piece in segment["pieces"]) for segment in request["segments"])
    pinned = (request.get("body") or {}).get("constants")
    unasked = {row["wire"]: row["default"] for row in (*request["query"], *request["headers"]) if row.get("default")}
    lowered = next((row["evidence"] for row in record["reasons"] if row["rule"] == LOWERED), "")
    told = ((" pinning ", pinned), (" sending unasked ", unasked), ("; ", lowered))
    return f"{record['effect']} {request['method']} {request['host']}/{path}" + "".join(
        f"{word}{_short(row, 80)}" for word, row in told if row
    )


def _difference(before: Any, after: Any) -> tuple[str, str]:
    """The two values where they first differ, as short text."""
    while isinstance(before, Mapping) and isinstance(after, Mapping):
        keys = [key for key in sorted({*before, *after}) if before.get(key) != after.get(key)]
        if len(keys) != 1:
            return _short({key: before[key] for key in keys if key in before}), _short({key: after[key] for key in keys if key in after})
        before, after = before.get(keys[0]), after.get(keys[0])
    return _short(before), _short(after)


def _short(value: Any, most: int = 200) -> str:
    text = value if isinstance(value, str) else canon.compact(value).decode()
    return text if len(text) <= most else text[: most - 1] + "…"


def _weight(row: Mapping[str, Any]) -> tuple[Any, ...]:
    """Breaking first, then the riskiest tools, then by name."""
    tier = TIERS.index(row["risk"]) if row["risk"] else len(TIERS)
    return (_ORDER[RULES[row["change"]].severity], -tier, row["subject"], row["area"], row["place"])


_ORDER: Final = {Severity.REFUSED: 0, Severity.BREAKING: 1, Severity.REVIEW: 2, Severity.INFO: 3, Severity.INPUT: 4}


def _finding(row: Mapping[str, Any], places: Mapping[str, str]) -> Finding:
    """A change as a finding. Its fingerprint is the change's id: who accepts one change has accepted no other."""
    rule = RULES[row["change"]]
    name = row["subject"].removeprefix("tool:")
    return Finding(
        code=rule.code,
        severity=rule.severity,
        subject=row["subject"],
        message=f"{name} {rule.says}" + (f" ({row['area']}: {row['place']})" if row["area"] else ""),
        place=places.get(row["subject"], ""),
        mend="" if rule.severity is Severity.INFO else f"cask gate allow {name}",
        fingerprint=row["id"],
    )
