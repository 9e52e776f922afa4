"""Shows an error: one line on stderr, and in JSON form an object on stdout as for every report."""

import json
import sys

from caskmcp.errors import CaskError, Exit
from caskmcp.report.visible import visible

SEVERITIES = {Exit.REVIEW: "review", Exit.BREAKING: "breaking", Exit.INPUT: "input", Exit.REFUSED: "refused"}


def show(error: CaskError, how: str) -> None:
    """Print the error. how: the format that was asked for."""
    parts = (f"{error.code} {error.what}", error.place, f"run: {error.mend}" if error.mend else None)
    print("error: " + visible(" · ".join(part for part in parts if part)), file=sys.stderr)
    if how == "json":
        severity = SEVERITIES.get(error.exit, "error")
        row = {
            "code": error.code,
            "severity": severity,
            "subject": "",
            "message": error.what,
            "place": error.place or "",
            "mend": error.mend or "",
        }
        print(json.dumps({"schema": "caskmcp/error/1", "summary": {"exit": int(error.exit)}, "findings": [row]}, indent=2))
