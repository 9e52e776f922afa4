"""SARIF 2.1.0 (OASIS), for code scanning: one run, one result a finding, accepted ones with their justification.

Places are `path` or `path:line` and become relative locations; a finding without one is located by its subject alone.
"""

import json
import re
from typing import Any, Final

from caskmcp import __version__
from caskmcp.model.finding import Finding, Report, Severity
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
    driver = {"name": "cask", "version": __version__, "semanticVersion": __version__, "rules": [{"id": code} for code in codes]}
    index = {code: at for at, code in enumerate(codes)}
    results = [_result(row, index) for row in report.findings] + [_suppressed(row, index) for row in _accepted(report)]
    run = {
        "tool": {"driver": driver},
        "automationDetails": {"id": f"cask/{report.report}"},
        "columnKind": "unicodeCodePoints",
        "results": results,
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2, ensure_ascii=True)


def _accepted(report: Report) -> tuple[dict[str, Any], ...]:
    """What a table `suppressed` tells: findings that a person accepted with a reason."""
    return report.tables.get("suppressed", ())


def _result(row: Finding, index: dict[str, int]) -> dict[str, Any]:
    mended = f" Mend: {row.mend}." if row.mend else ""
    return {
        "ruleId": row.code,
        "ruleIndex": index[row.code],
        "level": LEVELS[row.severity],
        "message": {"text": visible(row.message) + "." + visible(mended)},
        **_where(row.place, row.subject),
        **({"partialFingerprints": {"cask/v1": row.fingerprint}} if row.fingerprint else {}),
    }


def _suppressed(row: dict[str, Any], index: dict[str, int]) -> dict[str, Any]:
    return {
        "ruleId": row["code"],
        "ruleIndex": index[row["code"]],
        "level": "none",
        "message": {"text": visible(str(row["message"]))},
        "suppressions": [{"kind": "external", "justification": visible(str(row["reason"]))}],
        **_where(str(row.get("place", "")), str(row.get("subject", ""))),
        **({"partialFingerprints": {"cask/v1": row["fingerprint"]}} if row.get("fingerprint") else {}),
    }


def _where(place: str, subject: str) -> dict[str, Any]:
    """The location: a file with its line, and what the finding is about."""
    found = _PLACE.fullmatch(place)
    physical: dict[str, Any] = {}
    if found:
        line = {"region": {"startLine": int(found["line"])}} if found["line"] else {}
        physical = {"physicalLocation": {"artifactLocation": {"uri": _uri(found["path"])}, **line}}
    logical = {"logicalLocations": [{"fullyQualifiedName": visible(subject)}]} if subject else {}
    return {"locations": [{**physical, **logical}]} if physical or logical else {}


def _uri(path: str) -> str:
    """A path as a relative reference (RFC 3986): everything but plain characters percent-encoded."""
    return re.sub(rb"[^A-Za-z0-9._~/-]", lambda match: b"%%%02X" % match[0][0], path.encode()).decode("ascii")
