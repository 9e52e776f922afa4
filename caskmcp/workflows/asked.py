"""A challenge as a person reads it: what the call will send, prepared again from the admitted pack.

Promises that what is shown is what is signed: the arguments are hashed again and compared with the challenge, the pack is the very one that the
call was decided by, and every character of a foreign text is visible. A database that somebody wrote into can neither show one call and have
another granted, nor grant anything. Who may answer, and how, is for `confirm` and `console` to say.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from caskmcp import canon
from caskmcp.errors import CaskError
from caskmcp.govern import admit, offer
from caskmcp.model.composite import InnerCall
from caskmcp.model.pack import AdmittedPack
from caskmcp.model.tool import Tool
from caskmcp.ports import World
from caskmcp.runtime import egress, shown
from caskmcp.runtime.credentials import shown as with_reference
from caskmcp.runtime.keeper import Challenge, Keeper
from caskmcp.runtime.plan import authority, prepare
from caskmcp.text import parse_json, visible
from caskmcp.workflows import here

LIST: Final = "cask confirm list"
_ENVIRONMENT: Final = ", environment "
"""What parts caller and environment, as `Setting.named` writes them; neither name can hold it."""

Lines = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Question:
    """One challenge that waits, with the pack that it was decided by."""

    row: Challenge
    pack: AdmittedPack
    lines: Lines
    """(label, text), in the order in which a person reads them; every character visible."""


def waiting(state: Keeper, challenge: str, at: str) -> Challenge:
    """A challenge that waits. Raises CASK-I010 for an unknown one, CASK-R006 for one that was answered or has expired."""
    row = known(state, challenge)
    if row.state != "open" or row.expires <= at:
        problem = "has expired" if row.expires <= at else "was answered already"
        raise CaskError("CASK-R006", f"the challenge {problem}", mend=LIST)
    return row


def known(state: Keeper, challenge: str) -> Challenge:
    """A challenge by id. Raises CASK-I010."""
    row = state.find(challenge)
    if row is None:
        raise CaskError("CASK-I010", "there is no such challenge", mend=LIST)
    return row


def question(row: Challenge, pack: AdmittedPack) -> Question:
    """What a person reads of a challenge. Raises CASK-R006 where the pack, the tool or the arguments are not those of the call."""
    if (pack.toolpack, str(pack.lock)) != (row.binding.toolpack, row.binding.lock):
        raise CaskError("CASK-R006", "what is approved has changed since the call was made; it has to be made again", mend=LIST)
    admitted = pack.tools.get(row.binding.tool)
    if admitted is None:
        raise CaskError("CASK-R006", "the tool is not approved any more", mend="cask gate status")
    lines = _lines(row, pack, admitted.tool, _arguments(row))
    return Question(row, pack, tuple((label, visible(text)) for label, text in lines))


def look(world: World, row: Challenge) -> Question:
    """`question`, of the pack as it is admitted now. Raises what `admit` raises."""
    return question(row, pack_of(world, row.binding.toolpack, environment(row)))


def pack_of(world: World, toolpack: str, environment: str | None) -> AdmittedPack:
    """A toolpack as it is admitted now."""
    files = offer.read(world.files, here.pack(replace(world, toolpack=world.toolpack or toolpack)))
    pin, condition = here.pin(world, files.id), here.condition(world)
    return admit.admit(files, pin=pin, condition=condition, environment=environment, at=world.clock.now())


def environment(row: Challenge) -> str | None:
    """Which environment the call was made for, as its caller says."""
    return row.binding.caller.partition(_ENVIRONMENT)[2] or None


# ---------------------------------------------------------------- the arguments
def _arguments(row: Challenge) -> Mapping[str, Any]:
    """The arguments as kept. Raises CASK-R006 unless they are the very ones of the call."""
    try:
        value = _whole(parse_json(row.content.encode("utf-8"), "arguments"))
        if isinstance(value, dict) and canon.digest(value) == row.binding.arguments:
            return value
    except CaskError as cause:
        raise CaskError("CASK-R006", "the arguments that were kept cannot be read", mend=LIST) from cause
    raise CaskError("CASK-R006", "the arguments that were kept are not those of the call", mend=LIST)


def _whole(value: Any) -> Any:
    """Canonical JSON back to plain values: integers of any size."""
    if isinstance(value, dict):
        return _integer(value["$int"]) if set(value) == {"$int"} else {key: _whole(item) for key, item in value.items()}
    return [_whole(item) for item in value] if isinstance(value, list) else value


def _integer(text: Any) -> int:
    try:
        return int(text)
    except (TypeError, ValueError) as cause:
        raise CaskError("CASK-I003", "a number has no digits, or too many", mend=LIST) from cause


# ---------------------------------------------------------------- what is shown
def _lines(row: Challenge, pack: AdmittedPack, tool: Tool, arguments: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield "Tool", f"{tool.name} ({tool.title}), risk {tool.risk}, {tool.effect}"
    yield "Arguments", json.dumps(arguments, ensure_ascii=False)
    yield from _calls(pack, tool, arguments) if tool.composite is not None else _request(pack, tool, arguments)
    yield "Caller", f"{row.binding.caller}, asked at {row.created}; the challenge ends at {row.expires}"


def _request(pack: AdmittedPack, tool: Tool, arguments: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The request whole, a body as well, since a person signs for all of it; in place of the credential stands where it comes from."""
    plain = prepare(tool, arguments)
    sent = with_reference(plain, pack.auth.get(authority(tool.request)))
    yield "Request", f"{sent.method} {shown.url(sent)}"
    yield from (("Header", f"{name}: {value}") for name, value in sent.headers)
    yield from [("Body", sent.body.decode("utf-8", errors="backslashreplace"))] if sent.body else []
    if pack.environment:
        place = egress.destination(plain, authority(tool.request), pack.environment)
        yield "Sent to", f"{place.scheme}://{place.host}:{place.port}"


def _calls(pack: AdmittedPack, tool: Tool, arguments: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What a composite calls: each step with what fills it, and the request itself where the arguments alone decide it."""
    plan = tool.composite
    for step, told in zip(plan.steps, plan.steps_told, strict=True) if plan else ():
        inner = pack.tools[step.tool].tool
        yield "Calls", f"{told}, risk {inner.risk}, {inner.operation}"
        if (filled := _filled(step, arguments)) is not None:
            yield from _request(pack, inner, filled)
    yield "At most", plan.line if plan else ""


def _filled(step: InnerCall, arguments: Mapping[str, Any]) -> dict[str, Any] | None:
    """The arguments of an inner call; None where an answer that nobody has yet fills one."""
    sources = {name: given.argument for name, given in step.with_.items() if given.argument is not None}
    if len(sources) < len(step.with_):
        return None
    return {name: arguments[source] for name, source in sources.items() if source in arguments}
