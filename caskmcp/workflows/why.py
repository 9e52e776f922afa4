"""`cask why DECISION_ID`: one decision of the record, told: the step and the rule that decided, what the code means, what mends it, who can approve
such a tool, and the evidence that the tool rests on.

What was decided comes from the record alone. Roles, rules and evidence are those of the toolpack as it is now; that it has changed since is said.
"""

import shlex
from collections.abc import Iterator, Mapping
from typing import Any, Final

from caskmcp.errors import CODES, CaskError
from caskmcp.govern import trust
from caskmcp.govern.offer import OfferedTool
from caskmcp.model.artifact import Coverage
from caskmcp.model.finding import Report
from caskmcp.model.trust import Role, Root
from caskmcp.ports import World
from caskmcp.workflows import audit, gate
from caskmcp.workflows.audit import Asked, Recorded
from caskmcp.workflows.gate import Look

# fmt: off
_MENDS: Final = {
    "CASK-R001": "cask gate status",
    "CASK-R002": "cask explain {tool}",
    "CASK-R003": "cask explain {tool}",
    "CASK-R004": "cask gate status",
    "CASK-R005": "cask confirm list",
    "CASK-R006": "cask confirm list",
    "CASK-R007": "cask doctor",
    "CASK-R008": "cask drift",
    "CASK-R009": "cask doctor",
    "CASK-R010": "cask audit query --tool {tool} --since 1h",
    "CASK-R011": "cask doctor",
    "CASK-R012": "cask audit query --id {id}",
    "CASK-R020": "cask doctor",
    "CASK-R021": "cask audit query --since 1h",
    "CASK-R022": "cask audit query --tool {tool} --since 1h",
    "CASK-R030": "cask doctor",
    "CASK-R031": "cask doctor",
    "CASK-E001": "cask gate status",
    "CASK-E002": "cask doctor",
    "CASK-E003": "cask gate status",
    "CASK-E004": "cask gate status",
    "CASK-E005": "cask drift",
    "CASK-E006": "cask doctor",
    "CASK-W001": "cask doctor",
}
_WAYS: Final = {
    "CASK-R001": "approve the tool, if it exists and waits",
    "CASK-R002": "the agent has to send arguments that fit the input schema",
    "CASK-R003": "the agent has to send arguments that stay in the approved request",
    "CASK-R004": "a person can put another rule into `policy:` of cask.yaml, build, and approve it",
    "CASK-R005": "a confirmer can grant the challenge; the agent then calls again with the same arguments",
    "CASK-R006": "the agent can call again, which makes a new challenge",
    "CASK-R007": "see whether the upstream is up; look there for a write of unknown outcome before it is sent again",
    "CASK-R008": "see what the upstream says; if it has changed, record and build again",
    "CASK-R009": "give the server the credential that `auth:` names",
    "CASK-R010": "wait until the window has passed; a person can raise the budget in cask.yaml, and approve it",
    "CASK-R011": "the server's log says where it failed; this is a bug of cask",
    "CASK-R012": "look at the calls that the composite made",
    "CASK-R020": "see whether the state that the replicas share is up; until then no call is made",
    "CASK-R021": "wait; see what the upstream failed with before",
    "CASK-R022": "wait for the calls that are on their way",
    "CASK-R030": "see whether the credential that `auth:` names is still the right one",
    "CASK-R031": "see whether the token server of `auth:` is up and knows the client",
    "CASK-E001": "a person can name another place under `environments:`, and approve it",
    "CASK-E002": "see whether the host's name resolves on this machine",
    "CASK-E003": "a person can give the place `private: true` under `environments:`, and approve it",
    "CASK-E004": "a person can write the host as a name under `environments:`, and approve it",
    "CASK-E005": "the upstream redirects elsewhere: if it has moved, record it there",
    "CASK-E006": "see who answers under the host's name; a private authority is named in the user's own configuration",
    "CASK-W001": "see that the disk has room and that the server may write under the root",
}
# fmt: on


def run(world: World, decision: str) -> Report:
    """Tell of one decision. Raises CASK-I010 for an id that is not on record."""
    rows = audit.find(world, Asked(id=decision))
    own = [row for row in rows if row.id == decision]
    if not own:
        raise CaskError("CASK-I010", f"no decision with the id `{decision}` is on record here", mend="cask audit query --since 24h")
    last = own[-1]
    look = _look(world)
    told = [*_decided(last), *_meant(last), *(_now(world, last, look) if look is not None else _unknown())]
    facts = {"decision": decision, **{name: last.fields.get(name) for name in ("verdict", "tool", "at")}}
    tables = {"why": tuple({"what": what, "says": says} for what, says in told), "lines": tuple(map(_line, rows))}
    return Report(report="why", summary=facts, tables=tables)


def _line(row: Recorded) -> dict[str, Any]:
    shown = audit.shown(row)
    return {name: shown[name] for name in ("id", "at", "verdict", "tool", "code", "status", "more", "line")} | {"digest": row.digest}


def _decided(row: Recorded) -> Iterator[tuple[str, str]]:
    fields = row.fields
    yield "decided", f"{fields.get('verdict')} for `{fields.get('tool')}`, asked by {fields.get('caller')} at {fields.get('at')}"
    yield "step", f"{fields.get('step')} (of the gateway's list)"
    yield "rule", str(fields.get("rule"))


def _meant(row: Recorded) -> Iterator[tuple[str, str]]:
    """What the code of a no says, and what a person can do about it."""
    code = str(row.fields.get("code", ""))
    if code not in CODES:
        return
    yield "code", f"{code}: {CODES[code].title}"
    yield "means", CODES[code].why
    if code in _WAYS:
        yield "mend", _WAYS[code]
    extra = row.fields.get("extra", {})
    challenge = extra.get("challenge") if isinstance(extra, Mapping) else None
    if code == "CASK-R005" and challenge:
        yield "command", f"cask confirm grant {shlex.quote(str(challenge))}"
    elif code in _MENDS:
        yield "command", _MENDS[code].format(tool=shlex.quote(str(row.fields.get("tool"))), id=shlex.quote(row.id))


# ---------------------------------------------------------------- as the toolpack is now
def _look(world: World) -> Look | None:
    """The toolpack, if there is one that can be read: the record is told without it as well. None where it cannot."""
    try:
        return gate.look(world)
    except CaskError:
        return None


def _unknown() -> Iterator[tuple[str, str]]:
    yield "toolpack", "not at hand, or it cannot be read: who can approve, and on what evidence, is not known"


def _now(world: World, row: Recorded, look: Look) -> Iterator[tuple[str, str]]:
    if row.fields.get("toolpack") not in ("", look.toolpack):
        yield "toolpack", f"the call went to {row.fields.get('toolpack')}; this is {look.toolpack}: --toolpack names another"
        return
    yield from _rule(row, look)
    found = next((item for item in look.survey.tools if item[0].name == row.fields.get("tool")), None)
    if found is None:
        yield "tool", f"{look.toolpack} has no tool of that name"
    elif (offered := found[0]).tool is not None:
        yield "approved", f"{found[1].status}{_by(found[1].approved_by)}; its content is {offered.digest}"
        yield from _evidence(world, look, offered.tool.operation)
    if look.chain is not None:
        yield from _people(look.chain.current, found[0] if found else None)


def _by(names: tuple[str, ...]) -> str:
    return f", signed by {', '.join(names)}" if names else ""


def _rule(row: Recorded, look: Look) -> Iterator[tuple[str, str]]:
    rules = look.survey.offer.policy.rules
    found = next(((at, rule) for at, rule in enumerate(rules) if rule.id == row.fields.get("rule")), None)
    if found is not None:
        at, rule = found
        yield "policy", f"rule {rule.id}: {rule.effect}{f' ({rule.reason})' if rule.reason else ''}"
        before = [other.id for other in rules[:at] if other.asks == rule.asks]
        told = f", since these before it do not: {', '.join(before)}" if before else ""
        yield "order", f"row {at + 1} of {len(rules)}: the first that fits{told}"
    extra = row.fields.get("extra")
    duties = [(name, extra[name]) for name in ("audit", "redact") if isinstance(extra, Mapping) and name in extra]
    yield from ((name, f"by rule {rule_id}") for name, rule_id in duties)
    if row.fields.get("lock") not in ("", look.survey.lock.digest):
        yield "since", "the lock has changed since: what follows is what holds now"


def _evidence(world: World, look: Look, operation: str) -> Iterator[tuple[str, str]]:
    path = look.pack.artifact("coverage.json")
    if not world.files.exists(path):
        return
    try:
        row = Coverage.from_json(world.files.read(path), "coverage.json", code="CASK-L002").operations.get(operation)
    except CaskError:
        return  # a file that cannot be read is no evidence
    if row is not None and row.parts:
        yield "evidence", f"{operation} in {', '.join(sorted(row.parts))}; `cask explain` tells more"


def _people(root: Root, offered: OfferedTool | None) -> Iterator[tuple[str, str]]:
    role = trust.approver_of(root, offered.tool, offered.toolsets) if offered is not None and offered.tool is not None else None
    if role is not None:
        yield "approvers", _keys(root, role)
    yield "confirmers", _keys(root, trust.counting(root.confirmer, root.keys))


def _keys(root: Root, role: Role) -> str:
    return f"{', '.join(sorted(root.keys[key].name for key in role.keys)) or 'nobody'} ({role.threshold} needed)"
