"""`gate status NAME`: who signed, what each approval rests on, and why a statement does not count; and approvals that end soon."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from caskmcp import canon
from caskmcp.errors import CaskError
from caskmcp.govern import content, offer, pins, sign
from caskmcp.model.finding import Severity
from caskmcp.model.pack import PackFiles
from caskmcp.model.trust import Approver
from caskmcp.ports import World
from caskmcp.workflows import gate, here, steps
from caskmcp.workflows.bench import Bench
from tests.support import packs
from tests.support.packs import SHARED, T1, T2
from tests.support.world import NOON, world

RECEIPTS = "sha256:" + "7" * 64
BOTH = packs.root(T1, T2, approvers=(Approver(keys=(T1.id, T2.id), threshold=2, tiers=("high",)), Approver(keys=(T1.id, T2.id))))


def laid(folder: Path, files: PackFiles, *, root: Any = None) -> World:
    """A world with this pack, its trust root pinned."""
    root = root or packs.ROOT
    files = packs.with_roots(files, sign.sign_root(root, T1)) if not files.roots else files
    packs.write(files, folder / ".caskmcp")
    made = world(folder)
    pins.write(made.files, made.config, packs.pin_of(root))
    return made


def rooted(root: Any) -> PackFiles:
    return packs.with_roots(packs.pack_files(), sign.sign_root(root, T1))


def told(made: World, *names: str) -> dict[str, tuple[dict[str, Any], ...]]:
    return gate.status(made, names).tables


# ---------------------------------------------------------------- what it rests on
@pytest.mark.feature(61)
def test_an_approval_shows_its_basis_receipts_signer_sequence_end_and_reason(tmp_path: Path) -> None:
    files = packs.approve(rooted(packs.ROOT), "tool:r", sequence=4, not_after="2027-02-19T12:00:00Z", reason="PR 7", receipts=RECEIPTS)
    (row,) = told(laid(tmp_path / "p", files), "r")["statements"]
    assert row == {
        "subject": "tool:r",
        "verdict": "allow",
        "by": "t1",
        "counts": True,
        "why_not": "",
        "basis": "traffic",
        "receipts": RECEIPTS,
        "sequence": 4,
        "issued_at": packs.EARLIER,
        "expires": "2027-02-19T12:00:00Z",
        "root_version": 1,
        "digest": packs.statement(files, "tool:r", T1).digest,
        "reason": "PR 7",
    }


def test_one_of_two_signatures_is_said_so(tmp_path: Path) -> None:
    files = packs.approve(rooted(BOTH), "tool:w")
    made = laid(tmp_path / "p", files, root=BOTH)
    assert [(row["status"], row["signatures"]) for row in told(made, "w")["approvals"]] == [("pending", "1 of 2")]
    packs.write(packs.approve(files, "tool:w", by=T2, sequence=2), tmp_path / "p" / ".caskmcp")
    assert [(row["status"], row["signatures"]) for row in told(made, "w")["approvals"]] == [("approved", "2 of 2")]


def test_the_captures_behind_a_tool_are_named_with_the_source_where_that_is_known(tmp_path: Path) -> None:
    made = laid(tmp_path / "p", rooted(packs.ROOT))
    one, other = (f"sha256:{digit * 64}" for digit in "12")
    coverage = {"schema": "caskmcp/coverage/1", "operations": {packs.R.operation: {"parts": {one: 9, other: 0}, "tool": "r"}}}
    here.pack(made).artifact("coverage.json").write_bytes(canon.pretty(coverage))
    assert told(made, "r")["captures"] == (
        {"subject": "tool:r", "part": one, "exchanges": 9, "source": ""},
        {"subject": "tool:r", "part": other, "exchanges": 0, "source": ""},
    )
    given = {"schema": "caskmcp/given/1", "sources": {"har a.har": {"parts": [other, one]}}}
    here.root(made).given.parent.mkdir(parents=True)
    here.root(made).given.write_bytes(canon.pretty(given))
    assert [row["source"] for row in told(made, "r")["captures"]] == ["har a.har", ""]
    assert told(made, "w")["captures"] == ()


def test_an_artifact_that_cannot_be_read_hides_no_signature(tmp_path: Path) -> None:
    made = laid(tmp_path / "p", packs.approve(rooted(packs.ROOT), "tool:r"))
    here.pack(made).artifact("coverage.json").write_text("{")
    assert (told(made, "r")["captures"], len(told(made, "r")["statements"])) == ((), 1)


# ---------------------------------------------------------------- what counts
def why(folder: Path, files: PackFiles, *, root: Any = None, subject: str = "w") -> list[str]:
    return [row["why_not"] for row in told(laid(folder, files, root=root), subject)["statements"]]


def test_each_statement_that_does_not_count_says_why(tmp_path: Path) -> None:
    start, edited = rooted(BOTH), "sha256:" + "0" * 64
    narrow = packs.root(T1, T2, approvers=(Approver(keys=(T1.id,)),))
    cases: dict[str, tuple[PackFiles, Any, list[str]]] = {
        "forged": (packs.approve(start, "tool:w", by=packs.U1), BOTH, ["it does not verify"]),
        "blocked": (packs.block(packs.approve(start, "tool:w"), "tool:w", sequence=2), BOTH, ["a block voided it", "it is a block"]),
        "changed": (packs.approve(start, "tool:w", digest=edited), BOTH, ["it is on other content"]),
        "over": (packs.approve(start, "tool:w", not_after="2026-11-20T10:00:00Z"), BOTH, ["it has expired"]),
        "not theirs": (packs.approve(rooted(narrow), "tool:w", by=T2), narrow, ["the trust root does not let this key approve it"]),
    }
    for name, (files, root, wanted) in cases.items():
        assert (name, why(tmp_path / name, files, root=root)) == (name, wanted)


def test_a_newer_statement_by_the_same_key_is_why_the_older_does_not_count(tmp_path: Path) -> None:
    lock = packs.lock_value(packs.approve(rooted(packs.ROOT), "tool:r"))
    both = packs.approve(rooted(packs.ROOT), "tool:r", sequence=2)
    value = packs.lock_value(both)
    value["subjects"]["tool:r"] = [*lock["subjects"]["tool:r"], *value["subjects"]["tool:r"]]
    assert why(tmp_path / "p", packs.edited_lock(both, value), subject="r") == ["the same key signed a newer one", ""]


def test_what_counts_is_what_the_door_counts(tmp_path: Path) -> None:
    files = packs.approve(packs.approve(rooted(BOTH), "tool:w", *SHARED), "tool:w", "tool:r", by=T2, sequence=2)
    made = laid(tmp_path / "p", packs.block(files, "policy", sequence=3), root=BOTH)
    report = gate.status(made, ("*", "env:*", "auth:*", "policy"))
    counting: dict[str, set[str]] = {}
    for row in report.tables["statements"]:
        counting.setdefault(row["subject"], set()).update({row["by"]} if row["counts"] else set())
    doors = {standing.subject: set(standing.approved_by) for standing in gate.look(made).survey.standings}
    assert {subject: by for subject, by in doors.items() if by} == {subject: by for subject, by in counting.items() if by}
    assert sorted(subject for subject, by in doors.items() if by) == [f"auth:{packs.HOST}", "env:local", "tool:r", "tool:w"]


def test_an_approval_that_covers_less_and_another_name_counts_where_the_trust_root_lets_it(tmp_path: Path) -> None:
    lenient = packs.root(T1).model_copy(update={"auto_narrowing": True})
    files = packs.approve(rooted(lenient), "tool:r", "tool:x", *SHARED)
    made = laid(tmp_path / "p", files, root=lenient)
    for each in offer.parse(files).contents.values():
        content.keep(made.files, here.pack(made), each)
    less = packs.R.model_dump(mode="json", by_alias=True)
    less["input_schema"]["properties"]["state"]["enum"] = ["open"]
    narrower = packs.R.__class__.model_validate_json(json.dumps(less))
    after = packs.pack_files((narrower, packs.W, packs.X.model_copy(update={"name": "other"})))
    for role, name in offer.NAMES.items():
        here.pack(made).artifact(name).write_bytes(getattr(after, role))
    report = gate.status(made, ("r", "other"))
    assert [(row["subject"], row["status"], row["signatures"]) for row in report.tables["approvals"]] == [
        ("tool:other", "approved", "1 of 1"),
        ("tool:r", "approved", "1 of 1"),
    ]
    assert [(row["subject"], row["counts"]) for row in report.tables["statements"]] == [("tool:x", True), ("tool:r", True)]


# ---------------------------------------------------------------- naming
def test_a_name_or_pattern_narrows_the_whole_report(tmp_path: Path) -> None:
    made = laid(tmp_path / "p", packs.approve(rooted(packs.ROOT), "tool:r"))
    report = gate.status(made, ("[rw]", "policy"))
    assert [row["id"] for row in (*report.tables["tools"], *report.tables["shared"])] == ["r", "w", "policy"]
    assert [row.subject for row in report.findings] == ["tool:w", "policy"]
    assert set(gate.status(made).tables) == {"tools", "shared"}, "without a name the report is as it was"
    for name in ("nothing", "nothing_*"):
        with pytest.raises(CaskError) as caught:
            gate.status(made, (name,))
        assert caught.value.code == "CASK-I010"


def test_it_works_without_a_trust_root_and_says_that_nothing_verifies(tmp_path: Path) -> None:
    made = laid(tmp_path / "p", packs.approve(rooted(packs.ROOT), "tool:r"))
    here.pack(made).trust_root(1).unlink()
    tables = told(made, "r")
    assert [row["signatures"] for row in tables["approvals"]] == ["nobody may approve it"]
    assert [row["why_not"] for row in tables["statements"]] == ["it does not verify"]


# ---------------------------------------------------------------- soon
def ending(made: World, at: str) -> list[tuple[str, str]]:
    bench = Bench(replace(made, clock=world(made.cwd, at=at).clock), here.pack(made), None, at)
    return [(row.subject, row.severity.value) for row in steps.lock(bench) if row.code == "CASK-L011"]


@pytest.mark.feature(61)
def test_an_approval_is_listed_a_week_before_it_ends_and_not_a_second_earlier(tmp_path: Path) -> None:
    made = laid(tmp_path / "p", packs.approve(rooted(packs.ROOT), "tool:r", not_after="2026-11-28T12:00:00Z"))
    assert ending(made, "2026-11-21T11:59:59Z") == []
    assert ending(made, NOON) == [("tool:r", "review")]
    assert ending(made, "2026-11-28T12:00:00Z") == [("tool:r", "review")]
    assert ending(made, "2026-11-28T12:00:01Z") == [], "then it has expired, and is told as that"
    (row,) = [row for row in gate.status(made).findings if row.code == "CASK-L011"]
    assert (row.severity, row.message, row.mend) == (Severity.INFO, "the approval of r ends at 2026-11-28T12:00:00Z", "cask gate allow r")


def test_an_end_that_leaves_enough_signatures_is_no_end(tmp_path: Path) -> None:
    soon, later = "2026-11-22T12:00:00Z", "2026-11-24T12:00:00Z"
    once = packs.approve(rooted(packs.root(T1, T2)), "tool:r", not_after=soon)
    made = laid(tmp_path / "p", packs.approve(once, "tool:r", by=T2, sequence=2), root=packs.root(T1, T2))
    assert ending(made, NOON) == []
    two = packs.approve(packs.approve(rooted(BOTH), "tool:w", not_after=soon), "tool:w", by=T2, sequence=2, not_after=later)
    both = laid(tmp_path / "q", two, root=BOTH)
    assert [row["expires"] for row in told(both, "w")["tools"]] == [soon], "two are needed, and one ends first"
