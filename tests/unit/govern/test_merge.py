"""Two locks that grew from one: what both sides said is kept, no block is lost, and nothing is approved that one side alone would not have."""

from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caskmcp.errors import CaskError
from caskmcp.govern import lockfile, merge, sign, statements, trust
from caskmcp.govern.lockfile import ReadLock
from caskmcp.model.statement import Lock, Signed, Statement
from caskmcp.model.trust import Approver
from tests.support import packs
from tests.support.packs import EARLIER, ID, T1, T2

A, B = "sha256:" + "a" * 64, "sha256:" + "b" * 64
ROOT = packs.root(T1, T2)
CHAIN = trust.Chain((ROOT,), trust.root_digest(ROOT))
R, X = "tool:r", "tool:x"


def said(subject: str, by: sign.Signer | None, *, sequence: int = 1, verdict: str = "allow", digest: str = A) -> Signed:
    row = Statement.model_validate(
        {
            "toolpack": ID, "subject": subject, "digest": digest, "basis": "traffic", "verdict": verdict, "key": by.id if by else "",
            "sequence": sequence, "issued_at": EARLIER, "root_version": 1,
        }
    )  # fmt: skip
    return sign.sign_statement(by, row) if by else Signed(statement=row)


def lock(*rows: Signed) -> ReadLock:
    by: dict[str, tuple[Signed, ...]] = {}
    for row in rows:
        by[row.statement.subject] = (*by.get(row.statement.subject, ()), row)
    return ReadLock(Lock(toolpack=ID, subjects={subject: lockfile.in_order(group) for subject, group in sorted(by.items())}))


def rows(found: ReadLock) -> set[Signed]:
    return {row for group in found.lock.subjects.values() for row in group}


def status(found: ReadLock, subject: str, digest: str = A, *, need: int = 1) -> str:
    examined = statements.examine(found, CHAIN)
    return statements.judge(subject, digest, examined, Approver(keys=(T1.id, T2.id), threshold=need), None, EARLIER).status


def merged(base: Iterable[Signed], ours: Iterable[Signed], theirs: Iterable[Signed]) -> ReadLock:
    return merge.merged(lock(*base), lock(*ours), lock(*theirs))


# ---------------------------------------------------------------- approvals
def test_two_people_who_approved_different_tools_both_did() -> None:
    found = merged([], [said(R, T1)], [said(X, T2)])
    assert (status(found, R), status(found, X)) == ("approved", "approved")


def test_two_signatures_on_one_tool_add_up_to_its_threshold() -> None:
    one, other = [said(R, T1, sequence=5)], [said(R, T2, sequence=5)]
    assert (status(lock(*one), R, need=2), status(lock(*other), R, need=2)) == ("pending", "pending")
    assert status(merged([], one, other), R, need=2) == "approved"


def test_what_one_side_replaced_or_dropped_does_not_come_back() -> None:
    old, new = said(R, T1), said(R, T1, sequence=4, digest=B)
    assert rows(merged([old], [new], [old])) == {new}
    assert rows(merged([old, said(X, T1)], [old], [old, said(X, T1)])) == {old}


def test_what_one_side_dropped_and_the_other_approved_again_is_kept() -> None:
    old, again = said(X, T1), said(X, T2, sequence=3)
    assert rows(merged([old], [], [old, again])) == {again}


def test_one_key_on_both_sides_counts_with_its_newest_statement() -> None:
    found = merged([], [said(R, T1, sequence=2)], [said(R, T1, sequence=3, digest=B)])
    assert (status(found, R, A), status(found, R, B)) == ("pending", "approved")


def test_two_statements_of_one_key_with_one_sequence_stand_in_an_order_of_their_own() -> None:
    one, other = said(R, T1), said(R, T1, digest=B)
    wanted = lockfile.dump(merged([], [one], [other]))
    assert wanted == lockfile.dump(merged([], [other], [one]))
    assert wanted.index(A.encode()) < wanted.index(B.encode())


# ---------------------------------------------------------------- blocks
def test_a_block_of_one_side_is_kept_whatever_the_other_did() -> None:
    block = said(R, None, sequence=2, verdict="block")
    assert block in rows(merged([said(R, T1)], [said(R, T1), block], [said(R, T1)]))
    assert block in rows(merged([said(R, T1), block], [said(R, T1)], [said(R, T1), block])), "even where one side dropped it"


@pytest.mark.parametrize("by", [None, T2])
def test_a_block_is_not_overruled_by_an_approval_that_had_not_seen_it(by: sign.Signer | None) -> None:
    start, block, later = said(R, T1), said(R, by, sequence=2, verdict="block"), said(R, T1, sequence=9)
    found = merged([start], [start, block], [later])
    assert status(found, R) == "rejected"
    plain = lock(*(rows(found) - {row for row in rows(found) if row.statement.sequence == 9 and row.statement.verdict == "block"}))
    assert status(plain, R) == "approved", "without the raised block the sequence of another branch would decide"


def test_an_approval_that_had_seen_the_block_lifts_it() -> None:
    start, block = said(R, T1), said(R, None, sequence=2, verdict="block")
    lifted = said(R, T1, sequence=3)
    assert status(merged([start, block], [start, block], [block, lifted]), R) == "approved"


# ---------------------------------------------------------------- always
STATEMENTS = st.builds(
    said,
    st.sampled_from([R, X, "policy"]),
    st.sampled_from([T1, T2]),
    sequence=st.integers(1, 6),
    verdict=st.sampled_from(["allow", "allow", "block"]),
    digest=st.sampled_from([A, B]),
)
SIDES = st.lists(STATEMENTS, max_size=5, unique=True)


@settings(max_examples=20)
@given(base=SIDES, ours=SIDES, theirs=SIDES)
def test_the_sides_may_be_exchanged_and_no_block_is_lost(base: list[Signed], ours: list[Signed], theirs: list[Signed]) -> None:
    found = merged(base, ours, theirs)
    assert lockfile.dump(found) == lockfile.dump(merged(base, theirs, ours))
    assert {row for row in (*ours, *theirs) if row.statement.verdict == "block"} <= rows(found)
    assert {row for row in rows(found) if row.signature} <= {*ours, *theirs}, "nothing signed comes from elsewhere"
    assert lockfile.read(lockfile.dump(found), ID).broken == {}


@settings(max_examples=20)
@given(base=SIDES, ours=SIDES)
def test_a_side_that_changed_nothing_changes_nothing(base: list[Signed], ours: list[Signed]) -> None:
    blocks = {row for row in base if row.statement.verdict == "block"}
    assert rows(merged(base, ours, base)) == {*ours} | blocks


@settings(max_examples=20)
@given(base=SIDES, ours=SIDES, theirs=SIDES)
def test_nothing_is_approved_that_neither_side_would_serve(base: list[Signed], ours: list[Signed], theirs: list[Signed]) -> None:
    found = merged(base, ours, theirs)
    for subject in (R, X, "policy"):
        for digest in (A, B):
            if status(found, subject, digest) == "approved":
                assert "approved" in {status(lock(*side), subject, digest) for side in (base, ours, theirs)}


# ---------------------------------------------------------------- refused
def test_a_subject_that_cannot_be_read_on_any_side_is_not_merged() -> None:
    good = lockfile.dump(lock(said(R, T1)))
    bad = lockfile.read(good.replace(b"sequence: 1", b"sequence: one"), ID)
    for sides in ((bad, lock(), lock()), (lock(), bad, lock()), (lock(), lock(), bad)):
        with pytest.raises(CaskError) as caught:
            merge.merged(*sides)
        assert (caught.value.code, "the statements on tool:r cannot be read" in caught.value.what) == ("CASK-L004", True)
