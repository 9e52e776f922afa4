"""The capability diff: what was approved against what was built, each difference with the calculus's verdict.

Works before the first approval (all is new), and from the lock's own content alone. Whether a statement is valid is the door's question.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from caskmcp import canon
from caskmcp.analyze.words import word_diff
from caskmcp.calculus import shared, tools
from caskmcp.calculus.verdict import Change, Verdict
from caskmcp.model.finding import Detail, Finding, Report, Severity, typed
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
        Rule("shared-removed",  Severity.INFO,     "is no longer built"),
        Rule("shared-broadens", Severity.BREAKING, "allows more than what was approved"),
        Rule("shared-differs",  Severity.BREAKING, "allows other things than what was approved"),
        Rule("shared-narrows",  Severity.REVIEW,   "allows less than what was approved"),
        Rule("shared-reworded", Severity.REVIEW,   "reads differently than what was approved"),
    )
}
# fmt: on
EXCEPTION: Final = "redaction-exception"
"""A name, or a profile, that lets values through."""
_OF: Final = {Verdict.BROADENS: "broadens", Verdict.INCOMPARABLE: "differs", Verdict.NARROWS: "narrows", Verdict.EQUAL: "reworded"}


class Row(NamedTuple):
    """One change: as a table shows it, in full, and what it means in words."""

    told: dict[str, Any]
    detail: Detail
    message: str = ""


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
    counts = {code: sum(row.told["change"] == code for row in rows) for code in RULES}
    summary = {"unpinned": True} if not pinned else {}
    return Report(
        report="diff",
        summary={**summary, "changes": len(rows), **{code: count for code, count in counts.items() if count}},
        findings=tuple(_finding(row, sides.places) for row in rows),
        tables={"changes": tuple(row.told for row in rows)},
        lines=() if rows else ("Nothing differs from what was approved.",),
        details=tuple(row.detail for row in rows),
        told=True,
    )


def exception(area: str, name: str, what: str) -> dict[str, Any]:
    """A row for something that redaction leaves."""
    told = {"change": EXCEPTION, "subject": area, "risk": "high", "area": "redaction", "place": name, "before": "cut", "after": what}
    return {"id": change_id(area, name, "cut", what), **told, "witness": ""}


def with_exceptions(report: Report, rows: tuple[dict[str, Any], ...]) -> Report:
    """The report with exceptions from redaction as rows and findings. They change no exit status: they are no difference, and no approval ends them."""
    findings = (
        Finding(
            code=EXCEPTION,
            severity=Severity.INFO,
            subject=row["subject"],
            message=row["after"],
            place="cask.yaml",
            mend="edit cask.yaml",
            fingerprint=row["id"],
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


def _rows(sides: Sides) -> Iterator[Row]:
    for subject in sorted({*sides.approved, *sides.built}):
        if subject not in sides.built or subject not in sides.approved:
            yield _one_sided(subject, sides)
        else:
            yield from _changes(subject, sides)


def _one_sided(subject: str, sides: Sides) -> Row:
    """What stands on one side alone."""
    is_new, tool = subject in sides.built, subject.startswith("tool:")
    record = (sides.built if is_new else sides.approved)[subject]
    brief = (_brief(record) if record else sides.known[subject].brief if subject in sides.known else "") if tool else ""
    return _whole(subject, "added" if is_new else "removed", sides, **{"after" if is_new else "before": brief})


def _changes(subject: str, sides: Sides) -> Iterator[Row]:
    old, new = sides.approved[subject], sides.built[subject]
    if old is not None and old is new:
        return  # what is approved is what was built: nothing to look into
    if old is not None and new is not None:
        compare = tools.compare if subject.startswith("tool:") else shared.compare
        yield from (_changed(subject, change, sides) for change in compare(old, new))
    else:  # the content of one side is not here: then nothing can be said but that it differs
        after = _short(new) if new is not None else sides.known[subject].brief
        yield _whole(subject, "differs", sides, before=_short(old) if old is not None else "", after=after)


def _whole(subject: str, word: str, sides: Sides, *, before: str = "", after: str = "") -> Row:
    """A subject as a whole. Content that is not here stands in the id by its digest."""
    old, new, known = sides.approved.get(subject), sides.built.get(subject), sides.known.get(subject)
    code = f"{_kind(subject)}-{word}"
    id_ = change_id(subject, code, old, new if new is not None or known is None else known.digest)
    return Row(_told(id_, code, subject, sides, before=before, after=after), Detail(id=id_, subject=subject, place="", old=old, new=new))


def _changed(subject: str, change: Change, sides: Sides) -> Row:
    before, after = _difference(change.before, change.after)
    id_ = change_id(subject, change.place, change.before, change.after)
    code = f"{_kind(subject)}-{_OF[change.verdict]}"
    told = _told(
        id_, code, subject, sides, area=change.area, place=change.place, before=before, after=after, witness=_short(change.witness)
    )
    words = word_diff(change.before, change.after) if isinstance(change.before, str) and isinstance(change.after, str) else ()
    detail = Detail(id=id_, subject=subject, place=change.place, old=change.before, new=change.after, words=words)
    return Row(told, detail, change.message)


def _kind(subject: str) -> str:
    return "tool" if subject.startswith("tool:") else "shared"


def _told(id_: str, code: str, subject: str, sides: Sides, **more: str) -> dict[str, Any]:
    record, known = sides.built.get(subject) or sides.approved.get(subject) or {}, sides.known.get(subject)
    risk = (record.get("risk") or (known.risk if known else "")) if subject.startswith("tool:") else ""
    return {"id": id_, "change": code, "subject": subject, "risk": risk, **dict.fromkeys(COLUMNS, ""), **more}


COLUMNS: Final = ("area", "place", "before", "after", "witness")


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


def _weight(row: Row) -> tuple[Any, ...]:
    """Breaking first, then the riskiest tools, then by name."""
    told = row.told
    tier = TIERS.index(told["risk"]) if told["risk"] in TIERS else len(TIERS)
    return (_ORDER[RULES[told["change"]].severity], -tier, told["subject"], told["area"], told["place"])


_ORDER: Final = {Severity.REFUSED: 0, Severity.BREAKING: 1, Severity.REVIEW: 2, Severity.INFO: 3, Severity.INPUT: 4}


def _finding(row: Row, places: Mapping[str, str]) -> Finding:
    """A change as a finding. Its fingerprint is the change's id: who accepts one change has accepted no other."""
    rule, subject = RULES[row.told["change"]], row.told["subject"]
    name = subject.removeprefix("tool:")
    where = f": {row.message} ({row.told['place']})" if row.message else ""
    witness = f", e.g. {row.told['witness']}" if row.told["witness"] else ""
    return Finding(
        code=rule.code,
        severity=rule.severity,
        subject=subject,
        message=f"{name} {rule.says}{where}{witness}",
        place=places.get(subject, ""),
        mend="" if rule.severity is Severity.INFO else f"cask gate allow {typed(subject)}",
        fingerprint=row.told["id"],
    )
