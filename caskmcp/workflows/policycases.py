"""`cask policy test`: a table of cases against the policy that was built. What decides is what decides in the server; nothing is sent.

The built policy counts, approved or not: a person sees what a change comes to before anything is signed. Budgets are not spent and grants not
asked for; a call that needs one is `confirm`.
"""

import shlex
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from caskmcp.errors import CaskError
from caskmcp.govern import offer
from caskmcp.govern.offer import Offer
from caskmcp.model.decision import Decision
from caskmcp.model.finding import Finding, Report, Severity
from caskmcp.model.pack import AdmittedTool
from caskmcp.model.policy import Policy
from caskmcp.model.policy_case import Case, PolicyCases
from caskmcp.ports import World
from caskmcp.runtime.arguments import compiled
from caskmcp.runtime.clean import clean
from caskmcp.runtime.commands import Record
from caskmcp.runtime.decide import asked, decide
from caskmcp.runtime.gateway import Call, Flight, steps
from caskmcp.runtime.surface import ServedTool, Surface, calls
from caskmcp.text import Document, parse_yaml
from caskmcp.workflows import here, places

LIMIT: Final = 4 << 20
"""Bytes of a file of cases."""
CODE: Final = "policy-case"
UNKNOWN: Final = Decision(verdict="deny", step="listed", rule="CASK-R001", code="CASK-R001")
DUTIES: Final = ("audit", "redact")
SIGNED: Final = ("policy", "confirmation")
"""Steps that say what the policy says. Where another one decides, the policy was not tried, so a case has to name its code."""


class Judged(NamedTuple):
    """A case, and what became of it."""

    case: Case
    place: str
    decided: Decision
    duties: Mapping[str, str]
    """`audit`, `redact` -> the rule that applies; empty: none."""
    wrong: str
    """What differs from what is expected; empty: nothing."""


@dataclass(frozen=True)
class Built:
    """The policy that was built, and the tools that it decides on."""

    policy: Policy
    tools: Mapping[str, ServedTool]
    toolsets: Mapping[str, frozenset[str]]


def run(world: World, file: str) -> Report:
    """Judge each case of a file. Exit 1 where one differs. Raises CASK-I002 and CASK-I004 for the file, CASK-I010 for a toolset that is none."""
    path = world.cwd / file
    shown = places.shown(world, path)
    document = parse_yaml(world.files.read(path, LIMIT), shown)
    cases = PolicyCases.of(document).cases
    built = _built(offer.parse(offer.read(world.files, here.pack(world))))
    rows = [_judged(case, document, index, built) for index, case in enumerate(cases)]
    wrong = [row for row in rows if row.wrong]
    reached = Counter(name for row in rows for name in (row.decided.rule, *row.duties.values()))
    unasked = [rule.id for rule in built.policy.rules if not reached[rule.id]]
    return Report(
        report="policy-test",
        summary={"cases": len(rows), "wrong": len(wrong), "rules": len(built.policy.rules), "rules_without_a_case": len(unasked)},
        tables={"cases": tuple(map(_row, rows))},
        findings=tuple(_finding(row, shown) for row in wrong),
        lines=(f"No case reaches: {', '.join(unasked)}.",) if unasked else (),
    )


def _built(given: Offer) -> Built:
    rows = {row.name: row for row in given.tools if row.tool is not None}
    tools = {name: served for name, row in rows.items() if (served := _served(row, given.policy)) is not None}
    return Built(given.policy, tools, {name: frozenset(row.tools) for name, row in given.toolsets.toolsets.items()})


def _served(row: offer.OfferedTool, policy: Policy) -> ServedTool | None:
    """The tool as the server would have it; None for one that cannot be compiled, which is not served either."""
    if row.tool is None:
        return None
    admitted = AdmittedTool(row.tool, row.digest, policy.rules_for(row.tool), row.toolsets)
    try:
        return ServedTool(admitted, compiled(row.tool), None, None)
    except CaskError:
        return None


# ---------------------------------------------------------------- one case
def _judged(case: Case, document: Document, index: int, built: Built) -> Judged:
    place = document.place(("cases", index))
    if case.toolset is not None and case.toolset not in built.toolsets:
        what = f"there is no toolset `{case.toolset}`; here are: {', '.join(sorted(built.toolsets)) or 'none'}"
        raise CaskError("CASK-I010", what, place=place, mend="cask gate list")
    decided = _decided(case, built)
    known = built.tools.get(case.tool)
    rules = {name: asked(known.admitted, name) for name in DUTIES} if known is not None else dict.fromkeys(DUTIES)
    duties = {name: rule.id if rule else "" for name, rule in rules.items()}
    return Judged(case, place, decided, duties, "; ".join(_wrong(case, decided, duties)))


def _decided(case: Case, built: Built) -> Decision:
    chosen = built.toolsets[case.toolset] if case.toolset is not None else frozenset(built.tools)
    members = frozenset(name for name in chosen if name in built.tools and calls(built.tools[name]) <= chosen)
    if case.tool not in members:
        return UNKNOWN
    if case.arguments is None:
        return decide(built.tools[case.tool].admitted)
    return _through(Flight(Call(CODE, case.tool, case.arguments, CODE, ""), Surface(None, built.tools, members), clean, dry=True))


def _through(flight: Flight) -> Decision:
    """The decision that the gateway would put on record: the whole table, ended before anything is sent."""
    talk = steps(flight)
    reply: Any = None
    last = UNKNOWN
    try:
        while True:
            command = talk.send(reply)
            if isinstance(command, Record):
                entry = command.entry
                last = Decision.model_validate({"verdict": entry.verdict, "step": entry.step, "rule": entry.rule, "code": entry.code})
    except StopIteration:
        return last


def _wrong(case: Case, decided: Decision, duties: Mapping[str, str]) -> Iterator[str]:
    if decided.verdict != case.expect:
        yield f"expected {case.expect}, and `{decided.rule}` says {decided.verdict}"
    elif case.rule is not None and decided.rule != case.rule:
        yield f"expected the rule `{case.rule}`, and `{decided.rule}` decides"
    elif case.rule is None and decided == UNKNOWN:
        yield "there is no such tool; where that is what you expect, say `rule: CASK-R001`"
    elif case.rule is None and decided.step not in SIGNED:
        yield f"the step `{decided.step}` says {decided.verdict}, not the policy; where that is what you expect, say `rule: {decided.rule}`"
    for name in DUTIES:
        wanted = getattr(case, name)
        if wanted is not None and wanted != duties[name]:
            yield f"expected {f'the {name} rule `{wanted}`' if wanted else f'no {name} rule'}, and there is {f'`{duties[name]}`' if duties[name] else 'none'}"


def _row(row: Judged) -> dict[str, Any]:
    return {
        "place": row.place,
        "tool": row.case.tool,
        "expected": row.case.expect,
        "decided": row.decided.verdict,
        "rule": row.decided.rule,
        **row.duties,
        "result": "wrong" if row.wrong else "as expected",
    }


def _finding(row: Judged, file: str) -> Finding:
    return Finding(
        code=CODE,
        severity=Severity.REVIEW,
        subject=f"tool:{row.case.tool}",
        message=row.wrong,
        place=row.place,
        mend=f"edit {shlex.quote(file)}",
    )
