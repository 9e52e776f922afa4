"""Two people on two branches, with the git that is installed: approvals merge, blocks hold, and what cannot be merged is a conflict."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from caskmcp.govern import admit, content, lockfile, offer, sign
from caskmcp.model.pack import PackFiles
from caskmcp.store.files import LocalFiles
from caskmcp.store.layout import Pack
from caskmcp.workflows import gitlines
from tests.support import packs
from tests.support.packs import SHARED, T1, T2
from tests.support.terminal import environment, shim
from tests.support.world import NOON

ROOT = packs.root(T1, T2)
DRIVERS = (("merge.cask-lock.driver", "cask git merge-lock %O %A %B"), ("diff.cask-surface.command", "cask git diff-surface"))


class Repository:
    """A checkout of a project with one toolpack."""

    def __init__(self, folder: Path, *, drivers: bool) -> None:
        self.folder = folder
        folder.mkdir()
        path = f"{shim(folder.parent / 'bin').parent}:/usr/bin:/bin"
        people = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b.c", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b.c"}
        self.env = {**environment(folder.parent), **people, "PATH": path, "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null"}
        self.git("init", "-q", "-b", "main")
        for name, value in DRIVERS if drivers else ():
            self.git("config", name, value)
        gitlines.add(LocalFiles(), folder, folder / ".caskmcp")

    def git(self, *words: str, status: int = 0) -> str:
        done = subprocess.run(["git", *words], cwd=self.folder, env=self.env, capture_output=True, text=True, check=False)
        assert done.returncode == status, (words, done.stdout, done.stderr)
        return done.stdout + done.stderr

    def commit(self, files: PackFiles) -> None:
        """Write the pack with the content of what it approves, as a gate does, and commit it."""
        pack = packs.write(files, self.folder / ".caskmcp")
        for each in offer.parse(files).contents.values():
            content.keep(LocalFiles(), pack, each)
        self.git("add", "-A")
        self.git("commit", "-qm", "x")

    def branch(self, name: str, *changes: Callable[[PackFiles], PackFiles], start: PackFiles) -> PackFiles:
        """A branch off main with some changes."""
        self.git("checkout", "-q", "-b", name, "main")
        for change in changes:
            start = change(start)
        self.commit(start)
        return start

    @property
    def pack(self) -> Pack:
        return Pack(self.folder / ".caskmcp" / "toolpacks" / "shop")

    def served(self) -> list[str]:
        found = offer.read(LocalFiles(), self.pack)
        return list(admit.admit(found, pin=packs.pin_of(ROOT), condition=None, environment=None, at=NOON).tools)


def approving(*subjects: str, by: sign.Signer, sequence: int = 2) -> Callable[[PackFiles], PackFiles]:
    return lambda files: packs.approve(files, *subjects, by=by, sequence=sequence)


def start(*tools: str) -> PackFiles:
    """A pack with a trust root of two people, in which the shared subjects are approved."""
    files = packs.pack_files(tuple(packs.tool(name) for name in tools), declared={})
    return packs.approve(packs.with_roots(files, sign.sign_root(ROOT, T1)), *SHARED)


@pytest.mark.feature(71)
def test_approvals_of_two_branches_merge_with_the_driver_even_side_by_side(tmp_path: Path) -> None:
    """Both add `tool:…` blocks at the same place of the lock, and both approve `both`: text alone would be a conflict."""
    here, first = Repository(tmp_path / "p", drivers=True), start("both", "one", "two")
    here.commit(first)
    here.branch("alice", approving("tool:one", "tool:both", by=T1), start=first)
    here.branch("bob", approving("tool:two", "tool:both", by=T2), start=first)
    here.git("merge", "-q", "alice", "-m", "together")
    assert here.served() == ["both", "one", "two"]
    rows = lockfile.read(here.pack.lock.read_bytes(), "shop").lock.subjects["tool:both"]
    assert {row.statement.key for row in rows} == {T1.id, T2.id}
    assert here.git("status", "--porcelain") == ""


def test_without_the_driver_text_side_by_side_is_a_conflict_and_text_apart_merges(tmp_path: Path) -> None:
    here, first = Repository(tmp_path / "p", drivers=False), packs.approve(start("a", "b", "c"), "tool:b")
    here.commit(first)
    here.branch("alice", approving("tool:a", by=T1), start=first)
    here.branch("bob", approving("tool:c", by=T2), start=first)
    here.git("merge", "-q", "alice", "-m", "together")
    assert here.served() == ["a", "b", "c"]
    here.branch("carol", approving("tool:a", by=T2, sequence=5), start=first)
    assert "CONFLICT" in here.git("merge", "alice", status=1)


def test_a_block_on_one_branch_holds_after_the_merge_whatever_the_other_approved(tmp_path: Path) -> None:
    here, first = Repository(tmp_path / "p", drivers=True), packs.approve(start("a", "b"), "tool:a", "tool:b")
    here.commit(first)
    here.branch("block", lambda files: packs.block(files, "tool:a", sequence=2), start=first)
    here.branch("renew", approving("tool:a", by=T1, sequence=7), start=first)
    here.git("merge", "-q", "block", "-m", "together")
    assert here.served() == ["b"]


@pytest.mark.parametrize("spoil", [b"not a lock\n", b"schema: caskmcp/lock/1\ntoolpack: other\nsubjects: {}\n"])
def test_a_lock_that_cannot_be_read_is_a_conflict_and_stays_as_it_was(tmp_path: Path, spoil: bytes) -> None:
    here, first = Repository(tmp_path / "p", drivers=True), start("a", "b")
    here.commit(first)
    mine = here.branch("alice", approving("tool:a", by=T1), start=first)
    here.git("checkout", "-q", "-b", "broken", "main")
    here.pack.lock.write_bytes(spoil)
    here.git("commit", "-qam", "x")
    here.git("checkout", "-q", "alice")
    said = here.git("merge", "broken", status=1)
    assert "CONFLICT" in said
    assert "the lock cannot be merged: CASK-L001" in said
    assert here.pack.lock.read_bytes() == mine.lock
    assert here.git("diff", "--name-only", "--diff-filter=U").strip() == here.pack.lock.relative_to(here.folder).as_posix()


def test_two_versions_of_the_trust_root_on_two_branches_are_a_conflict(tmp_path: Path) -> None:
    here, first = Repository(tmp_path / "p", drivers=True), start("a")
    here.commit(first)
    for name, holders in (("alice", (T1,)), ("bob", (T1, T2, packs.U1))):
        second = sign.sign_root(packs.root(*holders, version=2), T1)
        here.branch(name, lambda files, second=second: packs.with_roots(files, sign.sign_root(ROOT, T1), second), start=first)  # type: ignore[misc]
    assert "CONFLICT" in here.git("merge", "alice", status=1)
    assert here.git("diff", "--name-only", "--diff-filter=U").strip().endswith("trust/2.root.json")


@pytest.mark.feature(71)
def test_git_diff_shows_tools_that_came_went_and_changed(tmp_path: Path) -> None:
    here, tools = Repository(tmp_path / "p", drivers=True), (packs.R, packs.W, packs.X)
    here.commit(packs.pack_files(tools))
    other = packs.R.model_copy(update={"request": packs.R.request.model_copy(update={"host": "evil.example.com"})})
    packs.write(packs.pack_files((other, packs.W, packs.C)), here.folder / ".caskmcp")
    said = here.git("diff", "--", "*tools.json").splitlines()
    assert said[0] == "cask git diff-surface .caskmcp/toolpacks/shop/artifact/tools.json"
    assert any(line.startswith("+ c  critical  destructive DELETE api.example.com/orders/{order_id}/c") for line in said)
    assert "- x  low  read GET api.example.com/orders/{order_id}/x" in said
    changed = [line for line in said if line.startswith("~ ")]
    assert len(changed) == 1
    assert changed[0].startswith("~ r  low  allows other things")
    assert changed[0].endswith("api.example.com -> evil.example.com")
    here.pack.artifact("tools.json").write_text("{")
    assert "cannot be compared tool by tool" in here.git("diff", "--", "*tools.json")
    assert "+{" in here.git("diff", "--no-ext-diff", "--", "*tools.json"), "the text can be shown without the driver"
