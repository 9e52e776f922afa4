"""`cask keys`: make signing keys or refer to those of an ssh-agent, list them, exchange one for another in the trust root, take one out of it.

Private keys and references lie in the user's configuration folder. What a trust root becomes is `amend`'s: shown, named and signed there by
the threshold of its present root role. Nothing is signed again here: what an old key approved waits for a new approval, and is listed.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from caskmcp import canon
from caskmcp.errors import CaskError
from caskmcp.govern import admit, agent, agentsocket, keys, offer, public, trust
from caskmcp.govern import amend as roots
from caskmcp.govern.public import key_id
from caskmcp.govern.sshsig import fingerprint
from caskmcp.govern.verify import pae
from caskmcp.model.finding import Finding, Report, Severity, typed
from caskmcp.model.trust import Key, Root
from caskmcp.ports import World
from caskmcp.workflows import amend, here, person
from caskmcp.workflows.amend import Desk

PROBE = "application/vnd.caskmcp.key-reference+json"
"""What a key of an agent signs once when it is referred to: a record of itself, which no reader of ours takes for anything."""


# ---------------------------------------------------------------- new
def new(world: World, *, name: str, held: str | None = None) -> Report:
    """Make a key, or refer to one of the ssh-agent. held: its fingerprint or comment, empty for the only one that can be used; None for a key of our own.

    Raises CASK-A001 without a terminal, CASK-I009, CASK-K002, CASK-K003; for the agent's CASK-K005 to CASK-K008 and CASK-I001.
    """
    person.require(world, f"cask keys new {name}")
    where = keys.place(world.config, name)
    keys.refuse_taken(world.files, world.config, name)
    if held is not None:
        return _referred(world, name, held)
    made = person.make_key(world, name)
    return Report(
        report="keys",
        summary={"key": name, "id": made.id, "file": str(where.private)},
        lines=(f"Made the key {name}. Keep its passphrase: nobody can recover it.",),
    )


def _referred(world: World, name: str, held: str) -> Report:
    wire = agentsocket.reach(world.environ)
    key = agent.chosen(agent.identities(wire), held, name)
    by = person.from_agent(world, key)
    # An authenticator that signs without a person is found out now, not when a team has put the key into its trust root.
    by.sign(pae(PROBE, canon.dump(key.model_dump(mode="json"))))
    where = keys.refer(world.files, world.config, key)
    person.publish(world, by)
    return Report(
        report="keys",
        summary={"key": name, "id": by.id, "scheme": key.scheme, "fingerprint": fingerprint(key), "file": str(where.reference)},
        lines=(f"{name} stands for a key of the ssh-agent. The private key stays there.", *_advice(key)),
    )


def _advice(key: Key) -> tuple[str, ...]:
    # What an agent asks before it signs cannot be seen from here.
    return (
        ()
        if public.hardware(key)
        else ("An agent signs for whoever reaches its socket: add the key with `ssh-add -c`, so that it asks each time.",)
    )


# ---------------------------------------------------------------- list
def listing(world: World) -> Report:
    """The keys here, with a finding for each that may not sign, and the roles that each has in the present toolpack's trust root."""
    found = tuple(keys.listing(world.files, world.config))
    root = _present(world)
    problems = (_problem(world, key.name) for key in found)
    return Report(
        report="keys",
        summary={"keys": len(found)},
        tables={"keys": tuple(_row(world, key, root) for key in found)},
        findings=tuple(row for row in problems if row),
        lines=() if found else ("No key yet. Make one: cask keys new NAME",),
    )


def _row(world: World, key: Key, root: Root | None) -> dict[str, Any]:
    referred = keys.holding(world.files, where := keys.place(world.config, key.name)) == where.reference
    return {
        "name": key.name,
        "scheme": key.scheme,
        "hardware": "yes" if public.hardware(key) else "no",
        "held_by": "ssh-agent" if referred else "file",
        "roles": roles_of(root, key_id(key)) if root else [],
        "id": key_id(key),
        "fingerprint": fingerprint(key) if referred else "",
    }


def roles_of(root: Root, id_: str) -> list[str]:
    """The roles of a key, in the order of the trust root."""
    return [name for name, role in roots.rows(root) if id_ in role.keys]


def _present(world: World) -> Root | None:
    try:
        pack = here.pack(world)
        data = tuple(world.files.read(pack.trust / name) for name in offer.root_files(world.files, pack))
        return trust.chain(data, offer.identity(world.files, pack)).current
    except CaskError:
        # No project, no toolpack that is meant, or no trust root that holds: no key has a role in it, and other commands say why.
        return None


def _problem(world: World, name: str) -> Finding | None:
    try:
        keys.referred(world.files, keys.refuse_readable(world.files, world.config, name))
    except CaskError as cause:
        return Finding(
            code=cause.code,
            severity=Severity.REVIEW,
            subject=f"key:{name}",
            message=cause.what,
            place=cause.place or "",
            mend=cause.mend or "",
        )
    return None


# ---------------------------------------------------------------- rotate and revoke
def rotate(world: World, *, old: str, to: str, key: str | None = None) -> Report:
    """The next version of the trust root, in which another key stands for an old one in every role. key: who of the root role signs it.

    The new key is made if there is none of that name. Raises CASK-A001, CASK-I009, CASK-I010, CASK-T010 and what `amend.propose` raises; then
    the trust root is as before.
    """
    person.require(world, f"cask keys rotate {old} --to {to}")
    where = keys.place(world.config, to)
    desk = amend.at_desk(world)
    gone = _id_of(world, desk.current, old)
    _refuse_name(desk.current, to, gone)
    # Before the trust root: a key by itself may do nothing, a trust root that names a key which nobody has locks people out.
    fresh = _existing(world, to) if keys.holding(world.files, where) else person.make_key(world, to).key
    if key_id(fresh) in desk.current.keys:
        raise CaskError("CASK-T010", f"the key {to} is in the trust root already", mend=f"cask keys revoke {old}")
    return _propose(world, desk, roots.exchanged(desk.current, gone, fresh), key=key)


def revoke(world: World, *, name: str, key: str | None = None) -> Report:
    """The next version of the trust root, without a key. key: who of the root role signs it.

    Raises CASK-A001, CASK-A002 where the last key of a role is not named, CASK-I010, CASK-T010 and what `amend.propose` raises.
    """
    person.require(world, f"cask keys revoke {name}")
    desk = amend.at_desk(world)
    changed = roots.without(desk.current, (_id_of(world, desk.current, name),))
    if last := _newly_deserted(desk.current, changed):
        for line in (f"{name} is the last key of a role. After this:", *last, "Nothing is served until `cask trust init --replace`."):
            world.console.note(line)
        person.type_name(world, name)
    return _propose(world, desk, changed, key=key)


def _newly_deserted(before: Root, after: Root) -> list[str]:
    known = set(roots.deserted(before))
    return [line for line in roots.deserted(after) if line not in known]


def _existing(world: World, name: str) -> Key:
    key = keys.public(world.files, keys.refuse_readable(world.files, world.config, name))
    if key is None:
        raise CaskError("CASK-K002", f"the public key {name} is damaged", place=str(_public(world, name)), mend="cask keys list")
    return key


def _public(world: World, name: str) -> Path:
    return keys.place(world.config, name).public


def _id_of(world: World, root: Root, name: str) -> str:
    """The key of the trust root that is meant: the one that lies here under the name, else the only one that the root calls so."""
    mine = next((str(key_id(key)) for key in keys.listing(world.files, world.config) if key.name == name), "")
    if mine in root.keys:
        return mine
    called = [id_ for id_, key in root.keys.items() if key.name == name]
    if len(called) != 1:
        known = ", ".join(sorted(key.name for key in root.keys.values()))
        what = f"{'several keys of' if called else 'no key of'} the trust root {'are' if called else 'is'} called `{name}`; it has {known}"
        raise CaskError("CASK-I010", what, mend="cask trust show")
    return called[0]


def _refuse_name(root: Root, name: str, gone: str) -> None:
    if any(key.name == name for id_, key in root.keys.items() if id_ != gone):
        raise CaskError("CASK-T010", f"a key of the trust root is called `{name}` already", mend="cask trust show")


def _propose(world: World, desk: Desk, changed: Root, *, key: str | None) -> Report:
    report = amend.propose(world, desk, changed, key=key)
    waiting = tuple(_waiting(desk, changed))
    note = f"{len(waiting)} waiting for a new approval: nothing was signed again." if waiting else "Every approval still counts."
    return report.model_copy(update={"findings": (*report.findings, *waiting), "lines": (*report.lines, note)})


def _waiting(desk: Desk, changed: Root) -> Iterator[Finding]:
    """What was approved and is no more once the version counts."""
    then = admit.survey(desk.files, chain=trust.imagined(desk.chain, changed), pin=desk.pin, at=desk.survey.at)
    before = {row.subject for row in _standings(desk.survey) if row.status == "approved"}
    for row in _standings(then):
        if row.subject in before and row.status != "approved":
            yield Finding(
                code=row.code,
                severity=Severity.INFO,
                subject=row.subject,
                message=row.reason,
                place=str(desk.pack.lock),
                mend=f"cask gate allow {typed(row.subject)}",
            )


def _standings(survey: admit.Survey) -> list[Any]:
    return [*(standing for _, standing in survey.tools), *survey.shared.values()]
