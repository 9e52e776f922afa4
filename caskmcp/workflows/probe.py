"""`cask drift --live`: approved reads are called through the runtime's own gateway, and their answers are measured from the baseline.

Called is what the policy allows unasked: a GET that was approved as `safe` or `low`. Arguments come from a file, or from the answers of this
very run where the baseline knows that one gives the other; nothing is guessed. Every call passes the gateway's whole table, spends the policy's budgets
and stands on record. Answers stay in memory: they are redacted and counted as a recording is, and only counts are kept as evidence.
"""

import json
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import anyio

from caskmcp import canon
from caskmcp.analyze.drift import View, drift, key, not_run
from caskmcp.compiler.capture.sources.interface import Recorded, RecordedBody
from caskmcp.errors import CaskError
from caskmcp.govern import offer
from caskmcp.model.exchange import RESTORABLE
from caskmcp.model.finding import Report
from caskmcp.model.observation import Group
from caskmcp.model.project import Project
from caskmcp.model.tool import Tool
from caskmcp.ports import Credentials, World
from caskmcp.runtime.clean import clean
from caskmcp.runtime.commands import Failure, Send
from caskmcp.runtime.conduct import Hands, conduct
from caskmcp.runtime.decide import decide
from caskmcp.runtime.gateway import Call, Flight
from caskmcp.runtime.plan import authority, prepare
from caskmcp.runtime.respond import Answer
from caskmcp.runtime.surface import ServedTool, Surface, surface
from caskmcp.runtime.upstream import Upstream
from caskmcp.runtime.wire import escaped
from caskmcp.store.layout import Pack
from caskmcp.text import parse_yaml
from caskmcp.workflows import here, intake, recapture, serve
from caskmcp.workflows.drift import CALLS, Probe

CALM: Final = ("safe", "low")
"""Tiers that are called unasked."""
SAMPLES: Final = 3
"""Calls of one tool whose arguments come from answers."""
MOST: Final = 1_000
CALLER: Final = "drift"
LIVE: Final = "live"
GONE: Final = (404, 410)
"""Statuses that say that there is no such thing."""
DECODED: Final = ("content-encoding", "transfer-encoding", "content-length")
"""Headers of how an answer travelled; its body is decoded."""
Arguments = Mapping[str, Any]


class Heard(NamedTuple):
    """One call and its answer. Lives in memory alone."""

    tool: Tool
    arguments: Arguments
    answer: Answer
    credentials: tuple[tuple[str, str], ...] = ()
    """(way, value) of what it was sent with, in each form in which an answer may repeat it: it is cut wherever it stands."""


class Tap(Upstream):
    """The upstream, which remembers in memory what it was answered."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[Answer] = []
        self.sent = ""
        """The word in the last call's Authorization header."""

    async def send(self, ask: Send) -> Answer | Failure:
        """As `Upstream.send`."""
        reply = await super().send(ask)
        if isinstance(reply, Answer) and not ask.apart:
            self.sent = next((value.rpartition(" ")[2] for name, value in ask.request.headers if name == "Authorization"), "")
            self.heard.append(reply)
        return reply


@dataclass
class Secrets:
    """The credentials, which remember in memory what was read first: what `from` of a rule leads to."""

    inner: Credentials
    read: str = ""

    def resolve(self, reference: str, refused: str = "") -> str:
        """As `Credentials.resolve`."""
        found = self.inner.resolve(reference, refused)
        self.read = found if refused else self.read or found
        return found


@dataclass
class Run:
    """What happened so far."""

    heard: list[Heard] = field(default_factory=list)
    rows: list[dict[str, Any]] = field(default_factory=list)
    left: int = 0


def run(world: World, pack: Pack, old: View, asked: Probe, project: Project) -> Report:
    """Probe, compare, keep the evidence. Raises what the door raises (exit 4), CASK-I001 for a bound or arguments that are none, CASK-I010 for
    arguments of a tool that is not probed."""
    if not 1 <= asked.calls <= MOST:
        raise CaskError("CASK-I001", f"`--calls` is a number from 1 to {MOST}", mend=f"cask drift --live --calls {CALLS}")
    condition = here.condition(world, asked.trust_pin)
    source = serve.PackOnDisk(world, pack, offer.identity(world.files, pack), condition, asked.environment)
    started = world.clock.now()
    shown = surface(source.admit(source.read()))
    told = _arguments(world, asked.arguments, shown)
    progress = anyio.run(_probed, world, shown, old, told, asked.calls)
    telling = [row for row in progress.heard if not is_guess(row.arguments, row.answer.status, told.get(row.tool.name, ()))]
    seen = groups(world, project, old, telling)
    report = (
        drift(old, View(LIVE, seen), probed=True, mend="cask capture import FILE")
        if telling
        else not_run("no call was answered with what tells of the service, so nothing was measured", "cask gate status")
    )
    more = {"summary": {**report.summary, "calls": len(progress.heard)}, "tables": {**report.tables, "probes": tuple(progress.rows)}}
    report = report.model_copy(update=more)
    name = keep(world, pack, old, report, seen, (started, world.clock.now()))
    return report.model_copy(update={"summary": {**report.summary, "evidence": name}})


# ---------------------------------------------------------------- what is called
def probed(served: ServedTool) -> str:
    """Why a tool is not called unasked; empty if it may be."""
    tool = served.admitted.tool
    if tool.composite is not None or tool.response.envelope:
        return "it is no plain call"
    if tool.request.method != "GET" or tool.effect != "read":
        return "it is no read"
    if tool.risk not in CALM:
        return f"its risk is {tool.risk}"
    return "" if decide(served.admitted).verdict == "allow" else "the policy does not allow it unasked"


async def _probed(world: World, shown: Surface, old: View, told: Mapping[str, Sequence[Arguments]], calls: int) -> Run:
    """Call what may be called: first what needs nothing or was told, then what those answers give."""
    tap, secrets, run_ = Tap(), Secrets(world.credentials), Run(left=calls)
    base = serve.hands(world, here.root(world))
    hands = Hands(base.state, base.confirmations, tap, secrets, base.journal)
    known = {key(name): group for name, group in old.operations.items()}
    waiting = {name: row for name, row in sorted(shown.tools.items()) if not _left_out(run_, name, row, known)}
    try:
        while ready := {name: given for name, row in waiting.items() if (given := given_to(row, told, run_, known))}:
            for name, given in ready.items():
                await _called(world, hands, (tap, secrets), shown, waiting.pop(name), given, run_)
    finally:
        await tap.aclose()
        base.state.close()
        base.journal.close()
    run_.rows += [_row(name, row, "not called", "its arguments are not known: --arguments FILE") for name, row in waiting.items()]
    run_.rows.sort(key=lambda row: (row["tool"], row["result"]))
    return run_


def _left_out(run_: Run, name: str, row: ServedTool, known: Mapping[str, Group]) -> bool:
    why = probed(row) or ("" if key(row.admitted.tool.operation) in known else "the baseline does not know it")
    if why:
        run_.rows.append(_row(name, row, "not called", why))
    return bool(why)


async def _called(
    world: World, hands: Hands, ears: tuple[Tap, Secrets], shown: Surface, row: ServedTool, given: Sequence[Arguments], run_: Run
) -> None:
    (tap, secrets), tool = ears, row.admitted.tool
    for arguments in given:
        if run_.left <= 0:
            run_.rows.append(_row(tool.name, row, "not called", "the calls of this run are spent: --calls N"))
            return
        run_.left -= 1
        tap.heard, tap.sent, secrets.read = [], "", ""
        call = Call(world.entropy.token(8).hex(), tool.name, arguments, CALLER, world.clock.now())
        result = await conduct(Flight(call, shown, clean), hands, world.console.note)
        run_.heard += [Heard(tool, arguments, answer, used(shown, tool, secrets.read, tap.sent)) for answer in tap.heard[-1:]]
        run_.rows.append(
            _row(tool.name, row, "called", str(tap.heard[-1].status)) if tap.heard else _row(tool.name, row, "failed", result.error)
        )


def used(shown: Surface, tool: Tool, secret: str, sent: str = "") -> tuple[tuple[str, str], ...]:
    """How a call authenticated, as a recorder would say it, with what it sent. sent: in its Authorization header, if that is not the secret."""
    rule = shown.pack.auth.get(authority(tool.request)) if shown.pack else None
    if rule is None or not secret:
        return ()
    header = rule.hmac.header if rule.hmac else rule.name or ""
    ways = {
        "api_key": f"{rule.place}:{header.lower() if rule.place == 'header' else header}",
        "oauth2": "bearer",
        "sigv4": "header:authorization",
        "hmac": f"header:{header.lower()}",
    }
    way = ways.get(rule.scheme, rule.scheme)
    forms = (secret, escaped(secret), b64encode(secret.encode("utf-8")).decode("ascii"), *((sent,) if rule.oauth2 and sent else ()))
    return tuple((way, form) for form in dict.fromkeys(forms))


def _row(name: str, row: ServedTool, result: str, why: str) -> dict[str, Any]:
    return {"tool": name, "operation": row.admitted.tool.operation, "result": result, "why": why}


# ---------------------------------------------------------------- arguments
def _arguments(world: World, file: str | None, shown: Surface) -> Mapping[str, Sequence[Arguments]]:
    """What a person gives: tool -> sets of arguments."""
    if file is None:
        return {}
    value = parse_yaml(world.files.read(world.cwd / file), file).value
    rows = {name: given if isinstance(given, list) else [given] for name, given in value.items()} if isinstance(value, dict) else None
    if rows is None or not all(isinstance(each, dict) for given in rows.values() for each in given):
        raise CaskError("CASK-I004", "expected `TOOL: {ARGUMENT: VALUE}`, or a list of such", place=file, mend="cask drift --help")
    for name in rows:
        if name not in shown.tools or (why := probed(shown.tools[name])):
            what = f"`{name}` is not probed: {why if name in shown.tools else 'it is not served'}"
            raise CaskError("CASK-I010", what, place=file, mend="cask gate status")
    return rows


def given_to(row: ServedTool, told: Mapping[str, Sequence[Arguments]], run_: Run, known: Mapping[str, Group]) -> Sequence[Arguments]:
    """The arguments to call a tool with: those that a person gave, none where none are needed, else what answers of this run give."""
    tool = row.admitted.tool
    if tool.name in told:
        return told[tool.name]
    needed = [str(name) for name in tool.input_schema.get("required", ())]
    if not needed:
        return [{}]
    values = {name: _values(name, known[key(tool.operation)], run_.heard) for name in needed}
    return [dict(zip(needed, each, strict=True)) for each in zip(*values.values(), strict=False)][:SAMPLES]


def is_guess(arguments: Arguments, status: int, told: Sequence[Arguments]) -> bool:
    """Whether that there is no such thing says nothing: several names, put together from different answers, may name one project's export of another.

    told: what a person gave for the tool.
    """
    return status in GONE and len(arguments) > 1 and dict(arguments) not in told


def _values(name: str, group: Group, heard: Sequence[Heard]) -> list[str | int]:
    """Values of one argument, each once, in the order in which answers gave them."""
    sources = [(key(flow.source), flow.field.split("/")[1:]) for flow in group.flows if flow.argument in (f"path {name}", f"query {name}")]
    good = [(key(row.tool.operation), _json(row.answer)) for row in heard if 200 <= row.answer.status < 300]
    return list(dict.fromkeys(value for source, way in sources for told, body in good if told == source for value in _at(body, way)))


def _json(answer: Answer) -> Any:
    try:
        return json.loads(answer.body)
    except ValueError:
        return None  # no JSON gives no arguments; that it is none is told by the comparison


def _at(value: Any, parts: Sequence[str]) -> Iterator[str | int]:
    if not parts:
        if isinstance(value, str | int) and not isinstance(value, bool):
            yield value
        return
    name = parts[0].replace("~1", "/").replace("~0", "~")
    below = value if isinstance(value, list) and name == "*" else [value[name]] if isinstance(value, dict) and name in value else []
    for item in below:
        yield from _at(item, parts[1:])


# ---------------------------------------------------------------- answers
def groups(world: World, project: Project, old: View, heard: Sequence[Heard]) -> Mapping[str, Group]:
    """What the answers show, through the stages that a recording passes; nothing where nothing was called."""
    if not heard:
        return {}
    items = (recorded(number, row) for number, row in enumerate(heard, 1))
    whole = project.model_copy(update={"keep": RESTORABLE})  # an approved call that is answered with a picture is news, and no asset
    taken = intake.record(whole, items, world.entropy.token(32), kind="har", label=LIVE)
    return recapture.groups(taken, old.operations.values(), project.paths)


def recorded(number: int, row: Heard) -> Recorded:
    """A call as a recorder would have seen it, at the approved place whatever the environment, and without its credential: that is only named."""
    plan, request, answer = row.tool.request, prepare(row.tool, row.arguments), row.answer
    return Recorded(
        place=f"entry {number}",
        method=request.method,
        url=f"{plan.scheme}://{authority(plan)}{request.target.decode('ascii')}",
        headers=tuple(request.headers),
        status=answer.status,
        response_headers=tuple(pair for pair in answer.headers if pair[0] not in DECODED),
        # Of an answer that was too long its beginning is no JSON: that it is there is all that is known.
        response=RecordedBody(media=answer.header("content-type"), data=answer.body if answer.whole else None, size=len(answer.body)),
        kind="xhr",
        credentials=row.credentials,
    )


# ---------------------------------------------------------------- evidence
def keep(world: World, pack: Pack, old: View, report: Report, seen: Mapping[str, Group], times: tuple[str, str]) -> str:
    """Write what the run saw: counts and findings with their digests, and apart from them the times. Returns the id, which follows from the content."""
    files = {
        "observed.json": canon.pretty({name: group.plain() for name, group in sorted(seen.items())}),
        "report.json": canon.pretty(report.json_value()),
    }
    manifest = {
        "schema": "caskmcp/evidence/1",
        "kind": "drift-live",
        "toolpack": pack.path.name,
        "baseline": old.name,
        "lock": str(canon.digest_bytes(world.files.read(pack.lock))),
        "files": {name: str(canon.digest_bytes(data)) for name, data in files.items()},
    }
    name = f"drift-{canon.hexadecimal(canon.digest(manifest))[:16]}"
    folder = here.root(world).evidence(name)
    started, ended = times
    for file, data in {
        **files,
        "manifest.json": canon.pretty(manifest),
        "times.json": canon.pretty({"started": started, "ended": ended}),
    }.items():
        world.files.write(folder / file, data, private=True)
    return name
