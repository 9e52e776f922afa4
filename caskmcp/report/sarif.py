"""SARIF 2.1.0 (OASIS), for code scanning: one run, one result a finding, accepted ones with their justification.

Places are `path` or `path:line` and become relative locations; a finding without one is located by its subject alone. Steps of a gate that were
not run stand among the notifications of the invocation.
"""

import json
import re
from typing import Any, Final

from caskmcp import __version__
from caskmcp.errors import CODES
from caskmcp.model.finding import Finding, Report, Severity
from caskmcp.report.commands import disarmed_json
from caskmcp.report.visible import visible

SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
LEVELS: Final = {
    Severity.INFO: "note",
    Severity.REVIEW: "warning",
    Severity.BREAKING: "error",
    Severity.INPUT: "error",
    Severity.REFUSED: "error",
}
_PLACE: Final = re.compile(r"(?P<path>[^\s:][^:]*?)(?::(?P<line>[1-9][0-9]{0,8}))?")


def render(report: Report) -> str:
    """The report as one SARIF log, ASCII only."""
    codes = sorted({*(row.code for row in report.findings), *(str(row["code"]) for row in _accepted(report))})
    driver = {"name": "cask", "version": __version__, "semanticVersion": __version__, "rules": [_rule(code) for code in codes]}
    index = {code: at for at, code in enumerate(codes)}
    results = [_result(row, index) for row in report.findings] + [_suppressed(row, index) for row in _accepted(report)]
    run = {
        "tool": {"driver": driver},
        "automationDetails": {"id": f"cask/{report.report}/"},
        "invocations": [_invocation(report)],
        "columnKind": "unicodeCodePoints",
        "results": results,
    }
    return disarmed_json(json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2, ensure_ascii=True))


def located(place: str) -> tuple[str, int]:
    """The file and the line (0 for none) of a place; no file where it is no path."""
    found = _PLACE.fullmatch(place)
    return (found["path"], int(found["line"] or 0)) if found else ("", 0)


def _rule(code: str) -> dict[str, Any]:
    row = CODES.get(code)
    return {"id": code, **({"shortDescription": {"text": row.title}, "fullDescription": {"text": row.why}} if row else {})}


def _invocation(report: Report) -> dict[str, Any]:
    """How the run ended, and which steps it left out: their silence is no result."""
    left = [row for row in report.tables.get("steps", ()) if row.get("result") in ("skipped", "not-run")]
    notes = [
        {
            "level": "note",
            "message": {"text": _message(f"{row['step']}: {': '.join(filter(None, (row['result'], row.get('note', ''))))}")},
            "descriptor": {"id": f"step-{row['result']}"},
        }
        for row in left
    ]
    return {"executionSuccessful": True, "exitCode": int(report.exit), **({"toolExecutionNotifications": notes} if notes else {})}


def _accepted(report: Report) -> tuple[dict[str, Any], ...]:
    """What a table `suppressed` tells: findings that a person accepted with a reason."""
    return report.tables.get("suppressed", ())


def _result(row: Finding, index: dict[str, int]) -> dict[str, Any]:
    mended = f" Mend: {row.mend}." if row.mend else ""
    return {
        "ruleId": row.code,
        "ruleIndex": index[row.code],
        "level": LEVELS[row.severity],
        "message": {"text": _message(row.message + "." + mended)},
        **_where(row.place, row.subject),
        **({"partialFingerprints": {"cask/v1": row.fingerprint}} if row.fingerprint else {}),
        **({"suppressions": [_external(row.suppressed)]} if row.suppressed else {}),
    }


def _message(text: str) -> str:
    """A text without a link in it: `[a](b)` is one in every message [3.11.6]."""
    return visible(text).replace("](", "] (")


def _external(reason: str) -> dict[str, Any]:
    return {"kind": "external", "justification": visible(reason)}


def _suppressed(row: dict[str, Any], index: dict[str, int]) -> dict[str, Any]:
    return {
        "ruleId": row["code"],
        "ruleIndex": index[row["code"]],
        "level": "none",
        "message": {"text": _message(str(row["message"]))},
        "suppressions": [_external(str(row["reason"]))],
        **_where(str(row.get("place", "")), str(row.get("subject", ""))),
        **({"partialFingerprints": {"cask/v1": row["fingerprint"]}} if row.get("fingerprint") else {}),
    }


def _where(place: str, subject: str) -> dict[str, Any]:
    """The location: a file with its line, and what the finding is about."""
    path, number = located(place)
    line = {"region": {"startLine": number}} if number else {}
    physical = {"physicalLocation": {"artifactLocation": {"uri": _uri(path)}, **line}} if path else {}
    logical = {"logicalLocations": [{"fullyQualifiedName": visible(subject)}]} if subject else {}
    return {"locations": [{**physical, **logical}]} if physical or logical else {}


def _uri(path: str) -> str:
    """A path as a relative reference (RFC 3986): everything but plain characters percent-encoded."""
    return re.sub(rb"[^A-Za-z0-9._~/-]", lambda match: b"%%%02X" % match[0][0], path.encode("utf-8", "surrogatepass")).decode("ascii")
