"""`cask check`: the one CI gate, a table of steps in a stated order. Approves nothing and mends nothing.

A step that is left out is shown as `skipped`, never as a pass; one that fails leaves the others to run and to be told.
"""

import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Final, NamedTuple

from caskmcp.analyze import forms
from caskmcp.analyze.diff import RULES, diff
from caskmcp.analyze.lint.rules import ACCEPTED
from caskmcp.analyze.lint.verdicts import FILE
from caskmcp.compiler.capture.sources.kinds import is_document
from caskmcp.errors import CaskError, Exit
from caskmcp.govern import admit, content, lockfile, offer
from caskmcp.govern.admit import Seen, Survey
from caskmcp.model.finding import Finding, Report, Severity
from caskmcp.model.trust import TrustPin
from caskmcp.ports import World
from caskmcp.store import gitindex, project
from caskmcp.store.layout import PRIVATE, Pack
from caskmcp.workflows import build, gitlines, here, lint
from caskmcp.workflows.diff import sides


@dataclass(frozen=True)
class Bench:
    """What the steps look at."""

    world: World
    pack: Pack
    condition: TrustPin | None
    at: str

    @cached_property
    def seen(self) -> Seen:
        """Everything that is served, read and judged once: each step speaks of the same bytes."""
        files = offer.read(self.world.files, self.pack)
        return admit.look(files, pin=here.pin(self.world, files.id), condition=self.condition, at=self.at)

    def survey(self) -> Survey:
        """Every subject and its standing, as far as this machine can tell."""
        return self.seen.survey


# ---------------------------------------------------------------- steps
def manifest(bench: Bench) -> Iterator[Finding]:
    """The manifest is valid, and its sources are inside the project."""
    loaded = project.load_project(bench.world.files, bench.world.cwd)
    project.expand_sources(bench.world.files, loaded, here.root(bench.world).path)
    yield from ()


def reproducible(bench: Bench) -> Iterator[Finding]:
    """Deriving the artifacts again, without the cache, gives the bytes that lie there."""
    derived = build.derive(bench.world)
    here_ = {name: bench.world.files.read(bench.pack.artifact(name)) for name in bench.world.files.listing(bench.pack.artifacts)}
    for name in sorted({*derived.files, *here_}):
        if derived.files.get(name) != here_.get(name):
            yield _differs(name, derived.same_toolchain, missing=name not in here_, extra=name not in derived.files)


def _differs(name: str, same_toolchain: bool, *, missing: bool, extra: bool) -> Finding:
    what = "is missing" if missing else "is not made by these inputs" if extra else "differs from what these inputs give"
    code, severity = ("CASK-L006", Severity.REFUSED) if same_toolchain else ("CASK-L007", Severity.REVIEW)
    toolchain = "" if same_toolchain else "; it was compiled by another toolchain"
    return Finding(
        code=code, severity=severity, subject=name, message=f"{name} {what}{toolchain}", place=f"artifact/{name}", mend="cask build"
    )


def schemas(bench: Bench) -> Iterator[Finding]:
    """Every artifact is valid against its published schema."""
    names = bench.world.files.listing(bench.pack.artifacts)
    yield from forms.findings({name: bench.world.files.read(bench.pack.artifact(name)) for name in names})


def lock(bench: Bench) -> Iterator[Finding]:
    """The lock can be read, every subject has an approval of its present content, and what was approved lies there as it was."""
    survey = bench.survey()
    yield from _contents(bench, survey)
    for subject, status, reason in _standings(survey):
        if status in ("pending", "expired"):
            name = subject.removeprefix("tool:")
            yield Finding(
                code="CASK-L003",
                severity=Severity.REVIEW,
                subject=subject,
                message=f"{name} is {status}: {reason}",
                place=lockfile.NAME,
                mend=f"cask gate allow {name}",
            )


def _contents(bench: Bench, survey: Survey) -> Iterator[Finding]:
    """Approved content that is missing or was edited: then nobody can say what changed since."""
    for subject, rows in survey.examined.rows.items():
        for digest in sorted({row.digest for row in rows if row.verdict == "allow"}):
            try:
                content.read(bench.world.files, bench.pack, digest)
            except CaskError as cause:
                yield _finding(cause, subject)


def signatures(bench: Bench) -> Iterator[Finding]:
    """The trust root is the accepted one, and every statement holds. The door itself is asked, as `serve` would ask it."""
    pack = admit.admit_seen(bench.seen, condition=bench.condition, environment=None)
    for row in pack.withheld:
        if row.status == "invalid":
            yield Finding(
                code=row.code,
                severity=Severity.REFUSED,
                subject=row.subject,
                message=f"{row.subject}: {row.reason}",
                place=lockfile.NAME,
                mend="git checkout -- .caskmcp",
            )


def broadening(bench: Bench) -> Iterator[Finding]:
    """Nothing that was built allows more than what was approved under the same name."""
    report = diff(sides(bench.world.files, bench.pack, bench.survey()), pinned=True)
    for row in report.findings:
        if RULES[row.code].severity is Severity.BREAKING:
            yield row.model_copy(update={"code": "CASK-L005"})


def private(bench: Bench) -> Iterator[Finding]:
    """Git tracks no raw recording and nothing of the root that is private. Passes where the project lies in no checkout."""
    files, loaded = bench.world.files, project.load_project(bench.world.files, bench.world.cwd)
    root = here.root(bench.world).path
    held = [root / name for name in PRIVATE]
    sources = {row.absolute for row in project.expand_sources(files, loaded, root) if not is_document(row.kind)}
    for path in gitindex.tracked(files, loaded.folder) or ():
        is_recording = path in sources or any(fnmatchcase(path.name.lower(), pattern) for pattern in gitlines.RECORDINGS)
        is_private = any(path.is_relative_to(folder) for folder in held)
        if path.is_relative_to(loaded.folder) and (is_recording or is_private):
            name = path.relative_to(loaded.folder).as_posix()
            yield Finding(
                code="CASK-C011",
                severity=Severity.REVIEW,
                subject=name,
                message=f"{name} is tracked by git: it is {'a raw recording' if is_recording else 'private to this machine'}",
                place=name,
                mend=f"git rm --cached {shlex.quote(name)}",
            )


def clean(bench: Bench) -> Iterator[Finding]:
    """No lint rule finds anything but advice, beyond what `lint.yaml` accepts with a reason; what it accepts of the rest is told."""
    report = lint.of_pack(bench.world, bench.pack)
    yield from (row for row in report.findings if row.severity is not Severity.INFO)
    for row in report.tables["suppressed"]:
        if row["severity"] != str(Severity.INFO):
            yield Finding(
                code=ACCEPTED,
                severity=Severity.INFO,
                subject=str(row["subject"]),
                message=f"{FILE} accepts {row['code']} ({row['message']}): {row['reason']}",
                place=FILE,
                fingerprint=str(row["fingerprint"]),
            )


def _standings(survey: Survey) -> Iterator[tuple[str, str, str]]:
    for row, standing in survey.tools:
        yield row.subject, standing.status, standing.reason
    for subject, standing in survey.shared.items():
        yield subject, standing.status, standing.reason


class Step(NamedTuple):
    """One row of the gate."""

    name: str
    run: Callable[[Bench], Iterator[Finding]]


STEPS: Final = (
    Step("manifest", manifest),
    Step("reproducible", reproducible),
    Step("schemas", schemas),
    Step("lock", lock),
    Step("signatures", signatures),
    Step("broadening", broadening),
    Step("private", private),
    Step("lint", clean),
)


# ---------------------------------------------------------------- the gate
def run(world: World, *, only: tuple[str, ...] = (), skip: tuple[str, ...] = (), trust_pin: str | None = None) -> Report:
    """Run the steps. Raises what a first step raises where there is no project or toolpack at all; else every refusal is a finding."""
    _refuse_unknown((*only, *skip))
    bench = Bench(world, here.pack(world), here.condition(world, trust_pin), world.clock.now())
    if not any(_wanted(step, only, skip) for step in STEPS):
        raise CaskError("CASK-I001", "no step is left to run", mend="cask check")
    rows = [_row(step, bench, wanted=_wanted(step, only, skip)) for step in STEPS]
    findings = tuple(finding for _, found in rows for finding in found)
    counts = {result: sum(row["result"] == result for row, _ in rows) for result in ("pass", "review", "fail", "skipped")}
    return Report(report="check", summary=counts, findings=findings, tables={"steps": tuple(row for row, _ in rows)})


def _wanted(step: Step, only: tuple[str, ...], skip: tuple[str, ...]) -> bool:
    return (not only or step.name in only) and step.name not in skip


def _row(step: Step, bench: Bench, *, wanted: bool) -> tuple[dict[str, object], tuple[Finding, ...]]:
    if not wanted:
        return {"step": step.name, "result": "skipped", "findings": 0}, ()
    try:
        found = tuple(step.run(bench))
    except CaskError as error:
        found = (_finding(error),)
    worst = Report(report="check", findings=found).exit
    result = "pass" if worst is Exit.CLEAN else "review" if worst is Exit.REVIEW else "fail"
    return {"step": step.name, "result": result, "findings": len(found)}, found


_SEVERITIES: Final = {
    Exit.REVIEW: Severity.REVIEW,
    Exit.BREAKING: Severity.BREAKING,
    Exit.INPUT: Severity.INPUT,
    Exit.REFUSED: Severity.REFUSED,
}


def _finding(error: CaskError, subject: str = "") -> Finding:
    """An error that ended a step. One of the world or a bug of ours is not a finding about the project: it ends the command."""
    if error.exit not in _SEVERITIES:
        raise error
    return Finding(
        code=error.code,
        severity=_SEVERITIES[error.exit],
        subject=subject,
        message=error.what,
        place=error.place or "",
        mend=error.mend or "",
    )


def _refuse_unknown(names: tuple[str, ...]) -> None:
    known = [step.name for step in STEPS]
    for name in names:
        if name not in known:
            raise CaskError("CASK-I010", f"there is no step `{name}`; the steps are {', '.join(known)}", mend="cask check --help")
