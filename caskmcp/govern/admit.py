"""The one door: lock, artifacts, trust root and pin become a frozen pack, or are refused.

Everything is recomputed from the very bytes that are served, in this order: root chain, pin, form of the lock, the records, the shared
statements, each tool. Promises that a tool is in `AdmittedPack.tools` only if its own statement, the policy's, its host's auth reference's
and the chosen environment's all hold; everything else is in `withheld` with the reason. There is no switch. Reads no file and no clock.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from caskmcp.canon import Digest
from caskmcp.canon import digest as digest_of
from caskmcp.errors import CaskError
from caskmcp.govern import lockfile, narrowing, offer, pins, statements, trust
from caskmcp.govern.lockfile import ReadLock
from caskmcp.govern.narrowing import Evidence
from caskmcp.govern.offer import Offer, OfferedTool
from caskmcp.govern.statements import Examined, Standing
from caskmcp.govern.trust import Chain
from caskmcp.model.pack import AdmittedPack, AdmittedTool, PackFiles, Withheld
from caskmcp.model.toolset import EMITTED, emitted
from caskmcp.model.trust import Key, Pin, TrustPin

Judged = tuple[tuple[OfferedTool, Standing], ...]


@dataclass(frozen=True)
class Survey:
    """Every subject of a toolpack and what the statements say of it. Says nothing about what may run: that is `admit`."""

    offer: Offer
    lock: ReadLock
    examined: Examined
    tools: Judged
    """In the order of `tools.json`."""
    shared: Mapping[str, Standing]
    """`policy`, `env:NAME`, `auth:HOST`, sorted."""
    at: str
    """The time that was judged by."""
    carried: Mapping[str, str] = field(default_factory=dict)
    """Subject of a tool that took another name -> the subject whose approval it carries on (`narrowing`)."""

    @property
    def standings(self) -> tuple[Standing, ...]:
        """Of every subject: the tools in their order, then the shared ones."""
        return (*(standing for _, standing in self.tools), *self.shared.values())

    @property
    def vanished(self) -> tuple[str, ...]:
        """Subjects of the lock that the artifacts no longer have, sorted."""
        here = {row.subject for row, _ in self.tools} | {*self.offer.shared, *self.offer.broken, *self.carried.values()}
        return tuple(subject for subject in self.lock.subjects if subject not in here)


@dataclass(frozen=True)
class Seen:
    """Files that were looked at once: the survey, and whose signatures it was judged by. Made here alone."""

    survey: Survey
    chain: Chain | None
    """None without a trust root."""
    pin: Pin | None
    """What the trust root is anchored by; None where it is not accepted here."""
    refused: CaskError | None
    """Why it is not."""

    @property
    def note(self) -> str:
        """Why the trust root is not accepted here, in brief; empty if it is."""
        if self.refused is None:
            return ""
        return {"CASK-T006": "no trust root", "CASK-T001": "unpinned"}.get(self.refused.code, self.refused.what)


# ---------------------------------------------------------------- public
def admit(files: PackFiles, *, pin: Pin | None, condition: TrustPin | None, environment: str | None, at: str) -> AdmittedPack:
    """Turn what is offered into what may run.

    environment: name of the entry of `environments.yaml` to serve against. at: RFC 3339, UTC.
    Raises CASK-T006, T003 (no sound trust root), T001, T002, T004 (the pin), L001, L002, I008 (a file cannot be read), I010 (no such environment).
    A sound pack without approvals is no error: it has no tools, and `withheld` says why.
    """
    chain = trust.chain(files.roots, files.id)
    anchored = trust.anchor(chain, pin, condition)
    seen = Seen(survey(files, chain=chain, pin=anchored, at=at), chain, anchored, None)
    return admit_seen(seen, condition=condition, environment=environment)


def admit_seen(seen: Seen, *, condition: TrustPin | None, environment: str | None) -> AdmittedPack:
    """The same for files that were looked at a moment ago, as `cask check` does, which asks several questions of one look. Raises what `admit` raises."""
    if seen.chain is None or seen.pin is None or seen.refused is not None:
        raise seen.refused or CaskError("CASK-T006", "there is no trust root yet", mend="cask trust init --key NAME")
    found = seen.survey
    trust.refuse_expired(seen.chain, found.at)
    _refuse_low(found.examined, condition)
    _refuse_unknown(found.offer, environment)
    needed = _shared_needed(found, environment)
    _refuse_older(needed)
    return _pack(found, needed, seen.chain, seen.pin, environment)


def survey(files: PackFiles, *, chain: Chain | None, pin: Pin | None, at: str) -> Survey:
    """Judge every subject. Without a chain no signature counts; without a pin nothing is older than seen. Raises CASK-L001, L002, I008."""
    lock = lockfile.read(files.lock, files.id)
    offered = offer.parse(files)
    examined = statements.examine(lock, chain)
    instant = examined.instant(at)
    tools = tuple((row, _standing_of_tool(row, examined, pin, instant)) for row in offered.tools)
    carried: Mapping[str, str] = {}
    if chain is not None and chain.current.auto_narrowing:
        tools, carried = _covered(offered, tools, Evidence(examined, chain, files.contents, pin, instant))
    shared = {
        subject: _standing_of_shared(subject, offered, examined, pin, instant) for subject in sorted({*offered.shared, *offered.broken})
    }
    return Survey(offered, lock, examined, tools, shared, instant, carried)


def look(files: PackFiles, *, pin: Pin | None, condition: TrustPin | None, at: str) -> Seen:
    """Judge every subject for readers: works without a trust root and without a pin, and says so. Raises what `survey` raises, and CASK-T003."""
    if not files.roots:
        missing = CaskError("CASK-T006", f"{files.id} has no trust root yet", mend="cask trust init --key NAME")
        return Seen(survey(files, chain=None, pin=None, at=at), None, None, missing)
    chain = trust.chain(files.roots, files.id)
    try:
        anchored = trust.anchor(chain, pin, condition)
    except CaskError as cause:
        return Seen(survey(files, chain=chain, pin=pin, at=at), chain, None, cause)
    return Seen(survey(files, chain=chain, pin=anchored, at=at), chain, anchored, None)


def anchored_survey(files: PackFiles, *, pin: Pin | None, condition: TrustPin | None, at: str) -> tuple[Survey, Chain | None, str]:
    """`look`, as the survey, the chain, and why the trust root is not accepted here (empty if it is)."""
    seen = look(files, pin=pin, condition=condition, at=at)
    return seen.survey, seen.chain, seen.note


# ---------------------------------------------------------------- standings
def _standing_of_tool(row: OfferedTool, examined: Examined, pin: Pin | None, at: str) -> Standing:
    if row.tool is None:
        return Standing(row.subject, "invalid", "CASK-L002", f"its record cannot be read: {row.problem}")
    role = trust.approver_of(examined.chain.current, row.tool, row.toolsets) if examined.chain else None
    return statements.judge(row.subject, row.digest, examined, role, pin, at)


def _covered(offered: Offer, tools: Judged, evidence: Evidence) -> tuple[Judged, dict[str, str]]:
    """The tools with what approvals of other contents prove for them, and which subject each renamed one carries on."""
    less = tuple((row, narrowing.narrowed(row, standing, evidence)) for row, standing in tools)
    found = narrowing.renamed(offered, {row.subject: standing for row, standing in less}, evidence)
    judged = tuple((row, found[row.subject][1] if row.subject in found else standing) for row, standing in less)
    return judged, {subject: old for subject, (old, _) in found.items()}


def _standing_of_shared(subject: str, offered: Offer, examined: Examined, pin: Pin | None, at: str) -> Standing:
    if problem := offered.broken.get(subject):
        return Standing(subject, "invalid", "CASK-L002", f"its record cannot be read: {problem}")
    role = trust.approver_of_shared(examined.chain.current) if examined.chain else None
    return statements.judge(subject, digest_of(offered.shared[subject]), examined, role, pin, at)


# ---------------------------------------------------------------- refusals
def _refuse_low(examined: Examined, condition: TrustPin | None) -> None:
    if condition and examined.highest < condition.sequence:
        what = f"the highest sequence of the lock is {examined.highest}, --trust-pin asks for {condition.sequence}"
        raise CaskError("CASK-T004", what, place=lockfile.NAME, mend="git pull")


def _refuse_unknown(offered: Offer, environment: str | None) -> None:
    if environment is not None and f"env:{environment}" not in {*offered.shared, *offered.broken}:
        known = ", ".join(sorted(offered.environments.environments)) or "none"
        raise CaskError(
            "CASK-I010", f"there is no environment `{environment}`; here are: {known}", place="environments.yaml", mend="cask gate status"
        )


def _refuse_older(needed: Mapping[str, Standing]) -> None:
    for standing in needed.values():
        if standing.code == "CASK-T004":
            raise CaskError(
                "CASK-T004", f"{standing.subject}: {standing.reason}", place=lockfile.NAME, mend="cask trust pin --accept-older"
            )


# ---------------------------------------------------------------- what each tool needs
def _shared_needed(found: Survey, environment: str | None) -> dict[str, Standing]:
    """The shared subjects that this pack stands on: the policy, each host's auth reference, the chosen environment.

    An auth reference that was decided on and is gone from the file still counts: its tools were approved to call with it.
    """
    gone = (subject for subject in found.vanished if subject.startswith("auth:"))
    needed = {subject: Standing(subject, "pending", "CASK-L003", "approved, but no longer in auth.yaml") for subject in gone}
    needed.update({subject: row for subject, row in found.shared.items() if not subject.startswith("env:")})
    if environment is not None:
        needed[f"env:{environment}"] = found.shared[f"env:{environment}"]
    return dict(sorted(needed.items()))


def _needs(row: OfferedTool, needed: Mapping[str, Standing]) -> Iterator[Standing]:
    hosts = _hosts(row)
    for subject, standing in needed.items():
        if not subject.startswith("auth:") or subject.removeprefix("auth:") in hosts:
            yield standing


def _hosts(row: OfferedTool) -> frozenset[str]:
    """A tool's host, with and without its port: as `auth.yaml` may name it."""
    request = row.tool.request if row.tool else None
    return frozenset({request.host, f"{request.host}:{request.port}"}) if request else frozenset()


def _obstacle(row: OfferedTool, standing: Standing, needed: Mapping[str, Standing]) -> Withheld | None:
    """Why a tool is not served; None if everything holds."""
    if standing.status != "approved":
        return Withheld(row.subject, standing.code, standing.reason, standing.status)
    for other in _needs(row, needed):
        if other.status != "approved":
            return Withheld(row.subject, other.code, f"it needs {other.subject}: {other.reason}", other.status)
    return None


# ---------------------------------------------------------------- the pack
def _pack(found: Survey, needed: Mapping[str, Standing], chain: Chain, anchored: Pin, environment: str | None) -> AdmittedPack:
    judged = [(row, _obstacle(row, standing, needed)) for row, standing in found.tools]
    approved = {row.name: _admitted(row, found.offer) for row, obstacle in judged if obstacle is None}
    apart = {name: lacking for name, row in approved.items() if (lacking := _lacking(row, approved))}
    served = {name: row for name, row in approved.items() if name not in apart}
    withheld = [Withheld(row.subject, row.code, row.reason, row.status) for row in needed.values() if row.status != "approved"]
    withheld += [obstacle for _, obstacle in judged if obstacle is not None]
    withheld += [Withheld(f"tool:{name}", "CASK-L003", reason, "pending") for name, reason in apart.items()]
    places = found.offer.environments.environments.get(environment, {}) if environment is not None else {}
    return AdmittedPack(
        toolpack=chain.current.toolpack,
        lock=found.lock.digest,
        root=chain.first,
        root_version=chain.current.version,
        tools={name: served[name] for name in sorted(served)},
        withheld=tuple(sorted(withheld, key=lambda row: (row.subject, row.code))),
        toolsets=_toolsets(found.offer, served),
        policy=found.offer.policy,
        environment=places if served else {},
        auth={host: rule for host, rule in found.offer.auth.hosts.items() if _approved(needed, f"auth:{host}")},
        confirmers=_confirmers(chain),
        pin=anchored.model_copy(update={"sequences": pins.merged(anchored.sequences, found.examined.sequences)}),
        until=min((end for end in _ends(found, needed, chain) if end is not None), default=None),
    )


def _lacking(row: AdmittedTool, approved: Mapping[str, AdmittedTool]) -> str:
    """Why a composite cannot be served although it is approved: each tool that it calls has to be, with the content that was signed; empty if all are."""
    for step in row.tool.composite.steps if row.tool.composite else ():
        inner = approved.get(step.tool)
        if inner is None:
            return f"it calls tool:{step.tool}, which is not served"
        if inner.tool.composite is not None or inner.digest != step.digest:
            return f"it calls tool:{step.tool}, which has another content now"
    return ""


def _ends(found: Survey, needed: Mapping[str, Standing], chain: Chain) -> Iterator[str | None]:
    yield chain.current.expires
    yield from (standing.expires for standing in needed.values())
    yield from (standing.expires for _, standing in found.tools)


def _admitted(row: OfferedTool, offered: Offer) -> AdmittedTool:
    if row.tool is None:
        raise CaskError("CASK-L002", f"{row.subject} has no record", place="tools.json", mend="cask build")
    return AdmittedTool(row.tool, row.digest, offered.policy.rules_for(row.tool), row.toolsets)


def _approved(needed: Mapping[str, Standing], subject: str) -> bool:
    return subject in needed and needed[subject].status == "approved"


def _toolsets(offered: Offer, served: Mapping[str, AdmittedTool]) -> dict[str, tuple[str, ...]]:
    """Declared toolsets (their membership is signed), the emitted ones by their rule, and `default`. Any other name is nobody's and is left out."""
    out: dict[str, tuple[str, ...]] = {}
    for name, row in sorted(offered.toolsets.toolsets.items()):
        if row.declared or name == "default":
            out[name] = tuple(sorted(set(row.tools) & set(served)))
        elif name in EMITTED:
            out[name] = emitted(name, (entry.tool for entry in served.values()))
    return out


def _confirmers(chain: Chain) -> dict[str, Key]:
    """Keys of which one alone may answer a challenge. Where the trust root asks for several none does: a grant has one signature."""
    role = trust.counting(chain.current.confirmer, chain.current.keys)
    return {key: chain.current.keys[key] for key in role.keys} if role.threshold == 1 else {}


def lock_digest(files: PackFiles) -> Digest:
    """Digest of the lock's canonical content, as `AdmittedPack.lock`. Raises CASK-L001."""
    return lockfile.read(files.lock, files.id).digest
