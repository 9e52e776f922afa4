"""A disk that fails while a bundle is written or installed: the old toolpack or the new one lies there, and the same command again ends well.

Runs with `CASK_EVERY_CHANGE=1` alone: each change in each mode is a process or two. The moments at which folders change their names are tried
in each run, in this process, by `tests/unit/workflows/test_install.py`.
"""

import itertools
import os
from pathlib import Path
from typing import Final

import pytest

from caskmcp.govern import trust
from tests.support import bundles, packs
from tests.support.bundles import tree
from tests.support.faults import KILLED, MODES, Faults, Trial, library
from tests.support.terminal import CASK, environment

EVERY: Final = os.environ.get("CASK_EVERY_CHANGE") == "1"
pytestmark = [
    pytest.mark.skipif(not EVERY, reason="a process for each change: CASK_EVERY_CHANGE=1"),
    pytest.mark.skipif(library() is None, reason="needs Linux and a C compiler"),
    pytest.mark.slow,
    pytest.mark.timeout(7200),
]
PLACE: Final = ".caskmcp/toolpacks/shop"
OLD: Final = packs.approved_pack()
NEW: Final = packs.approve(OLD, "tool:r", sequence=5)


def moments(changes: int) -> list[tuple[int, str]]:
    """Every change in every mode."""
    return list(itertools.product(range(1, changes + 1), MODES))


class Desk:
    """A project with the older toolpack, and the bundle of the newer one beside it."""

    def __init__(self, folder: Path) -> None:
        self.project = folder / "project"
        bundles.laid(OLD, folder / "made-old")
        members = bundles.made(bundles.laid(OLD, self.project / ".caskmcp"))
        (self.project / PLACE / "lockfile/caskmcp.lock.pending.yaml").unlink()
        self.old = tree(self.project / PLACE)
        self.new = {**self.old, "lockfile/caskmcp.lock.yaml": NEW.lock or b""}
        bundles.put(
            bundles.edited(members, lambda found: found.update({"lockfile/caskmcp.lock.yaml": NEW.lock or b""})), folder / "new.zip"
        )
        (folder / "home").mkdir()
        self.env = environment(folder / "home", CASK_TRUST_PIN=str(trust.root_digest(packs.ROOT)))
        self.folder = folder

    def run(self, *words: str, mode: str = "kill", at: int = 0) -> Trial:
        return Faults(self.project, self.env).run([*CASK, *words], self.project, mode=mode, at=at)

    def lying(self) -> dict[str, bytes]:
        return tree(self.project / PLACE)


def ended(trial: Trial, mode: str) -> bool:
    if mode in ("kill", "torn"):
        return trial.exit in (KILLED, 0)
    return trial.exit == 0 or (trial.exit == 5 and "error: CASK-W001 " in trial.said and "Traceback" not in trial.said)


def test_an_installation_leaves_old_or_new_and_the_next_one_ends_it(tmp_path: Path) -> None:
    first = tmp_path / "0"
    first.mkdir()
    whole = Desk(first)
    changes = whole.run("install", "../new.zip").changes
    assert whole.lying() == whole.new
    assert changes > 15
    for number, (at, mode) in enumerate(moments(changes), 1):
        (tmp_path / str(number)).mkdir()
        desk = Desk(tmp_path / str(number))
        trial = desk.run("install", "../new.zip", mode=mode, at=at)
        assert ended(trial, mode), (at, mode, trial)
        assert desk.lying() in (desk.old, desk.new), (at, mode)
        assert desk.run("install", "../new.zip").exit == 0
        assert desk.lying() == desk.new, (at, mode)
        assert [path.name for path in (desk.project / ".caskmcp/toolpacks").iterdir()] == ["shop"], (at, mode)


def test_a_bundle_is_there_as_a_whole_or_not_at_all(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    changes = desk.run("bundle").changes
    whole = (desk.project / "shop.bundle.zip").read_bytes()
    for at, mode in moments(changes):
        (desk.project / "shop.bundle.zip").unlink(missing_ok=True)
        trial = desk.run("bundle", mode=mode, at=at)
        assert ended(trial, mode), (at, mode, trial)
        found = desk.project / "shop.bundle.zip"
        assert not found.exists() or found.read_bytes() == whole
    assert desk.run("bundle").exit == 0
    assert (desk.project / "shop.bundle.zip").read_bytes() == whole
    assert [path.name for path in desk.project.iterdir() if path.name.endswith(".cask-tmp")] == []
