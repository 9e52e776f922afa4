"""Findings and reports: one row of any report, and the object that `--format json` prints (SPEC section 7)."""

import re
import shlex
from enum import StrEnum
from typing import Any, Final

from caskmcp import canon
from caskmcp.errors import Exit
from caskmcp.model.record import Record


class Severity(StrEnum):
    """How bad a finding is; each maps to one exit status."""

    INFO = "info"
    REVIEW = "review"
    BREAKING = "breaking"
    INPUT = "input"
    REFUSED = "refused"


EXITS = {
    Severity.INFO: Exit.CLEAN,
    Severity.REVIEW: Exit.REVIEW,
    Severity.BREAKING: Exit.BREAKING,
    Severity.INPUT: Exit.INPUT,
    Severity.REFUSED: Exit.REFUSED,
}


_LINE: Final = re.compile(r":[0-9]+$", re.ASCII)


class Finding(Record):
    """One row of a report."""

    code: str
    """A row of the error table or of a rule table."""
    severity: Severity
    subject: str
    """What it is about: `tool:get_order`, `policy`, a file."""
    message: str
    place: str = ""
    mend: str = ""
    """One command, as it would be typed."""
    fingerprint: str = ""
    """What tells the finding from others of its code, whatever it is worded like: 16 hexadecimal digits; empty where nothing asks for it."""
    suppressed: str = ""
    """Why a person accepts it (`suppress:` of the manifest), and until when; its severity is then `info`."""

    step: str = ""
    """The step of `check` that found it."""

    def row(self) -> dict[str, Any]:
        """The finding as machine output shows it: what came later only where there is something."""
        return self.model_dump(mode="json", exclude={name for name in ("fingerprint", "suppressed", "step") if not getattr(self, name)})

    def identified(self, held: str = "") -> "Finding":
        """The finding with a fingerprint, if it has none: of its code, subject and the name of the file, never of a line, a folder or our wording.

        held: a digest of what accepting the finding means to accept, where that may change under the same name.
        """
        if self.fingerprint:
            return self
        facts = {
            "code": self.code,
            "subject": _whole(self.subject),
            "file": _whole(_LINE.sub("", self.place).rpartition("/")[2]),
            **({"held": held} if held else {}),
        }
        return self.model_copy(update={"fingerprint": canon.hexadecimal(canon.digest(facts))[:16]})


def _whole(name: str) -> str:
    """A name as text that has a canonical form: the bytes of a file's name need not be UTF-8."""
    return name.encode("utf-8", "backslashreplace").decode("utf-8")


def typed(subject: str) -> str:
    """A subject as it is typed in a command: its name as one word of a shell that is no option, whatever stands in it."""
    name = subject.removeprefix("tool:")
    return shlex.quote(subject if name.startswith("-") else name)


class Detail(Record):
    """What stands behind one row of a report, in full, for forms that have room: JSON, HTML."""

    id: str
    """The row's id."""
    subject: str
    place: str
    """Where in the subject's content; empty for all of it."""
    old: Any = None
    new: Any = None
    """Plain JSON; None where there is nothing, or where what is there is not here."""
    words: tuple[tuple[str, str], ...] = ()
    """Of two texts: pieces in order, each `same`, `old` or `new`."""


class Report(Record):
    """What a command found. `tables` holds report-specific lists (`tools`, `modes`, `steps`) of plain rows."""

    report: str
    """`diff`, `check`, `gate-status`, `build`, …: `schema` of the JSON form is `caskmcp/<report>/1`."""
    summary: dict[str, Any] = {}
    findings: tuple[Finding, ...] = ()
    tables: dict[str, tuple[dict[str, Any], ...]] = {}
    lines: tuple[str, ...] = ()
    """Prose for the text form alone."""
    details: tuple[Detail, ...] = ()
    told: bool = False
    """The tables tell every finding already: forms for people repeat only those that break or refuse, and those that a person accepts."""

    @property
    def worth_telling(self) -> tuple[Finding, ...]:
        """The findings that forms for people list below the tables."""
        return tuple(row for row in self.findings if not self.told or row.suppressed or EXITS[row.severity] > Exit.REVIEW)

    @property
    def exit(self) -> Exit:
        """The worst finding's exit status."""
        return max((EXITS[row.severity] for row in self.findings), default=Exit.CLEAN)

    def json_value(self) -> dict[str, Any]:
        """The object that `--format json` prints."""
        rows = [row.row() for row in self.findings]
        return {
            "schema": f"caskmcp/{self.report}/1",
            "summary": self.summary,
            "findings": rows,
            **{key: list(value) for key, value in self.tables.items()},
            **({"details": [row.model_dump(exclude_defaults=True) for row in self.details]} if self.details else {}),
        }
