"""Mode `replay`: captured reads are sent again, and their answers held against those that were captured.

Captures are read as a build reads them: through selection and redaction, in memory. An answer of today passes the same redaction under the same key before it is
compared, so that equal values stay equal and no secret is looked at.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode

from caskmcp import canon
from caskmcp.analyze.verify import replay
from caskmcp.analyze.verify.answers import NOTHING
from caskmcp.analyze.verify.replay import Captured, Shape, Values
from caskmcp.compiler.capture.codec import decode_whole
from caskmcp.compiler.capture.sources.kinds import is_converted, is_document
from caskmcp.compiler.capture.stage import redacted
from caskmcp.errors import CaskError
from caskmcp.model.exchange import RESTORABLE, Body, Exchange
from caskmcp.model.finding import Finding, Severity
from caskmcp.model.project import Project
from caskmcp.ports import World
from caskmcp.redact import placeholder
from caskmcp.runtime.recognize import Received, recognized
from caskmcp.runtime.surface import ServedTool
from caskmcp.store import project as projects
from caskmcp.store import secret
from caskmcp.workflows import drift, here, intake, probe
from caskmcp.workflows.intake import Named
from caskmcp.workflows.verify.modes import SPENT, Outcome, finding, shown, spent, together
from caskmcp.workflows.verify.session import LIVE, Session

MODE: Final = "replay"
_BROKEN: Final = ("status", "kind", "missing")
"""Differences that fail the mode; all others are information."""


class Read(NamedTuple):
    """One captured request, and every answer that was captured to it."""

    tool: str
    arguments: dict[str, Any]
    answers: tuple[Captured, ...]


async def run(session: Session, project: Project, exchanges: Sequence[Exchange]) -> Outcome:
    """Send each captured read of an approved tool again, once, and compare. exchanges: redacted, of all captures here."""
    if not exchanges:
        return Outcome(MODE, note="no capture is here: nothing to send again")
    reads, shapes, cut = _reads(session, exchanges)
    key = secret.redaction_key(session.world.files, here.root(session.world), session.world.entropy)
    checked, like, refused = 0, 0, 0
    total, found, asked = Values(0, 0), [], []
    within = reads[: max(session.left, 0)]
    for read in within:
        answer = await session.call(read.tool, read.arguments)
        if not answer.sent:
            refused += 1
            found.append(finding("call-refused", Severity.REVIEW, read.tool, f"the call was not made or not answered: {answer.error}"))
            continue
        status, body = _answered(session, project, key) or (answer.status, answer.body)
        rows = [
            _told(read, row) for row in replay.differences(read.answers, shapes[read.tool], status, body, by_name=_names(session, read))
        ]
        same = replay.values(read.answers, body)
        total = Values(total.same + same.same, total.compared + same.compared)
        checked, like = checked + 1, like + (not any(row.severity is not Severity.INFO for row in rows))
        found += rows
        asked.append({"tool": read.tool, "arguments": sorted(read.arguments), "captured": len(read.answers)})
    figures = {"shape": like, "values": total.same, "values_compared": total.compared, "cut": cut, "refused": refused}
    unsent = len(reads) - len(within)
    why = SPENT if unsent else "no captured read is of an approved tool that may be called unasked, with arguments that were not cut"
    cut_off = spent(unsent, "captured reads", Severity.INFO)
    return Outcome(MODE, checked, together([*found, *_values(total), *cut_off]), "" if checked else why, figures, tuple(asked))


def _names(session: Session, read: Read) -> bool:
    """Whether the path says which one thing is asked for."""
    segments = session.shown.tools[read.tool].admitted.tool.request.segments
    return any(piece.argument for segment in segments for piece in segment.pieces)


def _told(read: Read, row: replay.Difference) -> Finding:
    where = f" at {shown(row.place)}" if row.place else ""
    what = {
        "status": f"answered {row.after}, captured was {row.before}",
        "news": f"answered {row.after}, captured was {row.before}: what it names came or went",
        "kind": f"{row.after}{where}, captured was {row.before}",
        "null": f"{row.after}{where}, captured was {row.before}",
        "fewer": f"nothing{where}, which every captured answer had: few answers, or another selection of fields",
        "missing": f"nothing{where}, which every captured answer had",
        "new": f"a {row.after}{where}, which no captured answer had",
    }
    return finding(f"replay-{row.what}", Severity.BREAKING if row.what in _BROKEN else Severity.INFO, read.tool, what[row.what])


def _values(total: Values) -> Iterator[Finding]:
    if total.same < total.compared:
        what = f"{total.compared - total.same} of {total.compared} values are other ones than were captured"
        yield finding("replay-values", Severity.INFO, "", what)


# ---------------------------------------------------------------- what is sent
def _reads(session: Session, exchanges: Sequence[Exchange]) -> tuple[list[Read], Mapping[str, Shape], int]:
    """Requests that approved reads send, each once; the shape of each tool's answers; and how many hold what redaction cut."""
    tools = session.reads()
    answers: dict[tuple[str, str], list[Captured]] = defaultdict(list)
    asked: dict[tuple[str, str], dict[str, Any]] = {}
    cut = 0
    for exchange in exchanges:
        call = _call(tools, exchange)
        if call is None:
            continue
        if session.against.kind == LIVE and _is_cut(call[1]):
            cut += 1
            continue
        about = (call[0], canon.digest(call[1]))
        asked[about] = call[1]
        answers[about].append(Captured(exchange.status, _body(exchange.response)))
    shapes = {name: replay.shape(row for about, rows in answers.items() if about[0] == name for row in rows) for name, _ in asked}
    return [Read(about[0], asked[about], tuple(answers[about])) for about in sorted(asked)], shapes, cut


def _call(tools: Mapping[str, ServedTool], exchange: Exchange) -> tuple[str, dict[str, Any]] | None:
    """The approved read that sends just this request, and its arguments; None where none does."""
    if not exchange.status:
        return None
    # A header that the plan does not have was the recorder's client's: the tool sends the request without it.
    for request in (received(exchange), replace(received(exchange), headers=())):
        name, found = recognized(tools.values(), request)
        if name in tools and _fits(tools[name], found):
            return name, dict(found)
    return None


def _fits(row: ServedTool, arguments: Mapping[str, Any]) -> bool:
    try:
        row.check.refuse(arguments)
    except CaskError:
        return False  # the approved plan does not send this request, whatever it looks like
    return True


def received(exchange: Exchange) -> Received:
    """A captured request as a client would send it."""
    host = f"{exchange.host}:{exchange.port}" if exchange.port else exchange.host
    query = urlencode(exchange.query)
    return Received(exchange.method, host, f"{exchange.path}{'?' if query else ''}{query}", exchange.headers)


def _is_cut(value: Any) -> bool:
    if isinstance(value, dict | list):
        return any(_is_cut(item) for item in (value.values() if isinstance(value, dict) else value))
    return isinstance(value, str) and placeholder.contains(value)


def _body(body: Body | None) -> Any:
    return body.value if body is not None and body.kind == "json" else NOTHING


def _answered(session: Session, project: Project, key: bytes) -> tuple[int, Any] | None:
    """What the last call was answered, redacted as a capture is; None where selection would not have kept it."""
    item = probe.recorded(1, session.heard[-1])
    outputs = redacted(
        iter([item]),
        kind="har",
        hosts=project.hosts,
        redact=project.redact.model_dump(mode="json", by_alias=True),
        key=key,
        keep=RESTORABLE,
    )
    rows = decode_whole(outputs["exchanges"])  # type: ignore[arg-type]  # an iterable of bytes, as that stage says
    found = next((row for row in rows if isinstance(row, Exchange)), None)
    return (found.status, _body(found.response)) if found else None


# ---------------------------------------------------------------- captures
def exchanges(world: World, project: Project, given: str | None) -> tuple[Exchange, ...]:
    """Every redacted exchange of a file or capture, or of all that the manifest names and that are here."""
    root = here.root(world)
    key = secret.redaction_key(world.files, root, world.entropy)
    found: list[Exchange] = []
    for named in [drift.capture_or_file(world, root, given)] if given is not None else _sources(world):
        taken = intake.read(world.files, root, project, named, key, world.console.progress)
        found += [row for row in decode_whole(taken.exchanges.blocks()) if isinstance(row, Exchange)]
    return tuple(found)


def _sources(world: World) -> list[Named]:
    try:
        loaded = projects.load_project(world.files, world.cwd)
    except CaskError as cause:
        if cause.code != "CASK-I006":
            raise
        return []
    rows = projects.expand_sources(world.files, loaded, here.root(world).path)
    files = [row for row in rows if not is_document(row.kind) and not is_converted(row.kind) and world.files.exists(row.absolute)]
    return [Named(row.path, row.kind, row.absolute, canon.digest_stream(world.files.chunks(row.absolute))) for row in files]
