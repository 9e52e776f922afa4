"""`cask gate`: allow, status, list, check, snapshot. What takes away (`block`, `sync`) is `block`'s.

Everything reads the lock through the same survey that the door makes. What adds (`allow`, `snapshot`) needs a person at a terminal, and
derives the artifacts again without the cache before anything else.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from caskmcp import canon
from caskmcp.errors import CaskError
from caskmcp.govern import admit, lockfile, offer
from caskmcp.govern.admit import Survey
from caskmcp.govern.offer import OfferedTool
from caskmcp.govern.statements import Standing
from caskmcp.govern.trust import Chain
from caskmcp.model.artifact import Baseline
from caskmcp.model.finding import Finding, Report, Severity, typed
from caskmcp.model.observation import keys_of_groups
from caskmcp.model.shared import reached
from caskmcp.model.statement import Signed
from caskmcp.model.tool import Tier
from caskmcp.ports import World
from caskmcp.store.layout import Pack
from caskmcp.workflows import build, evidence, here, person
from caskmcp.workflows import check as steps
from caskmcp.workflows.approve import Proven, Request, approve
from caskmcp.workflows.build import Derived
from caskmcp.workflows.subjects import is_pattern, matching, require_known, subject_of

LOCK_STEPS: Final = ("lock", "signatures")
"""Steps of `cask check` that `gate check` runs."""


# ---------------------------------------------------------------- what adds
def allow(
    world: World,
    *,
    subjects: tuple[str, ...],
    everything: bool,
    toolset: str | None = None,
    risk: Tier | None = None,
    reason: str | None = None,
    expires: str | None = None,
    key: str | None = None,
) -> Report:
    """Approve subjects with a signature. toolset, risk: only its members, only tools of that tier and below; and the shared subjects.

    Raises CASK-A001 without a terminal, whatever else was given; CASK-L006 where the artifacts were edited.
    """
    person.require(world, "cask gate allow")
    if not subjects and not everything and toolset is None and risk is None:
        raise CaskError("CASK-I001", "nothing was named", mend="cask gate allow --all")
    pack = here.pack(world)
    derived = build.derive(world)
    require_derived(world, pack, derived)
    asked = Request(subjects, everything or not subjects, toolset=toolset, risk=risk, reason=reason, expires=expires, key=key)
    return approve(world, pack, asked, Proven(derived.basis, derived.toolpack.id, derived.files, derived.receipts))


def snapshot(world: World) -> Report:
    """Write the baseline from what is approved. Raises CASK-A001 without a terminal, CASK-T001 and others of the door, CASK-L006."""
    person.require(world, "cask gate snapshot")
    pack = here.pack(world)
    require_derived(world, pack, build.derive(world))
    files = offer.read(world.files, pack)
    served = admit.admit(files, pin=here.pin(world, files.id), condition=here.condition(world), environment=None, at=world.clock.now())
    data = world.files.read(pack.artifact("baseline.json"))
    candidate = Baseline.from_json(data, "baseline.json", code="CASK-L002")
    kept = candidate.only(served.tools)
    place = here.root(world).baseline(files.id)
    # All of it stands as the compiler wrote it, and so does each operation: a gate sees by the bytes that nothing changed.
    world.files.write(place, data if kept == candidate else _part(kept, json.loads(data)))
    return Report(
        report="gate-snapshot",
        summary={"toolpack": files.id, "tools": len(kept.tools), "left_out": len(candidate.tools) - len(kept.tools), "file": str(place)},
        lines=("The baseline holds what is approved now; drift is measured from it.",),
    )


def _part(kept: Baseline, written: Mapping[str, Any]) -> bytes:
    """A part of the candidate. written: the candidate as it stands in the file."""
    record = kept.packed().plain()
    operations = {name: written["operations"][name] for name in kept.operations}
    definitions = record.get("definitions", {}) | reached(keys_of_groups(operations.values()), written.get("definitions", {}))
    return canon.pretty({"schema": kept.format, **record, "operations": operations} | ({"definitions": definitions} if definitions else {}))


def require_derived(world: World, pack: Pack, derived: Derived) -> None:
    """Raise CASK-L006 for the first artifact that is not what the inputs give; CASK-L007 where another toolchain had compiled it."""
    code, why = ("CASK-L006", "") if derived.same_toolchain else ("CASK-L007", "; it was compiled by another toolchain")
    for name, data in sorted(derived.files.items()):
        path = pack.artifact(name)
        if not world.files.exists(path) or world.files.read(path) != data:
            raise CaskError(code, f"{name} is not what these inputs give{why}; nothing was signed", place=str(path), mend="cask build")


# ---------------------------------------------------------------- what only looks
def status(world: World, names: tuple[str, ...] = ()) -> Report:
    """Every subject's state; with names or patterns, theirs alone with what each approval rests on. Works without a trust root and without a pin, and says so.

    Raises CASK-I010 for a name or pattern that means nothing here.
    """
    seen = look(world)
    wanted = _named(seen.survey, names)
    tools = tuple(_tool_row(row, standing) for row, standing in seen.survey.tools if row.subject in wanted)
    shared = tuple({"id": subject, **_state(standing)} for subject, standing in seen.survey.shared.items() if subject in wanted)
    ending = evidence.expiring(seen.chain, seen.survey.at)
    counts: dict[str, int] = {}
    for row in (*tools, *shared):
        counts[row["status"]] = counts.get(row["status"], 0) + 1
    return Report(
        report="gate-status",
        summary={"toolpack": seen.toolpack, "trust": seen.trust, **dict(sorted(counts.items()))},
        findings=(*(row for row in _remarks(seen.survey) if not names or row.subject in wanted), *ending),
        tables={"tools": tools, "shared": shared, **(_grounds(world, seen, wanted) if names else {})},
        lines=(*((f"Not checked against a pin: {seen.note}.",) if seen.note else ()), *(f"Soon: {row.message}." for row in ending)),
        told=True,
    )


def _named(survey: Survey, names: tuple[str, ...]) -> tuple[str, ...]:
    """The subjects that are meant, sorted; all without names."""
    known = {*(row.subject for row, _ in survey.tools), *survey.shared}
    exact = tuple(subject_of(name) for name in names if not is_pattern(name))
    require_known(exact, known)
    found = {*exact, *matching((name for name in names if is_pattern(name)), known)}
    return tuple(sorted(found if names else known))


def _grounds(world: World, seen: "Look", subjects: tuple[str, ...]) -> dict[str, tuple[dict[str, Any], ...]]:
    return {
        "approvals": tuple(evidence.approvals(seen.survey, seen.chain, subjects)),
        "statements": tuple(evidence.statements(seen.survey, seen.chain, subjects)),
        "captures": tuple(evidence.captures(world, seen.pack, seen.survey, subjects)),
    }


def listing(world: World) -> Report:
    """The statements of the lock, and whether each holds by itself."""
    seen = look(world)
    lock = seen.survey.lock
    rows = tuple(_statement_row(row, seen) for signed in lock.lock.subjects.values() for row in signed)
    broken = tuple(
        Finding(code="CASK-L004", severity=Severity.INFO, subject=subject, message=row.problem, place=row.place)
        for subject, row in lock.broken.items()
    )
    return Report(
        report="gate-list",
        summary={"toolpack": seen.toolpack, "trust": seen.trust, "statements": len(rows)},
        tables={"statements": rows},
        findings=broken,
    )


def check(world: World, *, trust_pin: str | None = None) -> Report:
    """The lock and signature steps of `cask check`."""
    report = steps.run(world, only=LOCK_STEPS, trust_pin=trust_pin)
    ran = tuple(row for row in report.tables["steps"] if row["step"] in LOCK_STEPS)
    summary = {key: value for key, value in report.summary.items() if key != "skipped"}
    return Report(report="gate-check", summary=summary, tables={"steps": ran}, findings=report.findings)


@dataclass(frozen=True)
class Look:
    """A toolpack as a reader sees it."""

    toolpack: str
    pack: Pack
    survey: Survey
    chain: Chain | None
    note: str
    """Why the trust root is not accepted here; empty if it is."""

    @property
    def trust(self) -> str:
        """For the summary of a report."""
        return self.note or "pinned"


def look(world: World) -> Look:
    """Read and judge the chosen toolpack. Raises CASK-L001, L002, I008, T003 for what cannot be read at all."""
    pack = here.pack(world)
    files = offer.read(world.files, pack)
    survey, chain, note = admit.anchored_survey(files, pin=here.pin(world, files.id), condition=here.condition(world), at=world.clock.now())
    return Look(files.id, pack, survey, chain, note)


def _tool_row(row: OfferedTool, standing: Standing) -> dict[str, Any]:
    known = {"id": row.name, "status": standing.status, "risk": row.tool.risk if row.tool else None, "digest": row.digest}
    return {**known, "approved_by": list(standing.approved_by), "expires": standing.expires, **_why(standing)}


def _why(standing: Standing) -> dict[str, str]:
    """What a status alone does not say: how many signatures are there of how many, and which approval covers less."""
    if standing.narrowed_from:
        return {"why": f"narrowed from {standing.narrowed_from}"}
    return {"why": standing.reason} if standing.approved_by and standing.status != "approved" else {}


def _state(standing: Standing) -> Mapping[str, Any]:
    return {"status": standing.status, "approved_by": list(standing.approved_by), "expires": standing.expires, **_why(standing)}


def _remarks(survey: Survey) -> Iterator[Finding]:
    for row in survey.standings:
        if row.status != "approved":
            yield Finding(
                code=row.code, severity=Severity.INFO, subject=row.subject, message=row.reason, place=lockfile.NAME, mend=_mend(row)
            )
        elif row.ends_soon(survey.at):
            yield evidence.ending(row, Severity.INFO)
    for subject in survey.vanished:
        yield Finding(
            code="CASK-L003",
            severity=Severity.INFO,
            subject=subject,
            message="it no longer exists",
            place=lockfile.NAME,
            mend="cask gate sync",
        )


def _mend(row: Standing) -> str:
    return "cask trust pin --accept-older" if row.code == "CASK-T004" else f"cask gate allow {typed(row.subject)}"


def _statement_row(row: Signed, seen: Look) -> dict[str, Any]:
    said = row.statement
    holder = seen.chain.known.get(said.key) if seen.chain else None
    return {
        "subject": said.subject,
        "verdict": said.verdict,
        "by": holder.name if holder else said.key or "unsigned",
        "sequence": said.sequence,
        "holds": said in seen.survey.examined.rows.get(said.subject, ()),
        "digest": said.digest,
        "issued_at": said.issued_at,
        "not_after": said.not_after,
        "reason": said.reason,
    }
