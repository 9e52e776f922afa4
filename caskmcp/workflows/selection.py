"""What `gate allow` would sign: the subjects that were named or that wait, without those that need more than `--all`, and whose key may.

Pure: a survey comes in, candidates and what was left out with the reason come out.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from caskmcp import canon
from caskmcp.errors import CaskError
from caskmcp.govern import trust
from caskmcp.govern.admit import Survey
from caskmcp.govern.offer import Offer
from caskmcp.govern.statements import BLOCKED, Standing
from caskmcp.model.finding import typed
from caskmcp.model.statement import Basis
from caskmcp.model.tool import LOWERED, TIERS, Tier, Tool
from caskmcp.model.toolset import EMITTED, emitted
from caskmcp.model.trust import Key, Pin, Role, Root
from caskmcp.workflows.subjects import name_of, require_known

NEEDS_REASON = ("high", "critical")


@dataclass(frozen=True)
class Candidate:
    """One subject that may be signed."""

    subject: str
    content: Mapping[str, Any]
    """What the signature covers."""
    tool: Tool | None
    """None for a shared subject."""
    standing: Standing
    role: Role | None
    """Who may approve it; None if the trust root says nobody."""

    @property
    def digest(self) -> str:
        """Of the content."""
        return canon.digest(self.content)

    @property
    def name(self) -> str:
        """As people type it."""
        return name_of(self.subject)

    @property
    def critical(self) -> bool:
        """Whether its own name has to be typed."""
        return self.tool is not None and self.tool.risk == "critical"


@dataclass(frozen=True)
class LeftOut:
    """A subject that is not signed, and why."""

    subject: str
    reason: str
    mend: str = ""


@dataclass(frozen=True)
class Selection:
    """What would be signed."""

    chosen: tuple[Candidate, ...]
    left_out: tuple[LeftOut, ...]


def candidates(survey: Survey, root: Root) -> dict[str, Candidate]:
    """Every subject that can be read, by subject."""
    shared = trust.approver_of_shared(root)
    out = {
        row.subject: Candidate(row.subject, row.content, row.tool, standing, trust.approver_of(root, row.tool, row.toolsets))
        for row, standing in survey.tools
        if row.tool is not None and row.content is not None
    }
    for subject, content in survey.offer.shared.items():
        out[subject] = Candidate(subject, content, None, survey.shared[subject], shared)
    return dict(sorted(out.items()))


def named(survey: Survey, root: Root, subjects: tuple[str, ...]) -> Selection:
    """Exactly what was named. Raises CASK-I010 for what is not here and CASK-L002 for a record that cannot be read."""
    every = candidates(survey, root)
    unreadable = {row.subject for row, _ in survey.tools} | set(survey.offer.broken)
    require_known(subjects, {*every, *unreadable})
    for subject in subjects:
        if subject not in every:
            raise CaskError("CASK-L002", f"the record of {name_of(subject)} cannot be read", mend="cask build")
    return Selection(tuple(every[subject] for subject in sorted(set(subjects))), ())


def waiting(survey: Survey, root: Root, basis: Basis, pin: Pin | None = None) -> Selection:
    """Everything that waits, without what `--all` does not reach: critical tools, high ones on low evidence, what a person blocked or may have blocked.

    pin: what was seen here.
    """
    chosen, left_out = [], []
    for row in candidates(survey, root).values():
        if row.standing.status == "approved":
            continue
        if reason := _beyond_all(row, basis) or _lost(row, survey, root, pin):
            left_out.append(LeftOut(row.subject, reason, f"cask gate allow {typed(row.subject)}"))
        else:
            chosen.append(row)
    return Selection(tuple(chosen), tuple(left_out))


def _beyond_all(row: Candidate, basis: Basis) -> str:
    if row.standing.status == "rejected" or row.standing.code == BLOCKED:
        return f"{row.standing.reason}; a block is lifted by name alone"
    if row.critical:
        return "critical: has to be named"
    if row.tool is not None and any(reason.rule == LOWERED for reason in row.tool.reasons):
        return "cask.yaml lowers its risk: has to be named"
    if row.tool is not None and row.tool.risk == "high" and (row.tool.confidence == "low" or basis == "observations"):
        return "high risk on low evidence: has to be named"
    return ""


def _lost(row: Candidate, survey: Survey, root: Root, pin: Pin | None) -> str:
    """That a signed statement on a subject was seen here and is gone: who cuts a block out of the lock must not have it lifted by the next `--all`."""
    here, seen = survey.examined.sequences.get(row.subject, {}), pin.sequences.get(row.subject, {}) if pin else {}
    gone = [root.keys[key].name for key, last in sorted(seen.items()) if key in root.keys and here.get(key, 0) < last]
    return f"a statement of {gone[0]} was seen here and is gone from the lock: has to be named" if gone else ""


def only(selection: Selection, subjects: Collection[str]) -> Selection:
    """The part of a selection that is on some subjects."""
    return Selection(
        tuple(row for row in selection.chosen if row.subject in subjects),
        tuple(row for row in selection.left_out if row.subject in subjects),
    )


def joined(first: Selection, second: Selection) -> Selection:
    """Both selections; what either chose is not left out."""
    chosen = {row.subject: row for row in (*first.chosen, *second.chosen)}
    left_out = {row.subject: row for row in (*first.left_out, *second.left_out) if row.subject not in chosen}
    return Selection(tuple(chosen[key] for key in sorted(chosen)), tuple(left_out[key] for key in sorted(left_out)))


def within(selection: Selection, survey: Survey, toolset: str) -> Selection:
    """The members of one toolset, and the shared subjects that they stand on. Raises CASK-I010 for an unknown toolset."""
    subjects = members(survey.offer, toolset)
    chosen = tuple(row for row in selection.chosen if row.tool is None or row.subject in subjects)
    return Selection(chosen, tuple(row for row in selection.left_out if row.subject in subjects))


def at_most(selection: Selection, survey: Survey, tier: Tier) -> Selection:
    """The tools of a tier or a lower one, and the shared subjects."""
    subjects = {row.subject for row in survey.offer.tools if row.tool and TIERS.index(row.tool.risk) <= TIERS.index(tier)}
    chosen = tuple(row for row in selection.chosen if row.tool is None or row.subject in subjects)
    return Selection(chosen, tuple(row for row in selection.left_out if row.subject in subjects))


def at_least(offered: Offer, tier: Tier) -> frozenset[str]:
    """The subjects of the tools of a tier or a higher one."""
    return frozenset(row.subject for row in offered.tools if row.tool and TIERS.index(row.tool.risk) >= TIERS.index(tier))


def tier(row: Candidate) -> int:
    """How risky a subject is, for its place in a list: shared ones come before every tool."""
    return TIERS.index(row.tool.risk) if row.tool else -1


def members(offered: Offer, toolset: str) -> frozenset[str]:
    """The subjects of one toolset's tools. Raises CASK-I010 for an unknown toolset."""
    rows = offered.toolsets.toolsets
    if toolset not in rows:
        raise CaskError(
            "CASK-I010", f"there is no toolset `{toolset}`; here are: {', '.join(sorted(rows)) or 'none'}", mend="cask gate status"
        )
    tools = [row.tool for row in offered.tools if row.tool is not None]
    derived = toolset in EMITTED and not rows[toolset].declared
    return frozenset(f"tool:{name}" for name in (emitted(toolset, tools) if derived else rows[toolset].tools))


def for_key(selection: Selection, survey: Survey, key: str) -> Selection:
    """What this key may sign and has not signed yet."""
    chosen, left_out = [], list(selection.left_out)
    for row in selection.chosen:
        if row.role is None or key not in row.role.keys:
            left_out.append(LeftOut(row.subject, "the trust root does not let this key approve it", "cask trust show"))
        elif _signed_already(row, survey, key):
            left_out.append(LeftOut(row.subject, f"signed by this key already: {row.standing.reason}"))
        else:
            chosen.append(row)
    return Selection(tuple(chosen), tuple(sorted(left_out, key=lambda row: row.subject)))


def _signed_already(row: Candidate, survey: Survey, key: str) -> bool:
    """Whether only other keys are missing: then the same signature once more would bring nothing."""
    if row.standing.status != "pending":
        return False
    mine = [said for said in survey.examined.rows.get(row.subject, ()) if said.key == key]
    latest = max(mine, key=lambda said: said.sequence, default=None)
    live = latest is not None and (latest.not_after is None or survey.at <= latest.not_after)
    return live and latest is not None and latest.verdict == "allow" and latest.digest == row.digest and bool(row.standing.approved_by)


def fitting(selection: Selection, keys: Iterable[tuple[str, Key]]) -> Iterator[str]:
    """Names of the keys of this machine that may approve anything of the selection. keys: (id, key)."""
    wanted = {key for row in selection.chosen if row.role for key in row.role.keys}
    return (key.name for name, key in keys if name in wanted)
