"""The lock as a file: what is refused whole, what spoils one subject, and how it is written."""

import pytest
import yaml

from caskmcp import canon, text
from caskmcp.errors import CaskError
from caskmcp.govern import lockfile
from caskmcp.govern.lockfile import ReadLock
from caskmcp.model.statement import Lock
from tests.support import packs
from tests.support.packs import T1, T2

FILES = packs.approve(packs.approved_pack(), "tool:r", by=T2, sequence=2)
DATA = FILES.lock or b""


def refused(data: bytes) -> CaskError:
    with pytest.raises(CaskError) as caught:
        lockfile.read(data, "shop")
    return caught.value


def test_what_was_written_reads_back_the_same() -> None:
    lock = lockfile.read(DATA, "shop")
    assert lockfile.dump(lock) == DATA
    assert lock.digest == canon.digest(text.parse_yaml(DATA, "lock").value)


def test_subjects_are_sorted_and_each_is_one_block() -> None:
    starts = [line for line in DATA.decode().splitlines() if line.startswith("  ") and not line.startswith(("   ", "  -"))]
    assert starts == ['  "auth:api.example.com":', '  "env:local":', "  policy:", '  "tool:r":', '  "tool:w":']


def test_two_people_who_approve_different_tools_change_different_lines() -> None:
    base = packs.with_roots(packs.pack_files(), packs.sign.sign_root(packs.root(T1, T2), T1))
    ours, theirs = packs.approve(base, "tool:r"), packs.approve(base, "tool:w", by=T2)
    both = packs.approve(ours, "tool:w", by=T2)
    block = (theirs.lock or b"").split(b'  "tool:w":', 1)[1].split(b"toolpack:", 1)[0]
    assert b'  "tool:w":' + block in (both.lock or b"")


def test_an_ordinary_yaml_reader_sees_the_same_values() -> None:
    assert yaml.safe_load(DATA) == text.parse_yaml(DATA, "lock").value


def test_statements_stand_by_sequence_then_key_whatever_order_they_came_in() -> None:
    lock = lockfile.read(DATA, "shop")
    rows = lock.lock.subjects["tool:r"]
    assert [row.statement.sequence for row in rows] == [1, 2]
    assert lockfile.dump(lockfile.replaced(lock, "tool:r", reversed(rows))) == DATA


def test_no_lock_is_an_empty_one() -> None:
    lock = lockfile.read(None, "shop")
    assert lock.subjects == ()
    assert lock.digest == canon.digest(None)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"null\n",
        b"[]\n",
        b"\xff",
        b"a: 1\na: 2\n",
        b"schema: caskmcp/lock/1\n",
        b"schema: caskmcp/lock/1\nsubjects: {}\ntoolpack: other\n",
        b"schema: caskmcp/lock/1\nsubjects: []\ntoolpack: shop\n",
        b"schema: caskmcp/lock/1\nsubjects: {}\ntoolpack: shop\nstatus: approved\n",
        b"schema: caskmcp/lock/1\nsubjects: &a {b: *a}\ntoolpack: shop\n",
        b"schema: caskmcp/lock/1\nsubjects: {a: 1e999}\ntoolpack: shop\n",
        b"schema: caskmcp/lock/1\nsubjects: {a: {$int: '1'}}\ntoolpack: shop\n",
        DATA[: len(DATA) // 2] + b"\t",
        DATA + DATA,
    ],
)
def test_a_lock_that_cannot_be_read_as_a_whole_is_refused(data: bytes) -> None:
    assert (refused(data).code, refused(data).exit) == ("CASK-L001", 4)


def test_another_version_of_the_lock_names_the_mend() -> None:
    error = refused(DATA.replace(b"caskmcp/lock/1", b"caskmcp/lock/2"))
    assert (error.code, error.mend) == ("CASK-I008", "pip install --upgrade caskmcp")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"verdict: allow", b"verdict: yes"),
        (b"kind: approval", b"kind: consent"),
        (b"sequence: 2", b"sequence: two"),
        (b"sequence: 2", b"sequence: 2.0"),
        (b"reason:", b"algorithm: none\n      reason:"),
        (b"signature:", b"alg: none\n    signature:"),
    ],
)
def test_a_statement_of_a_wrong_form_spoils_its_subject_alone(old: bytes, new: bytes) -> None:
    start = DATA.index(b'"tool:r"')
    place = DATA.rindex(old) if old == b"sequence: 2" else DATA.index(old, start)
    lock = lockfile.read(DATA[:place] + new + DATA[place + len(old) :], "shop")
    assert list(lock.broken) == ["tool:r"]
    assert lock.broken["tool:r"].place.startswith("caskmcp.lock.yaml:")
    assert sorted(lock.lock.subjects) == ["auth:api.example.com", "env:local", "policy", "tool:w"]


@pytest.mark.parametrize("rows", ["[]", "{}", "1", "null", "[1]", "[[]]"])
def test_a_subject_without_a_list_of_statements_is_broken(rows: str) -> None:
    data = f"schema: caskmcp/lock/1\ntoolpack: shop\nsubjects:\n  policy: {rows}\n".encode()
    assert list(lockfile.read(data, "shop").broken) == ["policy"]


def test_a_broken_subject_is_kept_as_it_stands_when_the_lock_is_written_again() -> None:
    data = DATA.replace(b"verdict: allow", b"verdict: yes", 1)
    lock = lockfile.read(data, "shop")
    again = lockfile.read(lockfile.dump(lockfile.replaced(lock, "tool:w", ())), "shop")
    assert again.broken["auth:api.example.com"].raw == lock.broken["auth:api.example.com"].raw
    assert "tool:w" not in again.subjects


def test_a_subject_without_statements_is_not_written() -> None:
    empty = lockfile.dump(ReadLock(Lock(toolpack="shop", subjects={"policy": ()})))
    assert text.parse_yaml(empty, "lock").value == {"schema": "caskmcp/lock/1", "toolpack": "shop", "subjects": {}}
    assert lockfile.read(empty, "shop").subjects == ()
