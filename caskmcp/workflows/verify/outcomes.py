"""Mode `outcomes`: what follows from what, over several calls: created, then found, then deleted, then gone.

Each outcome is a list of calls that `verify.yaml` states. A step that may not be called ends its outcome, and says why; a read is asked again
until what is asserted holds, where the step says `eventually`.
"""

from collections.abc import Mapping
from typing import Any, Final

import anyio

from caskmcp.analyze.verify.answers import NOTHING, Answered
from caskmcp.analyze.verify.assertions import failed, resolved, select
from caskmcp.model.finding import Finding, Severity
from caskmcp.model.verification import Outcome as Stated_
from caskmcp.model.verification import OutcomeStep
from caskmcp.workflows.verify.modes import Outcome, finding
from caskmcp.workflows.verify.session import Session
from caskmcp.workflows.verify.stated import Stated

MODE: Final = "outcomes"
Kept = dict[str, Any]


async def run(session: Session, stated: Stated) -> Outcome:
    """Play each outcome in order."""
    if not stated.file.outcomes:
        return Outcome(MODE, note="verify.yaml states no outcome")
    checked, found, played = 0, [], []
    for number, outcome in enumerate(stated.file.outcomes):
        judged, problem = await _played(session, outcome, stated, number)
        checked += judged
        found += [problem] if problem else []
        played.append({"outcome": outcome.name, "steps": [step.tool for step in outcome.steps], "held": problem is None})
    note = "" if checked else "no step of any outcome could be called"
    return Outcome(MODE, checked, tuple(found), note, {"outcomes": len(played), "assertions": checked}, tuple(played))


async def _played(session: Session, outcome: Stated_, stated: Stated, number: int) -> tuple[int, Finding | None]:
    """How much was judged, and what ended the outcome early, if anything did: what comes after rests on what came before."""
    kept: Kept = {}
    judged = 0
    for index, step in enumerate(outcome.steps):
        place = stated.place("outcomes", number, "steps", index)
        if why := _barred(session, step):
            return judged, finding("outcome-not-called", Severity.REVIEW, step.tool, f"{outcome.name}: not called: {why}", place=place)
        answer, problem = await _answered(session, step, kept)
        if not answer.sent:
            what = f"{outcome.name}: the call was refused: {answer.error}"
            return judged, finding("outcome-not-called", Severity.REVIEW, step.tool, what, place=place)
        judged += max(len(step.asserted), 1)
        problem = problem or _keep(step, answer, kept)
        if problem:
            return judged, finding("outcome-broken", Severity.BREAKING, step.tool, f"{outcome.name}: {problem}", place=place)
    return judged, None


def _barred(session: Session, step: OutcomeStep) -> str:
    row = session.shown.tools.get(step.tool)
    if row is None:
        return "the tool is not served"
    if session.left <= 0:
        return "the calls of this run are spent: --calls N"
    return session.refused(row)


async def _answered(session: Session, step: OutcomeStep, kept: Kept) -> tuple[Answered, str]:
    """The answer, and why it does not show what is asserted. Only a read is asked again: a write that was sent was sent."""
    arguments = resolved(step.with_, kept)
    is_read = session.shown.tools[step.tool].admitted.tool.effect == "read"
    tries = step.eventually.tries if step.eventually is not None and is_read else 1
    answer, problem = await _once(session, step, arguments, kept)
    while problem and answer.sent and tries > 1 and session.left > 0 and step.eventually is not None:
        tries -= 1
        await anyio.sleep(step.eventually.every_ms / 1000)
        answer, problem = await _once(session, step, arguments, kept)
    return answer, problem


async def _once(session: Session, step: OutcomeStep, arguments: Mapping[str, Any], kept: Kept) -> tuple[Answered, str]:
    answer = await session.call(step.tool, arguments)
    stated = any(row.asks == "status" for row in step.asserted)
    if not stated and not answer.good:
        return answer, f"answered {answer.status}"
    return answer, next(filter(None, (failed(row, answer, kept) for row in step.asserted)), "")


def _keep(step: OutcomeStep, answer: Answered, kept: Kept) -> str:
    """Keep what later steps name. Why that cannot be: a path that leads nowhere, or to more than one value."""
    for name, path in step.keep.items():
        values = [] if answer.body is NOTHING else select(answer.body, path)
        if len(values) != 1:
            return f"`{name}` cannot be kept: {path} leads to {len(values)} values"
        kept[name] = values[0]
    return ""
