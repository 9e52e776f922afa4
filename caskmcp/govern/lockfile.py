"""`caskmcp.lock.yaml` as bytes: read strictly, written sorted, one subject a block.

A file that cannot be read as a whole is refused as a whole. A statement of a wrong form spoils its own subject alone: that subject is
`broken`, and is kept as it stands when the lock is written again. Whether statements hold is `statements`' to say.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from caskmcp import canon, text
from caskmcp.canon import Digest
from caskmcp.errors import CaskError
from caskmcp.model.statement import LOCK_SCHEMA, Lock, Signed, Statement
from caskmcp.text import Document

NAME: Final = "caskmcp.lock.yaml"
VALUES: Final = 500_000
"""Scalars and collections of a lock: some 15,000 statements. Read in 0.3 GB; without a bound a file of 32 MB takes 6 GB."""
FIELDS: Final = frozenset(field.alias or name for name, field in Statement.model_fields.items())
"""What a statement in the file has to name: all of it, so that what is left out is never taken for a default that was signed."""


@dataclass(frozen=True)
class Broken:
    """A subject with a statement of a wrong form."""

    raw: Any
    """As it stands in the file."""
    problem: str
    place: str


@dataclass(frozen=True)
class ReadLock:
    """A lock that was read."""

    lock: Lock
    broken: Mapping[str, Broken] = field(default_factory=dict)
    digest: Digest = field(default_factory=lambda: canon.digest(None))
    """Of the canonical content; of null without a lock."""

    @property
    def subjects(self) -> tuple[str, ...]:
        """Every subject that the file names, sorted."""
        return tuple(sorted({*self.lock.subjects, *self.broken}))


def read(data: bytes | None, toolpack: str) -> ReadLock:
    """Read a lock; None is an empty one. Raises CASK-L001, and CASK-I008 for another version of the format."""
    if data is None:
        return ReadLock(Lock(toolpack=toolpack))
    try:
        document = text.parse_yaml(data, NAME, values=VALUES)
        digest = canon.digest(document.value)
    except CaskError as cause:
        raise _unreadable(cause.what, cause.place or NAME) from cause
    subjects = _subjects(document, toolpack)
    good: dict[str, tuple[Signed, ...]] = {}
    broken: dict[str, Broken] = {}
    for subject, rows in subjects.items():
        found = _statements(document, subject, rows)
        if isinstance(found, Broken):
            broken[subject] = found
        else:
            good[subject] = found
    return ReadLock(Lock(toolpack=toolpack, subjects=good), broken, digest)


def toolpack_of(data: bytes) -> str:
    """The toolpack that a lock says it is of. Raises CASK-L001."""
    try:
        value = text.parse_yaml(data, NAME, values=VALUES).value
    except CaskError as cause:
        raise _unreadable(cause.what, cause.place or NAME) from cause
    if not isinstance(value, dict) or not isinstance(value.get("toolpack"), str):
        raise _unreadable("it does not say of which toolpack it is", NAME)
    return str(value["toolpack"])


def dump(lock: ReadLock) -> bytes:
    """The lock as a file. Statements are written with all their fields: what is read there is what was signed."""
    rows: dict[str, Any] = {subject: broken.raw for subject, broken in lock.broken.items()}
    for subject, signed in lock.lock.subjects.items():
        if signed:
            rows[subject] = [{"statement": row.statement.payload(), "signature": row.signature} for row in in_order(signed)]
    return text.dump_yaml({"schema": LOCK_SCHEMA, "toolpack": lock.lock.toolpack, "subjects": rows})


def in_order(rows: Iterable[Signed]) -> tuple[Signed, ...]:
    """Statements by sequence, then key."""
    return tuple(sorted(rows, key=lambda row: (row.statement.sequence, row.statement.key)))


def replaced(lock: ReadLock, subject: str, rows: Iterable[Signed]) -> ReadLock:
    """The lock with other statements on one subject, whatever stood there; without any, the subject goes."""
    subjects = {name: kept for name, kept in lock.lock.subjects.items() if name != subject}
    if new := in_order(rows):
        subjects[subject] = new
    broken = {name: kept for name, kept in lock.broken.items() if name != subject}
    return ReadLock(Lock(toolpack=lock.lock.toolpack, subjects=subjects), broken, lock.digest)


def _subjects(document: Document, toolpack: str) -> Mapping[str, Any]:
    value = document.value
    if not isinstance(value, dict) or set(value) != {"schema", "toolpack", "subjects"} or not isinstance(value["subjects"], dict):
        raise _unreadable("expected `schema`, `toolpack` and `subjects`, and nothing else", document.place())
    if value["schema"] != LOCK_SCHEMA:
        what = f"its schema is `{value['schema']}`, this program reads {LOCK_SCHEMA}"
        raise CaskError("CASK-I008", what, place=document.place(("schema",)), mend="pip install --upgrade caskmcp")
    if value["toolpack"] != toolpack:
        raise _unreadable(f"it is the lock of `{value['toolpack']}`, not of {toolpack}", document.place(("toolpack",)))
    return value["subjects"]


def _statements(document: Document, subject: str, rows: Any) -> tuple[Signed, ...] | Broken:
    if not isinstance(rows, list) or not rows:
        return Broken(rows, "expected a list of statements", document.place(("subjects", subject)))
    try:
        signed = in_order([Signed.of(Document(NAME, row, {})) for row in rows])
    except CaskError as cause:
        return Broken(rows, cause.what, document.place(("subjects", subject)))
    if any(set(row) != {"statement", "signature"} or not _is_whole(row["statement"]) for row in rows):
        return Broken(rows, "a statement lacks a field", document.place(("subjects", subject)))
    return signed


def _is_whole(statement: Mapping[str, object]) -> bool:
    """Names every field. Only `receipts` is left out where there are none, as in what is signed; it is never written empty."""
    return set(statement) | {"receipts"} == FIELDS and statement.get("receipts", "some") != ""


def _unreadable(problem: str, place: str) -> CaskError:
    return CaskError("CASK-L001", f"the lock cannot be read: {problem}", place=place, mend=f"git log -p -- '*{NAME}'")
