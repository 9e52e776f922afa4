"""What the statements of a lock are worth: for each subject approved, pending, rejected, expired or invalid, and why.

Fails closed: one statement on a subject that does not hold makes the subject invalid, a block counts whether signed or not, and a pinned
key whose newest statement is missing or older than seen takes the subject away. Pure; time comes in as a value.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Final, Literal

from caskmcp.canon import SAFE_INTEGER
from caskmcp.errors import CaskError
from caskmcp.govern.lockfile import ReadLock
from caskmcp.govern.trust import Chain
from caskmcp.govern.verify import holds, is_instant
from caskmcp.model.statement import PAYLOAD_TYPE, STATEMENT_SCHEMA, Signed, Statement
from caskmcp.model.trust import Pin, Role

BLOCKED: Final = "CASK-L008"
"""The code of what a person took away; of what changed since then too, since an approval has to name it."""

FOREVER: Final = "~"
"""Sorts after every time."""
WEEK: Final = timedelta(days=7)
"""How long before its end an approval is listed."""

Status = Literal["approved", "pending", "rejected", "expired", "invalid"]


@dataclass(frozen=True)
class Standing:
    """What the statements say of one subject."""

    subject: str
    status: Status
    code: str = ""
    """Why it is not approved: a row of the table of errors."""
    reason: str = ""
    approved_by: tuple[str, ...] = ()
    """Names of the keys whose statements count for the present content, sorted."""
    expires: str | None = None
    """When too few of these are left; None if never."""
    narrowed_from: str = ""
    """Digest of the approved content that covers the present one, where that is another (`narrowing`)."""

    def ends_soon(self, at: str) -> bool:
        """Whether it is approved, and will not be any more a week from a time."""
        if self.status != "approved" or self.expires is None:
            return False
        return datetime.fromisoformat(self.expires) - datetime.fromisoformat(at) <= WEEK


@dataclass(frozen=True)
class Examined:
    """A lock whose signatures were verified."""

    rows: Mapping[str, tuple[Statement, ...]]
    """Subject -> statements that hold, and unsigned blocks."""
    problems: Mapping[str, str]
    """Subject -> the first thing that does not hold."""
    chain: Chain | None

    @cached_property
    def sequences(self) -> dict[str, dict[str, int]]:
        """Subject -> key of the current trust root -> highest sequence that it signed. Computed once: every subject is compared with it."""
        keys = self.chain.current.keys if self.chain else {}
        out: dict[str, dict[str, int]] = {}
        for subject, rows in self.rows.items():
            for row in rows:
                if row.key in keys:
                    known = out.setdefault(subject, {})
                    known[row.key] = max(row.sequence, known.get(row.key, 0))
        return out

    @property
    def highest(self) -> int:
        """The highest sequence that a key of the current trust root signed."""
        return max((value for row in self.sequences.values() for value in row.values()), default=0)

    def instant(self, at: str) -> str:
        """The time to judge by: never before what a signature here bears witness to, so that a clock set back revives no approval."""
        if self.chain is None:
            return at
        times = [root.issued_at for root in self.chain.versions]
        times += [row.issued_at for rows in self.rows.values() for row in rows if row.key in self.chain.current.keys]
        return max(at, *times)


# ---------------------------------------------------------------- signatures
def examine(lock: ReadLock, chain: Chain | None) -> Examined:
    """Verify every statement of a lock. Without a trust root no signature holds."""
    problems = {subject: f"{broken.place}: {broken.problem}" for subject, broken in lock.broken.items()}
    fine: dict[str, tuple[Statement, ...]] = {}
    for subject, rows in lock.lock.subjects.items():
        found = [_problem(row, subject, lock.lock.toolpack, chain) for row in rows]
        fine[subject] = tuple(row.statement for row, problem in zip(rows, found, strict=True) if not problem)
        if problem := next(filter(None, found), ""):
            problems[subject] = problem
    return Examined(fine, problems, chain)


def sound(lock: ReadLock, subject: str, chain: Chain) -> tuple[Signed, ...]:
    """The statements on one subject that hold by themselves, and unsigned blocks."""
    rows = lock.lock.subjects.get(subject, ())
    return tuple(row for row in rows if not _problem(row, subject, lock.lock.toolpack, chain))


def _problem(signed: Signed, subject: str, toolpack: str, chain: Chain | None) -> str:
    """What is wrong with a statement by itself; empty if it holds."""
    row = signed.statement
    facts = (
        (row.format == STATEMENT_SCHEMA, f"its schema is {row.format}"),
        (row.toolpack == toolpack, f"it is a statement on the toolpack {row.toolpack}"),
        (row.subject == subject, f"it is a statement on {row.subject}"),
        (1 <= row.sequence <= SAFE_INTEGER, "its sequence is out of range"),
        (is_instant(row.issued_at), "its time of issue is no time"),
        (row.not_after is None or is_instant(row.not_after), "its expiry is no time"),
    )
    return next((problem for fine, problem in facts if not fine), "") or _forgery(signed, chain)


def _forgery(signed: Signed, chain: Chain | None) -> str:
    row = signed.statement
    if row.key == "" and signed.signature == "":
        # Taking away needs no key; nothing else may stand unsigned.
        return "" if row.verdict == "block" else "it is not signed"
    if chain is None:
        return "there is no trust root that says whose signature counts"
    if not 1 <= row.root_version <= chain.current.version:
        return f"it names version {row.root_version} of the trust root, which is not here"
    key = chain.known.get(row.key)
    if key is None:
        return f"the trust root does not know the key {row.key[:19]}…"
    return "" if _holds(signed, chain) else f"the signature of {key.name} does not hold"


def _holds(signed: Signed, chain: Chain) -> bool:
    try:
        return holds(chain.known[signed.statement.key], PAYLOAD_TYPE, signed.statement.payload(), signed.signature)
    except CaskError:
        # A key that may not be used, or content that has no canonical form: it was signed by nobody.
        return False


# ---------------------------------------------------------------- the pin
def older_than_seen(subject: str, examined: Examined, pin: Pin | None) -> str:
    """Why a subject is older than what this machine saw; empty if it is not, or if no statement is left on it (then it waits for approval)."""
    if pin is None or examined.chain is None or not examined.rows.get(subject):
        return ""
    here = examined.sequences.get(subject, {})
    for key, seen in pin.sequences.get(subject, {}).items():
        if key in examined.chain.current.keys and here.get(key, 0) < seen:
            return f"a statement of {examined.chain.current.keys[key].name} with sequence {seen} was seen here, the lock has {here.get(key, 0)}"
    return ""


# ---------------------------------------------------------------- the verdict
def judge(
    subject: str, digest: str, examined: Examined, role: Role | None, pin: Pin | None, at: str, *, also: frozenset[str] = frozenset()
) -> Standing:
    """What the statements say of a subject whose present content has this digest.

    role: who may approve it; None if the trust root has no row for it. at: `Examined.instant`. also: digests of other contents whose approval
    counts for the present one, which is for `narrowing` alone to say.
    """
    if problem := examined.problems.get(subject):
        return Standing(subject, "invalid", "CASK-L004", problem)
    if older := older_than_seen(subject, examined, pin):
        return Standing(subject, "invalid", "CASK-T004", older)
    rows = examined.rows.get(subject, ())
    block = max((row.sequence for row in rows if row.verdict == "block"), default=0)
    after = [row for row in rows if row.verdict == "allow" and row.sequence > block]
    if block and not after:
        return _blocked(subject, digest, [row for row in rows if row.verdict == "block"], block)
    return _weigh(subject, also | {digest}, _latest(after), examined, role, at)


def newest(subject: str, examined: Examined) -> list[Statement]:
    """Each key's newest approval of a subject that no block voids, if every statement on it holds."""
    if subject in examined.problems:
        return []
    rows = examined.rows.get(subject, ())
    block = max((row.sequence for row in rows if row.verdict == "block"), default=0)
    return _latest(row for row in rows if row.verdict == "allow" and row.sequence > block)


def _blocked(subject: str, digest: str, blocks: Iterable[Statement], highest: int) -> Standing:
    """Rejected as long as the content is one that was blocked; then it waits, and what was approved before the block stays void."""
    blocks = tuple(blocks)
    reason = next((row.reason for row in blocks if row.sequence == highest and row.reason), "")
    why = f"blocked: {reason}" if reason else "blocked"
    if any(row.digest == digest for row in blocks):
        return Standing(subject, "rejected", BLOCKED, why)
    return Standing(subject, "pending", BLOCKED, f"changed since it was {why}")


def _latest(rows: Iterable[Statement]) -> list[Statement]:
    """Of each key the statements with its highest sequence."""
    rows = list(rows)
    highest: dict[str, int] = {}
    for row in rows:
        highest[row.key] = max(row.sequence, highest.get(row.key, 0))
    return [row for row in rows if row.sequence == highest[row.key]]


def _weigh(subject: str, digests: frozenset[str], rows: list[Statement], examined: Examined, role: Role | None, at: str) -> Standing:
    if not rows:
        return Standing(subject, "pending", "CASK-L003", "not approved yet")
    if role is None or examined.chain is None:
        return Standing(subject, "pending", "CASK-L003", "the trust root says nobody may approve it")
    present = [row for row in rows if row.digest in digests]
    if not present:
        return Standing(subject, "pending", "CASK-L003", "changed since it was approved")
    counting = [row for row in present if row.key in role.keys and row.key in examined.chain.current.keys]
    live = [row for row in counting if row.not_after is None or at <= row.not_after]
    names = tuple(sorted({examined.chain.current.keys[row.key].name for row in live}))
    have, once, need = len({row.key for row in live}), len({row.key for row in counting}), role.threshold
    if have >= need:
        return Standing(subject, "approved", approved_by=names, expires=_end(live, need))
    if once >= need:
        ended = min(row.not_after for row in counting if row.not_after and row not in live)
        return Standing(subject, "expired", "CASK-L009", f"the approval expired at {ended}", names)
    what = f"{have} of {need} signatures" if have or need > 1 else "approved by a key that may not, or may no longer, approve it"
    return Standing(subject, "pending", "CASK-L003", what, names)


def _end(live: Iterable[Statement], need: int) -> str | None:
    """When fewer keys than are needed will be left; None if that many never end."""
    last: dict[str, str] = {}
    for row in live:
        last[row.key] = max(last.get(row.key, ""), row.not_after or FOREVER)
    end = sorted(last.values(), reverse=True)[need - 1]
    return None if end == FOREVER else end
