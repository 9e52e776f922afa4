"""A critical tool that takes two people: two homes, two branches, real terminals, the git that is installed."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from caskmcp.govern import admit, offer, pins
from caskmcp.govern import keys as private
from caskmcp.store.files import LocalFiles
from caskmcp.store.layout import Pack
from caskmcp.workflows import gate
from tests.support import packs
from tests.support.terminal import CASK, Finished, Terminal, environment, shim, without_terminal
from tests.support.world import world

SPEC = Path(__file__).parents[1] / "unit" / "workflows" / "shop.yaml"
MANIFEST = "version: 1\nname: shop\nhosts: [api.shop.example]\nsources: [{openapi: shop.yaml}]\ntools: {risk: {refund_payment: {tier: critical, reason: it is money}}}\n"
FILES = LocalFiles()


class Person:
    """Somebody with a home, a key and a checkout of the project."""

    def __init__(self, folder: Path, name: str) -> None:
        self.name, self.home, self.project = name, folder / name, folder / f"{name}-checkout"
        self.home.mkdir()
        git = {"GIT_AUTHOR_NAME": name, "GIT_AUTHOR_EMAIL": "a@b.c", "GIT_COMMITTER_NAME": name, "GIT_COMMITTER_EMAIL": "a@b.c"}
        self.env = {**environment(self.home), **git, "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null"}
        self.env["PATH"] = f"{shim(folder / 'bin').parent}:{self.env['PATH']}"
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(private, "ROUNDS", 1)  # the passphrase stands below
            private.save(FILES, self.config, packs.signer(name), "word")

    @property
    def config(self) -> Path:
        return self.home / ".config" / "caskmcp"

    def says(self, *words: str, typed: tuple[str, ...] = ("shop",), asked: str = "") -> str:
        """A command on a terminal that asks for the passphrase and then for names; what was printed."""
        with Terminal.spawn([*CASK, *words], self.project, self.env) as at:
            if asked:
                at.expect("Reason:").send(asked)
            at.expect(f"Passphrase for {self.name}:").send("word")
            for name in typed:
                at.expect(f"Type `{name}` to sign:").send(name)
            done = at.finish()
        assert done.exit == 0, done.transcript
        return done.transcript

    def pipe(self, *words: str) -> Finished:
        return without_terminal([*CASK, *words], cwd=self.project, env=self.env)

    def git(self, *words: str) -> str:
        done = subprocess.run(["git", *words], cwd=self.project, env=self.env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        return done.stdout

    def commit(self, subject: str) -> None:
        self.git("add", "-A")
        self.git("commit", "-qm", subject)

    def tool(self, name: str) -> dict[str, Any]:
        """A row of `gate status`."""
        report = gate.status(world(self.project, config=self.config))
        return next(row for row in report.tables["tools"] if row["id"] == name)

    def served(self) -> list[str]:
        """What the door lets through here, under this person's pin."""
        files = offer.read(FILES, Pack(self.project / ".caskmcp/toolpacks/shop"))
        pin = pins.stored(FILES, self.config, "shop")
        return list(admit.admit(files, pin=pin, condition=None, environment=None, at="2026-11-21T12:00:00Z").tools)


CRITICAL = "refund_payment"


@pytest.mark.feature(57)
def test_a_critical_tool_with_one_of_two_signatures_stays_blocked_until_the_second_person_signed(tmp_path: Path) -> None:
    alice, bob = Person(tmp_path, "alice"), Person(tmp_path, "bob")
    alice.project.mkdir()
    (alice.project / "cask.yaml").write_text(MANIFEST)
    shutil.copy(SPEC, alice.project)
    shutil.copy(bob.config / "keys" / "bob.pub", alice.project)
    assert alice.pipe("build").exit == 0
    alice.says("trust", "init", "--key", "alice", typed=())
    shown = alice.says("trust", "edit", "--add-key", "bob.pub", "--role", "approver", "--tiers", "critical", "--threshold", "2")
    assert "+ approver of critical: 2 of alice, bob" in shown

    # alice signs on one branch: it is not enough, and it says so
    alice.git("init", "-q", "-b", "main")
    alice.git("config", "merge.cask-lock.driver", "cask git merge-lock %O %A %B")
    assert alice.pipe("init").exit == 0
    alice.commit("Compile")
    alice.git("checkout", "-qb", "alice")
    alice.says("gate", "allow", CRITICAL, "policy", "--reason", "refunds", typed=("shop", CRITICAL))
    waits = alice.tool(CRITICAL)
    assert (waits["risk"], waits["status"], waits["approved_by"], waits["why"]) == ("critical", "pending", ["alice"], "1 of 2 signatures")
    assert "1 of 2 signatures" in alice.pipe("gate", "status").transcript
    assert alice.served() == []
    alice.commit("Approve refunds")

    # bob, in a clone, knows of none of it: he accepts the root once, and signs on another branch
    subprocess.run(["git", "clone", "-q", "-b", "main", str(alice.project), str(bob.project)], env=bob.env, check=True)
    bob.git("config", "merge.cask-lock.driver", "cask git merge-lock %O %A %B")
    with Terminal.spawn([*CASK, "trust", "pin"], bob.project, bob.env) as at:
        assert at.finish().exit == 0
    bob.git("checkout", "-qb", "bob")
    bob.says("gate", "allow", CRITICAL, "policy", "--reason", "refunds", typed=("shop", CRITICAL))
    assert (bob.tool(CRITICAL)["approved_by"], bob.served()) == (["bob"], [])
    bob.commit("Approve refunds")

    # together they are two
    bob.git("fetch", "-q", "origin", "alice")
    bob.git("merge", "-q", "FETCH_HEAD", "-m", "together")
    assert (bob.tool(CRITICAL)["status"], bob.tool(CRITICAL)["approved_by"]) == ("approved", ["alice", "bob"])
    assert bob.served() == [CRITICAL]
