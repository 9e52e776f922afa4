"""`cask diff` on a real build: also in a clone with what git has alone, unpinned, and where the artifacts are gone."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from caskmcp.errors import CaskError
from caskmcp.model.finding import Report
from caskmcp.store.layout import Root
from caskmcp.workflows import block, build, check, diff, gate
from tests.support.world import world
from tests.unit.workflows import test_check, test_gate
from tests.unit.workflows.test_check import widened
from tests.unit.workflows.test_gate import Desk

built = test_gate.built
desk = test_gate.desk
approved = test_check.approved

LOCK = ".caskmcp/toolpacks/shop/lockfile/caskmcp.lock.yaml"
REWORDED = {"Get one order": "Get a single order"}
PENDING = ".caskmcp/toolpacks/shop/lockfile/caskmcp.lock.pending.yaml"


def rebuilt(desk: Desk, edit: dict[str, str]) -> Desk:
    """The spec with words replaced, built again."""
    path = desk.cwd / "shop.yaml"
    spec = path.read_text(encoding="utf-8")
    for old, new in edit.items():
        assert old in spec
        spec = spec.replace(old, new)
    path.write_text(spec, encoding="utf-8")
    build.run(desk.world())
    return desk


def line_of(path: Path, place: str) -> str:
    """The line of a file that a place points at."""
    return path.read_text(encoding="utf-8").split("\n")[int(place.rpartition(":")[2]) - 1]


def changes(report: Report) -> list[tuple[str, str]]:
    return [(row["change"], row["subject"]) for row in report.tables["changes"]]


# ---------------------------------------------------------------- places
def test_what_was_approved_points_at_its_line_of_the_lock(approved: Desk) -> None:
    report = diff.run(rebuilt(approved, {"enum: [open, paid]": "enum: [open, paid, refunded]"}).world())
    (row,) = [row for row in report.findings if row.code == "tool-broadens"]
    assert row.place.startswith(f"{LOCK}:")
    assert "tool:list_orders" in line_of(approved.cwd / LOCK, row.place)


def test_what_nobody_decided_on_points_at_its_line_of_the_pending_lock(desk: Desk) -> None:
    places = {row.subject: row.place for row in diff.run(desk.world()).findings}
    assert {place.rpartition(":")[0] for place in places.values()} == {PENDING}
    assert "refund_payment" in line_of(desk.cwd / PENDING, places["tool:refund_payment"])
    assert "policy" in line_of(desk.cwd / PENDING, places["policy"])


def test_findings_of_check_point_at_lines_of_files_that_are_there(desk: Desk) -> None:
    desk.allow("get_order", "policy")
    rows = check.run(rebuilt(desk, REWORDED).world(), skip=("reproducible",)).findings
    places = {row.subject: row.place for row in rows if row.code == "CASK-L003"}
    assert "tool:get_order" in line_of(desk.cwd / LOCK, places["tool:get_order"])
    assert "list_orders" in line_of(desk.cwd / PENDING, places["tool:list_orders"])
    assert all((desk.cwd / row.place.partition(":")[0]).is_file() for row in rows)


# ---------------------------------------------------------------- words
def test_old_and_new_words_are_told_side_by_side(approved: Desk) -> None:
    report = diff.run(rebuilt(approved, REWORDED).world())
    detail = next(row for row in report.details if row.subject == "tool:get_order" and row.words)
    assert [text for kind, text in detail.words if kind == "old"] == ["one"]
    assert [text for kind, text in detail.words if kind == "new"] == ["a single"]


# ---------------------------------------------------------------- clones
def cloned(desk: Desk, tmp_path: Path) -> Path:
    """What a colleague gets: git's files, another configuration."""
    for arguments in (("init", "-q"), ("add", "-A", "."), ("-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "x")):
        subprocess.run(["git", *arguments], cwd=desk.cwd, check=True, capture_output=True)
    subprocess.run(["git", "clone", "-q", str(desk.cwd), str(tmp_path / "clone")], check=True, capture_output=True)
    return tmp_path / "clone"


@pytest.fixture
def private(approved: Desk) -> Desk:
    """What git does not take, as `init` writes it."""
    (approved.cwd / ".gitignore").write_text(".caskmcp/captures/\n.caskmcp/state/\n.caskmcp/cache/\n.caskmcp/evidence/\n", encoding="utf-8")
    return approved


def test_a_clone_that_accepted_nothing_reads_the_diff_and_is_refused_by_check(private: Desk, tmp_path: Path) -> None:
    clone = cloned(rebuilt(private, REWORDED), tmp_path)
    report = diff.run(world(clone))
    assert report.lines == ("Not checked against a pin: unpinned.",)
    assert report.summary["unpinned"] is True
    assert ("tool-reworded", "tool:get_order") in changes(report)
    assert gate.status(world(clone)).summary["trust"] == "unpinned"
    refused = check.run(world(clone), skip=("reproducible",))
    assert [(row.code, row.mend) for row in refused.findings if row.severity == "refused"] == [("CASK-T001", "cask trust pin")]
    assert refused.exit == 4


def test_a_clone_that_is_told_the_pin_derives_again_and_passes(private: Desk, tmp_path: Path) -> None:
    clone = cloned(private, tmp_path)
    pin = json.loads(next((private.folder / "project-config").rglob("pins/*.json")).read_bytes())["root"]
    report = check.run(world(clone), trust_pin=pin)
    assert test_check.results(report)["reproducible"] == "pass"
    assert report.exit == 0


def without_artifacts(desk: Desk) -> Desk:
    shutil.rmtree(desk.pack.artifacts)
    return desk


def test_without_the_artifacts_nothing_differs_where_the_pending_lock_is_what_was_approved(approved: Desk) -> None:
    report = diff.run(without_artifacts(approved).world())
    assert (report.summary, report.exit) == ({"without_artifacts": True, "changes": 0}, 0)
    assert report.lines == (diff.WITHOUT, "Nothing differs from what was approved.")


def test_without_the_artifacts_what_is_new_and_what_differs_is_told_from_the_pending_lock(desk: Desk) -> None:
    desk.allow("get_order", "list_orders", "policy")
    report = diff.run(without_artifacts(rebuilt(desk, REWORDED)).world())
    found = {row["subject"]: row for row in report.tables["changes"]}
    assert {subject: row["change"] for subject, row in found.items()} == {
        "tool:get_order": "tool-differs",
        "tool:create_order": "tool-added",
        "tool:delete_order": "tool-added",
        "tool:refund_payment": "tool-added",
        "auth:api.shop.example": "shared-added",
        "env:local": "shared-added",
    }
    assert found["tool:refund_payment"]["after"].startswith("POST api.shop.example/")
    assert found["tool:refund_payment"]["risk"] == "high"
    assert report.exit == 2


def test_without_the_artifacts_words_are_told_where_both_contents_were_approved_once(approved: Desk) -> None:
    """The build went back to what was approved first: both contents lie beside the lock."""
    first = (approved.cwd / "shop.yaml").read_text(encoding="utf-8")
    rebuilt(approved, REWORDED).allow("get_order")
    (approved.cwd / "shop.yaml").write_text(first, encoding="utf-8")
    build.run(approved.world())
    report = diff.run(without_artifacts(approved).world())
    assert {row["change"] for row in report.tables["changes"]} == {"tool-reworded"}
    assert any(row.words for row in report.details)


def test_without_the_artifacts_what_a_person_blocked_is_told_by_neither_side(approved: Desk) -> None:
    rebuilt(approved, REWORDED)
    block.block(approved.world(), subjects=("get_order",))
    assert changes(diff.run(without_artifacts(approved).world())) == []


def test_without_the_artifacts_a_pending_lock_that_cannot_be_read_is_refused(approved: Desk) -> None:
    without_artifacts(approved).pack.pending.write_bytes(b"schema: caskmcp/lock-pending/1\ntoolpack: shop\n")
    with pytest.raises(CaskError) as caught:
        diff.run(approved.world())
    assert (caught.value.code, caught.value.exit) == ("CASK-L002", 4)


def test_without_the_artifacts_and_without_a_pending_lock_there_is_no_diff(approved: Desk) -> None:
    without_artifacts(approved).pack.pending.unlink()
    with pytest.raises(CaskError) as caught:
        diff.run(approved.world())
    assert (caught.value.code, caught.value.mend) == ("CASK-L002", "cask build")


def test_without_the_artifacts_check_refuses_and_names_the_mend(approved: Desk) -> None:
    report = check.run(without_artifacts(approved).world(), skip=("reproducible",))
    assert report.exit == 4
    assert {row.mend for row in report.findings if row.code == "CASK-L002"} == {"cask build"}


def test_a_lock_of_another_toolpack_is_no_diff(approved: Desk) -> None:
    lock = Root(approved.cwd / ".caskmcp").pack("shop").lock
    lock.write_bytes(lock.read_bytes().replace(b"toolpack: shop", b"toolpack: other"))
    with pytest.raises(CaskError) as caught:
        diff.run(without_artifacts(approved).world())
    assert caught.value.code == "CASK-L001"


def test_a_diff_of_what_broadens_needs_no_file_beside_the_toolpack(approved: Desk) -> None:
    spec = approved.cwd / "shop.yaml"
    spec.write_text(widened(spec.read_text(encoding="utf-8")), encoding="utf-8")
    build.run(approved.world())
    for name in ("shop.yaml", "cask.yaml"):
        (approved.cwd / name).unlink()
    assert ("tool-broadens", "tool:list_orders") in changes(diff.run(approved.world()))
