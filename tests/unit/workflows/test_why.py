"""`cask why`: a decision of the record, told with its rule, its mend, who can approve, and what the tool rests on."""

from pathlib import Path

import pytest

from caskmcp import canon
from caskmcp.cli.main import main
from caskmcp.errors import CODES, CaskError
from caskmcp.govern import lockfile
from caskmcp.model.artifact import Coverage, OperationCoverage
from caskmcp.model.decision import Decision
from caskmcp.report.text import WIDEST
from caskmcp.runtime.gateway import STEPS
from caskmcp.workflows import why
from tests.support import packs
from tests.support.audited import decided, journal
from tests.support.world import world

ID = f"{1:016x}"


def laid(folder: Path) -> str:
    """An approved toolpack in a project; the digest of its lock."""
    files = packs.approved_pack()
    packs.write(files, folder / ".caskmcp")
    return str(lockfile.read(files.lock, "shop").digest)


def record(folder: Path, decision: Decision, **more: object) -> None:
    of_shop = journal(folder / ".caskmcp/state/audit")
    of_shop.append(decided(1, decision=decision, **more), durable=False)
    of_shop.close()


def told(folder: Path) -> dict[str, str]:
    return {row["what"]: row["says"] for row in why.run(world(folder), ID).tables["why"]}


ASKED = Decision(verdict="confirm", step="confirmation", rule="ask-for-w", code="CASK-R005")


def test_a_call_that_waits_names_rule_mend_people_and_signer(tmp_path: Path) -> None:
    record(tmp_path, ASKED, lock=laid(tmp_path), tool="w", extra={"challenge": "c77"})
    says = told(tmp_path)
    assert says["decided"] == "confirm for `w`, asked by stdio at 2026-11-21T12:00:00Z"
    assert says["step"].startswith("confirmation ")
    assert says["policy"] == "rule ask-for-w: confirm (money)"
    assert says["order"] == "row 2 of 4: the first that fits, since these before it do not: never-at-night"
    assert says["code"] == "CASK-R005: A person has to confirm this call"
    assert says["means"] == CODES["CASK-R005"].why
    assert says["mend"].startswith("a confirmer can grant the challenge")
    assert says["command"] == "cask confirm grant c77"
    assert says["approved"].startswith("approved, signed by t1; its content is sha256:")
    assert (says["approvers"], says["confirmers"]) == ("t1 (1 needed)", "t1 (1 needed)")
    assert "since" not in says


def test_a_tool_that_nobody_approved_says_what_to_look_at(tmp_path: Path) -> None:
    record(tmp_path, Decision(verdict="deny", step="listed", rule="CASK-R001", code="CASK-R001"), lock=laid(tmp_path), tool="x")
    says = told(tmp_path)
    assert (says["command"], says["approved"].split(";")[0]) == ("cask gate status", "pending")
    assert says["approvers"] == "t1 (1 needed)"


def test_a_lock_that_changed_since_and_a_tool_that_is_gone_are_said(tmp_path: Path) -> None:
    laid(tmp_path)
    record(tmp_path, ASKED, lock="sha256:of-yesterday", tool="gone")
    says = told(tmp_path)
    assert says["since"] == "the lock has changed since: what follows is what holds now"
    assert says["tool"] == "shop has no tool of that name"
    assert "approvers" not in says


def test_without_a_toolpack_the_record_is_told_all_the_same(tmp_path: Path) -> None:
    record(tmp_path, ASKED)
    says = told(tmp_path)
    assert says["rule"] == "ask-for-w"
    assert says["toolpack"].startswith("not at hand")


def test_a_call_of_another_toolpack_is_not_explained_by_this_one(tmp_path: Path) -> None:
    laid(tmp_path)
    record(tmp_path, ASKED, toolpack="bank")
    assert told(tmp_path)["toolpack"] == "the call went to bank; this is shop: --toolpack names another"


def test_an_allowed_call_names_its_rule_and_no_mend(tmp_path: Path) -> None:
    record(tmp_path, Decision(verdict="allow", step="policy", rule="allow-calm"), lock=laid(tmp_path), tool="r", status=200)
    says = told(tmp_path)
    assert says["policy"] == "rule allow-calm: allow"
    assert {"code", "mend", "command"} & set(says) == set()


def test_rule_signer_and_the_parts_of_the_observations_are_named(tmp_path: Path) -> None:
    record(tmp_path, ASKED, lock=laid(tmp_path), tool="w")
    pack = packs.write(packs.approved_pack(), tmp_path / ".caskmcp")
    operation = packs.W.operation
    coverage = Coverage(operations={operation: OperationCoverage(parts={"sha256:ab": 3})})
    pack.artifact("coverage.json").write_bytes(canon.pretty(coverage.model_dump(mode="json", by_alias=True)))
    says = told(tmp_path)
    assert says["evidence"] == f"{operation} in sha256:ab; `cask explain` tells more"
    assert (says["policy"], says["approved"].split(";")[0]) == ("rule ask-for-w: confirm (money)", "approved, signed by t1")
    pack.artifact("coverage.json").write_text("{")
    assert "evidence" not in told(tmp_path)


def test_every_line_of_a_call_is_shown_with_its_digest(tmp_path: Path) -> None:
    of_shop = journal(tmp_path / ".caskmcp/state/audit")
    of_shop.append(decided(1, tool="w", extra={"phase": "sending"}), durable=True)
    of_shop.append(decided(1, tool="w", status=201), durable=True)
    rows = why.run(world(tmp_path), ID).tables["lines"]
    assert [(row["more"], row["status"]) for row in rows] == [("phase=sending", 0), ("", 201)]
    assert all(row["digest"].startswith("sha256:") for row in rows)


def test_an_id_that_is_not_on_record_is_bad_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record(tmp_path, ASKED)
    with pytest.raises(CaskError, match="no decision with the id `nope` is on record"):
        why.run(world(tmp_path), "nope")
    monkeypatch.chdir(tmp_path)
    assert main(["why", "nope"]) == 3
    assert main(["why", ID]) == 0


def test_each_code_that_can_end_a_call_has_a_way_and_a_command(tmp_path: Path) -> None:
    codes = {code for step in STEPS for code in step.codes} | {"CASK-R006", "CASK-R011"}
    assert set(why._WAYS) == set(why._MENDS) == codes
    for code in sorted(codes):
        folder = tmp_path / code
        record(folder, ended(code), tool="a b", extra={"challenge": "c 1"})
        says = told(folder)
        assert 0 < len(says["mend"]) <= WIDEST, "the text form cuts what is longer"
        assert says["command"].startswith("cask ")
        assert "{" not in says["command"]


def ended(code: str) -> Decision:
    return Decision(verdict="deny", step="x", rule=code, code=code)
