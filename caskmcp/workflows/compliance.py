"""`cask compliance`: what is here as evidence for controls of three frameworks. Reads the lock, the record and the evidence, and checks each first.

What does not hold is left out and told: a sentence rests on nothing that was changed.
"""

import shlex
from collections.abc import Iterator

from caskmcp.analyze import audit as chain
from caskmcp.analyze import compliance
from caskmcp.analyze.compliance import Facts, Run
from caskmcp.errors import CaskError
from caskmcp.govern import admit, offer, seal
from caskmcp.govern.admit import Survey
from caskmcp.model.finding import Finding, Report, Severity
from caskmcp.ports import World
from caskmcp.store import segments
from caskmcp.store.layout import Pack
from caskmcp.text import parse_json
from caskmcp.workflows import here, places
from caskmcp.workflows.verify import bundles
from caskmcp.workflows.verify.kept import lock_digest


def run(world: World, *, framework: str | None = None, trust_pin: str | None = None) -> Report:
    """Tell. framework: one of `FRAMEWORKS`, or all. Raises what reading the toolpack raises."""
    pack = here.pack(world)
    findings: list[Finding] = []
    facts = Facts(**_lock(world, pack, trust_pin, findings), **_record(world, findings), runs=tuple(_runs(world, pack, findings)))  # type: ignore[arg-type]
    rows = tuple(compliance.rows(facts, framework))
    summary = {"sentences": sum(bool(row["digest"]) for row in rows), "controls_without_evidence": sum(not row["digest"] for row in rows)}
    return Report(report="compliance", summary=summary, findings=tuple(findings), tables={"controls": rows}, lines=_lines(world, pack))


def _lines(world: World, pack: Pack) -> tuple[str, ...]:
    """How each digest is found again, and what none of it says."""
    ways = f"`sha256sum {shlex.quote(places.shown(world, pack.lock))}`, `cask audit verify --holds DIGEST`, `cask evidence verify`"
    return (
        f"Controls and evidence, each with a digest that can be found again: {ways}.",
        "Whether a framework's requirements are met is for people to say.",
    )


def _lock(world: World, pack: Pack, trust_pin: str | None, findings: list[Finding]) -> dict[str, object]:
    """What the door says of the lock; nothing of it where it refuses."""
    files = offer.read(world.files, pack)
    none = {"lock": "", "tools": 0, "approved": 0, "blocked": 0, "approvers": 0}
    try:
        pin, condition = here.pin(world, files.id), here.condition(world, trust_pin)
        survey = admit.anchored_survey(files, pin=pin, condition=condition, at=world.clock.now())[0]
    except CaskError as cause:
        findings.append(_left_out(cause.code, "lock", cause.what, cause.mend or "cask gate check"))
        return none
    statuses = [row.status for row in survey.standings if row.subject.startswith("tool:")]
    return {
        "lock": lock_digest(world, pack),
        "tools": len(statuses),
        "approved": statuses.count("approved"),
        "blocked": statuses.count("rejected"),
        "approvers": len(_approvers(survey)),
    }


def _approvers(survey: Survey) -> frozenset[str]:
    approved = {row.subject for row in survey.standings if row.status == "approved"}
    return frozenset(
        row.key
        for subject in approved
        for row in survey.examined.rows.get(survey.carried.get(subject, subject), ())
        if row.verdict == "allow"
    )


def _record(world: World, findings: list[Finding]) -> dict[str, object]:
    """Decisions on a record whose chain holds."""
    root = here.root(world)
    known = seal.keys(world.files, root.audit)
    lines = list(segments.segments(world.files, root.audit))
    reads = [chain.read(segment, lambda row: seal.unsound(row, known)) for segment in lines]
    flaws = list(chain.flaws(reads))
    if flaws:
        findings.append(_left_out("CASK-S004", "record", f"{flaws[0].segment}:{flaws[0].line}: {flaws[0].what}", "cask audit verify"))
        return {"decisions": 0, "refused": 0, "last": ""}
    verdicts = [
        row.get("verdict") for segment in lines for line in segment.lines if isinstance(row := parse_json(line, segment.name), dict)
    ]
    made = [verdict for verdict in verdicts if verdict is not None]
    ends = [row.end for row in reads if row.chained and row.end]
    return {"decisions": len(made), "refused": sum(verdict != "allow" for verdict in made), "last": ends[-1] if ends else ""}


def _runs(world: World, pack: Pack, findings: list[Finding]) -> Iterator[Run]:
    for row in bundles.every(world, pack):
        if row.manifest is None or row.flaws or row.manifest.toolpack != pack.path.name:
            findings.append(_left_out("CASK-V001", row.name, "its evidence does not hold here", f"cask evidence verify {row.name}"))
        elif row.manifest.modes:
            yield Run(row.name, row.digest, row.manifest.against, row.manifest.modes)


def _left_out(code: str, subject: str, what: str, mend: str) -> Finding:
    return Finding(code=code, severity=Severity.REVIEW, subject=subject, message=f"left out: {what}", mend=mend)
