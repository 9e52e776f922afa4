"""What a mode gives back, and the words that every mode uses."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from caskmcp.errors import Exit
from caskmcp.model.finding import EXITS, Finding, Severity
from caskmcp.runtime.shrink import NAME

MODES: Final = ("contracts", "replay", "outcomes", "provenance")
"""In the order in which they run and are shown."""
PASS: Final = "pass"
FAIL: Final = "fail"
NOT_RUN: Final = "not-run"


@dataclass(frozen=True)
class Outcome:
    """What came of one mode."""

    mode: str
    checked: int = 0
    """Assertions, answers or texts that were judged."""
    findings: tuple[Finding, ...] = ()
    note: str = ""
    """Why it did not run; else figures for the reader."""
    figures: dict[str, int] = field(default_factory=dict)
    inputs: tuple[dict[str, Any], ...] = ()
    """What was asked, value-free: for the evidence."""

    @property
    def result(self) -> str:
        """`pass`, `fail` or `not-run`: nothing judged is never a pass."""
        if any(EXITS[row.severity] > Exit.CLEAN for row in self.findings):
            return FAIL
        return PASS if self.checked else NOT_RUN


def finding(code: str, severity: Severity, tool: str, message: str, *, place: str = "", mend: str = "cask verify --format json") -> Finding:
    """One row of the report; of an answer it says kinds and places, never a value."""
    return Finding(code=code, severity=severity, subject=f"tool:{tool}" if tool else "", message=message, place=place, mend=mend)


def shown(place: str) -> str:
    """A place of an answer, in which a key that is no plain name is `…`, as on the record: it may be a value."""
    return "/".join(part if part in ("", "*") or NAME.fullmatch(part) else "…" for part in place.split("/"))


SPENT: Final = "the calls of this run are spent"


def spent(count: int, what: str, severity: Severity) -> tuple[Finding, ...]:
    """That so much was left out, which no figure of what was judged says; nothing where nothing was."""
    if not count:
        return ()
    said = f"{what}: {count} were not sent, {SPENT}"
    return (Finding(code="calls-spent", severity=severity, subject="", message=said, mend="cask verify --calls 1000"),)


def together(rows: Iterable[Finding]) -> tuple[Finding, ...]:
    """Each finding once, in the order in which they were made."""
    return tuple(dict.fromkeys(rows))
