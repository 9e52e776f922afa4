"""The one way a call goes: an ordered, literal table of steps (SPEC section 6). The first no ends it; what was decided is always recorded.

The steps do no I/O. They yield commands and are sent replies, so a test reads as the conversation and a dry run is the same list, ended
before the send. Promises: nothing is sent that the policy step did not allow (or a person confirm), whatever rows the table has; a write's
record is on disk before it is sent; a step that fails in a way it did not foresee is `conduct`'s to answer.
"""

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Final, Literal, NamedTuple

from caskmcp.errors import CaskError
from caskmcp.model.auth import AuthRule
from caskmcp.model.decision import Decision, Entry
from caskmcp.model.tool import Tool
from caskmcp.runtime import authenticate, commands, composite, duties, egress, mcp_session, record, retry, spending
from caskmcp.runtime.budgets import Charge
from caskmcp.runtime.clean import Clean, without
from caskmcp.runtime.commands import Binding, Command, Confirm, Failure, Record, Resolve, Send, SessionKey, Standing, Turn
from caskmcp.runtime.credentials import shown
from caskmcp.runtime.decide import decide
from caskmcp.runtime.egress import Destination
from caskmcp.runtime.plan import PreparedRequest, authority, prepare
from caskmcp.runtime.respond import Answer, Result, respond
from caskmcp.runtime.shown import as_shown
from caskmcp.runtime.surface import ServedTool, Surface

READ_AHEAD: Final = 2 << 20
"""Bytes of an answer that are read at least, so that JSON can be cut where it is least missed."""


class No(CaskError):
    """The end of a call, with what the record and the agent are told beside code and text."""

    def __init__(
        self,
        code: str,
        what: str,
        *,
        verdict: Literal["allow", "deny", "confirm"] = "deny",
        rule: str = "",
        details: Mapping[str, Any] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(code, what)
        self.verdict = verdict
        """`allow` where the call was made and then failed."""
        self.rule = rule
        self.details = dict(details or {})
        self.extra = dict(extra or {})


@dataclass(frozen=True)
class Call:
    """One call as it came in."""

    id: str
    """Names the call in the record; unpredictable, so that lines of several servers do not meet."""
    tool: str
    arguments: Mapping[str, Any]
    caller: str
    at: str
    """RFC 3339; read once, used for every expiry in the call."""
    said: commands.Said | None = None
    """What the client's own dialogue answered, where the server was started to take that."""
    carried: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Headers of the caller that approved rules pass on, by name in lower case."""


@dataclass(frozen=True)
class Flight:
    """A call on its way: each step fills in what the next ones need."""

    call: Call
    surface: Surface
    clean: Clean
    dry: bool = False
    digest: str = ""
    served: ServedTool | None = None
    request: PreparedRequest | None = None
    decision: Decision | None = None
    place: Destination | None = None
    addresses: tuple[str, ...] = ()
    taken: tuple[Charge, ...] = ()
    answer: Answer | None = None
    result: Result | None = None
    """Set by the step that ended the call."""
    extra: dict[str, Any] = field(default_factory=dict)
    """For the record: what happened beside the verdict."""

    @property
    def known(self) -> ServedTool:
        """The listed tool. Raises CASK-R001 before the step that finds it."""
        if self.served is None:
            raise CaskError("CASK-R001", "unknown tool")
        return self.served

    @property
    def prepared(self) -> PreparedRequest:
        """The request. Raises CASK-R003 before the step that makes it."""
        if self.request is None:
            raise CaskError("CASK-R003", "no request was prepared")
        return self.request


Talk = Generator[Command, Any, Flight]


def steps(flight: Flight) -> Generator[Command, Any, Result]:
    """Take a call through the table. Yields commands, returns what the agent gets; a thrown CaskError is the reply of a command that failed."""
    for step in STEPS:
        if flight.result is not None and not step.always:
            continue
        try:
            flight = yield from step.run(flight)
        except CaskError as no:
            flight = _refused(flight, step.name, no)
    return flight.result or Result("CASK-R004: no step allowed the call", error="CASK-R004")


# ---------------------------------------------------------------- the steps
def _listed(flight: Flight) -> Talk:
    yield from ()
    return replace(flight, served=_find(flight.surface.tools, flight.call.tool))


def _toolset(flight: Flight) -> Talk:
    yield from ()
    if flight.call.tool not in flight.surface.members:
        raise CaskError("CASK-R001", "unknown tool")
    return flight


def _arguments(flight: Flight) -> Talk:
    yield from ()
    flight.known.check.refuse(flight.call.arguments)
    try:
        return replace(flight, digest=record.digest_of(dict(flight.call.arguments)))
    except CaskError as cause:
        raise CaskError("CASK-R002", "the arguments have no canonical form") from cause


def _plan(flight: Flight) -> Talk:
    yield from ()
    if flight.known.admitted.tool.composite is not None:
        return flight  # each of its calls has a plan of its own
    return replace(flight, request=prepare(flight.known.admitted.tool, flight.call.arguments))


def _policy(flight: Flight) -> Talk:
    yield from ()
    decision = decide(flight.known.admitted)
    if decision.verdict == "deny":
        raise No("CASK-R004", decision.message, rule=decision.rule)
    return replace(flight, decision=decision)


def _budget(flight: Flight) -> Talk:
    pack, call = flight.surface.pack, flight.call
    if flight.dry or pack is None or not pack.policy.budgets:
        return flight
    tool, shown = flight.known.admitted.tool, "composite" not in flight.extra
    taken, spent = yield from spending.taken(pack, tool, call=call.id, caller=call.caller, at=call.at, shown=shown)
    if spent is not None:
        raise No("CASK-R010", spent.told(), rule=f"budget:{spent.budget}", details={"budget": spent.budget, "retry_after": spent.retry})
    return replace(flight, taken=taken)


def _confirmation(flight: Flight) -> Talk:
    if flight.dry or flight.decision is None or flight.decision.verdict != "confirm":
        return flight
    confirmers = flight.surface.pack.confirmers if flight.surface.pack else {}
    said = flight.call.said
    if said is not None and flight.known.admitted.tool.risk not in commands.DIALOGUE:
        raise No("CASK-R006", "a call of this tier is confirmed out of the client's reach alone", extra={"challenge": said.challenge})
    standing: Standing = yield Confirm(_binding(flight), flight.call.arguments, confirmers, flight.call.at, said)
    if standing.state == "granted":
        allowed = flight.decision.model_copy(update={"verdict": "allow"})
        by = {"confirmed_by": f"client dialogue of {flight.call.caller}"} if said is not None else {}
        return replace(flight, decision=allowed, extra={**flight.extra, "challenge": standing.challenge, **by})
    raise _UNCONFIRMED[standing.state](standing)


def _egress(flight: Flight) -> Talk:
    if flight.known.admitted.tool.composite is not None:
        return flight
    host = authority(flight.known.admitted.tool.request)
    place = egress.destination(flight.prepared, host, flight.surface.pack.environment if flight.surface.pack else {})
    if place.literal:
        addresses: tuple[str, ...] = (place.host,)
    elif flight.dry:
        return replace(flight, place=place)
    else:
        addresses = yield Resolve(place.host, place.port)
    return replace(flight, place=place, addresses=egress.allowed(addresses, place))


def _call(flight: Flight) -> Talk:
    decision, place, tool = flight.decision, flight.place, flight.known.admitted.tool
    if decision is None or not (decision.verdict == "allow" or flight.dry):
        raise CaskError("CASK-R004", "nothing allowed the call")
    if (plan := spending.fitted(tool, flight.taken).composite) is not None:
        result, calls = yield from composite.conducted(plan, flight.call.arguments, partial(_inner, flight), dry=flight.dry)
        result = duties.masked(flight.known.admitted, result, flight.clean)
        return replace(flight, result=result, extra={**flight.extra, "calls": calls})
    if place is None or not (flight.addresses or flight.dry):
        raise CaskError("CASK-E001", "no place was checked")
    request, rule = egress.redirected(flight.prepared, place), _auth(flight)
    if flight.dry:
        return replace(flight, result=as_shown(shown(request, rule), decision))
    have = yield from authenticate.held(authenticate.asked(flight.surface.pack, rule, flight.call.at, flight.call.carried))
    if duties.is_audited(flight.known.admitted):
        yield Record(_entry(flight, {**flight.extra, "phase": "sending"}), durable=True)
    sends: list[Send] = []
    reply, turn, used = yield from authenticate.spoken(have, request, lambda ready, secret: _spoken(flight, ready, place, secret, sends))
    clean = used.cut(flight.clean if used is have else have.cut(flight.clean))  # what was renewed is cut as well as what was refused
    extra = {**flight.extra, **retry.told(sends), **(_handshake(turn) if turn is not None else {})}
    clean = clean if turn is None else without(turn.session.id, clean)
    return replace(flight, clean=clean, extra=extra, answer=_taken(reply, tool, place))


def _response(flight: Flight) -> Talk:
    yield from ()
    if flight.answer is None:
        raise CaskError("CASK-R007", "there is no answer")
    if told := authenticate.unauthorized(_auth(flight), flight.answer.status):
        raise No("CASK-R030", told, verdict="allow")
    clean = duties.cleaning(flight.known.admitted, flight.clean)
    tool = spending.fitted(flight.known.admitted.tool, flight.taken)
    result = respond(tool, flight.answer, flight.known.output, flight.known.expected, clean)
    drift = {name: list(rows) for name, rows in (("drift", result.drift), ("fields", result.fields)) if rows}
    return replace(flight, result=result, extra={**flight.extra, **drift})


def _record(flight: Flight) -> Talk:
    yield from spending.told(flight.surface.pack, flight.call.id, flight.taken, flight.result.text if flight.result else "")
    done = flight.known.admitted if flight.answer is not None else None
    told = {**flight.extra, **duties.told(done)} if done else flight.extra
    try:
        yield Record(_entry(flight, told), durable=done is not None and duties.is_audited(done))
    except CaskError as cause:
        what = "the call was made, but its record could not be written" if flight.answer else "the record cannot be written"
        return replace(flight, result=Result(f"CASK-W001: {what}", error=cause.code))
    return flight


class Step(NamedTuple):
    """One row of the table."""

    name: str
    run: Callable[[Flight], Talk]
    codes: tuple[str, ...]
    """With what it can end a call."""
    always: bool = False
    """Whether it runs after a no as well."""


# fmt: off
STEPS: Final = (
    #    step            function        reason codes
    Step("listed",       _listed,        ("CASK-R001",)),
    Step("toolset",      _toolset,       ("CASK-R001",)),
    Step("arguments",    _arguments,     ("CASK-R002",)),
    Step("plan",         _plan,          ("CASK-R003",)),
    Step("policy",       _policy,        ("CASK-R004",)),
    Step("budget",       _budget,        ("CASK-R010", "CASK-R020")),
    Step("confirmation", _confirmation,  ("CASK-R005", "CASK-R006", "CASK-R020")),
    Step("egress",       _egress,        ("CASK-E001", "CASK-E002", "CASK-E003", "CASK-E004")),
    Step("call",         _call,          ("CASK-R004", "CASK-R007", "CASK-R008", "CASK-R009", "CASK-R012", "CASK-R020", "CASK-R021", "CASK-R022", "CASK-R031",
                                      "CASK-E001", "CASK-E002", "CASK-E003", "CASK-E004", "CASK-E005", "CASK-E006", "CASK-W001")),
    Step("response",     _response,      ("CASK-R008", "CASK-R030")),
    Step("record",       _record,        ("CASK-W001",), always=True),
)
# fmt: on


# ---------------------------------------------------------------- parts of the steps
def _inner(flight: Flight, number: int, tool: str, arguments: Mapping[str, Any]) -> Generator[Command, Any, Result]:
    """A call that a composite makes: the whole table once more, as for a call from outside."""
    call = replace(flight.call, id=f"{flight.call.id}.{number}", tool=tool, arguments=arguments, said=None)
    return (yield from steps(Flight(call, flight.surface, flight.clean, flight.dry, extra={"composite": flight.call.tool})))


def _find(tools: Mapping[str, ServedTool], name: str) -> ServedTool:
    if name not in tools:
        raise CaskError("CASK-R001", "unknown tool")
    return tools[name]


def _binding(flight: Flight) -> Binding:
    pack = flight.surface.pack
    toolpack, lock = (pack.toolpack, str(pack.lock)) if pack else ("", "")
    return Binding(toolpack, flight.call.tool, flight.digest, lock, flight.call.caller)


def _waiting(standing: Standing) -> No:
    what = f"a person has to confirm this call (challenge {standing.challenge}, until {standing.expires}); then call again with the same arguments"
    grant = f"cask confirm grant {standing.challenge}"
    details = {"challenge": standing.challenge, "expires": standing.expires, "grant": grant}
    return No("CASK-R005", what, verdict="confirm", details=details, extra={"challenge": standing.challenge})


def _denied(standing: Standing) -> No:
    return No("CASK-R006", "a person denied this call", extra={"challenge": standing.challenge})


def _full(_: Standing) -> No:
    return No("CASK-R005", "a person has to confirm this call, and too many calls wait already", verdict="confirm")


_UNCONFIRMED: Final[Mapping[str, Callable[[Standing], No]]] = {"waiting": _waiting, "denied": _denied, "full": _full}


def _auth(flight: Flight) -> AuthRule | None:
    pack = flight.surface.pack
    return pack.auth.get(authority(flight.known.admitted.tool.request)) if pack else None


def _spoken(
    flight: Flight, request: PreparedRequest, place: Destination, secret: str, sends: list[Send]
) -> Generator[Command, Any, tuple[Answer | Failure, Turn | None]]:
    """Send; to an MCP server within a session, where it wants one."""
    tool = flight.known.admitted.tool
    send = Send(request, place, flight.addresses, max(READ_AHEAD, tool.response.max_bytes), f"{_binding(flight).toolpack}/{tool.name}")
    once = partial(retry.sent, again=tool.annotations.idempotent, sends=sends)
    if tool.response.envelope:
        return (yield from mcp_session.spoken(send, SessionKey(place, request.target, secret), once))
    return (yield from once(send)), None


def _handshake(turn: Turn) -> dict[str, Any]:
    """For the record: that more than the call was sent. Never the session's id."""
    return {"handshake": turn.session.version} if turn.fresh else {}


def _taken(reply: Answer | Failure, tool: Tool, place: Destination) -> Answer:
    """The answer, if there is one and it is no redirect."""
    if isinstance(reply, Failure):
        unknown = reply.maybe and tool.effect != "read"
        outcome = "unknown" if unknown else "not done"
        what = f"the upstream {_FAILURES[reply.kind]}{'; whether the call was carried out is not known' if unknown else ''}"
        code, told = ("CASK-E006" if reply.kind == "certificate" else "CASK-R007"), {"outcome": outcome}
        raise No(code, f"{what}: {reply.why}" if reply.why else what, verdict="allow", details=told, extra=told)
    if 300 <= reply.status < 400:
        status = {"status": reply.status}
        if (leaves := egress.leaving(reply.header("location"), place, authority(tool.request))) is not None:
            raise No("CASK-E005", f"the upstream redirects to {leaves}, which is not the approved place", verdict="allow", extra=status)
        raise No("CASK-R008", f"the upstream answered {reply.status}; redirects are not followed", verdict="allow", extra=status)
    return reply


_FAILURES: Final = {
    "connect": "could not be reached",
    "certificate": "has no certificate that holds for the approved host",
    "timeout": "did not answer in time",
    "dropped": "closed the connection without an answer",
    "broken": "gave an answer that cannot be read",
}


def _refused(flight: Flight, step: str, no: CaskError) -> Flight:
    """The flight, ended by an error of a step."""
    told = no if isinstance(no, No) else No(no.code, no.what)
    decision = Decision(verdict=told.verdict, step=step, rule=told.rule or no.code, code=no.code, message=no.what)
    result = Result(f"{no.code}: {no.what}", error=no.code, details={"step": step, "call": flight.call.id, **told.details})
    return replace(flight, decision=decision, extra={**flight.extra, **told.extra}, result=result)


def faulted(flight: Flight) -> Entry:
    """The line of a call that ended in a fault nobody foresaw. flight: as it began."""
    decision = Decision(verdict="deny", step="fault", rule="CASK-R011", code="CASK-R011")
    return _entry(replace(flight, decision=decision), {"outcome": "unknown"})


def _entry(flight: Flight, extra: dict[str, Any]) -> Entry:
    pack = flight.surface.pack
    decision = flight.decision or Decision(verdict="deny", step="listed", rule="CASK-R001", code="CASK-R001")
    code = flight.result.error if flight.result and not decision.code else decision.code
    return record.entry(
        decision if code == decision.code else decision.model_copy(update={"code": code}),
        at=flight.call.at,
        toolpack=pack.toolpack if pack else "",
        lock=str(pack.lock) if pack else "",
        tool=flight.call.tool,
        caller=flight.call.caller,
        arguments=flight.digest,
        status=flight.answer.status if flight.answer else 0,
        extra={"call": flight.call.id, **({"dry_run": True} if flight.dry else {}), **extra},
    )
