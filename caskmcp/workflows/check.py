"""`cask check`: the one CI gate, a table of steps in a stated order. Approves nothing and mends nothing.

A step that is left out is shown as `skipped`, one that has nothing to look at as `not-run`, neither ever as a pass; one that fails leaves the
others to run and to be told. What the manifest accepts for a while (`suppress:`) is settled here, after all steps have spoken.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Any, Final, NamedTuple

from caskmcp.analyze.suppressions import Stated, applied, of_suppressions
from caskmcp.errors import CaskError, Exit
from caskmcp.model.finding import Finding, Report
from caskmcp.ports import World
from caskmcp.workflows import accepted, here, steps
from caskmcp.workflows.bench import Bench

RESULTS: Final = ("pass", "review", "fail", "skipped", "not-run")
SUPPRESSIONS: Final = "suppressions"
"""The row that judges the manifest's suppressions; there is one only where there are some."""


class Step(NamedTuple):
    """One row of the gate."""

    name: str
    run: Callable[[Bench], Iterator[Finding]]
    lacks: Callable[[Bench], str] = lambda _: ""
    """What the step would need and is not there; empty if it can be run."""


# fmt: off
STEPS: Final = (
    #    name            run                   lacks
    Step("manifest",     steps.manifest),
    Step("reproducible", steps.reproducible),
    Step("schemas",      steps.schemas),
    Step("lock",         steps.lock),
    Step("signatures",   steps.signatures),
    Step("broadening",   steps.broadening),
    Step("drift",        steps.drifted,        steps.no_baseline),
    Step("lint",         steps.clean),
    Step("budgets",      steps.budgets,        steps.no_budget),
    Step("contracts",    steps.contracts,      steps.no_contracts),
    Step("private",      steps.private),
)
# fmt: on


class Ran(NamedTuple):
    """What came of one step."""

    name: str
    result: str
    """A row of `RESULTS`; of a step that ran it is empty until suppressions are settled."""
    note: str = ""
    findings: tuple[Finding, ...] = ()
    ended: bool = False
    """Whether an error kept it from looking at everything."""


# ---------------------------------------------------------------- the gate
def run(world: World, *, only: tuple[str, ...] = (), skip: tuple[str, ...] = (), trust_pin: str | None = None) -> Report:
    """Run the steps. Raises what a first step raises where there is no project or toolpack at all; else every refusal is a finding."""
    _refuse_unknown((*only, *skip))
    bench = Bench(world, here.pack(world), here.condition(world, trust_pin), world.clock.now())
    wanted = {step.name for step in STEPS if (not only or step.name in only) and step.name not in skip}
    if not wanted:
        raise CaskError("CASK-I001", "no step is left to run", mend="cask check")
    ran = [_ran(step, bench) if step.name in wanted else Ran(step.name, "skipped") for step in STEPS]
    if all(row.result for row in ran):  # skipped, or not-run: a gate that judged nothing must not end as a clean one does
        what = "; ".join(f"{row.name} has nothing to look at ({row.note})" for row in ran if row.note)
        raise CaskError("CASK-I001", what, mend="cask check")
    return _report(_settled(bench, ran))


def _ran(step: Step, bench: Bench) -> Ran:
    if missing := step.lacks(bench):
        return Ran(step.name, "not-run", missing)
    found: list[Finding] = []
    ended = False
    try:
        found.extend(step.run(bench))
    except CaskError as error:
        found.append(steps.of_error(error))
        ended = True
    return Ran(step.name, "", "", tuple(bench.placed(row).model_copy(update={"step": step.name}) for row in found), ended)


# ---------------------------------------------------------------- what the manifest accepts
def _settled(bench: Bench, ran: list[Ran]) -> list[Ran]:
    """The rows with their results, and one on the suppressions where there are some. A manifest that cannot be read accepts nothing."""
    try:
        stated = accepted.stated(bench.world, bench.pack)
    except CaskError:
        stated = ()  # the step on the manifest says why
    today = accepted.today(bench.world)
    rows = [_judged(row._replace(findings=applied(row.findings, stated, today))) for row in ran]
    return [*rows, _suppressions(bench, ran, stated, today)] if stated else rows


def _suppressions(bench: Bench, ran: list[Ran], stated: tuple[Stated, ...], today: str) -> Ran:
    whole = not any(row.result == "skipped" or row.ended for row in ran)
    known = [*chain.from_iterable(row.findings for row in ran), *(_beside(bench) if whole else ())]
    found = tuple(row.model_copy(update={"step": SUPPRESSIONS}) for row in of_suppressions(known, stated, today, whole=whole))
    if found or whole:
        return _judged(Ran(SUPPRESSIONS, "", "", found))
    return Ran(SUPPRESSIONS, "not-run", "whether each is used is known where every step looks at everything")


def _beside(bench: Bench) -> Iterator[Finding]:
    """What `diff` and `lint` find and `check` does not ask for: a suppression of it is used."""
    yield from (bench.placed(row) for row in (*bench.compared.findings, *bench.linted.findings))


def _judged(row: Ran) -> Ran:
    if row.result:
        return row
    worst = Report(report="check", findings=row.findings).exit
    return row._replace(result="pass" if worst is Exit.CLEAN else "review" if worst is Exit.REVIEW else "fail")


# ---------------------------------------------------------------- the report
def _report(ran: list[Ran]) -> Report:
    findings = tuple(_once(row for step in ran for row in step.findings))
    counts: dict[str, Any] = {result: sum(row.result == result for row in ran) for result in RESULTS}
    if suppressed := sum(bool(row.suppressed) for row in findings):
        counts["suppressed"] = suppressed
    rows = tuple({"step": row.name, "result": row.result, "findings": len(row.findings), "note": row.note} for row in ran)
    return Report(report="check", summary=counts, findings=findings, tables={"steps": rows})


def _once(rows: Iterable[Finding]) -> Iterator[Finding]:
    """What two steps ran into is told by the first."""
    told: set[Finding] = set()
    for row in rows:
        bare = row.model_copy(update={"step": ""})
        if bare not in told:
            told.add(bare)
            yield row


def _refuse_unknown(names: tuple[str, ...]) -> None:
    known = [step.name for step in STEPS]
    for name in names:
        if name not in known:
            raise CaskError("CASK-I010", f"there is no step `{name}`; the steps are {', '.join(known)}", mend="cask check --help")
