"""`cask verify`: pass the door, call through the gateway, judge in every mode that was asked for, keep the evidence.

Promises: a mode without input says `not-run`, never `pass`; what was judged against the twin says so; nothing is approved, and no rule is set aside.
"""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any, Final

import anyio

from caskmcp.analyze.drift import View
from caskmcp.errors import CaskError
from caskmcp.govern import offer
from caskmcp.load import load
from caskmcp.model.contract import Contract, Contracts
from caskmcp.model.finding import Finding, Report, Severity
from caskmcp.model.pack import AdmittedPack
from caskmcp.model.project import Project
from caskmcp.ports import World
from caskmcp.runtime.conduct import Hands
from caskmcp.runtime.confirm import Confirmations
from caskmcp.runtime.state import State
from caskmcp.runtime.surface import surface
from caskmcp.store import scratch
from caskmcp.store.layout import Pack
from caskmcp.workflows import drift, here, serve
from caskmcp.workflows.probe import Secrets, Tap
from caskmcp.workflows.verify import contracts, kept, outcomes, replayed, stated
from caskmcp.workflows.verify.modes import MODES, NOT_RUN, Outcome
from caskmcp.workflows.verify.session import LIVE, TWIN, Against, Session
from caskmcp.workflows.verify.stated import Stated

ALL: Final = "all"
CALLS: Final = 200
"""Calls of a run, unless a person says otherwise."""
MOST: Final = 5_000


@dataclass(frozen=True)
class Asked:
    """What `cask verify` was asked for."""

    mode: str = ALL
    environment: str | None = None
    base_url: str | None = None
    """The approved environment with this place, instead of its name."""
    twin: bool = False
    faults: tuple[str, ...] = ()
    """What the twin does wrong on purpose."""
    twin_captures: tuple[str, ...] | None = None
    """Ids of the captures that the twin answers from; None: all."""
    capture: str | None = None
    """What is replayed: the id of a capture or a file; None: all that the manifest names."""
    calls: int = CALLS
    strict: bool = False
    """Whether a mode that did not run is a finding."""
    trust_pin: str | None = None
    sign: str | None = None
    """The key that signs the evidence; empty: the only one here."""


def run(world: World, asked: Asked) -> Report:
    """Verify. Raises what the door raises (exit 4), CASK-I001 for options that exclude each other, CASK-I003, CASK-I004, CASK-I010 for a verify.yaml that
    cannot be read or names what is not there, CASK-A001 for a signature without a terminal."""
    _refuse_together(asked)
    if asked.sign is not None:
        kept.require_person(world)
    pack = here.pack(world)
    states = stated.read(world)
    started = world.clock.now()
    with _against(world, pack, asked) as (admitted, against, hands):
        stated.refuse_unknown(states, _names(admitted))
        view = _approved(world, pack)
        project = drift.project_of(world, view.operations)
        results, session = anyio.run(_judged, asked, (admitted, against, hands), states, world, (view, project, pack))
    report = _report(asked, against, results)
    facts = kept.Facts(pack, project, report, against, results, states, tuple(session.heard), (started, world.clock.now()))
    name, signed_by = kept.keep(world, facts, asked.sign)
    signature = {"signed_by": signed_by} if signed_by else {}
    return report.model_copy(update={"summary": {**report.summary, "evidence": name, **signature}})


def _refuse_together(asked: Asked) -> None:
    if not 1 <= asked.calls <= MOST:
        raise CaskError("CASK-I001", f"`--calls` is a number from 1 to {MOST}", mend=f"cask verify --calls {CALLS}")
    if asked.twin and (asked.environment is not None or asked.base_url is not None):
        raise CaskError("CASK-I001", "`--twin` is a place of its own: it excludes `--env` and `--base-url`", mend="cask verify --twin")
    if asked.environment is not None and asked.base_url is not None:
        raise CaskError("CASK-I001", "`--env` and `--base-url` exclude each other", mend="cask verify --help")
    if not asked.twin and (asked.faults or asked.twin_captures is not None):
        raise CaskError("CASK-I001", "faults and captures of a twin need `--twin`", mend="cask verify --twin")


# ---------------------------------------------------------------- what answers
Placed = tuple[AdmittedPack, Against, Hands]


@contextmanager
def _against(world: World, pack: Pack, asked: Asked) -> Iterator[Placed]:
    """The admitted pack, what its calls reach, and the ports. The twin spends no budget of the real service, and has no credential."""
    environment = asked.environment if asked.base_url is None else _environment_at(world, pack, asked)
    source = serve.PackOnDisk(world, pack, offer.identity(world.files, pack), here.condition(world, asked.trust_pin), environment)
    admitted = source.admit(source.read())
    base = serve.hands(world, here.root(world))
    with ExitStack() as stack:
        stack.callback(base.journal.close)
        stack.callback(base.state.close)
        if not asked.twin:
            yield admitted, Against(LIVE, environment or ""), base
            return
        running = stack.enter_context(load("workflows.twin:running")(world, pack, captures=asked.twin_captures, faults=asked.faults))
        state = State(stack.enter_context(scratch.folder()) / "state.db")
        stack.callback(state.close)
        hands = replace(base, state=state, confirmations=Confirmations(state, world.entropy))
        yield running.instead(admitted), Against(TWIN, digest=str(running.digest)), hands


def _environment_at(world: World, pack: Pack, asked: Asked) -> str:
    """The approved environment whose only place is the given one: no option leads a call to where nobody approved."""
    rows = _environments(world, pack)
    wanted = (asked.base_url or "").rstrip("/")
    found = [name for name, places in rows.items() if places and {place.rstrip("/") for place in places} == {wanted}]
    if len(found) != 1:
        known = ", ".join(f"{name} ({', '.join(places)})" for name, places in rows.items()) or "none"
        what = f"no approved environment has just the place {asked.base_url}; environments are: {known}"
        raise CaskError("CASK-I010", what, mend="cask serve --help")
    return found[0]


def _environments(world: World, pack: Pack) -> Mapping[str, tuple[str, ...]]:
    name = offer.NAMES["environments"]
    read = load("model.artifact:Environments").from_yaml(world.files.read(pack.artifact(name)), name, code="CASK-L002")
    return {name: tuple(sorted({place.url for place in hosts.values()})) for name, hosts in sorted(read.environments.items())}


def _names(admitted: AdmittedPack) -> frozenset[str]:
    """Every tool that the toolpack has, served or not."""
    return frozenset(admitted.tools) | {row.subject.removeprefix("tool:") for row in admitted.withheld}


# ---------------------------------------------------------------- the modes
Given = tuple[View, Project, Pack]
"""What was approved or built last, whose project it is, and where it lies."""


async def _judged(asked: Asked, placed: Placed, states: Stated, world: World, given: Given) -> tuple[list[Outcome], Session]:
    admitted, against, base = placed
    tap, secrets = Tap(), Secrets(world.credentials)
    hands = replace(base, upstream=tap, credentials=secrets)
    shown = surface(admitted)
    session = Session(world, shown, hands, tap, secrets, against, states.file.writes, frozenset(states.file.tools), asked.calls)
    try:
        return [await _mode(mode, session, asked, states, given) for mode in MODES], session
    finally:
        await tap.aclose()


async def _mode(mode: str, session: Session, asked: Asked, states: Stated, given: Given) -> Outcome:
    view, project, pack = given
    if asked.mode not in (ALL, mode):
        return Outcome(mode, note="it was not asked for")
    if mode == contracts.MODE:
        return await contracts.run(session, states, view, project, _known(session.world, pack))
    if mode == replayed.MODE:
        return await replayed.run(session, project, replayed.exchanges(session.world, project, asked.capture))
    if mode == outcomes.MODE:
        return await outcomes.run(session, states)
    result: Outcome = await load("workflows.verify.provenance:run")(session, states)
    return result


def _approved(world: World, pack: Pack) -> View:
    """The approved baseline; before the first snapshot what was built last."""
    path = here.root(world).baseline(pack.path.name)
    return drift.approved(world, pack, path) if world.files.exists(path) else drift.built(world, pack)


def _known(world: World, pack: Pack) -> Mapping[str, Contract]:
    """Operation -> contract; nothing where none were emitted."""
    name = "contracts.yaml"
    if not world.files.exists(pack.artifact(name)):
        return {}
    return {row.id: row for row in Contracts.from_yaml(world.files.read(pack.artifact(name)), name, code="CASK-L002").contracts}


# ---------------------------------------------------------------- the report
def _report(asked: Asked, against: Against, results: list[Outcome]) -> Report:
    findings = [row for each in results for row in each.findings]
    findings += [_missing(each) for each in results if each.result == NOT_RUN and asked.strict and asked.mode in (ALL, each.mode)]
    summary: dict[str, Any] = {"against": against.kind}
    summary |= {"environment": against.environment} if against.environment else {}
    summary |= {"twin": against.digest} if against.digest else {}
    summary |= {each.mode: each.result for each in results}
    return Report(
        report="verify", summary=summary, findings=tuple(findings), tables={"modes": tuple(_row(each, against) for each in results)}
    )


def _row(each: Outcome, against: Against) -> dict[str, Any]:
    said = each.note or ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in each.figures.items())
    return {"mode": each.mode, "result": each.result, "checked": each.checked, "against": against.kind, "note": said}


def _missing(each: Outcome) -> Finding:
    what = f"mode {each.mode} did not run: {each.note}"
    return Finding(code=NOT_RUN, severity=Severity.REVIEW, subject=each.mode, message=what, mend=f"cask verify --mode {each.mode}")
