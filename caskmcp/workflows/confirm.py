"""`cask confirm`: list, grant and deny challenges. A grant is started at a terminal and signed with a confirmer's key; a denial needs neither.

What a person is shown is what is signed: `asked` says how.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from datetime import datetime
from functools import cache, partial
from typing import Any

from caskmcp.errors import AGAIN, CaskError
from caskmcp.govern import keys, public, sign
from caskmcp.govern.sign import Signer
from caskmcp.model.finding import Report
from caskmcp.model.pack import AdmittedPack
from caskmcp.model.statement import Grant
from caskmcp.ports import World
from caskmcp.runtime.confirm import LIFE, later
from caskmcp.runtime.keeper import Challenge, Keeper
from caskmcp.text import visible
from caskmcp.workflows import asked, here, keeping, person
from caskmcp.workflows.asked import LIST, Question


def listing(world: World, *, reference: str | None = None) -> Report:
    """The challenges that wait for a person."""
    at = world.clock.now()
    with closing(state(world, reference)) as held:
        rows = held.waiting(at)
    table = tuple(_rows(world, rows, at))
    lines = () if table else ("No call waits for a person.",)
    return Report(report="confirm-list", summary={"waiting": len(table)}, tables={"challenges": table}, lines=lines)


def _rows(world: World, rows: Iterable[Challenge], at: str) -> Iterator[dict[str, Any]]:
    admitted = cache(partial(asked.pack_of, world))
    for row in rows:
        yield {
            "challenge": row.id,
            "tool": visible(row.binding.tool),
            "request": _request(row, admitted),
            "arguments": visible(row.content),
            "caller": visible(row.binding.caller),
            "age": age(row, at),
            "expires": visible(row.expires),
        }


def age(row: Challenge, at: str) -> str:
    """How long ago a call asked, in seconds."""
    try:
        return f"{int((datetime.fromisoformat(at) - datetime.fromisoformat(row.created)).total_seconds())} s"
    except (ValueError, TypeError):
        return "unknown"  # somebody wrote into the database


def _request(row: Challenge, admitted: Callable[[str, str | None], AdmittedPack]) -> str:
    """What would be sent, or why that cannot be said."""
    try:
        lines = asked.question(row, admitted(row.binding.toolpack, asked.environment(row))).lines
    except CaskError as no:
        return visible(f"{no.code}: {no.what}")
    return "; ".join(text for label, text in lines if label in ("Request", "Calls"))


def grant(world: World, *, challenge: str, key: str | None, reference: str | None = None) -> Report:
    """Grant one call. Raises CASK-A001 without a terminal, CASK-I010 for an unknown challenge, CASK-R006 for one that cannot be granted."""
    person.require(world, "cask confirm grant")
    with closing(state(world, reference)) as held:
        row = asked.waiting(held, challenge, world.clock.now())
        told = asked.look(world, row)
        for label, text in told.lines:
            # A body may have lines of its own: none of them can pass for one of ours.
            world.console.note(f"{label + ':':<10} {text.replace(chr(10), chr(10) + '         | ')}")
        by = person.open_key(world, key or confirmer(world, told.pack))
        until = granted(world, held, told, by)
    line = f"Granted: {row.binding.tool} may be called once with these arguments until {until}."
    return Report(report="confirm-grant", summary={"challenge": row.id, "tool": row.binding.tool, "key": by.key.name}, lines=(line,))


def granted(world: World, held: Keeper, told: Question, by: Signer) -> str:
    """Sign a yes to the very question that was shown, and return until when it holds.

    Raises CASK-R006 where the key is no confirmer's, or the challenge does not wait any more.
    """
    if by.id not in told.pack.confirmers:
        raise CaskError("CASK-R006", f"the key {by.key.name} is no confirmer of the trust root", mend="cask trust show")
    at = world.clock.now()
    asked.waiting(held, told.row.id, at)
    signed = sign.sign_grant(by, _grant(told.row, by, at))
    if not held.settle(told.row.id, before="open", after="granted", answer=json.dumps(signed.model_dump(mode="json", by_alias=True))):
        raise CaskError("CASK-R006", "the challenge was answered meanwhile", mend=LIST)
    return signed.grant.not_after


def deny(world: World, *, challenge: str, reference: str | None = None) -> Report:
    """Refuse one call. Works anywhere: it takes away."""
    with closing(state(world, reference)) as held:
        row = denied(held, challenge)
    return Report(report="confirm-deny", summary={"challenge": row.id, "tool": row.binding.tool}, lines=(f"Denied: {row.binding.tool}.",))


def denied(held: Keeper, challenge: str) -> Challenge:
    """Say no to a challenge, also where it was granted and not used. Raises CASK-I010, CASK-R006 where it is over."""
    row = asked.known(held, challenge)
    if not any(held.settle(row.id, before=before, after="denied") for before in ("open", "granted")):
        raise CaskError("CASK-R006", "the challenge was answered already", mend=LIST)
    return row


def state(world: World, reference: str | None = None) -> Keeper:
    """The private state of the root, or what a server was started with `--state` for."""
    return keeping.keeper(world, here.root(world), reference)


# ---------------------------------------------------------------- the signature
def confirmer(world: World, pack: AdmittedPack) -> str:
    """The name of the key that signs where none was named. Raises CASK-K004 unless exactly one here may."""
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
