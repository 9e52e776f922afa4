"""`cask repair`: what is wrong here, why that is believed, and the commands that mend it, each of a class.

Reads what doctor, check, state, audit and evidence find, the findings of the newest runs of verify and of the probe, the last call of each tool,
and the box of drafts. Promises: without an option nothing is changed; `--apply-safe` runs only commands that read; `--heal` builds at most once, so
that what changed waits for a person. The lock, the trust root and the baseline are never written, and nothing is approved.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, Final, NamedTuple

from caskmcp import text
from caskmcp.analyze import repair
from caskmcp.analyze.repair import Action, Case, Class, Symptom
from caskmcp.analyze.verify.bundle import Judged
from caskmcp.errors import CODES, CaskError
from caskmcp.govern.admit import Survey
from caskmcp.load import load
from caskmcp.model.finding import Finding, Report, Severity
from caskmcp.model.record import Record
from caskmcp.ports import World
from caskmcp.workflows import audit, capture, check, doctor, evidence, gate, here, propose, state, trust
from caskmcp.workflows.audit import Asked, Recorded
from caskmcp.workflows.verify import bundles

SINCE: Final = "7d"
LONGEST: Final = 8 << 20
"""Bytes of a run's report that are read."""
EXPECTED: Final = ("CASK-R001", "CASK-R002", "CASK-R003", "CASK-R004", "CASK-R005", "CASK-R006", "CASK-R012", "CASK-R022")
"""Codes of calls that were refused as they should be: news, and no trouble."""
REFUSED_WHO: Final = (401, 407)
"""Statuses that say that the credential was not taken."""
KINDS: Final = {"verify": "verify", "drift-live": "drift"}
"""Kind of a run -> the source that its findings are told under."""


class Source(NamedTuple):
    """One row: who finds, and how."""

    name: str
    find: Callable[[World], Iterable[Finding]]


# ---------------------------------------------------------------- what is read
def _last_calls(world: World) -> Iterator[Finding]:
    """Of each tool whose last call of the week failed: that call."""
    rows = audit.find(world, Asked(since=SINCE))
    newest = {str(row.fields.get("tool")): row for row in rows}
    yield from (_of_call(tool, row) for tool, row in sorted(newest.items()) if row.fields.get("code") in CODES)


def _of_call(tool: str, row: Recorded) -> Finding:
    code = str(row.fields["code"])
    said = "answered-401" if code == "CASK-R008" and row.fields.get("status") in REFUSED_WHO else code
    severity = Severity.INFO if code in EXPECTED else Severity.REVIEW
    what = f"the last call of `{text.visible(tool)}`, at {row.fields.get('at')}, ended with {code}: {CODES[code].title.lower()}"
    return Finding(code=said, severity=severity, subject=f"tool:{tool}", message=what, place=f"state/audit/{row.segment}:{row.line}")


def _last_runs(world: World) -> Iterator[tuple[str, Finding]]:
    """What the newest sound run of each kind found, if it was on the present lock's toolpack."""
    pack = here.pack(world)
    rows = [row for row in bundles.every(world, pack) if row.manifest and not row.flaws and row.manifest.toolpack == pack.path.name]
    newest = {row.manifest.kind: row for row in sorted(rows, key=_ended) if row.manifest}
    for kind, row in sorted(newest.items()):
        yield from ((KINDS[kind], found) for found in _findings_of(world, row))


def _ended(row: Judged) -> tuple[str, str]:
    return (row.times.ended if row.times else "", row.name)


class _Kept(Record):
    """The findings of a report that was kept."""

    findings: tuple[Finding, ...] = ()


def _findings_of(world: World, row: Judged) -> Iterator[Finding]:
    path = here.root(world).evidence(row.name) / "report.json"
    value = text.parse_json(world.files.read(path, LONGEST), row.name)
    rows = value.get("findings", ()) if isinstance(value, dict) else ()
    kept = _Kept.of(text.Document(row.name, {"findings": rows}, {}), code="CASK-V001")
    # Whoever can write the folder wrote its commands: none of them is ours to print.
    yield from (found.model_copy(update={"place": f"evidence/{row.name}", "mend": ""}) for found in kept.findings)


def _signers(world: World) -> Iterator[Finding]:
    """Subjects that wait because who approved them may not any more."""
    seen = gate.look(world)
    waiting = tuple(row.subject for row in seen.survey.standings if row.status not in ("approved", "blocked"))
    for row in evidence.statements(seen.survey, seen.chain, _known(seen.survey, waiting)):
        if row["verdict"] == "allow" and row["why_not"] == evidence.MAY_NOT:
            what = f"{row['by']} approved {row['subject']} in version {row['root_version']} of the trust root, and may not approve it now"
            yield Finding(code="signer-revoked", severity=Severity.REVIEW, subject=row["subject"], message=what, place=str(seen.pack.lock))


def _known(survey: Survey, subjects: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(each for each in subjects if each in survey.lock.lock.subjects)


def _drafts(world: World) -> Iterator[Finding]:
    for row in propose.box(world).all():
        if row.settled is None:
            what = f"{row.filed.by} filed `{row.filed.draft.name}` at {row.filed.at}"
            yield Finding(code="draft-waits", severity=Severity.INFO, subject=row.filed.id, message=what)


def _of(story: Callable[[World], Report]) -> Callable[[World], Iterable[Finding]]:
    return lambda world: story(world).findings


# fmt: off
SOURCES: Final = (
    Source("doctor",   _of(doctor.run)),
    Source("state",    _of(state.verify)),
    Source("check",    _of(check.run)),
    Source("signers",  _signers),
    Source("audit",    _of(audit.verify)),
    Source("calls",    _last_calls),
    Source("evidence", _of(bundles.verify)),
    Source("drafts",   _drafts),
)
# fmt: on


def symptoms(world: World) -> Iterator[Symptom]:
    """Everything that is found, source by source; what keeps a source from looking is a symptom as well."""
    for source in SOURCES:
        yield from _heard(source.name, partial(_under, world, source))
    yield from _heard("runs", partial(_last_runs, world))


def _under(world: World, source: Source) -> Iterator[tuple[str, Finding]]:
    yield from ((source.name, row) for row in source.find(world))


def _heard(name: str, find: Callable[[], Iterable[tuple[str, Finding]]]) -> Iterator[Symptom]:
    try:
        yield from (Symptom(source, row) for source, row in find())
    except CaskError as cause:
        yield Symptom(name, doctor.told(name, cause))


# ---------------------------------------------------------------- what reads, and changes nothing
Look = Callable[[World, str], Report]
# fmt: off
LOOKS: Final[dict[str, Look]] = {
    repair.STATUS:            lambda world, _: gate.status(world),
    repair.OF_TOOL:           lambda world, tool: gate.status(world, (tool,)),
    "cask gate status policy": lambda world, _: gate.status(world, ("policy",)),
    "cask gate list":         lambda world, _: gate.listing(world),
    "cask trust show":        lambda world, _: trust.show(world),
    repair.CALLS:             lambda world, tool: audit.query(world, Asked(tool=tool, since=SINCE)),
    repair.RECORD:            lambda world, _: audit.query(world, Asked(since=SINCE)),
    repair.GARBAGE:           lambda world, _: state.gc(world, dry_run=True),
    "cask capture list":      lambda world, _: capture.listing(world),
    "cask evidence list":     lambda world, _: bundles.listing(world),
    "cask propose list":      lambda world, _: propose.listing(world, everything=False),
}
"""Each command that a diagnosis may show as SAFE, and the story behind it."""
# fmt: on


class Ran(NamedTuple):
    """What came of one command that was run from here."""

    command: str
    kind: Class
    exit: int
    says: str


def _looked(world: World, cases: Iterable[Case]) -> Iterator[Ran]:
    """Each reading command once."""
    wanted = {case.look: case for case in cases if case.look}
    for command, case in wanted.items():
        subject = case.symptoms[0].finding.subject.removeprefix("tool:")
        yield _ran(command, Class.SAFE, partial(LOOKS[case.row.look], world, subject))


def _healed(world: World, cases: Iterable[Case]) -> Iterator[Ran]:
    """The build, once, where a diagnosis asks for it: all that is written of class APPROVAL_REQUIRED."""
    if any(case.fix == repair.BUILD for case in cases):
        yield _ran(repair.BUILD, Class.APPROVAL_REQUIRED, lambda: load("workflows.build:run")(world))


def _ran(command: str, kind: Class, story: Callable[[], Report]) -> Ran:
    try:
        report = story()
    except CaskError as cause:
        return Ran(command, kind, int(cause.exit), str(cause))
    return Ran(command, kind, int(report.exit), ", ".join(f"{name} {value}" for name, value in report.summary.items()))


# ---------------------------------------------------------------- the report
def run(world: World, *, apply_safe: bool = False, heal: bool = False) -> Report:
    """Diagnose. apply_safe: run what only reads. heal: build as well, once. The worst finding decides the exit status."""
    cases = repair.diagnose(symptoms(world))
    ran = [*(_looked(world, cases) if apply_safe or heal else ()), *(_healed(world, cases) if heal else ())]
    actions = tuple(dict.fromkeys(action for case in cases for action in case.actions))
    tables: dict[str, tuple[dict[str, Any], ...]] = {
        "diagnoses": tuple(map(_row, cases)),
        "commands": tuple(map(_command, actions)),
        "evidence": tuple(row for case in cases for row in _evidence(case)),
        **({"ran": tuple(_outcome(row) for row in ran)} if apply_safe or heal else {}),
    }
    counts = {str(kind): sum(case.row.kind is kind for case in cases) for kind in Class if kind is not Class.SAFE}
    summary = {"diagnoses": len(cases), **counts, **({"ran": len(ran)} if apply_safe or heal else {})}
    lines = () if cases else ("Nothing is wrong that can be seen from here.",)
    return Report(report="repair", summary=summary, findings=tuple(case.finding() for case in cases), tables=tables, lines=lines)


def _row(case: Case) -> dict[str, Any]:
    first = case.symptoms[0].finding
    return {"id": case.row.id, "class": str(case.row.kind), "severity": str(case.severity), "subject": first.subject}


def _command(action: Action) -> dict[str, Any]:
    return {"diagnosis": action.diagnosis, "class": str(action.kind), "command": action.command}


def _evidence(case: Case) -> Iterator[dict[str, Any]]:
    for source, found in case.symptoms:
        yield {
            "diagnosis": case.row.id,
            "source": source,
            "code": found.code,
            "subject": found.subject,
            "place": found.place,
            "says": found.message,
        }


def _outcome(row: Ran) -> dict[str, Any]:
    return {"command": row.command, "class": str(row.kind), "exit": row.exit, "says": row.says}
