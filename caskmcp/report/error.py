"""Shows an error: one line on stderr, and in JSON form an object on stdout as for every report."""

import json
import sys
from typing import Final

from caskmcp.errors import CaskError, Exit
from caskmcp.report.commands import disarmed, disarmed_json
from caskmcp.report.visible import visible

PROGRAMS: Final = frozenset(
    {
        "cask",
        "cd",
        "chmod",
        "cp",
        "dask",
        "df",
        "edit",
        "export",
        "git",
        "ls",
        "mkdir",
        "pip",
        "python",
        "rm",
        "ssh-add",
        "ssh-keygen",
        "unset",
    }
)
"""First words of mends that are commands; any other mend is advice."""
SEVERITIES: Final = {Exit.REVIEW: "review", Exit.BREAKING: "breaking", Exit.INPUT: "input", Exit.REFUSED: "refused"}


def mended(mend: str | None) -> str | None:
    """The mend as it is shown; None where there is none."""
    return f"{'run' if mend.split(' ', 1)[0] in PROGRAMS else 'mend'}: {mend}" if mend else None


def show(error: CaskError, how: str) -> None:
    """Print the error. how: the format that was asked for."""
    parts = (f"{error.code} {error.what}", error.place, mended(error.mend))
    line = " ".join(" · ".join(part for part in parts if part).splitlines())
    print(disarmed("error: " + visible(line)), file=sys.stderr, flush=True)
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
        print(disarmed_json(json.dumps({"schema": "caskmcp/error/1", "summary": {"exit": int(error.exit)}, "findings": [row]}, indent=2)))
