"""`cask audit`: `verify` the record of decisions, and `query` it.

Both read what lies under `state/audit/` and change nothing. A record that was tampered with can still be queried: what is found there is what the
files say, and `verify` says whether to believe it.
"""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from caskmcp import canon, text
from caskmcp.analyze import audit
from caskmcp.analyze.audit import Flaw, Read
from caskmcp.errors import AGAIN, CaskError
from caskmcp.govern import seal
from caskmcp.model.finding import Finding, Report, Severity
from caskmcp.ports import World
from caskmcp.store import segments
from caskmcp.workflows import here

_AGO: Final = re.compile(r"([1-9][0-9]{0,3})([mhdw])", re.ASCII)
_MINUTES: Final = {"m": 1, "h": 60, "d": 1440, "w": 10_080}
_INSTANT: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}:[0-9]{2}Z)?", re.ASCII)
RESTORE: Final = "put the file back from a backup"


# ---------------------------------------------------------------- verify
def verify(world: World, *, holds: str | None = None) -> Report:
    """Check every line, seal and reference. holds: digest of a line that was noted elsewhere, and has to be there still.

    Raises CASK-I005 where the folder is a link out of the root, CASK-I010 for what is no digest.
    """
    if holds is not None and not canon.is_digest(holds):
        raise CaskError("CASK-I010", "`--holds` takes the digest of a line: sha256 and 64 digits", mend="cask audit verify")
    root = here.root(world)
    known = seal.keys(world.files, root.audit)
    reads = [audit.read(segment, lambda row: seal.unsound(row, known)) for segment in segments.segments(world.files, root.audit)]
    flaws = list(audit.flaws(reads))
    findings = [*map(_flaw, flaws), *_ends(reads, {row.segment for row in flaws}), *_held(reads, holds)]
    summary = {"segments": len(reads), "decisions": sum(row.records for row in reads), "flaws": len(flaws)}
    lines = () if reads else ("Nothing is on record.",)
    return Report(
        report="audit-verify", summary=summary, tables={"segments": tuple(map(_row, reads))}, findings=tuple(findings), lines=lines
    )


def _row(row: Read) -> dict[str, Any]:
    state = "sealed" if row.sealed else "open" if row.chained else "not chained"
    return {"segment": row.name, "decisions": row.records, "state": "damaged" if row.flaws else state, "end": row.end}


def _flaw(row: Flaw) -> Finding:
    place = f"state/audit/{row.segment}:{row.line}" if row.line else f"state/audit/{row.segment}"
    return _finding("CASK-S004", Severity.REFUSED, place, row.what, mend=RESTORE)


def _ends(reads: list[Read], flawed: set[str]) -> Iterator[Finding]:
    """What is no flaw and is to be known: ends without a seal, incomplete lines, what was written without a chain."""
    for row in reads:
        place = f"state/audit/{row.name}"
        if row.torn and row.name not in flawed:
            where = f"{place}:{len(row.digests) + 1}"
            yield _finding(
                "CASK-S005", Severity.INFO, where, "the last line is incomplete: its server was ended in the middle of it", mend=""
            )
        if not row.chained:
            yield _finding(
                "CASK-S005", Severity.INFO, place, "an earlier version wrote it without a chain: nothing can be said of it", mend=""
            )
        elif row.sealed is None and row.name not in flawed:
            what = "it has no seal: its server is running, or was ended; lines cut from its end show only if a later segment names them"
            yield _finding("CASK-S005", Severity.INFO, place, what, mend="")


def _held(reads: list[Read], holds: str | None) -> Iterator[Finding]:
    if holds is not None and not any(holds in row.digests for row in reads):
        yield _finding("CASK-S004", Severity.REFUSED, "state/audit", f"no line has the digest {holds}", mend=RESTORE)


def _finding(code: str, severity: Severity, place: str, what: str, *, mend: str) -> Finding:
    return Finding(code=code, severity=severity, subject=place.rpartition("/")[2], message=what, place=place, mend=mend)


# ---------------------------------------------------------------- query
@dataclass(frozen=True)
class Asked:
    """Which decisions; a part that is not given fits all."""

    tool: str | None = None
    verdict: str | None = None
    caller: str | None = None
    since: str | None = None
    """A time, a day, or how long ago: `2026-11-21`, `90m`, `12h`, `7d`."""
    id: str | None = None
    """A decision's id; the calls that a composite made have it too, with their number."""


class Recorded(NamedTuple):
    """One decision and where it stands."""

    segment: str
    line: int
    digest: str
    fields: dict[str, Any]

    @property
    def id(self) -> str:
        """The decision's id; empty in a line that has none."""
        extra = self.fields.get("extra")
        return str(extra.get("call", "")) if isinstance(extra, dict) else ""

    @property
    def order(self) -> tuple[str, str, int]:
        """By time, then as written."""
        return str(self.fields.get("at", "")), self.segment, self.line


def query(world: World, asked: Asked) -> Report:
    """The decisions that fit, oldest first. Raises CASK-I010 for a time that is none."""
    rows = find(world, asked)
    lines = () if rows else ("No decision on record fits.",)
    return Report(report="audit-query", summary={"decisions": len(rows)}, tables={"decisions": tuple(map(shown, rows))}, lines=lines)


def find(world: World, asked: Asked) -> list[Recorded]:
    """The decisions that fit, oldest first."""
    since = _since(asked.since, world.clock.now())
    rows = (row for row in recorded(world) if _fits(row, asked, since))
    return sorted(rows, key=lambda row: row.order)


def recorded(world: World) -> Iterator[Recorded]:
    """Each decision on record; lines that are none are `verify`'s to tell."""
    folder = here.root(world).audit
    for segment in segments.segments(world.files, folder):
        for number, line in enumerate(segment.lines, 1):
            try:
                fields = text.parse_json(line, segment.name)
            except CaskError:
                continue  # `verify` names it
            if isinstance(fields, dict) and "verdict" in fields and "kind" not in fields:
                yield Recorded(segment.name, number, canon.digest_bytes(line), fields)


def _fits(row: Recorded, asked: Asked, since: str) -> bool:
    wanted = {"tool": asked.tool, "verdict": asked.verdict, "caller": asked.caller}
    same = all(value is None or row.fields.get(name) == value for name, value in wanted.items())
    named = asked.id is None or row.id == asked.id or row.id.startswith(f"{asked.id}.")
    return same and named and str(row.fields.get("at", "")) >= since


def _since(given: str | None, now: str) -> str:
    if given is None:
        return ""
    if ago := _AGO.fullmatch(given):
        start = datetime.fromisoformat(now) - timedelta(minutes=int(ago[1]) * _MINUTES[ago[2]])
        return start.strftime("%Y-%m-%dT%H:%M:%SZ")
    if _INSTANT.fullmatch(given):
        return given
    what = f"`{text.visible(given)}` is no time: expected 2026-11-21, 2026-11-21T10:00:00Z, or a number and m, h, d or w"
    raise CaskError("CASK-I010", what, mend=f"{AGAIN} --since 24h")


def shown(row: Recorded) -> dict[str, Any]:
    """A decision as a row: who asked for what, what was decided, and where that stands. What a composite or a guard added is in `more`."""
    names = ("at", "verdict", "toolpack", "tool", "caller", "step", "rule", "code", "status")
    extra = row.fields.get("extra")
    more = {name: value for name, value in extra.items() if name != "call"} if isinstance(extra, dict) else {}
    values = {name: row.fields.get(name) for name in names}
    return {
        "id": row.id,
        **values,
        "more": shlex.join(f"{key}={value}" for key, value in sorted(more.items())),
        "line": f"{row.segment}:{row.line}",
        **{name: row.fields.get(name) for name in ("arguments", "lock")},
    }
