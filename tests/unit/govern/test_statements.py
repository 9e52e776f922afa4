"""What statements are worth: sequence, block, threshold, expiry, revoked keys, the pin."""

import pytest

from caskmcp import canon
from caskmcp.govern import lockfile, sign, statements, trust
from caskmcp.govern.lockfile import ReadLock
from caskmcp.govern.sign import Signer
from caskmcp.model.statement import Lock, Signed, Statement
from caskmcp.model.trust import Pin, Role
from tests.support import packs
from tests.support.packs import EARLIER, ROOT, T1, T2, U1
from tests.support.world import NOON

A = canon.digest("a")
B = canon.digest("b")
PAIR = packs.root(T1, T2)


def said(by: Signer | None = T1, **changes: object) -> Signed:
    fields = {
        "toolpack": "shop", "subject": "tool:r", "digest": A, "basis": "traffic", "verdict": "allow", "key": by.id if by else "",
        "sequence": 1, "issued_at": EARLIER, "root_version": 1, **changes,
    }  # fmt: skip
    statement = Statement.model_validate(fields)
    return sign.sign_statement(by, statement) if by else Signed(statement=statement)


def block(by: Signer | None = None, **changes: object) -> Signed:
    return said(by, verdict="block", **changes)


def standing(
    *rows: Signed, digest: str = A, need: int = 1, pin: Pin | None = None, at: str = NOON, roots: tuple[bytes, ...] | None = None
) -> statements.Standing:
    chain = trust.chain(roots or (packs.root_bytes(sign.sign_root(PAIR, T1)),), "shop")
    lock = ReadLock(Lock(toolpack="shop", subjects={"tool:r": rows} if rows else {}))
    examined = statements.examine(lock, chain)
    role = Role(keys=(T1.id, T2.id), threshold=need)
    return statements.judge("tool:r", digest, examined, role, pin, examined.instant(at))


# ---------------------------------------------------------------- one key
def test_without_a_statement_a_subject_waits() -> None:
    assert standing() == statements.Standing("tool:r", "pending", "CASK-L003", "not approved yet")


def test_an_approval_of_the_present_content_counts() -> None:
    assert standing(said()) == statements.Standing("tool:r", "approved", approved_by=("t1",))


def test_an_approval_of_other_content_does_not() -> None:
    assert standing(said(), digest=B).reason == "changed since it was approved"


def test_the_newest_statement_of_a_key_counts() -> None:
    assert standing(said(), said(digest=B, sequence=2)).status == "pending"
    assert standing(said(), said(digest=B, sequence=2), digest=B).status == "approved"


# ---------------------------------------------------------------- blocks
def test_a_block_voids_approvals_of_equal_or_lower_sequence() -> None:
    assert standing(said(sequence=3), block(sequence=3)).status == "rejected"
    assert standing(said(sequence=2), block(sequence=3)).status == "rejected"
    assert standing(said(sequence=4), block(sequence=3)).status == "approved"


def test_a_block_counts_whoever_made_it() -> None:
    assert standing(said(), block(T2, sequence=2)).status == "rejected"


def test_other_content_than_what_was_blocked_waits_and_what_was_approved_before_stays_void() -> None:
    found = standing(said(), block(sequence=2, digest=B, reason="leaks names"))
    assert (found.status, found.code, found.reason) == ("pending", "CASK-L008", "changed since it was blocked: leaks names")
    assert standing(said(), block(sequence=2, digest=A), block(sequence=3, digest=B)).status == "rejected", "it was blocked as it is, once"


def test_a_block_says_why() -> None:
    assert standing(block(sequence=2, reason="leaks names")).reason == "blocked: leaks names"
    assert standing(block(sequence=2)).code == "CASK-L008"
    assert standing(said(reason="fine"), block(sequence=1, reason="early"), block(sequence=2)).reason == "blocked"


def test_one_newer_approval_of_two_leaves_a_blocked_subject_waiting() -> None:
    found = standing(said(T2, sequence=1), block(sequence=2), said(T1, sequence=3), need=2)
    assert (found.status, found.reason) == ("pending", "1 of 2 signatures")


def test_a_block_whose_signature_was_broken_makes_the_subject_invalid_and_not_free() -> None:
    signed = block(T2, sequence=5)
    broken = signed.model_copy(update={"statement": signed.statement.model_copy(update={"sequence": 1})})
    assert standing(said(sequence=3), broken).status == "invalid"


def test_an_approval_without_a_signature_makes_the_subject_invalid() -> None:
    assert standing(said(None)).reason == "it is not signed"
    stripped = said().model_copy(update={"signature": ""})
    assert standing(stripped).status == "invalid"


def test_a_block_that_names_a_key_needs_its_signature() -> None:
    found = standing(said(sequence=3), block(T2, sequence=5).model_copy(update={"signature": ""}))
    assert (found.status, found.reason) == ("invalid", "the signature of t2 does not hold")
    named_nobody = block(sequence=5).model_copy(update={"signature": "AA=="})
    assert standing(said(sequence=3), named_nobody).status == "invalid"


# ---------------------------------------------------------------- threshold
def test_statements_of_different_keys_add_up() -> None:
    assert standing(said(T1), need=2).reason == "1 of 2 signatures"
    assert standing(said(T1), said(T2, sequence=2), need=2).approved_by == ("t1", "t2")


def test_the_highest_sequence_there_is_still_counts() -> None:
    assert standing(said(sequence=2**53 - 1)).status == "approved"


def test_where_none_of_two_is_left_it_says_so() -> None:
    assert standing(said(T1, not_after=EARLIER), need=2).reason == "0 of 2 signatures"


def test_statements_of_one_key_do_not_add_up() -> None:
    assert standing(said(T1), said(T1, sequence=2), said(T1, sequence=2, reason="again"), need=2).status == "pending"


def test_statements_on_different_content_do_not_add_up() -> None:
    assert standing(said(T1), said(T2, digest=B, sequence=2), need=2).status == "pending"


def test_a_key_outside_the_role_counts_for_nothing() -> None:
    roots = (packs.root_bytes(sign.sign_root(packs.root(T1, U1), T1)),)
    assert standing(said(U1), roots=roots).reason == "approved by a key that may not, or may no longer, approve it"


# ---------------------------------------------------------------- expiry and the clock
def test_an_approval_ends_after_its_last_second() -> None:
    assert standing(said(not_after=NOON)).expires == NOON
    found = standing(said(not_after=NOON), at="2026-11-21T12:00:01Z")
    assert (found.status, found.code, found.reason) == ("expired", "CASK-L009", "the approval expired at 2026-11-21T12:00:00Z")


def test_the_first_of_several_ends_is_shown() -> None:
    found = standing(said(T1, not_after="2027-01-01T00:00:00Z"), said(T2, sequence=2, not_after="2026-12-01T00:00:00Z"), need=2)
    assert found.expires == "2026-12-01T00:00:00Z"


def test_a_clock_set_back_revives_nothing_that_ended_before_the_newest_signature() -> None:
    ended = said(T1, not_after="2026-11-20T10:00:00Z")
    witness = said(T2, sequence=2, digest=B, issued_at="2026-11-21T08:00:00Z")
    assert standing(ended, at="2026-11-20T09:30:00Z").status == "approved"
    assert standing(ended, witness, at="2026-11-20T09:30:00Z").status == "expired"


def test_a_stranger_cannot_move_the_clock() -> None:
    late = said(U1, subject="tool:x", issued_at="2099-01-01T00:00:00Z")
    chain = trust.chain((packs.root_bytes(sign.sign_root(PAIR, T1)),), "shop")
    examined = statements.examine(ReadLock(Lock(toolpack="shop", subjects={"tool:x": (late,)})), chain)
    assert examined.instant(NOON) == NOON


@pytest.mark.parametrize("field", ["issued_at", "not_after"])
@pytest.mark.parametrize(
    "value", ["", "tomorrow", "2026-11-21", "2026-11-21T12:00:00+02:00", "99999-01-01T00:00:00Z", "2026-11-21T12:00:00.5Z"]
)
def test_a_time_of_another_form_makes_the_subject_invalid(field: str, value: str) -> None:
    assert standing(said(**{field: value})).status == "invalid"


# ---------------------------------------------------------------- what does not hold
@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (said(toolpack="other"),        "it is a statement on the toolpack other"),
        (said(subject="tool:x"),        "it is a statement on tool:x"),
        (said(sequence=0),              "its sequence is out of range"),
        (said(sequence=-1),             "its sequence is out of range"),
        (said(sequence=2**53),          "its sequence is out of range"),
        (said(root_version=2),          "it names version 2 of the trust root, which is not here"),
        (said(root_version=0),          "it names version 0 of the trust root, which is not here"),
        (said(schema="caskmcp/statement/2"), "its schema is caskmcp/statement/2"),
    ],
)  # fmt: skip
def test_a_statement_on_something_else_makes_the_subject_invalid(row: Signed, reason: str) -> None:
    found = standing(row)
    assert (found.status, found.code, found.reason) == ("invalid", "CASK-L004", reason)


def test_a_statement_by_an_unknown_key_makes_the_subject_invalid() -> None:
    assert standing(said(U1)).reason == f"the trust root does not know the key {U1.id[:19]}…"
    assert standing(said(T1), said(U1, sequence=2)).status == "invalid"


@pytest.mark.parametrize("field", ["digest", "basis", "reason", "sequence", "issued_at", "not_after", "key", "verdict", "receipts"])
def test_each_field_of_a_statement_is_covered_by_its_signature(field: str) -> None:
    values = {
        "digest": B,
        "basis": "spec",
        "reason": "x",
        "sequence": 2,
        "issued_at": NOON,
        "not_after": NOON,
        "key": T2.id,
        "verdict": "block",
        "receipts": B,
    }
    row = said()
    assert standing(row.model_copy(update={"statement": row.statement.model_copy(update={field: values[field]})})).status == "invalid"


# ---------------------------------------------------------------- revoked keys
def revoked() -> tuple[bytes, ...]:
    return tuple(map(packs.root_bytes, (sign.sign_root(PAIR, T1), sign.sign_root(packs.root(T2, version=2), T1))))


def test_the_approvals_of_a_revoked_key_wait_again() -> None:
    found = standing(said(T1), roots=revoked())
    assert (found.status, found.reason) == ("pending", "approved by a key that may not, or may no longer, approve it")


def test_the_blocks_of_a_revoked_key_still_hold() -> None:
    assert standing(said(T2), block(T1, sequence=2), roots=revoked()).status == "rejected"


def test_approvals_of_the_keys_that_stay_survive_a_new_root() -> None:
    assert standing(said(T2), roots=revoked()).status == "approved"


# ---------------------------------------------------------------- the pin
def pin(**keys: int) -> Pin:
    ids = {"t1": T1.id, "t2": T2.id, "u1": U1.id}
    return packs.pin_of(ROOT, sequences={"tool:r": {ids[name]: value for name, value in keys.items()}})


def test_a_statement_older_than_one_seen_takes_the_subject_away() -> None:
    found = standing(said(sequence=2), pin=pin(t1=3))
    assert (found.code, found.reason) == ("CASK-T004", "a statement of t1 with sequence 3 was seen here, the lock has 2")
    assert standing(said(sequence=3), pin=pin(t1=3)).status == "approved"


def test_a_statement_that_was_seen_and_is_gone_takes_the_subject_away() -> None:
    assert standing(said(T2, sequence=2), pin=pin(t1=3)).code == "CASK-T004"


def test_a_subject_without_any_statement_left_waits() -> None:
    assert standing(pin=pin(t1=3)).code == "CASK-L003"


def test_what_was_seen_of_a_revoked_key_is_forgotten() -> None:
    assert standing(said(T2, sequence=2), pin=pin(t1=9), roots=revoked()).status == "approved"


# ---------------------------------------------------------------- the whole lock
def test_the_highest_sequence_counts_sound_signatures_of_present_keys_alone() -> None:
    rows = {
        "tool:r": (said(T1, sequence=4),),
        "tool:x": (said(U1, sequence=50, subject="tool:x"),),
        "tool:y": (block(sequence=60, subject="tool:y"),),
        "tool:z": (said(T2, sequence=5, subject="tool:z").model_copy(update={"signature": "AA=="}),),
    }
    chain = trust.chain((packs.root_bytes(sign.sign_root(PAIR, T1)),), "shop")
    examined = statements.examine(ReadLock(Lock(toolpack="shop", subjects=rows)), chain)
    assert examined.highest == 4
    assert examined.sequences == {"tool:r": {T1.id: 4}}
    assert sorted(examined.problems) == ["tool:x", "tool:z"]


def test_a_subject_that_cannot_be_read_is_invalid_with_its_line() -> None:
    data = b'schema: caskmcp/lock/1\ntoolpack: shop\nsubjects:\n  "tool:r":\n  - nothing: 1\n'
    examined = statements.examine(lockfile.read(data, "shop"), None)
    assert examined.problems["tool:r"].startswith("caskmcp.lock.yaml:4: unknown key `nothing`")


@pytest.mark.parametrize("when", ["2026-99-99T99:99:99Z", "2026-02-30T00:00:00Z", "2026-11-21 12:00:00Z", ""])
def test_a_time_that_does_not_exist_spoils_its_statement_and_nothing_else(when: str) -> None:
    assert standing(said(not_after=when)).reason == "its expiry is no time"
    assert standing(said(issued_at=when)).reason == "its time of issue is no time"
