"""`cask confirm`: list, grant and deny challenges. A grant is started at a terminal and signed with a confirmer's key; a denial needs neither.

What a person is shown is what is signed: the arguments are hashed again and compared with the challenge, and the request is prepared again
from the admitted pack, so that a database that somebody wrote into can neither show one call and have another granted, nor grant anything.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from typing import Any

from caskmcp import canon
from caskmcp.errors import AGAIN, CaskError
from caskmcp.govern import admit, keys, offer, public, sign
from caskmcp.govern.sign import Signer
from caskmcp.model.finding import Report
from caskmcp.model.pack import AdmittedPack
from caskmcp.model.statement import Grant
from caskmcp.model.tool import Tool
from caskmcp.ports import World
from caskmcp.runtime import shown
from caskmcp.runtime.confirm import LIFE, later
from caskmcp.runtime.plan import prepare
from caskmcp.runtime.state import Challenge, State
from caskmcp.text import parse_json, visible
from caskmcp.workflows import here, person


def listing(world: World) -> Report:
    """The challenges that wait for a person."""
    with closing(_state(world)) as state:
        rows = state.waiting(world.clock.now())
    table = tuple(
        {
            "challenge": row.id,
            "tool": row.binding.tool,
            "arguments": visible(row.content),
            "caller": row.binding.caller,
            "expires": row.expires,
        }
        for row in rows
    )
    lines = () if table else ("No call waits for a person.",)
    return Report(report="confirm-list", summary={"waiting": len(table)}, tables={"challenges": table}, lines=lines)


def grant(world: World, *, challenge: str, key: str | None) -> Report:
    """Grant one call. Raises CASK-A001 without a terminal, CASK-I010 for an unknown challenge, CASK-R006 for one that cannot be granted."""
    person.require(world, "cask confirm grant")
    with closing(_state(world)) as state:
        return _grant_in(state, world, challenge, key)


def _grant_in(state: State, world: World, challenge: str, key: str | None) -> Report:
    row = _open(state, challenge, world.clock.now())
    pack = _pack(world, row)
    tool, arguments = _tool(pack, row), _arguments(row)
    for line in _told(row, tool, arguments):
        world.console.note(line)
    by = _confirmer(world, pack, key)
    at = world.clock.now()
    _open(state, challenge, at)
    signed = sign.sign_grant(by, _grant(row, by, at))
    if not state.settle(row.id, before="open", after="granted", answer=json.dumps(signed.model_dump(mode="json", by_alias=True))):
        raise CaskError("CASK-R006", "the challenge was answered meanwhile", mend="cask confirm list")
    line = f"Granted: {row.binding.tool} may be called once with these arguments until {signed.grant.not_after}."
    return Report(report="confirm-grant", summary={"challenge": row.id, "tool": row.binding.tool, "key": by.key.name}, lines=(line,))


def deny(world: World, *, challenge: str) -> Report:
    """Refuse one call. Works anywhere: it takes away."""
    with closing(_state(world)) as state:
        row = _known(state, challenge)
        if not any(state.settle(row.id, before=before, after="denied") for before in ("open", "granted")):
            raise CaskError("CASK-R006", "the challenge was answered already", mend="cask confirm list")
    return Report(report="confirm-deny", summary={"challenge": row.id, "tool": row.binding.tool}, lines=(f"Denied: {row.binding.tool}.",))


# ---------------------------------------------------------------- the challenge
def _state(world: World) -> State:
    return State(here.root(world).confirmations)


def _known(state: State, challenge: str) -> Challenge:
    row = state.find(challenge)
    if row is None:
        raise CaskError("CASK-I010", "there is no such challenge", mend="cask confirm list")
    return row


def _open(state: State, challenge: str, at: str) -> Challenge:
    row = _known(state, challenge)
    if row.state != "open" or row.expires <= at:
        problem = "has expired" if row.expires <= at else "was answered already"
        raise CaskError("CASK-R006", f"the challenge {problem}", mend="cask confirm list")
    return row


def _pack(world: World, row: Challenge) -> AdmittedPack:
    """The pack that the call was decided by. Raises CASK-R006 if another one is approved now."""
    at = replace(world, toolpack=world.toolpack or row.binding.toolpack)
    files = offer.read(world.files, here.pack(at))
    pack = admit.admit(files, pin=here.pin(world, files.id), condition=here.condition(world), environment=None, at=world.clock.now())
    if (pack.toolpack, str(pack.lock)) != (row.binding.toolpack, row.binding.lock):
        raise CaskError(
            "CASK-R006", "what is approved has changed since the call was made; it has to be made again", mend="cask confirm list"
        )
    return pack


def _tool(pack: AdmittedPack, row: Challenge) -> Tool:
    admitted = pack.tools.get(row.binding.tool)
    if admitted is None:
        raise CaskError("CASK-R006", "the tool is not approved any more", mend="cask gate status")
    return admitted.tool


def _arguments(row: Challenge) -> Mapping[str, Any]:
    """The arguments as kept. Raises CASK-R006 unless they are the very ones of the call."""
    try:
        value = _whole(parse_json(row.content.encode("utf-8"), "arguments"))
        if isinstance(value, dict) and canon.digest(value) == row.binding.arguments:
            return value
    except CaskError as cause:
        raise CaskError("CASK-R006", "the arguments that were kept cannot be read", mend="cask confirm list") from cause
    raise CaskError("CASK-R006", "the arguments that were kept are not those of the call", mend="cask confirm list")


def _whole(value: Any) -> Any:
    """Canonical JSON back to plain values: integers of any size."""
    if isinstance(value, dict):
        return _integer(value["$int"]) if set(value) == {"$int"} else {key: _whole(item) for key, item in value.items()}
    return [_whole(item) for item in value] if isinstance(value, list) else value


def _integer(text: Any) -> int:
    try:
        return int(text)
    except (TypeError, ValueError) as cause:
        raise CaskError("CASK-I003", "a number has no digits, or too many", mend="cask confirm list") from cause


def _told(row: Challenge, tool: Tool, arguments: Mapping[str, Any]) -> list[str]:
    """What the person reads before the passphrase is asked."""
    lines = [
        f"Tool:      {tool.name} ({tool.title}), risk {tool.risk}, {tool.effect}",
        f"Arguments: {json.dumps(arguments, ensure_ascii=False)}",
        *_sent(tool, arguments),
        f"Caller:    {row.binding.caller}, asked at {row.created}; the challenge ends at {row.expires}",
    ]
    return [visible(line) for line in lines]


def _sent(tool: Tool, arguments: Mapping[str, Any]) -> Iterator[str]:
    """The request; of a composite what it calls, since each of those calls is asked for on its own."""
    if tool.composite is not None:
        yield f"Calls:     {tool.composite.line}"
        return
    request = shown.fields(prepare(tool, arguments))
    yield f"Request:   {request['method']} {request['url']}"
    yield from [f"Body:      {request['body']}"] if request["body"] else []


# ---------------------------------------------------------------- the signature
def _confirmer(world: World, pack: AdmittedPack, name: str | None) -> Signer:
    """Open the key that signs. Raises CASK-K004 where there is none, CASK-R006 for one that is no confirmer."""
    by = person.open_key(world, name or _name(world, pack))
    if by.id not in pack.confirmers:
        raise CaskError("CASK-R006", f"the key {by.key.name} is no confirmer of the trust root", mend="cask trust show")
    return by


def _name(world: World, pack: AdmittedPack) -> str:
    mine = [row.name for row in keys.listing(world.files, world.config) if public.key_id(row) in pack.confirmers]
    if len(mine) != 1:
        problem = f"several keys here may: {', '.join(mine)}" if mine else "no key here is a confirmer of the trust root"
        raise CaskError("CASK-K004", problem, mend=f"{AGAIN} --key NAME")
    return mine[0]


def _grant(row: Challenge, by: Signer, at: str) -> Grant:
    return Grant(
        toolpack=row.binding.toolpack,
        challenge=row.id,
        tool=row.binding.tool,
        arguments=row.binding.arguments,
        lock=row.binding.lock,
        caller=row.binding.caller,
        verdict="grant",
        key=by.id,
        issued_at=at,
        # The database is not trusted: a question that was edited to stay open for years gets an answer for minutes.
        not_after=min(row.expires, later(at, LIFE)),
    )
