"""One tool of fifty changes: forty-nine approvals stay, one waits, and its difference is read from the lock's own content alone."""

import shutil
from pathlib import Path

import pytest

from caskmcp.ports import World
from caskmcp.store.layout import Root
from caskmcp.workflows import approve, build, check, diff, gate, reviewing
from tests.support import signed
from tests.support.world import world

CHANGED = "Get one item of list 7"


def rebuilt(folder: Path) -> World:
    """The project built again with one summary that is worded otherwise."""
    text = (folder / "api.json").read_text()
    assert text.count(CHANGED + '"') == 1
    (folder / "api.json").write_text(text.replace(CHANGED + '"', CHANGED + ', and all about it"'))
    made = world(folder, config=folder.parent / "config" / "caskmcp")
    build.run(made)
    return made


@pytest.mark.feature(59)
@pytest.mark.feature(60)
def test_forty_nine_stay_valid_and_one_waits_with_its_difference(tmp_path: Path) -> None:
    signed.built(tmp_path / "p", tmp_path / "config" / "caskmcp", 50)
    made = rebuilt(tmp_path / "p")
    rows = gate.status(made).tables["tools"]
    assert [row["id"] for row in rows if row["status"] == "pending"] == ["get_item7"]
    assert sum(row["status"] == "approved" for row in rows) == 49
    gated = gate.check(made)
    assert (gated.exit, [row.subject for row in gated.findings]) == (1, ["tool:get_item7"])

    (item,) = reviewing.items(made, Root(tmp_path / "p" / ".caskmcp").pack("shop"))
    assert [line.strip() for line in item.lines if line.strip().startswith("~")] == [
        f'~ title: "{CHANGED}" -> "{CHANGED}, and all about it"'
    ]

    # A clone with git's files alone, no source and no pin: the old words come from the lock.
    clone = tmp_path / "clone"
    for part in ("lockfile", "artifact", "trust", "toolpack.yaml"):
        place = Path(".caskmcp/toolpacks/shop") / part
        (clone / place).parent.mkdir(parents=True, exist_ok=True)
        copy = shutil.copytree if (tmp_path / "p" / place).is_dir() else shutil.copy
        copy(tmp_path / "p" / place, clone / place)
    report = diff.run(world(clone))
    changes = report.tables["changes"]
    assert {row["subject"] for row in changes} == {"tool:get_item7"}
    assert any(row["before"] == CHANGED and row["after"] == f"{CHANGED}, and all about it" for row in changes)

    pack = Root(tmp_path / "p" / ".caskmcp").pack("shop")
    before = pack.lock.read_bytes().splitlines()
    others = tuple(subject for subject in gate.look(made).survey.offer.contents if subject != "tool:get_item7")
    assert approve.sign_present(made, pack, signed.BY, basis="spec", leaving_out=others, reason="reviewed again") == 1
    assert check.run(made, only=("lock", "signatures")).exit == 0
    assert len(set(pack.lock.read_bytes().splitlines()) - set(before)) <= 5, "one tool is one block"
