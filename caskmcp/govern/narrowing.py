"""Approvals of another content that count for a present one, where the trust root says `auto_narrowing: true`; it says no unless a person wrote it.

Two cases, each proven against the very content that a person signed, never against what was served meanwhile: a tool that does less
(`calculus`, the same that `diff` and `check` ask), and a read that has another name and nothing else. Blocks, sequences, expiry, thresholds and the
pin hold as they always do; both the rows of the trust root that fit the old and the new content have to be satisfied. ADR 0029. Pure.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from caskmcp import canon
from caskmcp.errors import CaskError
from caskmcp.govern import statements, trust
from caskmcp.govern.offer import Offer, OfferedTool
from caskmcp.govern.statements import Examined, Standing
from caskmcp.govern.trust import Chain
from caskmcp.load import load
from caskmcp.model.tool import TIERS
from caskmcp.model.trust import Approver, Pin
from caskmcp.text import parse_json

SCHEMA: Final = "caskmcp/served/1"
QUIET: Final = ("safe", "low", "medium")
"""Tiers of a read that may take another name."""


@dataclass(frozen=True)
class Evidence:
    """What the proofs go by."""

    examined: Examined
    chain: Chain
    """With a current version that allows narrowing."""
    contents: Mapping[str, bytes]
    """`PackFiles.contents`."""
    pin: Pin | None
    at: str

    def approved(self, subject: str) -> dict[str, Mapping[str, Any]]:
        """Digest -> content of each key's newest approval of a subject, as far as it lies here with that very digest."""
        digests = sorted({row.digest for row in statements.newest(subject, self.examined)})
        return {digest: content for digest in digests if (content := _content(self.contents.get(digest), digest))}

    def judged(self, subject: str, digest: str, also: frozenset[str], roles: list[Approver | None]) -> Standing:
        """The standing under each of the roles: the first that is no approval, or else the approval."""
        found = [statements.judge(subject, digest, self.examined, role, self.pin, self.at, also=also) for role in roles]
        return next((standing for standing in found if standing.status != "approved"), found[0])


def _content(data: bytes | None, digest: str) -> Mapping[str, Any] | None:
    """Approved content, if it is what its digest says and can be read as a served record."""
    try:
        value: Any = parse_json(data, digest) if data is not None else None
        sound = canon.digest(value) == digest
    except CaskError:
        # What cannot be read proves nothing; the tool waits for a person, as it would without this module.
        return None
    whole = sound and isinstance(value, dict) and value.get("schema") == SCHEMA and value.get("risk") in TIERS
    return value if whole and isinstance(value.get("name"), str) and isinstance(value.get("toolsets"), list) else None


# ---------------------------------------------------------------- less than was approved
def narrowed(row: OfferedTool, standing: Standing, evidence: Evidence) -> Standing:
    """The standing of a tool that waits, if what was approved of it covers what it does now; else as it was."""
    if standing.status != "pending" or row.content is None or row.tool is None or _was_blocked(row, evidence):
        return standing
    approved = evidence.approved(row.subject)
    fits = {
        digest: old for digest, old in approved.items() if digest != row.digest and old["name"] == row.name and _narrower(old, row.content)
    }
    if not fits:
        return standing
    found = evidence.judged(row.subject, row.digest, frozenset(fits), _roles(row, fits, evidence.chain))
    return replace(found, narrowed_from=min(fits)) if found.status == "approved" else found


def _was_blocked(row: OfferedTool, evidence: Evidence) -> bool:
    """Whether a person took away this very content: an approval of more that came later does not bring it back by itself."""
    return any(said.verdict == "block" and said.digest == row.digest for said in evidence.examined.rows.get(row.subject, ()))


def _narrower(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    return bool(load("calculus.tools:narrower")(old, new))


def _roles(row: OfferedTool, approved: Mapping[str, Mapping[str, Any]], chain: Chain) -> list[Approver | None]:
    """Who may approve what it is now, and who what it was: a narrower tool may lie in fewer toolsets, and then others decide about it."""
    now = [trust.approver_of(chain.current, row.tool, row.toolsets)] if row.tool else [None]
    return now + [trust.approver_for(chain.current, old["risk"], tuple(old["toolsets"])) for old in approved.values()]


# ---------------------------------------------------------------- the same under another name
def renamed(offered: Offer, standings: Mapping[str, Standing], evidence: Evidence) -> dict[str, tuple[str, Standing]]:
    """Subject of a tool -> the vanished subject whose approval it carries on, and its standing. Only where one stands for one.

    standings: of the tools, by subject.
    """
    vanished = [subject for subject in evidence.examined.rows if subject.startswith("tool:") and subject not in standings]
    pairs = [
        (row, old, digest)
        for row in offered.tools
        if _is_new(row, standings, evidence)
        for old, digest in _sources(row, vanished, offered, evidence)
    ]
    rows, olds = [row.subject for row, _, _ in pairs], [old for _, old, _ in pairs]
    # A standing goes by the name: with a second record of that name, whatever it is, the proof for one would serve the other.
    alone = {subject for subject, count in Counter(row.subject for row in offered.tools).items() if count == 1}
    out: dict[str, tuple[str, Standing]] = {}
    for row, old, digest in pairs:
        if row.subject in alone and rows.count(row.subject) == 1 and olds.count(old) == 1:
            found = evidence.judged(old, digest, frozenset(), _roles(row, {}, evidence.chain))
            if found.status == "approved":
                out[row.subject] = (old, replace(found, subject=row.subject, narrowed_from=digest))
    return out


def _is_new(row: OfferedTool, standings: Mapping[str, Standing], evidence: Evidence) -> bool:
    """A name that nothing was ever decided about here, of a read that costs little: the most that a misleading name can do is to read what was approved."""
    examined, subject = evidence.examined, row.subject
    unheard = (
        subject not in examined.rows
        and subject not in examined.problems
        and subject not in (evidence.pin.sequences if evidence.pin else {})
    )
    quiet = row.tool is not None and row.tool.effect == "read" and row.tool.risk in QUIET and row.tool.composite is None
    return unheard and quiet and standings[subject].status == "pending"


def _sources(row: OfferedTool, vanished: list[str], offered: Offer, evidence: Evidence) -> Iterator[tuple[str, str]]:
    for subject in vanished:
        old_name = subject.removeprefix("tool:")
        for digest, old in evidence.approved(subject).items():
            same = row.content is not None and old["name"] == old_name and canon.digest({**old, "name": row.name}) == row.digest
            # A budget goes by the name and is no part of the record: under another name it would bind nobody.
            if same and not {old_name, row.name} & set(offered.policy.budgets):
                yield subject, digest
