"""The steps of `cask check`: each yields what it finds, or raises what kept it from looking. Approves nothing and mends nothing."""

import shlex
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

from caskmcp import canon
from caskmcp.analyze import forms
from caskmcp.analyze.diff import RULES
from caskmcp.analyze.lint.rules import ACCEPTED
from caskmcp.analyze.lint.verdicts import FILE
from caskmcp.compiler.capture.sources.kinds import is_document
from caskmcp.errors import CaskError, Exit
from caskmcp.govern import admit, content, lockfile
from caskmcp.govern.admit import Survey
from caskmcp.load import load
from caskmcp.model.finding import Finding, Severity, typed
from caskmcp.store import gitindex, project
from caskmcp.store.layout import PRIVATE
from caskmcp.workflows import baseline, evidence, gitlines, here
from caskmcp.workflows.bench import Bench

BUDGET: Final = "budget-exceeded"
"""The lint rule that the step on budgets asks, and that the step on lint leaves to it."""
CONTRACTS: Final = "verify.yaml"
_SEVERITIES: Final = {
    Exit.REVIEW: Severity.REVIEW,
    Exit.BREAKING: Severity.BREAKING,
    Exit.INPUT: Severity.INPUT,
    Exit.REFUSED: Severity.REFUSED,
}


def of_error(error: CaskError, subject: str = "") -> Finding:
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


# ---------------------------------------------------------------- what was built
def manifest(bench: Bench) -> Iterator[Finding]:
    """The manifest is valid, and its sources are inside the project."""
    project.expand_sources(bench.world.files, bench.loaded, here.root(bench.world).path)
    yield from ()


def reproducible(bench: Bench) -> Iterator[Finding]:
    """Deriving the artifacts again in a clean place, without the cache, gives the bytes that lie there."""
    derived, lying = load("workflows.build:derive")(bench.world), bench.artifacts
    for name in sorted({*derived.files, *lying}):
        if derived.files.get(name) != lying.get(name):
            yield _differs(name, derived.files.get(name), lying.get(name), same_toolchain=derived.same_toolchain)


def _differs(name: str, derived: bytes | None, lying: bytes | None, *, same_toolchain: bool) -> Finding:
    what = "is missing" if lying is None else "is not made by these inputs" if derived is None else "differs from what these inputs give"
    code, severity = ("CASK-L006", Severity.REFUSED) if same_toolchain else ("CASK-L007", Severity.REVIEW)
    toolchain = "" if same_toolchain else "; it was compiled by another toolchain"
    row = Finding(
        code=code, severity=severity, subject=name, message=f"{name} {what}{toolchain}", place=f"artifact/{name}", mend="cask build"
    )
    # Which toolchain made them is said by a file that nobody signs: who accepts these bytes has accepted no others.
    return row.identified(canon.digest_bytes(lying or b""))


def schemas(bench: Bench) -> Iterator[Finding]:
    """Every artifact is valid against its published schema."""
    yield from forms.findings(dict(bench.artifacts))


# ---------------------------------------------------------------- what was approved
def lock(bench: Bench) -> Iterator[Finding]:
    """The lock can be read, every subject has an approval of its present content, and what was approved lies there as it was.

    What has less than a week left is listed, so that a new approval comes in time.
    """
    yield from _contents(bench, bench.survey)
    yield from (evidence.ending(row, Severity.REVIEW) for row in bench.survey.standings if row.ends_soon(bench.survey.at))
    for subject, status, reason in _standings(bench.survey):
        if status in ("pending", "expired"):
            name = subject.removeprefix("tool:")
            yield Finding(
                code="CASK-L003",
                severity=Severity.REVIEW,
                subject=subject,
                message=f"{name} is {status}: {reason}",
                place=lockfile.NAME,
                mend=f"cask gate allow {typed(subject)}",
            )


def _contents(bench: Bench, survey: Survey) -> Iterator[Finding]:
    """Approved content that is missing or was edited: then nobody can say what changed since."""
    for subject, rows in survey.examined.rows.items():
        for digest in sorted({row.digest for row in rows if row.verdict == "allow"}):
            try:
                content.read(bench.world.files, bench.pack, digest)
            except CaskError as cause:
                yield of_error(cause, subject)


def _standings(survey: Survey) -> Iterator[tuple[str, str, str]]:
    for row, standing in survey.tools:
        yield row.subject, standing.status, standing.reason
    for subject, standing in survey.shared.items():
        yield subject, standing.status, standing.reason


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
    yield from evidence.expiring(bench.seen.chain, bench.at)


def broadening(bench: Bench) -> Iterator[Finding]:
    """Nothing that was built allows more than what was approved under the same name."""
    for row in bench.compared.findings:
        if RULES[row.code].severity is Severity.BREAKING:
            yield row.model_copy(update={"code": "CASK-L005"})


def drifted(bench: Bench) -> Iterator[Finding]:
    """The newest build shows nothing that the approved baseline does not."""
    if not baseline.is_same(bench.world, bench.pack):
        yield from load("workflows.drift:of_build")(bench.world, bench.pack)


def no_baseline(bench: Bench) -> str:
    """Why there is nothing to measure drift from; empty if there is a baseline."""
    return baseline.lacks(bench.world, bench.pack)


# ---------------------------------------------------------------- what people should look at
def clean(bench: Bench) -> Iterator[Finding]:
    """No lint rule finds anything but advice, beyond what `lint.yaml` accepts with a reason; what it accepts of the rest is told."""
    yield from (row for row in bench.linted.findings if row.severity is not Severity.INFO and row.code != BUDGET)
    for row in bench.linted.tables["suppressed"]:
        if row["severity"] != str(Severity.INFO):
            yield Finding(
                code=ACCEPTED,
                severity=Severity.INFO,
                subject=str(row["subject"]),
                message=f"{FILE} accepts {row['code']} ({row['message']}): {row['reason']}",
                place=FILE,
                fingerprint=str(row["fingerprint"]),
            )


def budgets(bench: Bench) -> Iterator[Finding]:
    """What is served by default keeps to `tools.budget`, as it was emitted."""
    yield from (row for row in bench.linted.findings if row.code == BUDGET)


def no_budget(bench: Bench) -> str:
    """Why there is no budget to hold; empty if there is one. A manifest that cannot be read is another step's."""
    try:
        stated = bench.loaded.project.tools.budget if bench.loaded.project.id == bench.pack.path.name else None
    except CaskError:
        stated = None
    return "" if stated is not None else "no `tools.budget` in cask.yaml"


def contracts(bench: Bench) -> Iterator[Finding]:
    """A run of `verify` on what is approved and stated now showed that the contracts hold. Nothing is called from here."""
    yield from load("workflows.verify.settled:findings")(bench.world, bench.pack)


def no_contracts(bench: Bench) -> str:
    """Why there are no contracts to verify; empty if there are some."""
    files, cwd = bench.world.files, bench.world.cwd
    stated = project.find_manifest(files, cwd)  # they lie beside it, from whichever folder below this is asked
    return "" if files.exists((stated.parent if stated else cwd) / CONTRACTS) else f"no {CONTRACTS}"


def private(bench: Bench) -> Iterator[Finding]:
    """Git tracks no raw recording and nothing of the root that is private. Passes where the project lies in no checkout."""
    files, loaded = bench.world.files, bench.loaded
    root = here.root(bench.world).path
    held = [root / name for name in PRIVATE]
    sources = {row.absolute for row in project.expand_sources(files, loaded, root) if not is_document(row.kind)}
    for path in gitindex.tracked(files, loaded.folder) or ():
        is_recording = path in sources or any(fnmatchcase(path.name.lower(), pattern) for pattern in gitlines.RECORDINGS)
        is_private = any(path.is_relative_to(folder) for folder in held)
        if path.is_relative_to(loaded.folder) and (is_recording or is_private):
            yield _tracked(path, loaded.folder, "a raw recording" if is_recording else "private to this machine")


def _tracked(path: Path, folder: Path, what: str) -> Finding:
    name = path.relative_to(folder).as_posix()
    return Finding(
        code="CASK-C011",
        severity=Severity.REVIEW,
        subject=name,
        message=f"{name} is tracked by git: it is {what}",
        place=name,
        mend=f"git rm --cached {shlex.quote(name)}",
    )
