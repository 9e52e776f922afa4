"""Mode `contracts`: what approved reads answer now, against what was approved of them, and against what people state.

Four judges look at the answers: the runtime's own comparison with the served record, drift from the approved baseline, the assertions of
`verify.yaml`, and generated boundary inputs. An input that the schema refuses has to be refused by the gateway too, with nothing sent.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final

from caskmcp.analyze.drift import View, drift, key
from caskmcp.analyze.verify import boundaries
from caskmcp.analyze.verify.answers import Answered
from caskmcp.analyze.verify.assertions import equal, failed, select
from caskmcp.analyze.verify.replay import GONE
from caskmcp.model.contract import Contract as Known
from caskmcp.model.finding import Finding, Severity
from caskmcp.model.project import Project
from caskmcp.runtime.surface import ServedTool
from caskmcp.workflows import probe
from caskmcp.workflows.probe import Run
from caskmcp.workflows.verify.modes import SPENT, Outcome, finding, spent, together
from caskmcp.workflows.verify.session import Session
from caskmcp.workflows.verify.stated import Stated

MODE: Final = "contracts"
REFUSED: Final = ("CASK-R002", "CASK-R003")
"""How the gateway refuses arguments."""


async def run(session: Session, stated: Stated, view: View, project: Project, known: Mapping[str, Known]) -> Outcome:
    """Call, and judge. view: what was approved or built last. known: operation -> its contract, where one was emitted."""
    first = len(session.heard)
    called, unsent = await _called(session, stated, view)
    working = {row.tool for row in called if row.good}
    findings = [row for answer in called for row in _judged(answer, stated, working)]
    told = _told(stated)
    heard = [row for row in session.heard[first:] if not probe.is_guess(row.arguments, row.answer.status, told.get(row.tool.name, ()))]
    seen = probe.groups(session.world, project, view, heard)
    if seen:
        report = drift(view, View(session.against.kind, seen), probed=True, mend="cask drift --live")
        findings += report.findings
    asserted, failures = _asserted(called, stated)
    edges, broken, untried = await _edges(session, called, known)
    refused, through = await _outside(session, called)
    checked = len(called) + asserted + edges + refused
    figures = {"answers": len(called), "assertions": asserted, "boundaries": edges, "refused": refused}
    note = "" if checked else _why(session)
    inputs = tuple({"tool": row.tool, "arguments": sorted(row.arguments)} for row in called)
    cut = (*spent(unsent, "calls of approved reads", Severity.REVIEW), *spent(untried, "edges of arguments", Severity.INFO))
    return Outcome(MODE, checked, together([*findings, *failures, *broken, *through, *cut]), note, figures, inputs)


def _why(session: Session) -> str:
    """Why nothing was judged."""
    if session.left <= 0:
        return SPENT
    if not session.shown.tools:
        return "no tool is served: nothing is approved, or no approval holds"
    return "no approved read can be called: none may be called unasked, or its arguments are not known (`arguments:` of verify.yaml)"


# ---------------------------------------------------------------- the calls
async def _called(session: Session, stated: Stated, view: View) -> tuple[list[Answered], int]:
    """Each approved read: with what people give, with nothing where nothing is needed, then with what those answers give; and how many calls were left out."""
    known = {key(name): group for name, group in view.operations.items()}
    told = _told(stated)
    waiting = {name: row for name, row in session.reads().items() if name in told or key(row.admitted.tool.operation) in known}
    made, unsent = list[Answered](), 0
    while ready := {name: given for name, row in waiting.items() if (given := probe.given_to(row, told, Run(heard=session.heard), known))}:
        for name, given in ready.items():
            waiting.pop(name)
            sent = given[: max(session.left, 0)]
            unsent += len(given) - len(sent)
            made += [await session.call(name, arguments) for arguments in sent]
    return made, unsent


def _told(stated: Stated) -> dict[str, Sequence[Mapping[str, Any]]]:
    told: dict[str, list[Mapping[str, Any]]] = {name: list(rows) for name, rows in stated.file.arguments.items()}
    for row in stated.file.contracts:
        if row.with_ is not None:
            told.setdefault(row.tool, []).append(row.with_)
    return {name: [row for index, row in enumerate(rows) if row not in rows[:index]] for name, rows in told.items()}


# ---------------------------------------------------------------- answers
def _judged(answer: Answered, stated: Stated, working: Collection[str]) -> Iterator[Finding]:
    """What any answer to an approved read has to be. working: tools of which some call succeeded: that one thing is not there breaks nothing then."""
    if not answer.sent:
        yield finding("call-refused", Severity.REVIEW, answer.tool, f"the call was not made or not answered: {answer.error}")
    elif answer.status >= 500:
        yield finding("answer-failed", Severity.BREAKING, answer.tool, f"answered {answer.status}")
    elif not answer.good and not _expected(answer, stated):
        told = _told(stated).get(answer.tool, ())
        is_gone = answer.status in GONE and answer.tool in working and dict(answer.arguments) not in told
        is_news = is_gone or probe.is_guess(answer.arguments, answer.status, told)
        level = Severity.INFO if is_news else Severity.REVIEW
        yield finding("answer-status", level, answer.tool, f"answered {answer.status} to arguments that should work")
    if answer.differs:
        what = f"the answer is not what was approved: {', '.join(answer.differs)}"
        yield finding("answer-differs", Severity.BREAKING, answer.tool, what)


def _expected(answer: Answered, stated: Stated) -> bool:
    """Whether people state this status for these arguments."""
    rows = (row for row in stated.file.contracts if row.tool == answer.tool and (row.with_ is None or row.with_ == dict(answer.arguments)))
    return any(each.asks == "status" and answer.status in each.status for row in rows for each in row.asserted)


def _asserted(called: Sequence[Answered], stated: Stated) -> tuple[int, list[Finding]]:
    """How many assertions were judged, and those that do not hold. One that no answer was there for fails."""
    checked, found = 0, list[Finding]()
    for number, row in enumerate(stated.file.contracts):
        mine = [each for each in called if each.tool == row.tool and (row.with_ is None or equal(dict(each.arguments), row.with_))]
        place = stated.place("contracts", number)
        if not any(each.sent for each in mine):
            found.append(
                finding("contract-not-called", Severity.REVIEW, row.tool, "no answer of this tool was there to judge", place=place)
            )
        for answer in (each for each in mine if each.sent):
            checked += len(row.asserted)
            problems = filter(None, (failed(each, answer) for each in row.asserted))
            found += [finding("contract-broken", Severity.BREAKING, row.tool, problem, place=place) for problem in problems]
    return checked, found


# ---------------------------------------------------------------- boundaries
def _bases(called: Sequence[Answered]) -> Mapping[str, Answered]:
    """The first call of each tool that worked."""
    return {row.tool: row for row in reversed(called) if row.good}


async def _edges(session: Session, called: Sequence[Answered], known: Mapping[str, Known]) -> tuple[int, list[Finding], int]:
    """Inputs at the edges of what was approved: the service may refuse one, and does not break on it. Last: how many were left out."""
    checked, untried, found = 0, 0, list[Finding]()
    for name, base in sorted(_bases(called).items()):
        tool = session.shown.tools[name].admitted.tool
        edges = boundaries.inside(tool.input_schema, base.arguments)
        for number, edge in enumerate(edges):
            if session.left <= 0:
                untried += len(edges) - number
                break
            answer = await session.call(name, edge.arguments)
            checked += answer.sent
            found += _at_edge(answer, edge, known.get(tool.operation))
    return checked, found, untried


def _at_edge(answer: Answered, edge: boundaries.Boundary, known: Known | None) -> Iterator[Finding]:
    at = f"at the edge `{edge.edge}` of `{edge.argument}`"
    if answer.status >= 500:
        yield finding("boundary-failed", Severity.BREAKING, answer.tool, f"answered {answer.status} {at}")
    elif answer.sent and not answer.good:
        yield finding("boundary-refused", Severity.INFO, answer.tool, f"answered {answer.status} {at}, which the approved schema allows")
    if answer.differs:
        yield finding("answer-differs", Severity.BREAKING, answer.tool, f"{at}: {', '.join(answer.differs)}")
    if answer.good and known is not None and (long := _too_long(answer, edge, known)):
        yield finding("page-too-long", Severity.BREAKING, answer.tool, long)


def _too_long(answer: Answered, edge: boundaries.Boundary, known: Known) -> str:
    """That a page holds more than was asked for; empty if it does not, or nobody asked."""
    paging = known.paging
    if paging is None or paging.items is None or paging.size not in (f"query {edge.argument}", f"body {edge.argument}"):
        return ""
    wanted = edge.arguments.get(edge.argument)
    path = "$" + "".join(f"['{part}']" for part in paging.items.split("/")[1:])
    items = select(answer.body, path)
    if not isinstance(wanted, int) or wanted < 1 or len(items) != 1 or not isinstance(items[0], list) or len(items[0]) <= wanted:
        return ""
    return f"{len(items[0])} items on a page of {wanted}"


async def _outside(session: Session, called: Sequence[Answered]) -> tuple[int, list[Finding]]:
    """Inputs that the approved schema refuses: not one may reach the service. They cost no call of the run."""
    checked, found = 0, list[Finding]()
    for name, base in sorted(_bases(called).items()):
        row: ServedTool = session.shown.tools[name]
        for edge in boundaries.outside(row.admitted.tool.input_schema, base.arguments):
            left = session.left
            answer = await session.call(name, edge.arguments)
            session.left = left
            checked += 1
            if answer.sent or answer.error not in REFUSED:
                what = f"`{edge.edge}` of `{edge.argument}` was not refused: {answer.error or answer.status}"
                found.append(finding("outside-accepted", Severity.BREAKING, name, what))
    return checked, found
