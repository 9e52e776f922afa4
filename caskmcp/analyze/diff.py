"""The capability diff: what was approved against what was built, each difference with the calculus's verdict.

Works before the first approval (all is new), and from the lock's own content alone. Whether a statement is valid is the door's question.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from caskmcp import canon
from caskmcp.calculus.tools import compare
from caskmcp.calculus.verdict import Change, Verdict
from caskmcp.model.finding import Finding, Report, Severity
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


@dataclass(frozen=True)
class Sides:
    """The two sides of a diff, by subject (`tool:NAME`, `env:NAME`, `auth:HOST`, `policy`)."""

    approved: Mapping[str, Served | None]
    """Content of the newest approval; None where the lock names content that is not here."""
    built: Mapping[str, Served]


def diff(sides: Sides, *, pinned: bool) -> Report:
    """Compare the two sides. pinned: whether this machine accepted the trust root; if not, the report says so."""
    rows = sorted(_rows(sides), key=_weight)
    counts = {code: sum(row["change"] == code for row in rows) for code in RULES}
    summary = {"unpinned": True} if not pinned else {}
    return Report(
        report="diff",
        summary={**summary, "changes": len(rows), **{code: count for code, count in counts.items() if count}},
        findings=tuple(_findings(rows)),
        tables={"changes": tuple(rows)},
        lines=() if rows else ("Nothing differs from what was approved.",),
        told=True,
    )


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
    """Twelve digits that stay the same for the same change, whatever else changes."""
    return canon.hexadecimal(canon.digest({"subject": subject, "area": area, "before": before, "after": after}))[:12]


def _rows(sides: Sides) -> Iterator[dict[str, Any]]:
    for subject in sorted({*sides.approved, *sides.built}):
        old, new = sides.approved.get(subject), sides.built.get(subject)
        tool = subject.startswith("tool:")
        if new is None:
            yield _row(subject, "tool-removed" if tool else "shared-removed", "", "", _brief(old) if tool and old else "", "", old, None)
        elif subject not in sides.approved:
            yield _row(subject, "tool-added" if tool else "shared-added", "", "", "", _brief(new) if tool else "", None, new)
        elif old is None or not tool:
            if old != new:
                yield _row(subject, "tool-differs" if tool else "shared-changed", "", "", _short(old), _short(new), old, new)
        else:
            yield from (_changed(subject, change, old, new) for change in compare(old, new))


def _changed(subject: str, change: Change, old: Served, new: Served) -> dict[str, Any]:
    before, after = _at(old, change.place), _at(new, change.place)
    return _row(subject, _OF[change.verdict], change.area, change.place, *_difference(before, after), old, new)


def _row(subject: str, code: str, area: str, place: str, before: str, after: str, old: Served | None, new: Served | None) -> dict[str, Any]:
    record = new if new is not None else old if old is not None else {}
    return {
        "id": change_id(subject, area or code, _at(old, place), _at(new, place)),
        "change": code,
        "subject": subject,
        "risk": record.get("risk", "") if subject.startswith("tool:") else "",
        "area": area,
        "place": place,
        "before": before,
        "after": after,
    }


def _at(record: Served | None, place: str) -> Any:
    value: Any = record
    for key in place.split(".") if place else ():
        # Approved content may be older than a field, or of a tool that was none of its kind.
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


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


def _findings(rows: Iterable[Mapping[str, Any]]) -> Iterator[Finding]:
    """One finding a subject: its worst change, with the areas."""
    grouped: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        grouped.setdefault(row["subject"], []).append(row)
    for subject, found in grouped.items():
        rule = RULES[found[0]["change"]]
        areas = ", ".join(dict.fromkeys(row["area"] for row in found if row["area"]))
        name = subject.removeprefix("tool:")
        mend = "" if rule.severity is Severity.INFO else f"cask gate allow {name}"
        yield Finding(
            code=rule.code,
            severity=rule.severity,
            subject=subject,
            message=f"{name} {rule.says}" + (f" ({areas})" if areas else ""),
            mend=mend,
        )
